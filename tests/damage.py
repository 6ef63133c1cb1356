"""Damage to a stored file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["flip"]


def flip(path: Path, at: float = 0.5) -> None:
    """Flip one bit of the byte that is this part of the way to the end."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 0x10
    path.write_bytes(data)
