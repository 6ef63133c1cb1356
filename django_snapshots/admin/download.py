"""An artifact as a download: its stored bytes, in chunks, as any standard tool opens them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from django.http import StreamingHttpResponse

from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.engine.catalog import open_artifact

if TYPE_CHECKING:
    from typing import Self

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.manifest import ArtifactRecord
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["download"]


class _StoredBytes:
    """The chunks of a stored file; closed by the response."""

    def __init__(self, storage: GuardedStorage, snapshot: Snapshot, record: ArtifactRecord) -> None:
        self._opened = ExitStack()
        self._source = self._opened.enter_context(open_artifact(storage, snapshot, record))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        chunk = self._source.read(CHUNK_SIZE)
        if not chunk:
            raise StopIteration
        return chunk

    def close(self) -> None:
        self._opened.close()


def download(storage: GuardedStorage, snapshot: Snapshot, record: ArtifactRecord) -> StreamingHttpResponse:
    """Return the file of an artifact, named for its snapshot.

    Raises:
        SnapshotFileMissingError: It is not there.
        SnapshotStorageError: The storage failed. What fails later ends the connection, short of its length.
    """
    response = StreamingHttpResponse(_StoredBytes(storage, snapshot, record), content_type="application/octet-stream")
    name = f"{snapshot.name}-{record.path.replace('/', '-')}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Length"] = str(record.stored_size)
    response["X-Content-Type-Options"] = "nosniff"
    return response
