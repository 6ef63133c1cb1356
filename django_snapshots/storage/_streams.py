"""The two streams between us and a storage: what it reads from us, and what we read from it."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from typing_extensions import Buffer

__all__ = ["ForeignStream", "WatchedChunks", "read_start", "read_up_to"]

_SMALL_BYTES = 16 * 1024
"""Asked for at a time of a small object: Python takes memory for all that is asked for, not for what there is."""


class WatchedChunks:
    """Passes chunks to a storage and remembers what became of them.

    Attributes:
        size_bytes: What was handed out so far.
        ended: The last chunk was handed out and the end was seen.
        failure: What the iterator raised, whether or not the storage lets it through.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.size_bytes = 0
        self.ended = False
        self.failure: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.failure is not None:
            raise self.failure
        try:
            # An empty chunk would be the end to a storage that writes it with read(size) semantics.
            chunk = next(chunk for chunk in self._chunks if chunk)
        except StopIteration:
            self.ended = True
            raise
        except BaseException as error:
            self.failure = error
            raise
        self.size_bytes += len(chunk)
        return chunk

    def as_stream(self) -> io.RawIOBase:
        """Return the chunks as a raw stream that cannot seek."""
        return _ChunkStream(self)


class _ChunkStream(io.RawIOBase):
    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        target = memoryview(buffer)
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def readall(self) -> bytes:
        rest, self._rest = self._rest, memoryview(b"")
        return b"".join([rest, *self._chunks])


class ForeignStream(io.RawIOBase):
    """A stream that a storage gave us: of any class, with `read(size)` at least. Every call to it is reported on."""

    def __init__(self, stream: Any, reporting: Callable[[], AbstractContextManager[None]]) -> None:
        """Read from `stream`.

        Args:
            stream: What the storage returned.
            reporting: Makes a context that translates the stream's exceptions.
        """
        super().__init__()
        self._stream = stream
        self._reporting = reporting
        # Only of these two is it known that `readinto` gives what `read` gives; a wrapper often replaces `read` alone.
        self._can_fill = type(stream) in {io.FileIO, io.BufferedReader}

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill the buffer as far as the stream gives bytes; 0 means the end."""
        target = memoryview(buffer)
        with self._reporting():
            count = self._stream.readinto(target) if self._can_fill else self._copy(target)
            if count is None:
                raise BlockingIOError("the stream does not wait for its bytes")
        return int(count)

    def _copy(self, target: memoryview) -> int:
        data = _given(self._stream, len(target))
        target[: len(data)] = data
        return len(data)

    def seekable(self) -> bool:
        """Say whether the stream can seek; one that does not say cannot."""
        with self._reporting():
            ask = getattr(self._stream, "seekable", None)
            return bool(callable(ask) and ask())

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to an offset in bytes and return the new one."""
        if not self.seekable():
            raise io.UnsupportedOperation("seek")
        with self._reporting():
            self._stream.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        """Return the offset in bytes."""
        if not self.seekable():
            raise io.UnsupportedOperation("tell")
        with self._reporting():
            offset = self._stream.tell()
            if not isinstance(offset, int):
                raise TypeError(f"{type(self._stream).__name__}.tell returned {offset!r}, expected a number")
        return offset

    def close(self) -> None:
        """Close the stream, once, where it can be closed."""
        if self.closed:
            return
        try:
            with self._reporting():
                _close(self._stream)
        finally:
            super().close()


def read_start(stream: Any, most_bytes: int) -> bytes:
    """Return the first bytes of a stream that a storage gave us, all of one that has no more, and close it."""
    try:
        return read_up_to(partial(_given, stream), most_bytes)
    finally:
        _close(stream)


def read_up_to(read: Callable[[int], bytes | bytearray | memoryview], most_bytes: int) -> bytes:
    """Return what `read(size)` gives until it gives nothing, `most_bytes` at the most."""
    pieces, left = [], most_bytes
    while left and (piece := read(min(left, _SMALL_BYTES))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _given(stream: Any, size: int) -> bytes | bytearray | memoryview:
    data = stream.read(size)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"{type(stream).__name__}.read returned {type(data).__name__}, expected bytes")
    if len(data) > size:
        raise ValueError(f"{type(stream).__name__}.read({size}) returned {len(data)} bytes")
    return data


def _close(stream: Any) -> None:
    close = getattr(stream, "close", None)
    if callable(close):
        close()
