"""Small classes that tests pass as arguments: storages in memory, artifacts of bytes, a clock that stands still."""

from __future__ import annotations

import errno
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from django_snapshots.engine.create import Host
from django_snapshots.manifest import MANIFEST_VERSION, ArtifactRecord, Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "HOST",
    "AdvancedMemoryStorage",
    "BulkMemoryStorage",
    "BytesArtifact",
    "FixedClock",
    "FullStorage",
    "MemoryStorage",
    "PlainArtifact",
    "make_manifest",
]

HOST = Host(tool="django-snapshots test", python="3.11.7", django="5.2", hostname="web-1", packages=("Django==5.2",))


def make_manifest(
    *artifacts: ArtifactRecord,
    packages: tuple[str, ...] = (),
    created_at: datetime = datetime(2026, 11, 22, tzinfo=UTC),
) -> Manifest:
    """Return the manifest of a snapshot 'nightly' that was made on HOST."""
    return Manifest(
        version=MANIFEST_VERSION,
        name="nightly",
        created_at=created_at,
        tool=HOST.tool,
        python=HOST.python,
        django=HOST.django,
        hostname=HOST.hostname,
        packages=packages,
        metadata={},
        artifacts=artifacts,
    )


class MemoryStorage:
    """The five methods over a dict: the smallest storage there is."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, path: str) -> IO[bytes]:
        if path not in self.files:
            raise FileNotFoundError(path)
        return io.BytesIO(self.files[path])

    def write(self, path: str, content: IO[bytes]) -> None:
        pieces = []
        while piece := content.read(65536):
            pieces.append(piece)
        self.files[path] = b"".join(pieces)

    def list(self, prefix: str) -> list[str]:
        return [path for path in self.files if path.startswith(prefix)]

    def delete(self, path: str) -> None:
        self.files.pop(path, None)

    def exists(self, path: str) -> bool:
        return path in self.files


class AdvancedMemoryStorage(MemoryStorage):
    """The advanced tier over a dict."""

    def stream_read(self, path: str) -> Iterator[bytes]:
        yield self.read(path).read()

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        self.files[path] = b"".join(chunks)

    def atomic_move(self, src: str, dst: str) -> None:
        self.files[dst] = self.files.pop(src)

    def recursive_list(self, prefix: str) -> Any:
        return self.list(prefix)

    def sync(self, src_prefix: str, dst_prefix: str) -> None:
        for path in self.list(dst_prefix):
            self.delete(path)
        for path in self.list(src_prefix):
            self.files[dst_prefix + path.removeprefix(src_prefix)] = self.files[path]


class BulkMemoryStorage(AdvancedMemoryStorage):
    """The advanced tier, with many deletions in one call: in any order, here from the last to the first."""

    def delete_many(self, paths: list[str]) -> None:
        for path in reversed(paths):
            self.delete(path)


class FullStorage(AdvancedMemoryStorage):
    """The advanced tier on a disk that takes nothing more until something on it is deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device", path)
        super().stream_write(path, chunks)

    def delete(self, path: str) -> None:
        self.full = self.full and path not in self.files
        super().delete(path)


@dataclass
class PlainArtifact:
    """Bytes that are dumped, and replaced by a restore; cannot stage."""

    data: bytes
    facts: dict[str, Any] = field(default_factory=dict)
    suffix: str = "bin"
    kind: str = "bytes"
    piece_bytes: int = 100_000

    def dump(self, sink: BinaryIO) -> Mapping[str, Any]:
        sink.writelines(self.data[at : at + self.piece_bytes] for at in range(0, len(self.data), self.piece_bytes))
        return self.facts

    def restore(self, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        self.data = source.read()


class BytesArtifact(PlainArtifact):
    """The same, staged first."""

    def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> StagedBytes:
        return StagedBytes(self, source.read())


@dataclass
class StagedBytes:
    """Bytes waiting to replace those of an artifact."""

    artifact: PlainArtifact
    data: bytes
    discarded: bool = False

    def commit(self) -> None:
        self.artifact.data = self.data

    def discard(self) -> None:
        self.discarded = True


class FixedClock:
    """Stands at a moment until it is moved on."""

    def __init__(self, moment: datetime = datetime(2026, 11, 22, 2, 0, 0, 123456, tzinfo=UTC)) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, step: timedelta) -> None:
        self.moment += step
