"""A bar for each artifact and stage: bytes, rate and what remains."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.engine.events import Progress, ProgressCallback

__all__ = ["drawn_progress"]

REFRESH_SECONDS = 0.1
_DOING = {"dump": "backing up", "copy": "copying", "verify": "verifying", "stage": "preparing", "commit": "replacing"}


@contextmanager
def drawn_progress(stream: TextIO, *, color: bool) -> Iterator[ProgressCallback]:
    """Give a callback that draws bars on the terminal `stream` while the block runs."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=stream, no_color=not color), transient=True) as bar:
        yield _Drawing(bar)


class _Drawing:
    """Turns events into a bar for each artifact and stage."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._last: dict[tuple[str, str], float] = {}

    def __call__(self, event: Progress) -> None:
        key = (event.stage, event.artifact)
        now = time.monotonic()
        if key in self._tasks and not event.finished and now - self._last[key] < REFRESH_SECONDS:
            return
        self._last[key] = now
        if key not in self._tasks:
            self._tasks[key] = self._bar.add_task(f"{_DOING[event.stage]} {event.artifact}", total=event.total_bytes)
        self._bar.update(self._tasks[key], completed=event.done_bytes, total=event.total_bytes)
        if event.finished:
            self._bar.remove_task(self._tasks.pop(key))
