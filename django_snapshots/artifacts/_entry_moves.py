"""Moving all that a folder holds, entry by entry: where the folder itself must stay, such as a mount point.

Others may write to the folder meanwhile. What they put in the way of an entry is set aside, never the entry.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from django_snapshots.artifacts._folder_modes import rename
from django_snapshots.artifacts._mounts import LOST_AND_FOUND, has_lost_and_found
from django_snapshots.scratch import SCRATCH_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["clear", "fill", "free_path", "require_movable", "stays"]

_ROUNDS = 10
_IN_THE_WAY = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR})


def stays(folder: Path) -> Callable[[os.DirEntry[str]], bool]:
    """Return what says of an entry of `folder` that it is ours or the file system's, and no part of the data."""
    lost_and_found = LOST_AND_FOUND if has_lost_and_found(folder) else None

    def stays_in_place(entry: os.DirEntry[str]) -> bool:
        return entry.name == lost_and_found or (
            entry.name.startswith(SCRATCH_PREFIX) and entry.is_dir(follow_symlinks=False)
        )

    return stays_in_place


def require_movable(path: Path, filled: Path) -> None:
    """Check that `path` can be renamed, without renaming it.

    A rename to a folder that is not empty always fails, and the errno tells why (POSIX.1-2017, rename()): EEXIST,
    ENOTEMPTY or EISDIR when that is all that is in the way; EBUSY for a mount point, EXDEV for another device or a
    lower layer of overlayfs, EACCES or EPERM where the user may not.

    Args:
        path: What is to be renamed.
        filled: A folder that is not empty, where `path` will go.

    Raises:
        OSError: It cannot be renamed.
    """
    try:
        path.rename(filled)
    except OSError as error:
        if error.errno in _IN_THE_WAY:
            return
        raise
    # Against the standard; what is there now may be the only copy.
    filled.rename(path)
    raise OSError(errno.EIO, "the file system replaces folders that are not empty", str(path))


def clear(folder: Path, into: Path, aside: Path) -> None:
    """Move every entry of `folder` to `into`, but those that stay; one whose name is taken there goes to `aside`.

    Raises:
        OSError: An entry cannot be moved, or others write new ones all the time. Some may have been moved.
    """
    entry_stays = stays(folder)
    for _ in range(_ROUNDS):
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry_stays(entry)]
        if not names:
            return
        for name in names:
            taken = os.path.lexists(into / name)
            with suppress(FileNotFoundError):
                rename(folder / name, free_path(aside, name) if taken else into / name)
    raise OSError(errno.EBUSY, "new files appear as fast as they are moved", str(folder))


def fill(folder: Path, source: Path, aside: Path) -> None:
    """Move every entry of `source` to `folder`; what is in its way there goes to `aside`.

    Raises:
        OSError: An entry cannot be moved. Some may have been moved.
    """
    for entry in list(source.iterdir()):
        place = folder / entry.name
        try:
            rename(entry, place)
        except OSError as error:
            if error.errno not in _IN_THE_WAY:
                raise
            rename(place, free_path(aside, entry.name))
            rename(entry, place)


def free_path(folder: Path, name: str) -> Path:
    """Return a path in `folder`, which is made where it is missing, that nothing has: `name`, or a number."""
    folder.mkdir(exist_ok=True)
    path, number = folder / name, 1
    while os.path.lexists(path):
        path, number = folder / str(number), number + 1
    return path
