"""Reading many small objects of a storage: one after the other, or side by side where one waits for it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["read_each"]

_PARALLEL_READS = 16
"""Objects read at the same time; object stores answer each small read in some 10 to 100 ms."""
_WAITING_SECONDS = 0.0005
"""A read that waits longer is one of a storage far away, or was disturbed; a folder of this host answers in 0.1 ms."""
_DOUBT, _TRUST = 2, 50
"""How many more reads than not must wait before they go side by side, and how many that did not are remembered. In a
folder of this host threads that take turns at each call of the system cost three times the processor time of reading
one manifest after the other."""

_Entry = TypeVar("_Entry")
_Read = TypeVar("_Read")


def read_each(read: Callable[[_Entry], _Read], entries: Sequence[_Entry]) -> Iterator[_Read]:
    """Yield what `read` returns for each entry, in their order; what it raises ends the reading."""
    waiting = 0
    for count, entry in enumerate(entries, start=1):
        began, worked = time.perf_counter(), time.thread_time()
        result = read(entry)
        waited = time.perf_counter() - began - (time.thread_time() - worked)
        yield result
        waiting = waiting + 1 if waited > _WAITING_SECONDS else max(waiting - 1, -_TRUST)
        if waiting == _DOUBT:
            with ThreadPoolExecutor(_PARALLEL_READS, thread_name_prefix="snapshots-catalog") as pool:
                yield from pool.map(read, entries[count:])
            return
