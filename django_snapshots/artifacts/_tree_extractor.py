"""Puts the members of a tar below a new, empty folder, and nothing anywhere else.

A member may only be a file, folder, symlink or hard link whose parents are real folders of the same tar. Symlinks are
made as they were, wherever they point, and never gone through.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.artifacts._folder_chain import FolderChain
from django_snapshots.artifacts._owners import OwnerNumbers
from django_snapshots.artifacts._remarks import printable, refusal
from django_snapshots.artifacts._tar_format import FOLDER, HARD_LINK, REGULAR, SYMLINK, Member
from django_snapshots.artifacts._tar_reader import TarReader
from django_snapshots.errors import SnapshotArtifactError
from django_snapshots.files import write_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_snapshots.artifacts._tree_facts import TreeFacts

__all__ = ["extract_tree", "inner_path"]

_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_IMPLIED_FOLDER_MODE = 0o755
_ADVICE = {
    errno.ENOSPC: "Free some space and try again",
    errno.EDQUOT: "Free some space, or raise the quota, and try again",
    errno.EPERM: "Restore as the user who owns the files; root may not give files away here",
    errno.EINVAL: "Restore as the user who owns the files; root of a container does not have every owner",
}


def extract_tree(source: BinaryIO, root: int, expected: TreeFacts) -> None:
    """Extract the tar `source`, read to its end, below the empty folder whose file descriptor is `root`.

    Raises:
        SnapshotArtifactError: The tar is damaged, holds what is not extracted, more or less than `expected`, or the
            disk did not take it. What was extracted so far is left to the caller.
    """
    reader = TarReader(source)
    with FolderChain(root) as folders, FolderChain(root) as link_folders:
        extraction = _Extraction(reader, folders, link_folders, expected)
        for member in reader.members():
            extraction.place(member)
        extraction.finish()


class _Extraction:
    # Where an extraction stands. Folders get their modes and times last: both change, or forbid, what goes into them.

    def __init__(self, reader: TarReader, folders: FolderChain, link_folders: FolderChain, expected: TreeFacts) -> None:
        self._reader = reader
        self._folders = folders
        self._link_folders = link_folders
        self._expected = expected
        self._files = 0
        self._size_bytes = 0
        self._now_ns = time.time_ns()
        self._owners = OwnerNumbers() if os.geteuid() == 0 else None
        # Folder to its member, or to None while only members below it were seen.
        self._made: dict[bytes, Member | None] = {}
        self._makers: dict[bytes, Callable[[int, bytes, bytes, Member], None]] = {
            REGULAR: self._make_file,
            FOLDER: self._make_folder,
            SYMLINK: self._make_symlink,
            HARD_LINK: self._make_hard_link,
        }

    def place(self, member: Member) -> None:
        path = inner_path(member.name, member)
        if not path:
            # "./" is the folder itself, which takes after the one it replaces.
            if member.kind != FOLDER:
                raise refusal(f"{printable(member.name)!r} is no name of a file")
            return
        folder, _, name = path.rpartition(b"/")
        try:
            self._makers[member.kind](self._open_parent(folder), name, path, member)
        except OSError as error:
            raise _translated(error, path) from error

    def finish(self) -> None:
        # A path sorts after those above it, so reversed each folder comes after all that it holds.
        for path in sorted(self._made, reverse=True):
            member = self._made[path]
            try:
                if member is None:
                    os.fchmod(self._folders.open(path), _IMPLIED_FOLDER_MODE)
                else:
                    self._settle(self._folders.open(path), member)
            except OSError as error:
                raise _translated(error, path) from error
        self._compare("files", self._files, self._expected.files)
        self._compare("bytes of files", self._size_bytes, self._expected.size_bytes)

    def _compare(self, what: str, found: int, expected: int | None) -> None:
        if expected is not None and found != expected:
            raise refusal(f"it holds {found} {what}, the manifest says {expected}")

    def _open_parent(self, folder: bytes) -> int:
        try:
            return self._folders.open(folder)
        except FileNotFoundError:
            # Some programs leave out the folders when they are given the files.
            names = folder.split(b"/")
            for depth, name in enumerate(names):
                path = b"/".join(names[: depth + 1])
                if path not in self._made:
                    os.mkdir(name, 0o700, dir_fd=self._folders.open(b"/".join(names[:depth])))
                    self._made[path] = None
            return self._folders.open(folder)

    def _make_folder(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        if self._made.get(path, member) is not None:
            os.mkdir(name, 0o700, dir_fd=parent)
        self._made[path] = member

    def _make_file(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        self._files += 1
        self._size_bytes += member.size
        if self._expected.size_bytes is not None and self._size_bytes > self._expected.size_bytes:
            raise refusal(f"with {printable(path)} it holds more than the {self._expected.size_bytes} bytes it should")
        file = os.open(name, _FILE_FLAGS, 0o600, dir_fd=parent)
        try:
            for piece in self._reader.content():
                write_all(file, piece)
            self._settle(file, member)
        finally:
            os.close(file)

    def _make_symlink(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        if b"\0" in member.link:
            raise refusal(f"{printable(path)} is a symlink to {printable(member.link)}, which is no path")
        os.symlink(member.link, name, dir_fd=parent)
        if self._owners is not None:
            uid, gid = self._owners.user(member.uname, member.uid), self._owners.group(member.gname, member.gid)
            os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        os.utime(name, ns=(self._now_ns, member.mtime_ns), dir_fd=parent, follow_symlinks=False)

    def _make_hard_link(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        folder, _, target = inner_path(member.link, member).rpartition(b"/")
        target_parent, mode = -1, 0
        with suppress(FileNotFoundError, NotADirectoryError):
            target_parent = self._link_folders.open(folder)
            mode = os.stat(target, dir_fd=target_parent, follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
            raise refusal(f"{printable(path)} is a hard link to {printable(member.link)}, no file before it in the tar")
        os.link(target, name, src_dir_fd=target_parent, dst_dir_fd=parent, follow_symlinks=False)
        self._files += stat.S_ISREG(mode)

    def _settle(self, file: int, member: Member) -> None:
        # The owner first: a change of it takes the setuid and setgid bits away (chown(2)).
        if self._owners is not None:
            uid, gid = self._owners.user(member.uname, member.uid), self._owners.group(member.gname, member.gid)
            os.fchown(file, uid, gid)
        os.fchmod(file, member.mode)
        os.utime(file, ns=(self._now_ns, member.mtime_ns))


def inner_path(name: bytes, member: Member) -> bytes:
    """Return the path below the root, b"" for the root itself, without "." and doubled slashes.

    Args:
        name: The name of `member`, or what it links to.
        member: Named by the error.

    Raises:
        SnapshotArtifactError: It leads out of the folder.
    """
    parts = [part for part in name.split(b"/") if part not in {b"", b"."}]
    if name.startswith(b"/") or b".." in parts or b"\0" in name or not name:
        raise refusal(f"{printable(member.name)} leads to {printable(name)!r}, out of the folder")
    return b"/".join(parts)


def _translated(error: OSError, path: bytes) -> SnapshotArtifactError:
    name = printable(path)
    if error.errno == errno.EEXIST:
        return refusal(f"{name} stands in it twice")
    if error.errno in {errno.ENOTDIR, errno.ELOOP}:
        return refusal(f"{name} stands below a link or a file")
    advice = _ADVICE.get(error.errno or 0, "Remove the cause and try again")
    return SnapshotArtifactError(
        f"{name} could not be made ready beside its target ({error.strerror}). Nothing was replaced. {advice}.",
        artifact="",
    )
