"""Moving chunks of bytes between threads: a bounded channel, its two ends as files, and a digest beside."""

from __future__ import annotations

import io
import threading
from collections import deque
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.digests import CHUNK_SIZE, FLOW_SIZE, format_digest, new_hasher

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

__all__ = ["Channel", "ChannelReader", "ChunkReader", "ChunkWriter", "ClosedChannelError", "DigestThread"]

_CAPACITY_BYTES, _CAPACITY_CHUNKS = 256 * 1024, 3
"""A channel that holds as much of both lets the writer wait: enough to even out the two sides. With one chunk of 1 MiB
at a time a backup of media takes 6 % longer."""


class ClosedChannelError(Exception):
    """The other end has given up; the reason is with whoever runs it."""


class Channel:
    """Passes chunks from one thread to another and stops either side when the other fails."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._held_bytes = 0
        self._changed = threading.Condition()
        self._ended = False
        self._failure: BaseException | None = None

    def put(self, chunk: bytes) -> None:
        """Pass a chunk on, waiting while the channel is full.

        Raises:
            ClosedChannelError: The channel was broken; nobody will read the chunk.
        """
        with self._changed:
            while self._is_full() and self._failure is None:
                self._changed.wait()
            if self._failure is not None:
                raise ClosedChannelError
            self._chunks.append(chunk)
            self._held_bytes += len(chunk)
            self._changed.notify_all()

    def _is_full(self) -> bool:
        return self._held_bytes >= _CAPACITY_BYTES and len(self._chunks) >= _CAPACITY_CHUNKS

    def get(self) -> bytes:
        """Return the next chunk, or b"" after the last one; raises the failure that broke the channel."""
        with self._changed:
            while not self._chunks and not self._ended and self._failure is None:
                self._changed.wait()
            if self._failure is not None:
                raise self._failure
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            self._held_bytes -= len(chunk)
            self._changed.notify_all()
            return chunk

    def end(self) -> None:
        """Say that no more chunks come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def failure(self) -> BaseException | None:
        """What broke the channel first, or None."""
        return self._failure

    def fail(self, failure: BaseException) -> None:
        """Break the channel: `get` raises `failure`, `put` raises ClosedChannelError. The first failure stays."""
        with self._changed:
            if self._failure is None:
                self._failure = failure
            self._chunks.clear()
            self._changed.notify_all()


class ChunkWriter(io.BufferedIOBase, BinaryIO):
    """A file that gathers what is written into chunks of 128 KiB to 1 MiB; chunks of that size pass uncopied."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        """Pass each chunk to `put`."""
        super().__init__()
        self._put = put
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take the bytes; what `put` raises comes out here."""
        chunk = data if isinstance(data, bytes) else bytes(data)
        self._pending.append(chunk)
        self._pending_bytes += len(chunk)
        if self._pending_bytes >= FLOW_SIZE:
            self.flush()
        return len(chunk)

    def abandon(self) -> None:
        """Forget what was gathered: nobody reads it any more, and the file is flushed when it is collected."""
        self._pending, self._pending_bytes = [], 0

    def flush(self) -> None:
        """Pass on what was gathered."""
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        gathered = pending[0] if len(pending) == 1 else b"".join(pending)
        if len(gathered) <= CHUNK_SIZE:
            if gathered:
                self._put(gathered)
            return
        for start in range(0, len(gathered), CHUNK_SIZE):
            self._put(gathered[start : start + CHUNK_SIZE])


class ChunkReader(io.BufferedIOBase, BinaryIO):
    """Chunks as a file: `read(size)` gives what is there, up to `size`, and b"" only at the end.

    A chunk passes uncopied where it fits the size that is asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes, b"" at the end; raises what `next_chunk` raises."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_SIZE), b""))
        if size == 0:
            return b""
        if not self._rest:
            chunk = self.next_chunk()
            if len(chunk) <= size:
                return chunk
            self._rest = memoryview(chunk)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)

    def next_chunk(self) -> bytes:
        """Return the next chunk, b"" after the last."""
        raise NotImplementedError


class ChannelReader(ChunkReader):
    """The reading end of a channel; raises what broke it."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def next_chunk(self) -> bytes:
        """Return the next chunk of the channel, b"" after the last."""
        return self._channel.get()


class DigestThread:
    """Counts and hashes a stream beside the thread that moves it: SHA-256 releases the GIL."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._hasher = new_hasher()
        self._channel = Channel()
        self._thread = threading.Thread(target=self._run, name="snapshots-digest", daemon=True)
        self._thread.start()

    def update(self, chunk: bytes) -> None:
        """Add a chunk."""
        self.size_bytes += len(chunk)
        self._channel.put(chunk)

    def finish(self) -> str:
        """Return the digest of all chunks, as `sha256:<hex>`; ends the thread."""
        self._channel.end()
        self._thread.join()
        return format_digest(self._hasher)

    def abandon(self) -> None:
        """End the thread without a result."""
        self._channel.fail(ClosedChannelError())
        self._thread.join()

    def _run(self) -> None:
        try:
            while chunk := self._channel.get():
                self._hasher.update(chunk)
        except ClosedChannelError:
            return
