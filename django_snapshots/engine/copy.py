"""Copying a snapshot from one storage to another: bit for bit, read back and compared, invisible until it is whole."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING

from django_snapshots.digests import CHUNK_SIZE, digest_of, format_digest, new_hasher
from django_snapshots.engine import catalog
from django_snapshots.engine.events import Progress, ignore_progress
from django_snapshots.engine.incomplete import mark_begun, unmark
from django_snapshots.engine.removal import remove_format
from django_snapshots.engine.signature import read_signature_file
from django_snapshots.engine.stream import check_stored
from django_snapshots.engine.writer import DirectoryWriter
from django_snapshots.errors import SnapshotDigestError, SnapshotError, SnapshotManifestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.manifest import ArtifactRecord
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["copy_snapshot", "is_copied"]


def is_copied(target: GuardedStorage, snapshot: Snapshot) -> bool:
    """Say whether the target has this very snapshot, complete as far as a listing tells, and no other of its name.

    Raises:
        SnapshotStorageError: The target failed.
    """
    return catalog.find_formats(target, snapshot.name) == [snapshot.format] and _has_it(target, snapshot)


def _has_it(target: GuardedStorage, snapshot: Snapshot) -> bool:
    there = catalog.find_snapshot(target, snapshot.name)
    return _is_same(there, snapshot) and there.damage is None


def _is_same(there: Snapshot, snapshot: Snapshot) -> bool:
    return there.format == snapshot.format and there.manifest_digest == snapshot.manifest_digest


def copy_snapshot(
    source: GuardedStorage,
    target: GuardedStorage,
    snapshot: Snapshot,
    *,
    now: datetime,
    hostname: str,
    require_held: Callable[[], None] = lambda: None,
    on_progress: ProgressCallback = ignore_progress,
) -> bool:
    """Copy a snapshot, and return True; False when the target has it already.

    Each file is compared with the manifest while it is read, and again as it is read back from the target. Another
    snapshot of this name in the target, or a damaged copy, is replaced; it goes when the new one is there, but for a
    folder in the place of a folder. A pin that a damaged copy has stays as it is.

    Args:
        source: Where the snapshot is.
        target: Where it goes.
        snapshot: Its entry in the source's catalog.
        now: The present, aware.
        hostname: This host's name.
        require_held: Called before the copy is made visible; what it raises ends the work.
        on_progress: Called with Progress events.

    Raises:
        SnapshotManifestError, SnapshotDigestError, SnapshotFileMissingError: The snapshot is damaged.
        SnapshotStorageError: A storage failed, or did not keep what it was given.
        SnapshotStorageCapabilityError: An archive cannot be copied to a storage of the basic tier.
    """
    _require_copyable(snapshot, target)
    there = catalog.find_formats(target, snapshot.name)
    copies = not there or not _has_it(target, snapshot)
    if copies:
        pinned = bool(there) and _has_it_pinned(target, snapshot)
        if "directory" in there and snapshot.format == "directory":
            _make_room(source, target, snapshot, require_held, keeps_pin=pinned)
        mark_begun(target, snapshot.name, now, hostname)
        copy = _copy_archive if snapshot.format == "archive" else _copy_directory
        copy(source, target, snapshot, require_held, on_progress)
        if not pinned:
            _copy_pin(target, snapshot)
    with suppress(SnapshotError):  # the copy is whole; what is left beside it goes with the next copy or prune
        for other in set(there) - {snapshot.format}:
            remove_format(target, snapshot.name, other, require_held=require_held)
        if copies:
            unmark(target, snapshot.name)
    return copies


def _require_copyable(snapshot: Snapshot, target: GuardedStorage) -> None:
    if snapshot.damage is not None:
        snapshot.require_manifest()
        raise SnapshotManifestError(f"it is not whole, and was not copied. {snapshot.damage}", snapshot=snapshot.name)
    if snapshot.format == "archive":
        target.require_advanced("The archive format")


def _has_it_pinned(target: GuardedStorage, snapshot: Snapshot) -> bool:
    """Say whether a copy of this very snapshot, damaged or not, has a pin of its own, which holds what is made good."""
    there = catalog.find_snapshot(target, snapshot.name)
    return _is_same(there, snapshot) and "pinned" in there.sidecars


def _copy_pin(target: GuardedStorage, snapshot: Snapshot) -> None:
    pin = snapshot.sidecars.get("pinned")
    if pin is not None and pin.content is not None:
        catalog.write_sidecar(target, snapshot, "pinned", pin.content)


def _make_room(
    source: GuardedStorage,
    target: GuardedStorage,
    snapshot: Snapshot,
    require_held: Callable[[], None],
    *,
    keeps_pin: bool,
) -> None:
    """Remove the folder of another: the manifest names the files, and two of one name have no place at once."""
    _prove(source, snapshot)  # before the other goes, which may be the last that is whole
    keep = [catalog.sidecar_path(snapshot.name, "directory", "pinned")] if keeps_pin else []
    remove_format(target, snapshot.name, "directory", keep=keep, require_held=require_held)


def _copy_directory(
    source: GuardedStorage,
    target: GuardedStorage,
    snapshot: Snapshot,
    require_held: Callable[[], None],
    on_progress: ProgressCallback,
) -> None:
    manifest = snapshot.require_manifest()
    data = catalog.read_manifest_bytes(source, snapshot.name, "directory")
    writer = DirectoryWriter(target, snapshot.name)
    try:
        for record in manifest.artifacts:
            writer.store(record.path, _proved_chunks(source, snapshot, record, on_progress))
            with closing(target.open(catalog.file_path(snapshot.name, record.path))) as stored:
                check_stored(stored, record, snapshot=snapshot.name, on_bytes=_ignore_bytes)
            on_progress(Progress("copy", record.name, record.stored_size, record.stored_size, finished=True))
        signature = catalog.signature_name(digest_of(data))
        signed = read_signature_file(source, catalog.file_path(snapshot.name, signature))
        if signed is not None:
            writer.store(signature, iter([signed]))
        require_held()
        writer.publish_copy(manifest, data)
    except BaseException:
        _abandon(writer, target, snapshot.name)
        raise


def _abandon(writer: DirectoryWriter, target: GuardedStorage, name: str) -> None:
    if writer.abandon():
        with suppress(SnapshotError):  # the next prune removes the marker; the error that led here matters more
            unmark(target, name)


def _proved_chunks(
    source: GuardedStorage, snapshot: Snapshot, record: ArtifactRecord, on_progress: ProgressCallback
) -> Iterator[bytes]:
    """Yield a stored file, and raise at its end when it is not what the manifest says: it is then not kept."""
    hasher, size_bytes = new_hasher(), 0
    with catalog.open_artifact(source, snapshot, record) as stored:
        while chunk := stored.read(CHUNK_SIZE):
            hasher.update(chunk)
            size_bytes += len(chunk)
            on_progress(Progress("copy", record.name, size_bytes, record.stored_size))
            yield chunk
    _require_same(snapshot.name, record.path, record.stored_digest, format_digest(hasher))


def _prove(source: GuardedStorage, snapshot: Snapshot) -> None:
    for record in snapshot.require_manifest().artifacts:
        with catalog.open_artifact(source, snapshot, record) as stored:
            check_stored(stored, record, snapshot=snapshot.name, on_bytes=_ignore_bytes)


def _copy_archive(
    source: GuardedStorage,
    target: GuardedStorage,
    snapshot: Snapshot,
    require_held: Callable[[], None],
    on_progress: ProgressCallback,
) -> None:
    path = catalog.archive_path(snapshot.name)
    partial = catalog.partial_path(path)
    try:
        _prove(source, snapshot)
        given = _Digest()
        target.store(partial, given.of(_chunks(source, path, snapshot.name, on_progress)))
        kept = _Digest()
        for _ in kept.of(_chunks(target, partial, snapshot.name, ignore_progress)):
            pass
        _require_same(snapshot.name, partial, given.text, kept.text)
        require_held()
        if target.exists(path):
            catalog.delete_sidecar(target, snapshot, "verified")  # of the one that this move replaces
        target.move(partial, path)
    except BaseException:
        with suppress(SnapshotError):
            target.delete(partial)
            unmark(target, snapshot.name)
        raise


def _require_same(name: str, path: str, expected: str, found: str) -> None:
    if found != expected:
        raise SnapshotDigestError(snapshot=name, path=path, expected=expected, found=found)


class _Digest:
    """The digest of chunks that pass by."""

    def __init__(self) -> None:
        self._hasher = new_hasher()

    def of(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._hasher.update(chunk)
            yield chunk

    @property
    def text(self) -> str:
        return format_digest(self._hasher)


def _chunks(storage: GuardedStorage, path: str, name: str, on_progress: ProgressCallback) -> Iterator[bytes]:
    done_bytes = 0
    with closing(storage.open(path)) as stored:
        while chunk := stored.read(CHUNK_SIZE):
            done_bytes += len(chunk)
            on_progress(Progress("copy", name, done_bytes, None))
            yield chunk


def _ignore_bytes(_done: int) -> None:
    """Do nothing: what is read back is not shown."""
