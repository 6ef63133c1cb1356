"""Walking through an archive: members with extended headers, of which no bit may differ unseen."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.engine.archive import archive_chunks
from django_snapshots.engine.archive_walk import walk_archive
from django_snapshots.errors import SnapshotManifestError
from django_snapshots.manifest import MANIFEST_NAME, ArtifactRecord, Manifest
from tests.fakes import make_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

EIGHT_GIB = 8 * 2**30
LONG_PATH = "x" * 110 + ".tar"
ZEROS = bytes(CHUNK_SIZE)


@dataclass(frozen=True)
class Zeros:
    """In the place of a file's path: a file of zeros, of any size, on no disk."""

    size: int

    def open(self, _mode: str) -> BinaryIO:
        return Reader(ZEROS[: min(CHUNK_SIZE, self.size - at)] for at in range(0, self.size, CHUNK_SIZE))


class Reader(io.BufferedIOBase, BinaryIO):
    """Reads what pieces hold; returns a piece as it is where all of it is wanted."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.rest = b""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        data = self.rest or next(filter(None, self.pieces), b"")
        self.rest = data[size:]
        return data if len(data) <= size else data[:size]


def manifest_of(path: str, size: int) -> Manifest:
    digest = f"sha256:{hashlib.sha256().hexdigest()}"
    record = ArtifactRecord(
        name="media",
        kind="directory",
        path=path,
        codecs=(),
        plain_size=size,
        plain_digest=digest,
        stored_size=size,
        stored_digest=digest,
        facts={},
    )
    return make_manifest(record)


def archive_of(path: str, size: int) -> Reader:
    files: Any = {path: Zeros(size)}
    return Reader(archive_chunks(manifest_of(path, size), files))


def walked(source: BinaryIO) -> list[tuple[str, int]]:
    found = []
    for path, content in walk_archive(source, "nightly"):
        size = 0
        while piece := content.read(CHUNK_SIZE):
            size += len(piece)
        found.append((path, size))
    return found[1:] if found[0][0] == MANIFEST_NAME else found


@pytest.mark.parametrize("path", ["media.tar", LONG_PATH])
@pytest.mark.parametrize("size", [EIGHT_GIB - 1, EIGHT_GIB, EIGHT_GIB + 513])
def test_a_member_of_8_gib_or_more_is_walked_through_like_any_other(path: str, size: int) -> None:
    assert walked(archive_of(path, size)) == [(path, size)]


def packed(path: str, extended: dict[str, str], content: bytes = bytes(1000)) -> bytes:
    """Return an archive of one member, behind an extended header where it needs one."""
    member = tarfile.TarInfo(path)
    member.size, member.pax_headers = len(content), extended
    return member.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % 512) + bytes(1024)


def test_no_bit_of_an_extended_header_may_differ() -> None:
    whole = packed(LONG_PATH, {"size": "1000"})
    right = [(LONG_PATH, 1000)]
    assert walked(io.BytesIO(whole)) == right

    unseen = []
    for place in range(3 * 512):
        for bit in range(8):
            data = bytearray(whole)
            data[place] ^= 1 << bit
            try:
                found = walked(io.BytesIO(data))
            except SnapshotManifestError:
                continue
            if found == right:
                unseen.append(place)

    assert unseen == []


@pytest.mark.parametrize(
    "records",
    [
        b"13 size=1000\n13 size=1000\n",
        b"13 size=1000",
        b"14 size=1000\n",
        b"12 size=1000\n",
        b"13 size=-100\n",
        b"13 size=1_00\n",
        b"12 size=1e3\n",
        b"30 size=99999999999999999999\n",
        b"13 mode=1000\n",
        b"9 path=\n",
        b"x\n",
    ],
)
def test_an_extended_header_that_no_backup_writes_is_damage(records: bytes) -> None:
    extension = tarfile.TarInfo("x")
    extension.type, extension.size = tarfile.XHDTYPE, len(records)
    header = extension.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)

    with pytest.raises(SnapshotManifestError, match="an extended header"):
        walked(io.BytesIO(header + packed("media.tar", {})))
