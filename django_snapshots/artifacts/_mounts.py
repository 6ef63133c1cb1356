"""Where file systems are mounted at or below a folder: renaming stops there. Linux's mountinfo; proc(5)."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["LOST_AND_FOUND", "has_lost_and_found", "mount_points_below"]

LOST_AND_FOUND = "lost+found"
_MOUNT_TABLE = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(rb"\\([0-7]{3})")


def has_lost_and_found(folder: Path) -> bool:
    """Say whether `folder`, a resolved path, is a mount point with the folder that fsck(8) keeps for itself there."""
    try:
        return (folder / LOST_AND_FOUND).is_dir() and (folder in _mount_points() or folder.is_mount())
    except OSError:
        return False


def mount_points_below(folder: Path) -> list[Path]:
    """Return the mount points below `folder`, a resolved path, sorted; none where the system has no mount table."""
    return sorted(point for point in _mount_points() if folder in point.parents)


def _mount_points() -> set[Path]:
    try:
        with _MOUNT_TABLE.open("rb") as table:
            return {_unescaped(line.split(b" ")[4]) for line in table}
    except OSError:
        return set()


def _unescaped(field: bytes) -> Path:
    # Blanks, line ends and backslashes stand in the table as three octal digits.
    return Path(os.fsdecode(_ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), field)))
