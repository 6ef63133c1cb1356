"""A file system that a server of a test can fill."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.permissions import let_others_enter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["small_disk"]


@contextmanager
def small_disk(tmp_path: Path, size_mib: int) -> Iterator[Path]:
    """Give a folder of so much space that every user may enter; skips where it cannot be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    options = f"size={size_mib}m,mode=0777"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small file system")
    try:
        let_others_enter(tmp_path)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
