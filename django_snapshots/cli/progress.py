"""Progress of the engine on a terminal; nothing at all elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from django_snapshots.engine.events import ignore_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.engine.events import ProgressCallback

__all__ = ["progress_on"]


@contextmanager
def progress_on(stream: TextIO, *, wanted: bool, color: bool) -> Iterator[ProgressCallback]:
    """Give a callback that draws on `stream` while the block runs.

    Args:
        stream: Standard error; standard output is for results.
        wanted: False draws nothing, whatever the stream is.
        color: False draws without colors.
    """
    if not (wanted and stream.isatty()):
        yield ignore_progress
        return
    from django_snapshots.cli.progress_bar import drawn_progress  # noqa: PLC0415 - rich costs a run by cron 60 ms

    with drawn_progress(stream, color=color) as callback:
        yield callback
