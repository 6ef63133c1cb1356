"""A readable stream out of a function that reads from one file and writes into another, run in a thread of its own."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.channel import Channel, ChannelReader, ChunkWriter, ClosedChannelError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["pushed_stream"]


def pushed_stream(
    source: BinaryIO,
    transform: Callable[[BinaryIO, BinaryIO], None],
    translate: Callable[[Exception], Exception],
    *,
    start: bytes = b"",
) -> BinaryIO:
    """Return a readable stream of what `transform(source, sink)` writes; it starts with the first read.

    At most 9 MiB wait between the two threads. Closing the stream ends the thread and leaves `source` open.

    Args:
        source: The input; its own failures come out of the stream as they are.
        transform: Called in another thread.
        translate: Turns what else `transform` raises into one of our errors.
        start: What was read of `source` already; it comes first.
    """
    return _PushedStream(_Watched(start, source), transform, translate)


class _PushedStream(ChannelReader):
    def __init__(
        self,
        source: _Watched,
        transform: Callable[[BinaryIO, BinaryIO], None],
        translate: Callable[[Exception], Exception],
    ) -> None:
        self._channel = Channel()
        super().__init__(self._channel)
        self._source = source
        self._transform = transform
        self._translate = translate
        self._thread: threading.Thread | None = None

    def next_chunk(self) -> bytes:
        """Return the next chunk, b"" after the last; raises what ended the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="snapshots-codec", daemon=True)
            self._thread.start()
        return super().next_chunk()

    def close(self) -> None:
        """End the thread, at the end of what it reads or writes just then."""
        self._channel.fail(ClosedChannelError())
        if self._thread is not None:
            self._thread.join()
        super().close()

    def _run(self) -> None:
        sink = ChunkWriter(self._channel.put)
        try:
            self._transform(self._source, sink)
            sink.flush()
            self._channel.end()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that reads, which raises it
            sink.abandon()
            self._channel.fail(self._explained(error))

    def _explained(self, error: BaseException) -> BaseException:
        # A library written in another language gives on the text of the source's failure, not the failure.
        if self._source.failure is not None:
            return self._source.failure
        if not isinstance(error, Exception):
            return error
        explained = self._translate(error)
        if explained is not error:
            explained.__cause__ = error
        return explained


class _Watched(io.BufferedIOBase, BinaryIO):
    """Reads from another stream, which stays open, and remembers what that failed with."""

    def __init__(self, start: bytes, source: BinaryIO) -> None:
        super().__init__()
        self._start = start
        self._source = source
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        size = -1 if size is None or size < 0 else size
        if self._start and size > 0:
            piece, self._start = self._start[:size], self._start[size:]
            return piece
        try:
            return self._source.read(size)
        except BaseException as error:
            self.failure = error
            raise
