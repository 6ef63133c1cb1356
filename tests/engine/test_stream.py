"""The data path of an artifact when it breaks off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from django_snapshots.engine.stream import dump_encoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Breaking:
    """Writes less than what is passed on at once, and fails; keeps the sink."""

    suffix = "txt"

    def __init__(self) -> None:
        self.sink: BinaryIO | None = None

    def dump(self, sink: BinaryIO) -> Mapping[str, Any]:
        self.sink = sink
        sink.write(b"a little")
        raise OSError("the disk of the source failed")

    def restore(self, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        raise NotImplementedError


def read_all(chunks: Iterator[bytes]) -> None:
    list(chunks)


def test_the_sink_of_a_dump_that_failed_can_be_closed_as_the_garbage_collector_will() -> None:
    breaking = Breaking()

    with pytest.raises(OSError, match="the disk of the source failed"):
        dump_encoded(breaking, [], read_all, lambda _bytes: None)

    assert breaking.sink is not None
    breaking.sink.close()
