"""Two system calls that Python's `os` does not have: renameat2(2) with RENAME_EXCHANGE, and syncfs(2)."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["exchange", "flush_file_system"]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NOT_OFFERED = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})


def exchange(first: Path, second: Path) -> bool:
    """Let two paths of one file system change places, in one step that no reader sees half done.

    Returns:
        False where the kernel or the file system does not offer this; nothing was changed.

    Raises:
        OSError: It failed, for example because one of them is missing; nothing was changed.
    """
    renameat2 = getattr(_libc(), "renameat2", None)
    if renameat2 is None:
        return False
    arguments = (_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    if renameat2(*arguments) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_OFFERED:
        return False
    raise OSError(number, os.strerror(number), str(first), None, str(second))


def flush_file_system(folder: int) -> None:
    """Write everything to disk that the file system of the open `folder` holds in memory.

    One call for all files: fsync of each of 20,000 would wait for the disk 20,000 times.

    Raises:
        OSError: The disk did not take it; sync(2), used where there is no syncfs, does not tell.
    """
    syncfs = getattr(_libc(), "syncfs", None)
    if syncfs is None:
        os.sync()
    elif syncfs(folder) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
