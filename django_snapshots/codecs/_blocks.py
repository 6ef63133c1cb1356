"""Encoding a stream block by block in several threads: for formats in which encoded blocks in a row are one stream."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.digests import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from concurrent.futures import Future

__all__ = ["encode_blocks"]


def encode_blocks(
    source: BinaryIO, encode: Callable[[bytes | memoryview], bytes], block_bytes: int, workers: int
) -> Generator[bytes, None, None]:
    """Yield the encoded blocks of `source` in order; an empty source is one empty block.

    Args:
        source: Read in this thread, to its end; left open.
        encode: Encodes one block; called in other threads, several at a time, and should release the GIL.
        block_bytes: Size of every block but the last. A chunk of `source` that is as large, 1 MiB at most, is a block
            of its own, uncopied. `workers` + 2 blocks are in memory at a time, plain or encoded.
        workers: How many threads.

    Raises:
        Exception: What `source.read` or `encode` raised.
    """
    blocks = _Blocks(source, block_bytes)

    def encode_and_release(block: bytes | memoryview) -> bytes:
        encoded = encode(block)
        blocks.release(block)
        return encoded

    with ThreadPoolExecutor(workers, "snapshots-encode") as pool:
        pending: deque[Future[bytes]] = deque()
        try:
            for block in blocks:
                pending.append(pool.submit(encode_and_release, block))
                if len(pending) > workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


class _Blocks:
    """The blocks of a stream, read once.

    What small chunks are gathered in is used again and again: with new memory for each block, gaps are left between
    pieces of other sizes, and a backup of PostgreSQL peaks 2 MiB higher.
    """

    def __init__(self, source: BinaryIO, block_bytes: int) -> None:
        self._source = source
        self._block_bytes = block_bytes
        self._idle: deque[memoryview] = deque()

    def __iter__(self) -> Iterator[bytes | memoryview]:
        block = self._read()
        yield block
        while block and (block := self._read()):
            yield block

    def release(self, block: bytes | memoryview) -> None:
        """Take back a block that nobody reads any more; from any thread."""
        if isinstance(block, memoryview):
            self._idle.append(block)

    def _read(self) -> bytes | memoryview:
        chunk = self._source.read(CHUNK_SIZE)
        if len(chunk) >= self._block_bytes or not chunk:
            return chunk
        try:
            buffer = self._idle.pop()
        except IndexError:
            buffer = memoryview(bytearray(self._block_bytes))
        used = 0
        while chunk:
            buffer[used : used + len(chunk)] = chunk
            used += len(chunk)
            chunk = self._source.read(self._block_bytes - used) if used < self._block_bytes else b""
        return buffer[:used]
