"""How much memory the processes of a site held at most, as they see it themselves at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.site import Site

__all__ = ["measure_peaks"]

# Not ru_maxrss: that counts what the process shared with the one that started it.
_PEAK = """\
import atexit, sys
from pathlib import Path

def note():
    status = Path("/proc/self/status").read_text()
    kib = int(status.partition("VmHWM:")[2].split()[0])
    with open("peaks.txt", "a") as file:
        print(sys.argv[2], kib * 1024, file=file)

atexit.register(note)
"""


def measure_peaks(site: Site) -> Callable[[], list[tuple[str, int]]]:
    """Let every run of `manage.py snapshots` note its peak; return what gives the verb and the bytes of each so far."""
    manage = site.folder / "manage.py"
    manage.write_text(_PEAK + manage.read_text())

    def peaks() -> list[tuple[str, int]]:
        lines = (site.folder / "peaks.txt").read_text().splitlines()
        return [(verb, int(size_bytes)) for verb, size_bytes in map(str.split, lines)]

    return peaks
