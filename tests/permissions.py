"""Folders of tests that other users of this host may enter."""

from __future__ import annotations

import tempfile
from pathlib import Path

__all__ = ["let_others_enter"]

_READ_AND_ENTER = 0o055


def let_others_enter(folder: Path) -> None:
    """Open a folder below the temporary directory, and those on the way, which pytest makes for its own user alone."""
    for each in (folder, *folder.parents):
        if each == Path(tempfile.gettempdir()):
            return
        each.chmod(each.stat().st_mode | _READ_AND_ENTER)
