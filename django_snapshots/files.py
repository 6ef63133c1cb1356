"""Writing bytes to open files. No Django."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["write_all"]

_SLICE_BYTES = 128 * 1024
"""Larger writes make Linux look for larger pieces of free memory for its cache: on a virtual machine with 6.18 and ext4
500 MB took 1.1 s of processor time in writes of 1 MiB, 0.15 s in writes of 32 to 256 KiB."""


def write_all(descriptor: int, data: Buffer) -> None:
    """Write all of `data` to the open file, however little the system takes at a time.

    Raises:
        OSError: The system did not take it; a part may have been written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest[:_SLICE_BYTES]) :]
