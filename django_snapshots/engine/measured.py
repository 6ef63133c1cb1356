"""A stored file that is read by somebody else, and measured to its end on the way, whatever becomes of the reader."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.channel import DigestThread
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.engine.stream import stored_difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from django_snapshots.errors import SnapshotDigestError
    from django_snapshots.manifest import ArtifactRecord

__all__ = ["Measured"]


class Measured:
    """Size and digest of a stored file, known once `open` has ended."""

    def __init__(self, open_stored: Callable[[], AbstractContextManager[BinaryIO]]) -> None:
        """Measure what `open_stored` gives."""
        self._open_stored = open_stored
        self._reader: _Reader | None = None
        self._found: tuple[int, str] | None = None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Give the file; what the block leaves unread, by failing for example, is read when it ends."""
        digest = DigestThread()
        try:
            with self._open_stored() as source:
                reader = self._reader = _Reader(source, digest)
                try:
                    yield reader
                finally:
                    while reader.read(CHUNK_SIZE):
                        pass
                    self._found = digest.size_bytes, digest.finish()
        finally:
            digest.abandon()

    def refuse_failure(self) -> None:
        """Raise what reading the file raised, which the reader may have kept to itself."""
        if self._reader is not None and self._reader.failure is not None:
            raise self._reader.failure

    def difference(self, record: ArtifactRecord, snapshot: str) -> SnapshotDigestError | None:
        """Return how the file differs from its record; None when it does not, or was never opened."""
        if self._found is None:
            return None
        size_bytes, digest = self._found
        return stored_difference(record, size_bytes, digest, snapshot=snapshot)


class _Reader(io.BufferedIOBase, BinaryIO):
    """Reads, counts and hashes; a failure stays."""

    def __init__(self, source: BinaryIO, digest: DigestThread) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self._source = source
        self._digest = digest

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes, b"" at the end."""
        if self.failure is not None:
            raise self.failure
        try:
            chunk = self._source.read(CHUNK_SIZE if size is None or size < 0 else size)
        except Exception as error:
            self.failure = error
            raise
        if chunk:
            self._digest.update(chunk)
        return chunk
