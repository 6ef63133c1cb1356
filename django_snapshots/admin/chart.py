"""A small picture of sizes over time, as inline SVG whose colors are those of the admin's theme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django_snapshots.scratch import format_size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django_snapshots.admin.rows import Row

__all__ = ["Bar", "Chart", "chart_of"]

WIDTH, HEIGHT, BAR = 720, 120, 6
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """One snapshot in the picture; lengths are in units of the picture.

    Attributes:
        x: Its left edge.
        y: Its upper edge.
        height: Its height.
        label: Name, day and size.
        damaged: Whether it is drawn as damaged.
    """

    x: float
    y: float
    height: float
    label: str
    damaged: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture.

    Attributes:
        bars: One for each snapshot, oldest first.
        width: Of the picture.
        height: Of the picture.
        since: When the oldest was made, aware.
        until: When the newest was made, aware.
        largest: The size of the largest, for people.
        description: What the picture shows, for those who do not see it.
    """

    bars: tuple[Bar, ...]
    width: int
    height: int
    since: datetime
    until: datetime
    largest: str
    description: str


def chart_of(rows: Sequence[Row]) -> Chart | None:
    """Return the picture of the snapshots whose manifests can be read; None for fewer than two."""
    known = [(row.created_at, row.size_bytes, row) for row in reversed(rows)]
    points = [(at, size, row) for at, size, row in known if at is not None and size is not None]
    if len(points) < _LEAST:
        return None
    since, until = points[0][0], points[-1][0]
    largest = max(size for _, size, _ in points) or 1
    span = (until - since).total_seconds() or 1.0
    bars = []
    for at, size, row in points:
        height = max(1.0, size / largest * HEIGHT)
        x = (at - since).total_seconds() / span * (WIDTH - BAR)
        label = f"{row.name}, {at:%Y-%m-%d}, {row.size}"
        bars.append(Bar(round(x, 1), round(HEIGHT - height, 1), round(height, 1), label, bool(row.damage)))
    description = (
        f"Sizes of {len(bars)} snapshots from {since:%Y-%m-%d} to {until:%Y-%m-%d}: "
        f"the newest has {points[-1][2].size}, the largest {format_size(largest)}. The table has the same numbers."
    )
    return Chart(tuple(bars), WIDTH, HEIGHT, since, until, format_size(largest), description)
