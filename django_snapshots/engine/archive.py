"""The archive format: one tar with `manifest.json` first and then the same files as in the directory format."""

from __future__ import annotations

import io
import tarfile
from contextlib import closing, contextmanager
from typing import IO, TYPE_CHECKING, BinaryIO

from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotFileMissingError, SnapshotManifestError
from django_snapshots.manifest import MANIFEST_MAX_BYTES, MANIFEST_NAME, format_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from django_snapshots.manifest import Manifest

__all__ = ["archive_chunks", "open_member", "read_manifest", "read_signature"]


def archive_chunks(
    manifest: Manifest, files: Mapping[str, Path], signature: tuple[str, bytes] | None = None
) -> Iterator[bytes]:
    """Yield the archive of a snapshot, in chunks of at most 1 MiB.

    Args:
        manifest: Its artifacts' paths become the members, after the manifest itself.
        files: Path in the manifest -> the encoded file on this host.
        signature: Name and content of the member that follows the manifest.
    """
    mtime = int(manifest.created_at.timestamp())
    data = format_manifest(manifest)
    yield from _member(MANIFEST_NAME, io.BytesIO(data), len(data), mtime)
    if signature is not None:
        yield from _member(signature[0], io.BytesIO(signature[1]), len(signature[1]), mtime)
    for record in manifest.artifacts:
        with files[record.path].open("rb") as file:
            yield from _member(record.path, file, record.stored_size, mtime)
    yield bytes(2 * tarfile.BLOCKSIZE)  # POSIX.1-1988, ustar: two blocks of zeros end an archive


def _member(name: str, content: IO[bytes], size_bytes: int, mtime: int) -> Iterator[bytes]:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size_bytes, mtime, 0o600
    yield member.tobuf(tarfile.PAX_FORMAT)
    while chunk := content.read(CHUNK_SIZE):
        yield chunk
    yield bytes(-size_bytes % tarfile.BLOCKSIZE)


def read_manifest(source: BinaryIO, snapshot: str) -> bytes:
    """Return the bytes of `manifest.json`, which must be the first member; reads no further.

    Raises:
        SnapshotManifestError: The file is no tar, or begins with another member.
    """
    with _reading(source, snapshot) as archive:
        first = archive.next()
        if first is None or first.name != MANIFEST_NAME or not first.isreg():
            raise SnapshotManifestError(f"its archive does not begin with {MANIFEST_NAME}.", snapshot=snapshot)
        if first.size > MANIFEST_MAX_BYTES:
            raise SnapshotManifestError(f"it is larger than {MANIFEST_MAX_BYTES} bytes.", snapshot=snapshot)
        member = archive.extractfile(first)
        data = member.read(first.size) if member else b""
        if len(data) != first.size:
            raise SnapshotManifestError("its archive is cut short.", snapshot=snapshot)
        return data


def read_signature(source: BinaryIO, snapshot: str, name: str, most_bytes: int) -> bytes | None:
    """Return the start of the member `name`, which must be the second; None where another one is. Reads no further.

    Raises:
        SnapshotManifestError: The file is no tar, or is cut short.
    """
    with _reading(source, snapshot) as archive:
        archive.next()
        second = archive.next()
        content = archive.extractfile(second) if second and second.name == name and second.isreg() else None
        return content.read(most_bytes) if content else None


@contextmanager
def open_member(source: BinaryIO, path: str, snapshot: str) -> Iterator[BinaryIO]:
    """Give the content of the member `path`; on a seekable source what lies before it is skipped, not read.

    Raises:
        SnapshotFileMissingError: There is no such member.
        SnapshotManifestError: The file is no tar, or is cut short.
    """
    with _reading(source, snapshot) as archive:
        for member in archive:
            if member.name == path and member.isreg():
                content = archive.extractfile(member)
                if isinstance(content, io.BufferedReader):  # as tarfile documents it; its annotation is wider
                    with closing(content):
                        yield content
                    return
        raise SnapshotFileMissingError(snapshot=snapshot, path=path)


@contextmanager
def _reading(source: BinaryIO, snapshot: str) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=source, mode="r:" if source.seekable() else "r|") as archive:
            yield archive
    except tarfile.TarError as error:
        raise SnapshotManifestError(f"its archive cannot be read ({error}).", snapshot=snapshot) from error
