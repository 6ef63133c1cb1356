"""Ending what other threads do: long work says how it can be ended, and whoever gives the whole up ends it. Pure."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Cancellation", "WorkCancelledError", "ended_by_cancellation", "raise_if_cancelled"]


class WorkCancelledError(Exception):
    """The work was given up because of something else; the reason is with whoever gave it up."""


class Cancellation:
    """Given up, or not yet; shared by all threads that work on one whole."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._ends: dict[object, Callable[[], None]] = {}

    @property
    def cancelled(self) -> bool:
        """Whether the work was given up."""
        return self._cancelled

    def cancel(self) -> None:
        """Give the work up: call what ends it, from this thread."""
        with self._lock:
            self._cancelled = True
            ends = list(self._ends.values())
        for end in ends:
            end()

    @contextmanager
    def governing(self) -> Iterator[None]:
        """Let this thread's work be ended by `cancel` while the block runs."""
        _thread.governor = self
        try:
            yield
        finally:
            _thread.governor = None

    @contextmanager
    def _ended_by(self, end: Callable[[], None]) -> Iterator[None]:
        key = object()
        with self._lock:
            self._ends[key] = end
            late = self._cancelled
        if late:
            end()
        try:
            yield
        finally:
            with self._lock:
                del self._ends[key]


class _Thread(threading.local):
    governor: Cancellation | None = None


_thread = _Thread()


@contextmanager
def ended_by_cancellation(end: Callable[[], None]) -> Iterator[None]:
    """Have `end` called, from another thread and at any moment of the block, when this thread's work is given up.

    Args:
        end: Makes what the block waits for come to an end; must be quick and not raise.
    """
    governor = _thread.governor
    if governor is None:
        yield
        return
    with governor._ended_by(end):  # noqa: SLF001 - a function of the same module
        yield


def raise_if_cancelled() -> None:
    """Raise when this thread's work was given up; for loops that nothing else can end.

    Raises:
        WorkCancelledError: It was.
    """
    governor = _thread.governor
    if governor is not None and governor.cancelled:
        raise WorkCancelledError
