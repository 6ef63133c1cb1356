"""What a folder looks like whose disk is not mounted: never to be taken for one that holds nothing. No Django."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["missing_disk"]


def missing_disk(location: Path) -> str | None:
    """Say why a folder that does not exist may be one on a disk that is not mounted, and what to do.

    Args:
        location: Absolute path, of which the system said that there is nothing.

    Returns:
        Text for people; None for a folder that only has not been made yet, in one that is there.
    """
    if location.is_symlink():
        found = f"{location} is a symbolic link to {location.readlink()}, which does not exist"
        needed = Path(os.path.realpath(location))
    elif not location.parent.is_dir():
        found = f"Neither {location} nor the folder above it exists"
        needed = location.parent
    else:
        return None
    return f"{found}. If it is on a disk, mount the disk; otherwise create {needed}."
