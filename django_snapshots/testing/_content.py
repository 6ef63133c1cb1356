"""What the contract suites write: bytes that nothing could mistake, and sources of the kind a backup has.

Large values are compared by digest, or by what is missing: where CI is set, pytest looks for the difference of two
megabytes in time that grows with their square, and a suite that fails would not end.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from typing import TYPE_CHECKING, BinaryIO, Protocol

from django_snapshots.digests import CHUNK_SIZE, format_digest, new_hasher
from django_snapshots.storage._streams import WatchedChunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "AWKWARD_BYTES",
    "HalfWayError",
    "as_file",
    "breaking_off",
    "digest_of_chunks",
    "missing_and_stray",
    "patterned",
    "read_chunks",
]

AWKWARD_BYTES = bytes(range(256)) + b"\r\n\n\r\0\x1a\xef\xbb\xbf\xff\xfe" + "ünïcödé".encode("utf-16")
"""Every byte, both line ends, the end-of-file mark of DOS, byte order marks: what text modes and codecs change."""


class HalfWayError(Exception):
    """What a source of the suite raises after half of its bytes, as a database that goes away does."""


def patterned(size_bytes: int, seed: int = 0) -> Iterator[bytes]:
    """Yield `size_bytes` in pieces of uneven sizes, no two alike, the same for the same seed."""
    number, left = 0, size_bytes
    while left:
        block = hashlib.sha512(f"{seed}:{number}".encode()).digest() * (997 + number % 13)
        yield block[:left]
        left -= min(left, len(block))
        number += 1


def breaking_off(size_bytes: int) -> Iterator[bytes]:
    """Yield `size_bytes` and then raise HalfWayError."""
    yield from patterned(size_bytes)
    raise HalfWayError


def as_file(chunks: Iterable[bytes]) -> BinaryIO:
    """Return the chunks as the file that a backup passes to `write`: it has `read(size)` and cannot seek."""
    return io.BufferedReader(WatchedChunks(iter(chunks)).as_stream(), CHUNK_SIZE)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_chunks(source: _Readable, size_bytes: int = CHUNK_SIZE) -> Iterator[bytes]:
    """Yield a stream in pieces of at most `size_bytes`, holding it to that."""
    while chunk := source.read(size_bytes):
        assert len(chunk) <= size_bytes, f"read({size_bytes}) returned {len(chunk)} bytes"
        yield chunk


def digest_of_chunks(chunks: Iterable[bytes]) -> tuple[int, str]:
    """Return the size in bytes and the digest of all chunks together."""
    hasher, size_bytes = new_hasher(), 0
    for chunk in chunks:
        hasher.update(chunk)
        size_bytes += len(chunk)
    return size_bytes, format_digest(hasher)


def missing_and_stray(found: Iterable[str], expected: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the first names that should have been found, and the first that should not, five of each at most."""
    found, expected = sorted(found), sorted(expected)
    missing, stray = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    return sorted(missing)[:5], sorted(stray)[:5]
