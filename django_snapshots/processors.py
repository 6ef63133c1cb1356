"""How many processors this process may use. Pure."""

from __future__ import annotations

import os

__all__ = ["usable_processors"]


def usable_processors(most: int) -> int:
    """Return the number of processors this process may run on, at most `most`."""
    # Containers limit the affinity, which cpu_count() does not see; macOS has no affinity.
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, most)
