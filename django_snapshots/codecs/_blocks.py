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
    source: BinaryIO, encode: Callable[[bytes], bytes], block_bytes: int, workers: int
) -> Generator[bytes, None, None]:
    """Yield the encoded blocks of `source` in order; an empty source is one empty block.

    Args:
        source: Read in this thread, to its end; left open.
        encode: Encodes one block; called in other threads, several at a time, and should release the GIL.
        block_bytes: Least size of every block but the last; each is of whole chunks of `source`, uncopied where one
            is enough. `workers` + 2 blocks are in memory at a time, plain or encoded.
        workers: How many threads.

    Raises:
        Exception: What `source.read` or `encode` raised.
    """
    with ThreadPoolExecutor(workers, "snapshots-encode") as pool:
        pending: deque[Future[bytes]] = deque()
        try:
            for block in _blocks(source, block_bytes):
                pending.append(pool.submit(encode, block))
                if len(pending) > workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _blocks(source: BinaryIO, block_bytes: int) -> Iterator[bytes]:
    block, first = _read_block(source, block_bytes), True
    while block or first:
        yield block
        first = False
        block = _read_block(source, block_bytes)


def _read_block(source: BinaryIO, block_bytes: int) -> bytes:
    pieces, left = [], block_bytes
    while left > 0 and (piece := source.read(CHUNK_SIZE)):
        pieces.append(piece)
        left -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
