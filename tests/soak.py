"""Full sizes for the tests that have one: `make soak` asks for them, everyday runs take a sample."""

from __future__ import annotations

import os

__all__ = ["SOAK", "sized"]

SOAK = os.environ.get("SOAK") == "1"


def sized(sample: int, full: int) -> int:
    """Return the number for this run: `full` in a soak, else `sample`."""
    return full if SOAK else sample
