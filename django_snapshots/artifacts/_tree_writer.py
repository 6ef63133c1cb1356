"""Writes what a folder holds as a tar: reads each file once, follows nothing, and records what it could not keep."""

from __future__ import annotations

import os
import stat
from operator import itemgetter
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.artifacts._folder_chain import FolderChain
from django_snapshots.artifacts._owners import OwnerNames
from django_snapshots.artifacts._remarks import Remarks, printable
from django_snapshots.artifacts._tar_format import (
    END_OF_ARCHIVE,
    FOLDER,
    HARD_LINK,
    REGULAR,
    SYMLINK,
    Member,
    encode_member,
    padding,
)
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TreeWriter"]

# Without O_NONBLOCK a file that is exchanged for a FIFO meanwhile would stop the backup for ever.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_ZEROS = bytes(CHUNK_SIZE)


class TreeWriter:
    """One pass over a folder.

    Attributes:
        files: Regular files written, each name of a hard-linked one counted.
        size_bytes: Bytes of their content, a hard-linked one counted once.
        notes: What was left out or changed while it was read.
        problems: What belongs in the tar and is missing.
    """

    def __init__(self, sink: BinaryIO, name: str, *, omit: Callable[[os.DirEntry[str]], bool]) -> None:
        """Prepare to write to `sink`.

        Args:
            sink: Needs `write` only.
            name: What errors call the folder.
            omit: Says which entries at the top are left out without a word.
        """
        self.files = 0
        self.size_bytes = 0
        self.notes = Remarks()
        self.problems = Remarks()
        self._name = name
        self._omit = omit
        self._stream = _ChunkedStream(sink)
        self._owners = OwnerNames()
        self._first_names: dict[tuple[int, ...], bytes] = {}

    def write(self, root: int) -> None:
        """Write the tar of the folder whose file descriptor is `root`: sorted, folders before what they hold.

        Raises:
            SnapshotArtifactError: The folder itself cannot be listed. What the sink raises comes out as it is.
        """
        pending = [b""]
        with FolderChain(root) as folders:
            while pending:
                subfolders = self._write_folder(folders, pending.pop())
                pending.extend(reversed(subfolders))
        self._stream.put(END_OF_ARCHIVE)
        self._stream.flush()

    def _write_folder(self, folders: FolderChain, path: bytes) -> list[bytes]:
        try:
            folder = folders.open(path)
            status = os.fstat(folder)
            entries = self._entries(folder, at_top=not path)
        except OSError as error:
            if not path:
                raise SnapshotArtifactError(
                    f"{self._name} cannot be listed ({error.strerror}). Nothing was stored; remove the cause and try "
                    "again.",
                    artifact="",
                ) from error
            self._lose_folder(path, error)
            return []
        if path:
            self._put_member(path, FOLDER, status)
        subfolders = []
        for name, entry in entries:
            full = b"%b/%b" % (path, name) if path else name
            if entry.is_dir(follow_symlinks=False):
                subfolders.append(full)
            else:
                self._write_entry(folder, name, full, entry)
        return subfolders

    def _entries(self, folder: int, *, at_top: bool) -> list[tuple[bytes, os.DirEntry[str]]]:
        with os.scandir(folder) as found:
            entries = [(os.fsencode(entry.name), entry) for entry in found if not (at_top and self._omit(entry))]
        entries.sort(key=itemgetter(0))
        return entries

    def _lose_folder(self, path: bytes, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            self._note(path, "vanished while the folder was read and was left out")
        else:
            self._miss(path, f"could not be read ({error.strerror}); it is missing with all it holds")

    def _write_entry(self, folder: int, name: bytes, path: bytes, entry: os.DirEntry[str]) -> None:
        try:
            if entry.is_file(follow_symlinks=False):
                self._write_file(folder, name, path)
            elif entry.is_symlink():
                self._write_symlink(folder, name, path)
            else:
                kind = _special_kind(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
                self._note(path, f"is a {kind} and was left out")
        except FileNotFoundError:
            self._note(path, "vanished while the folder was read and was left out")

    def _write_symlink(self, folder: int, name: bytes, path: bytes) -> None:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            target = os.readlink(name, dir_fd=folder)
        except FileNotFoundError:
            raise
        except OSError as error:
            self._miss(path, f"could not be read ({error.strerror}); it is missing")
            return
        if status.st_nlink == 1 or not self._write_hard_link(path, status):
            self._put_member(path, SYMLINK, status, link=target)
            self._keep_first_name(path, status)

    def _write_file(self, folder: int, name: bytes, path: bytes) -> None:
        try:
            file = os.open(name, _FILE_FLAGS, dir_fd=folder)
        except FileNotFoundError:
            raise
        except OSError as error:
            self._miss(path, f"could not be read ({error.strerror}); it is missing")
            return
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                self._miss(path, "was exchanged for something else while the folder was read; it is missing")
            elif status.st_nlink == 1 or not self._write_hard_link(path, status):
                self._write_content(file, path, status)
        finally:
            os.close(file)

    def _write_hard_link(self, path: bytes, status: os.stat_result) -> bool:
        first = self._first_names.get(_file_key(status))
        if first is None:
            return False
        self._put_member(path, HARD_LINK, status, link=first)
        self.files += stat.S_ISREG(status.st_mode)
        return True

    def _keep_first_name(self, path: bytes, status: os.stat_result) -> None:
        # Only of what is in the tar: a link to what could not be read could not be made.
        if status.st_nlink > 1:
            self._first_names[_file_key(status)] = path

    def _write_content(self, file: int, path: bytes, status: os.stat_result) -> None:
        size = left = status.st_size
        failure = ""
        header_bytes = self._put_member(path, REGULAR, status, size=size)
        while left:
            self._stream.make_room()
            try:
                count = self._stream.fill(file, left)
            except OSError as error:
                failure = str(error.strerror)
                break
            if not count:
                break
            left -= count
        if failure and left == size:
            self._stream.take_back(header_bytes)
            self._miss(path, f"could not be read ({failure}); it is missing")
            return
        self._stream.put_zeros(left)
        self._stream.put(padding(size))
        self.files += 1
        self.size_bytes += size
        self._keep_first_name(path, status)
        self._remark_changes(file, path, status, left, failure)

    def _remark_changes(self, file: int, path: bytes, before: os.stat_result, lost: int, failure: str) -> None:
        after = os.fstat(file)
        if lost:
            reason = f"could not be read to its end ({failure})" if failure else "became shorter while it was read"
            self._miss(path, f"{reason}; the last {lost} of its {before.st_size} bytes were stored as zeros")
        elif after.st_size > before.st_size:
            self._note(path, f"grew while it was read; its first {before.st_size} bytes were stored")
        elif after.st_mtime_ns != before.st_mtime_ns:
            self._note(path, "was changed while it was read; old and new parts may be mixed in it")

    def _put_member(self, path: bytes, kind: bytes, status: os.stat_result, *, size: int = 0, link: bytes = b"") -> int:
        # Returns the length of the header; it can be taken back until something else is put.
        uid, gid = status.st_uid, status.st_gid
        uname, gname = self._owners.user(uid), self._owners.group(gid)
        mode = stat.S_IMODE(status.st_mode)
        header = encode_member(Member(path, kind, mode, uid, gid, uname, gname, size, status.st_mtime_ns, link))
        self._stream.put(header)
        return len(header)

    def _note(self, path: bytes, what: str) -> None:
        self.notes.add(f"{printable(path)} {what}")

    def _miss(self, path: bytes, what: str) -> None:
        self.problems.add(f"{printable(path)} {what}")


class _ChunkedStream:
    # One buffer of a chunk, which files are read into where they are wanted: 20,000 files would otherwise be 60,000
    # writes, each of them passed between threads. The sink gets copies, for it may keep what it is given.

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._buffer = memoryview(bytearray(CHUNK_SIZE))
        self._used = 0

    def put(self, piece: bytes) -> None:
        # Takes at most a chunk and never splits it. Room is left behind a header, so that it can be taken back.
        end = self._used + len(piece)
        if end >= CHUNK_SIZE:
            self.flush()
            end = len(piece)
        self._buffer[self._used : end] = piece
        self._used = end

    def put_zeros(self, size: int) -> None:
        for start in range(0, size, CHUNK_SIZE):
            self.put(_ZEROS[: size - start])

    def take_back(self, size: int) -> None:
        self._used -= size

    def make_room(self) -> None:
        if self._used == CHUNK_SIZE:
            self.flush()

    def fill(self, file: int, most: int) -> int:
        # Reads only, and so raises errors of `file` only; returns how many bytes it read.
        count = os.readv(file, [self._buffer[self._used : self._used + most]])
        self._used += count
        return count

    def flush(self) -> None:
        if self._used:
            self._sink.write(bytes(self._buffer[: self._used]))
            self._used = 0


def _file_key(status: os.stat_result) -> tuple[int, ...]:
    # Size and mtime belong to it: a file removed meanwhile may have left its inode number to another.
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _special_kind(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "socket"
    return "FIFO" if stat.S_ISFIFO(mode) else "device"
