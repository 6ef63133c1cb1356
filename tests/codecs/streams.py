"""Input that the codec tests share: streams that behave as the engine's do."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from django_snapshots.digests import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO


def drain(stream: BinaryIO, size: int = CHUNK_SIZE) -> bytes:
    with stream:
        return b"".join(iter(lambda: stream.read(size), b""))


class ShortReads(io.RawIOBase):
    """Gives at most `step` bytes at a time, as a pipe or a socket may."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = io.BytesIO(data)
        self._step = step

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(self._step if size < 0 else min(size, self._step))


class FailingSource(io.RawIOBase):
    """Gives `data` and then raises what `failure` returns."""

    def __init__(self, data: bytes, failure: Callable[[], Exception]) -> None:
        self._data = io.BytesIO(data)
        self._failure = failure

    def read(self, size: int = -1, /) -> bytes:
        if chunk := self._data.read(size):
            return chunk
        raise self._failure()
