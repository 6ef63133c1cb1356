"""Backups that never completed: the marker that a backup leaves while it is at work, and what is done about old ones.

Only files below a marker are ever taken for leftovers. A storage may be shared with other things, and a folder
without a manifest is not ours because it is there.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django_snapshots.digests import digest_of
from django_snapshots.engine import catalog
from django_snapshots.engine.sidecars import SIDECAR_KINDS
from django_snapshots.errors import SnapshotManifestError, SnapshotNameError, SnapshotStorageError
from django_snapshots.manifest import MANIFEST_NAME, parse_manifest
from django_snapshots.names import check_snapshot_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["GRACE", "Leftover", "find_leftovers", "mark_begun", "remove_leftover", "unmark"]

GRACE = timedelta(hours=24)
"""A backup that began longer ago than this is not at work any more."""

_MARKER_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Leftover:
    """Files of a backup that was killed, or of a snapshot whose removal was.

    Attributes:
        name: The snapshot's name.
        begun_at: When the backup began, aware; None of a removal.
        paths: The files in the storage, the marker last. None of them belongs to a complete snapshot.
    """

    name: str
    begun_at: datetime | None
    paths: tuple[str, ...]


def mark_begun(storage: GuardedStorage, name: str, begun_at: datetime, hostname: str) -> None:
    """Leave the marker of a backup that begins; it comes before the first file."""
    marker = {"begun_at": begun_at.isoformat(), "hostname": hostname}
    storage.store(catalog.marker_path(name), iter([json.dumps(marker).encode()]))


def unmark(storage: GuardedStorage, name: str) -> None:
    """Remove the marker of a backup that has ended and left no file behind."""
    storage.delete(catalog.marker_path(name))


def find_leftovers(
    storage: GuardedStorage, *, now: datetime, grace: timedelta = GRACE, listing: Sequence[str] | None = None
) -> list[Leftover]:
    """Return what killed backups left behind, sorted by name; costs one listing, and a small read for each marker.

    Args:
        storage: Where to look.
        now: The present, aware.
        grace: A backup that began less than this ago may still be at work, and is left alone.
        listing: All paths in the storage, where the caller has listed them already.

    Raises:
        SnapshotStorageError: The storage could not be listed or read.
    """
    paths = storage.list("") if listing is None else listing
    leftovers = []
    for name in sorted(_marked_names(paths)):
        begun_at = _begun_at(storage, name)
        if begun_at is None or now - begun_at < grace:
            continue
        unnamed = _unnamed_files(storage, name, paths)
        if unnamed is not None:
            leftovers.append(Leftover(name, begun_at, (*unnamed, catalog.marker_path(name))))
    return leftovers


def remove_leftover(storage: GuardedStorage, leftover: Leftover) -> None:
    """Remove the files, the marker last: when this is interrupted the next run goes on."""
    *files, marker = leftover.paths
    storage.delete_many(files)
    storage.delete(marker)


def _marked_names(paths: Sequence[str]) -> list[str]:
    names = []
    for path in paths:
        name, slash, rest = path.partition("/")
        if slash and rest == catalog.MARKER_NAME and _is_snapshot_name(name):
            names.append(name)
    return names


def _is_snapshot_name(name: str) -> bool:
    try:
        check_snapshot_name(name)
    except SnapshotNameError:
        return False
    return True


def _begun_at(storage: GuardedStorage, name: str) -> datetime | None:
    """Return the date in the marker; None when it is gone by now, or is none of ours."""
    try:
        with closing(storage.open(catalog.marker_path(name))) as source:
            marker = json.loads(source.read(_MARKER_MAX_BYTES))
        begun_at = datetime.fromisoformat(marker["begun_at"])
    except SnapshotStorageError as error:
        if error.missing:
            return None
        raise
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return begun_at if begun_at.tzinfo else None


def _unnamed_files(storage: GuardedStorage, name: str, paths: Sequence[str]) -> list[str] | None:
    """Return the files below the name that no manifest names; None when there is a manifest that cannot be read."""
    below = [path for path in paths if path.startswith(f"{name}/") and path != catalog.marker_path(name)]
    partial = catalog.partial_path(catalog.archive_path(name))
    below += [partial] if partial in paths else []
    if catalog.manifest_path(name) not in paths:
        return below
    try:
        data = catalog.read_manifest_bytes(storage, name, "directory")
        manifest = parse_manifest(data, snapshot=name)
    except SnapshotManifestError:
        return None
    named = {catalog.file_path(name, path) for path in (MANIFEST_NAME, *(record.path for record in manifest.artifacts))}
    named.add(catalog.file_path(name, catalog.signature_name(digest_of(data))))
    named |= {catalog.sidecar_path(name, "directory", kind) for kind in SIDECAR_KINDS}
    return [path for path in below if path not in named]
