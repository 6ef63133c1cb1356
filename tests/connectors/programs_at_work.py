"""The client programs that a backup or a restore of ours has started: found, looked at, killed."""

from __future__ import annotations

import io
import os
import random
import signal
from contextlib import suppress
from pathlib import Path

__all__ = ["KillingSource", "children", "kill"]


def children() -> list[Path]:
    """Return the folder in /proc of each process that this one started."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):  # ended while we looked, or no process
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(folder)
    return found


def kill(program: str) -> None:
    """Kill a program that this process has started, by its name."""
    for process in children():
        if (process / "cmdline").read_bytes().partition(b"\0")[0].endswith(b"/" + program.encode()):
            os.kill(int(process.name), signal.SIGKILL)


class KillingSource(io.BytesIO):
    """A dump that comes in small pieces, and at a random one of them the program that takes it is killed."""

    def __init__(self, content: bytes, program: str) -> None:
        super().__init__(content)
        self._program = program
        self._last_byte = random.randrange(len(content))

    def read(self, _size: int | None = -1, /) -> bytes:
        piece = super().read(4099)
        if self.tell() > self._last_byte:
            kill(self._program)
        return piece
