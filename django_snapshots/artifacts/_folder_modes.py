"""Modes of folders that their owner may not write, kept on disk while a swap makes them writable to move them.

A folder that gets another parent is written to, its ".." changes, so it must be writable (rename(2), EACCES). A run
killed between making it so and moving it would leave it writable.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["needs_to_be_made_writable", "record_modes", "rename", "restore_modes"]

_RECORD = "modes"


def needs_to_be_made_writable(path: Path) -> bool:
    """Say whether `path` is a folder of this user that this user may not write."""
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and not found.st_mode & stat.S_IWUSR and found.st_uid == os.geteuid()


def rename(source: Path, destination: Path) -> None:
    """Rename `source`, made writable for that moment where it needs to be.

    Raises:
        OSError: As of `os.rename`.
    """
    try:
        source.rename(destination)
    except PermissionError:
        if not needs_to_be_made_writable(source):
            raise
        mode = stat.S_IMODE(source.lstat().st_mode)
        source.chmod(mode | stat.S_IWUSR)
        try:
            source.rename(destination)
        except BaseException:
            source.chmod(mode)
            raise
        destination.chmod(mode)


def record_modes(scratch: Path, trees: Mapping[str, Path]) -> None:
    """Write down, in the scratch directory, the modes of such folders at the top of each tree, under its name."""
    modes = {
        tree: {entry.name: entry.lstat().st_mode for entry in top.iterdir() if needs_to_be_made_writable(entry)}
        for tree, top in trees.items()
    }
    (scratch / _RECORD).write_text(json.dumps(modes), encoding="utf-8")


def restore_modes(scratch: Path, tree: str, folder: Path) -> None:
    """Give the entries of `folder` the modes that were written down for `tree`.

    Raises:
        OSError: A mode cannot be set.
    """
    with (scratch / _RECORD).open(encoding="utf-8") as record:
        modes: dict[str, int] = json.load(record)[tree]
    for name, mode in modes.items():
        path = Path(folder, name)
        if not path.is_symlink() and path.is_dir():
            path.chmod(stat.S_IMODE(mode))
