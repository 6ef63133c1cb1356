"""Temporary directories that are removed at the end, and swept by a later run when theirs was killed.

Every directory holds a lock file that its process keeps locked (flock), so a leftover is told from one in use
without trusting process ids. One that may hold the only copy of something says so by its name and is not swept.
No Django; the one module of the lowest layer that touches the file system.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from django_snapshots.errors import SnapshotSpaceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

__all__ = [
    "SCRATCH_PREFIX",
    "UNFINISHED_PREFIX",
    "ScratchDirectory",
    "flush_directory",
    "format_size",
    "free_space",
    "require_space",
    "reserved_name_mistake",
    "scratch_directory",
    "sweep_scratch",
]

SCRATCH_PREFIX = ".django-snapshots-"
UNFINISHED_PREFIX = f"{SCRATCH_PREFIX}unfinished-"
"""A directory named so is not swept: what it holds may be the only copy."""

_LOCK_NAME = ".lock"
_UNNAMED_LOCK = f"{_LOCK_NAME}.new"
_LOCKING_S = 60.0
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


class ScratchDirectory:
    """A locked private directory (0700) below `parent`.

    Attributes:
        path: The directory. Its lock file is called ".lock".
    """

    def __init__(self, parent: Path | None = None) -> None:
        """Make the directory below `parent`, the system's temporary directory without one.

        Raises:
            OSError: The parent is missing, full, or not writable.
        """
        base = Path(tempfile.gettempdir()) if parent is None else parent
        sweep_scratch(base)
        self.path = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=base))
        self._lock: int | None = _lock(self.path)

    @classmethod
    def adopt(cls, path: Path) -> Self | None:
        """Take over the directory at `path`, left by a killed run of the same user; None where it is none or in use."""
        descriptor = None
        try:
            if path.is_symlink() or path.lstat().st_uid != os.geteuid():
                return None
            descriptor = os.open(path / _LOCK_NAME, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if descriptor is not None:
                os.close(descriptor)
            return None
        adopted = cls.__new__(cls)
        adopted.path = path
        adopted._lock = descriptor  # noqa: SLF001 - this is a constructor of the class itself
        return adopted

    def rename(self, prefix: str) -> Path:
        """Give the directory another prefix, durably, and return its new path.

        With one that does not begin with `SCRATCH_PREFIX` it is an ordinary folder, which no sweep looks at.
        """
        renamed = self.path.with_name(prefix + self.path.name.rpartition("-")[2])
        self.path.rename(renamed)
        self.path = renamed
        flush_directory(renamed.parent)
        return renamed

    def remove(self) -> None:
        """Remove the directory with all it holds; what cannot be removed is left to the next sweep."""
        # The lock file last: a process that is killed in here leaves something that the next sweep recognises.
        for child in _children(self.path):
            if child.is_dir() and not child.is_symlink():
                _remove_tree(child)
            elif child.name != _LOCK_NAME:
                with suppress(OSError):
                    child.unlink()
        if all(child.name == _LOCK_NAME for child in _children(self.path)):
            _remove_tree(self.path)
        self.release()

    def release(self) -> None:
        """Let go of the lock and leave the directory to whoever adopts or sweeps it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextmanager
def scratch_directory(parent: Path | None = None) -> Iterator[Path]:
    """Give a scratch directory for the time of a `with` block."""
    scratch = ScratchDirectory(parent)
    try:
        yield scratch.path
    finally:
        scratch.remove()


def sweep_scratch(parent: Path) -> list[Path]:
    """Remove the scratch directories of killed runs below `parent` and return them.

    A directory whose lock is held, that belongs to another user, or whose name says that it is unfinished, is left
    alone. One without a lock file is about to get it, or was just emptied; after a minute nobody is at it any more. A
    folder that holds anything without one was never ours.
    """
    removed = []
    for candidate in parent.glob(f"{SCRATCH_PREFIX}*"):
        if candidate.name.startswith(UNFINISHED_PREFIX):
            continue
        leftover = ScratchDirectory.adopt(candidate)
        if leftover is not None:
            leftover.remove()
        elif _is_abandoned_without_lock(candidate):
            _remove_without_lock(candidate)
        else:
            continue
        if not os.path.lexists(candidate):
            removed.append(candidate)
    return removed


def reserved_name_mistake(folder: str | os.PathLike[str]) -> tuple[str, str] | None:
    """Return what is wrong with the name of a folder that is to last, and what to do; None where it is no scratch."""
    name = Path(folder).name
    if not name.startswith(SCRATCH_PREFIX):
        return None
    message = f"The folder is called '{name}': names that begin with {SCRATCH_PREFIX} are those of temporary folders."
    return message, "Write another name; a folder that is there can be renamed."


def _is_abandoned_without_lock(directory: Path) -> bool:
    try:
        found = directory.lstat()
    except OSError:
        return False
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return ours and time.time() - found.st_mtime > _LOCKING_S


def _remove_without_lock(directory: Path) -> None:
    """Remove a directory that holds no more than stands in it before its lock; leave any other as it is."""
    with suppress(OSError):
        names = os.listdir(directory)  # noqa: PTH208 - one that cannot be listed must not pass for an empty one
        if names == [_UNNAMED_LOCK]:
            (directory / _UNNAMED_LOCK).unlink()
        directory.rmdir()


def _children(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def flush_directory(directory: Path) -> None:
    """Make the names in `directory` durable (fsync), so that a rename in it survives a power loss.

    Raises:
        OSError: The directory cannot be opened, or its device failed.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_tree(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    if not os.path.lexists(tree):
        return
    # What is left stands in folders that may not be written or read by their owner: data restored with its modes.
    with suppress(OSError):
        tree.chmod(0o700)
    for folder, names, _ in os.walk(tree):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(0o700)
    shutil.rmtree(tree, ignore_errors=True)


def _lock(directory: Path) -> int:
    # Locked before it gets its name: a sweep at the same moment finds either no lock file or a locked one.
    unnamed = directory / _UNNAMED_LOCK
    descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    unnamed.rename(directory / _LOCK_NAME)
    return descriptor


def require_space(location: Path, needed_bytes: int, purpose: str) -> None:
    """Check the free space of the file system that holds `location`.

    Args:
        location: An existing directory.
        needed_bytes: What will be written there.
        purpose: What it is for, as in "a consistent copy of the database".

    Raises:
        SnapshotSpaceError: There is less; nothing was written.
    """
    free_bytes = shutil.disk_usage(location).free
    if free_bytes < needed_bytes:
        raise SnapshotSpaceError(
            f"{purpose[:1].upper()}{purpose[1:]} needs {format_size(needed_bytes)} in {location}, "
            f"which has {format_size(free_bytes)} free. Free some space there and try again.",
            location=str(location),
            needed_bytes=needed_bytes,
            free_bytes=free_bytes,
        )


def free_space(location: Path) -> int | None:
    """Return the free bytes of the file system that has `location`, or will have it; None where that is not known."""
    for folder in (location, *location.parents):
        with suppress(OSError):
            return shutil.disk_usage(folder).free
    return None


def format_size(size_bytes: float) -> str:
    """Return a size for people, such as "1.4 GiB"."""
    power = 0
    while size_bytes >= 1024 and power < len(_UNITS) - 1:  # noqa: PLR2004 - the step between binary units
        size_bytes /= 1024
        power += 1
    return f"{size_bytes:.0f} B" if power == 0 else f"{size_bytes:.1f} {_UNITS[power]}"
