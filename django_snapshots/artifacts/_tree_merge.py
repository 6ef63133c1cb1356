"""Completes a new tree by what only the old one has, so that a restore keeps it: beforehand, and what came meanwhile.

The old tree may be changed by others meanwhile, and the restore may run as root: folders are opened one below the
other and links are never followed.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from django_snapshots.artifacts._remarks import shown
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotArtifactError
from django_snapshots.files import write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["keep_others", "take_over"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_HARD_LINK = {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.EACCES, errno.EOPNOTSUPP}


def keep_others(old: Path, new: Path, omit: Callable[[os.DirEntry[str]], bool]) -> None:
    """Put everything into the tree `new` that only the tree `old` has; files as hard links where that is allowed.

    Args:
        old: The live folder; it is not changed. A missing one has nothing to keep.
        new: What was extracted.
        omit: Says of an entry at the top of `old` that it is no part of the data.

    Raises:
        SnapshotArtifactError: A name is a folder in one and something else in the other.
        OSError: Something could not be read or written.
    """
    try:
        _merge_trees(old, new, omit)
    except _ClashError as clash:
        raise SnapshotArtifactError(
            f"{clash}: a merge cannot keep both. Nothing was changed. Move it away, or restore without --merge.",
            artifact="",
        ) from None


def take_over(replaced: Path, live: Path, omit: Callable[[os.DirEntry[str]], bool]) -> None:
    """Put into the folder `live` what others wrote to the tree `replaced` after `keep_others` had read it.

    Args:
        replaced: The tree that `live` has just taken the place of; it is not changed.
        live: The folder as it is now; what it has stays.
        omit: As of `keep_others`.

    Raises:
        SnapshotArtifactError: A name is a folder in one and something else in the other.
        OSError: Something could not be read or written.
    """
    try:
        _merge_trees(replaced, live, omit)
    except _ClashError as clash:
        raise SnapshotArtifactError(str(clash), artifact="") from None


class _ClashError(Exception):
    """A name is a folder in one tree and something else in the other."""


def _merge_trees(old: Path, new: Path, omit: Callable[[os.DirEntry[str]], bool]) -> None:
    try:
        source = os.open(old, _FOLDER)
    except FileNotFoundError:
        return
    try:
        target = os.open(new, _FOLDER)
        try:
            _merge(source, target, "", omit)
        finally:
            os.close(target)
    finally:
        os.close(source)


def _merge(source: int, target: int, above: str, omit: Callable[[os.DirEntry[str]], bool]) -> None:
    with os.scandir(source) as entries:
        found = [(entry, _lstat(target, entry.name)) for entry in entries if not omit(entry)]
    # A folder that lacks nothing is left alone: it may be another user's by now.
    with _writable(target) if any(there is None for _, there in found) else nullcontext():
        for entry, there in found:
            if entry.is_dir(follow_symlinks=False):
                _merge_folder(source, target, entry.name, above, there)
            elif there is None:
                _keep_file(source, target, entry.name)
            elif stat.S_ISDIR(there.st_mode):
                raise _ClashError(f"{shown(above + entry.name)} is a file here and a folder in the snapshot")


def _merge_folder(source: int, target: int, name: str, above: str, there: os.stat_result | None) -> None:
    if there is not None and not stat.S_ISDIR(there.st_mode):
        raise _ClashError(f"{shown(above + name)} is a folder here and a file in the snapshot")
    inner_source = os.open(name, _FOLDER, dir_fd=source)
    try:
        if there is None:
            os.mkdir(name, 0o700, dir_fd=target)
        inner_target = os.open(name, _FOLDER, dir_fd=target)
        try:
            _merge(inner_source, inner_target, f"{above}{name}/", lambda _entry: False)
            if there is None:
                _imitate(os.fstat(inner_source), inner_target)
        finally:
            os.close(inner_target)
    finally:
        os.close(inner_source)


def _keep_file(source: int, target: int, name: str) -> None:
    try:
        os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        return  # deleted meanwhile: it is no longer there to be kept
    except OSError as error:
        if error.errno not in _NO_HARD_LINK:
            raise
        _copy(source, target, name)


def _copy(source: int, target: int, name: str) -> None:
    # Linux refuses links to files of other users (proc_sys_fs(5), protected_hardlinks).
    found = os.stat(name, dir_fd=source, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        return
    if not stat.S_ISREG(found.st_mode):
        return  # a socket, FIFO or device, which no backup takes either
    reading = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=source)
    try:
        writing = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target)
        try:
            while chunk := os.read(reading, CHUNK_SIZE):
                write_all(writing, chunk)
            _imitate(os.fstat(reading), writing)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _imitate(model: os.stat_result, descriptor: int) -> None:
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (model.st_uid, model.st_gid) and os.geteuid() == 0:
        os.fchown(descriptor, model.st_uid, model.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(model.st_mode))
    os.utime(descriptor, ns=(model.st_atime_ns, model.st_mtime_ns))


@contextmanager
def _writable(folder: int) -> Iterator[None]:
    """Let entries be made in the folder, which has its mode and times afterwards as before."""
    before = os.fstat(folder)
    os.fchmod(folder, stat.S_IMODE(before.st_mode) | stat.S_IRWXU)
    try:
        yield
    finally:
        os.fchmod(folder, stat.S_IMODE(before.st_mode))
        os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))


def _lstat(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
