"""Making a snapshot: dump every artifact, prove what was stored, publish the manifest last."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django_snapshots.engine import catalog
from django_snapshots.engine.events import Progress, ignore_progress
from django_snapshots.engine.incomplete import mark_begun, unmark
from django_snapshots.engine.replacement import require_no_less
from django_snapshots.engine.side_by_side import run_side_by_side
from django_snapshots.engine.signature import require_signing
from django_snapshots.engine.stream import dump_encoded
from django_snapshots.engine.writer import ArchiveWriter, DirectoryWriter
from django_snapshots.errors import (
    SnapshotArtifactError,
    SnapshotError,
    SnapshotExistsError,
    SnapshotManifestError,
)
from django_snapshots.manifest import (
    MANIFEST_VERSION,
    ArtifactRecord,
    EncryptionRecord,
    Manifest,
    format_manifest,
    parse_manifest,
)
from django_snapshots.names import check_snapshot_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.codecs.contract import Codec, EncryptionCodec
    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.engine.replicas import Copied
    from django_snapshots.engine.stream import StreamResult
    from django_snapshots.engine.upkeep import Pruned
    from django_snapshots.engine.writer import SnapshotWriter
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["CreatedSnapshot", "Host", "create_snapshot"]

NOTHING_MADE = "No snapshot was made; those that were there are as before."
OUTCOME_UNKNOWN = (
    "The storage failed while the snapshot was published: it is there as a whole, or not at all. "
    "`manage.py snapshots list` shows which, once the storage answers again."
)


@dataclass(frozen=True, slots=True)
class Host:
    """Where and by what a snapshot is made, for its manifest.

    Attributes:
        tool: Name and version of this library.
        python: Version of Python.
        django: Version of Django.
        hostname: The host's name.
        packages: Installed distributions, "name==version", sorted.
    """

    tool: str
    python: str
    django: str
    hostname: str
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreatedSnapshot:
    """A snapshot that is now in the storage.

    Attributes:
        snapshot: Its entry in the catalog.
        problems: What belongs in it and is missing, or was to be done after it and was not, for people; a snapshot with
            problems is degraded.
        pruned: What was pruned after it; None where that was not asked for, or not done.
        copies: What became of its copies, for each replica.
    """

    snapshot: catalog.Snapshot
    problems: tuple[str, ...]
    pruned: Pruned | None = None
    copies: tuple[Copied, ...] = ()


def create_snapshot(
    storage: GuardedStorage,
    artifacts: Mapping[str, Artifact],
    *,
    name: str,
    created_at: datetime,
    host: Host,
    compression: Codec | None = None,
    encryption: EncryptionCodec | None = None,
    snapshot_format: catalog.Format = "directory",
    metadata: Mapping[str, JsonValue] | None = None,
    overwrite: bool = False,
    jobs: int = 1,
    release: Callable[[], None] = lambda: None,
    before_publish: Callable[[], None] = lambda: None,
    on_progress: ProgressCallback = ignore_progress,
) -> CreatedSnapshot:
    """Make one snapshot of all `artifacts`, or none.

    Args:
        storage: Where it goes.
        artifacts: Name -> artifact, dumped in this order.
        name: The snapshot's name.
        created_at: The present, aware.
        host: What the manifest says of this host.
        compression: Applied to every artifact but those with `compress = False`.
        encryption: Applied to every artifact, after compression.
        snapshot_format: "directory", or "archive" on a storage of the advanced tier.
        metadata: JSON values copied into the manifest.
        overwrite: Replace a snapshot of this name, once the new one is complete and lacks nothing that it holds.
        jobs: How many artifacts are dumped at a time. With 1 all are dumped in this thread, else in others.
        release: Called at the end of each such thread: closes what belongs to it, such as Django's connections.
        before_publish: Called when all is stored and confirmed; what it raises fails the backup.
        on_progress: Called with Progress events, in this thread.

    Raises:
        SnapshotNameError, SnapshotExistsError: The name cannot be a snapshot's, or is taken without `overwrite`.
        SnapshotArtifactError, SnapshotCodecError: An artifact could not be dumped, or not be encrypted; or it lacks
            something, and the snapshot to be replaced holds all of it.
        SnapshotStorageError, SnapshotSpaceError: The storage failed, or kept something else; or space is too little.
    """
    codecs = _choose_codecs(artifacts, compression, encryption)
    replaced = _find_taken(storage, name, overwrite=overwrite)
    writer = _writer(storage, name, snapshot_format, artifacts)
    with _marked(storage, name, writer, created_at, host.hostname):
        records, problems = _store_all(writer, artifacts, codecs, on_progress, jobs=jobs, release=release)
        manifest = _manifest(name, created_at, host, metadata, records)
        _publish(writer, manifest, replaced, before_publish)
    problems += _clear(storage, writer, manifest, replacing=replaced is not None)
    return CreatedSnapshot(catalog.Snapshot(name, snapshot_format, manifest), tuple(problems))


@dataclass(frozen=True, slots=True)
class _Codecs:
    """What the artifacts of one snapshot are encoded with, and for whom."""

    compression: Codec | None
    encryption: EncryptionCodec | None
    recipients: tuple[str, ...]

    def of(self, artifact: Artifact) -> list[Codec]:
        """Return the codecs of an artifact in the order of encoding."""
        compression = self.compression if getattr(artifact, "compress", True) else None
        return [codec for codec in (compression, self.encryption) if codec is not None]

    @property
    def record(self) -> EncryptionRecord | None:
        """What the manifest says of the encryption."""
        if self.encryption is None:
            return None
        return EncryptionRecord(codec=self.encryption.name, recipients=self.recipients)


def _choose_codecs(
    artifacts: Mapping[str, Artifact], compression: Codec | None, encryption: EncryptionCodec | None
) -> _Codecs:
    for name, artifact in artifacts.items() if encryption else ():
        if getattr(artifact, "plain_on_disk", False) is True:
            raise SnapshotArtifactError(
                f"{name} is dumped into files in the temporary directory, which are not encrypted, and the snapshot is "
                "to be. Nothing was dumped. Configure it so that it streams: for PostgreSQL 'format': 'custom'.",
                artifact=name,
            )
    return _Codecs(compression, encryption, tuple(encryption.fingerprints()) if encryption else ())


def _find_taken(storage: GuardedStorage, name: str, *, overwrite: bool) -> catalog.Snapshot | None:
    """Return the snapshot that has the name, as it is before anything is stored beside it; None for a free name."""
    if not catalog.find_formats(storage, check_snapshot_name(name)):
        return None
    if not overwrite:
        raise SnapshotExistsError(name)
    return catalog.find_snapshot(storage, name)


def _publish(
    writer: SnapshotWriter, manifest: Manifest, replaced: catalog.Snapshot | None, before_publish: Callable[[], None]
) -> None:
    _require_readable(manifest)
    if replaced is not None:
        require_no_less(manifest, replaced)
    before_publish()
    writer.publish(manifest)


def _manifest(
    name: str,
    created_at: datetime,
    host: Host,
    metadata: Mapping[str, JsonValue] | None,
    records: Sequence[ArtifactRecord],
) -> Manifest:
    return Manifest(
        version=MANIFEST_VERSION,
        name=name,
        created_at=created_at,
        tool=host.tool,
        python=host.python,
        django=host.django,
        hostname=host.hostname,
        packages=host.packages,
        metadata=dict(metadata or {}),
        artifacts=tuple(records),
    )


def _require_readable(manifest: Manifest) -> None:
    """Check that the manifest will be read: what cannot be must not be published, least of all over an older one."""
    reason = _unreadable_because(manifest)
    if reason is not None:
        raise SnapshotArtifactError(
            f"The manifest of '{manifest.name}' could not be read back: {reason} It would hold what the artifacts say "
            "of themselves. Facts that an artifact of your own returns must be JSON, and not be nested deeply.",
            artifact="",
        )


def _unreadable_because(manifest: Manifest) -> str | None:
    try:
        parse_manifest(format_manifest(manifest), snapshot=manifest.name)
    except SnapshotManifestError as error:
        return error.reason
    except (ValueError, RecursionError) as error:  # a value that JSON does not have
        return f"{error}."
    return None


def _writer(
    storage: GuardedStorage, name: str, snapshot_format: catalog.Format, artifacts: Mapping[str, Artifact]
) -> SnapshotWriter:
    require_signing(storage.signer)
    if snapshot_format == "directory":
        return DirectoryWriter(storage, name)
    return ArchiveWriter(storage, name, staged_bytes=sum(size_hint(artifact) or 0 for artifact in artifacts.values()))


def size_hint(artifact: Artifact) -> int | None:
    """Return the bytes that the artifact will dump, roughly; None where it does not say."""
    hint: Callable[[], int | None] | None = getattr(artifact, "size_hint", None)
    return None if hint is None else hint()


def _store_all(
    writer: SnapshotWriter,
    artifacts: Mapping[str, Artifact],
    codecs: _Codecs,
    on_progress: ProgressCallback,
    *,
    jobs: int,
    release: Callable[[], None],
) -> tuple[list[ArtifactRecord], list[str]]:
    # Django saves an upload before its row. A database stands for one moment from its first byte on, so what follows
    # it in the order begins after that: then each row of the snapshot has its file, side by side or not.
    begun: list[threading.Event] = []

    def task(name: str, artifact: Artifact) -> Callable[[ProgressCallback], ArtifactRecord]:
        before, begins = tuple(begun), threading.Event()
        if _kind(artifact) == "database":
            before = ()
            begun.append(begins)

        def store(report: ProgressCallback) -> ArtifactRecord:
            # Without a watcher nothing is counted and sent for nobody.
            watcher = ignore_progress if on_progress is ignore_progress else report
            for event in before:
                event.wait()
            try:
                record = _store(writer, name, artifact, codecs, watcher, begins=begins.set)
            finally:
                begins.set()
            writer.confirm(record)
            return record

        return store

    tasks = [task(name, artifact) for name, artifact in artifacts.items()]
    records = run_side_by_side(tasks, jobs=jobs, deliver=on_progress, release=release)
    problems = [f"{record.name}: {problem}" for record in records for problem in record.problems]
    return records, problems


def _store(
    writer: SnapshotWriter,
    name: str,
    artifact: Artifact,
    codecs: _Codecs,
    on_progress: ProgressCallback,
    *,
    begins: Callable[[], None],
) -> ArtifactRecord:
    def report(done_bytes: int) -> None:
        begins()
        on_progress(Progress("dump", name, done_bytes, total_bytes))

    chain = codecs.of(artifact)
    try:
        path = writer.path_for(name, [f".{artifact.suffix}", *(codec.suffix for codec in chain)])
        # The size of a folder is a walk through it, 0.15 s for 20,000 files, which only a watcher needs.
        total_bytes = None if on_progress is ignore_progress else size_hint(artifact)
        result = dump_encoded(
            artifact,
            chain,
            lambda chunks: writer.store(path, chunks),
            report,
        )
        record = _record(name, artifact, path, codecs, result)
    except (SnapshotError, MemoryError):
        raise
    except Exception as error:
        raise SnapshotArtifactError(
            f"{name} could not be dumped: {type(error).__name__}: {error}", artifact=name
        ) from error
    on_progress(Progress("dump", name, record.plain_size, record.plain_size, finished=True))
    return record


def _record(name: str, artifact: Artifact, path: str, codecs: _Codecs, result: StreamResult) -> ArtifactRecord:
    return ArtifactRecord(
        name=name,
        kind=_kind(artifact),
        path=path,
        codecs=tuple(codec.name for codec in codecs.of(artifact)),
        plain_size=result.plain_size,
        plain_digest=result.plain_digest,
        stored_size=result.stored_size,
        stored_digest=result.stored_digest,
        facts=dict(result.facts or {}),
        encryption=codecs.record,
    )


def _kind(artifact: Artifact) -> str:
    kind: str = getattr(artifact, "kind", "custom")
    return kind


@contextmanager
def _marked(
    storage: GuardedStorage, name: str, writer: SnapshotWriter, created_at: datetime, hostname: str
) -> Iterator[None]:
    """Run the block with the marker of a backup at work; when it fails, remove what it stored."""
    try:
        mark_begun(storage, name, created_at, hostname)
        yield
    except BaseException as error:
        error.add_note(_abandon(storage, name, writer))
        raise
    finally:
        writer.close()


def _abandon(storage: GuardedStorage, name: str, writer: SnapshotWriter) -> str:
    """Remove what a failed backup stored; return what the outcome is, for people."""
    if not writer.abandon():
        return OUTCOME_UNKNOWN
    with suppress(SnapshotError):  # the next prune removes the marker; the error that led here matters more
        unmark(storage, name)
    return NOTHING_MADE


def _clear(storage: GuardedStorage, writer: SnapshotWriter, manifest: Manifest, *, replacing: bool) -> list[str]:
    """Remove what is no longer needed beside a new snapshot; return a text when that failed."""
    try:
        if replacing:
            writer.clear_replaced(manifest)
        unmark(storage, manifest.name)
    except SnapshotError as error:
        return [f"The snapshot is complete, but what it left behind could not all be removed: {error}"]
    return []
