"""Which snapshots a storage holds, and where their files are. The only module that knows paths in a storage."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from django_snapshots.digests import digest_of
from django_snapshots.engine.archive import open_member, read_manifest, read_signature
from django_snapshots.engine.not_found import no_such_snapshot, nothing_here
from django_snapshots.engine.reading import read_each
from django_snapshots.engine.sidecars import SIDECAR_KINDS, read_sidecar, store_sidecar
from django_snapshots.engine.signature import SIGNATURE_MAX_BYTES, judge_signature, read_signature_file
from django_snapshots.engine.snapshot import Format, Snapshot, why_none_is_complete
from django_snapshots.errors import (
    SnapshotFileMissingError,
    SnapshotManifestError,
    SnapshotNameError,
    SnapshotNotFoundError,
    SnapshotStorageError,
)
from django_snapshots.manifest import MANIFEST_MAX_BYTES, MANIFEST_NAME, parse_manifest
from django_snapshots.names import check_snapshot_name

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from django_snapshots.engine.sidecars import Sidecar, SidecarKind
    from django_snapshots.manifest import ArtifactRecord, Manifest
    from django_snapshots.retention import Candidate
    from django_snapshots.storage.guard import GuardedStorage

__all__ = [
    "ARCHIVE_SUFFIX",
    "LEASE_PREFIX",
    "MARKER_NAME",
    "REMOVAL_PREFIX",
    "Format",
    "Snapshot",
    "archive_path",
    "condense_snapshots",
    "delete_files",
    "delete_sidecar",
    "file_path",
    "find_snapshot",
    "latest_snapshot",
    "lease_path",
    "list_snapshots",
    "manifest_path",
    "marker_path",
    "open_artifact",
    "outcome_path",
    "partial_path",
    "paths_of",
    "read_manifest_bytes",
    "removal_path",
    "require_snapshot",
    "sidecar_path",
    "signature_name",
    "write_sidecar",
]

ARCHIVE_SUFFIX = ".tar"
MARKER_NAME = "incomplete.json"
LEASE_PREFIX = ".locks/"
"""Where runs that write say so; no snapshot's name begins with a dot."""
REMOVAL_PREFIX = ".removing/"
_SIDECAR_ENDINGS = tuple(f"{before}{kind}.json" for kind in SIDECAR_KINDS for before in ("/", f"{ARCHIVE_SUFFIX}."))


_DatedT = TypeVar("_DatedT", "Snapshot", "Candidate")
"""What is ordered by date and told apart by name."""


def manifest_path(name: str) -> str:
    """Return where the manifest of a snapshot in directory format is."""
    return f"{name}/{MANIFEST_NAME}"


def archive_path(name: str) -> str:
    """Return where a snapshot in archive format is."""
    return f"{name}{ARCHIVE_SUFFIX}"


def file_path(name: str, path: str) -> str:
    """Return where the file `path` of a snapshot in directory format is."""
    return f"{name}/{path}"


def signature_name(manifest_digest: str) -> str:
    """Return what the signature of a manifest is called, beside it or after it in an archive.

    By the digest in its name each manifest has its own, the old and the new one of a snapshot that is being replaced.
    """
    return f"{MANIFEST_NAME}.{manifest_digest.removeprefix('sha256:')[:16]}.sig"


def marker_path(name: str) -> str:
    """Return where a backup says that it is at work on a snapshot; it is there from its first file to its end."""
    return f"{name}/{MARKER_NAME}"


def sidecar_path(name: str, format_: Format, kind: SidecarKind) -> str:
    """Return where a document beside a snapshot is: in its folder, or next to its archive."""
    return file_path(name, f"{kind}.json") if format_ == "directory" else f"{archive_path(name)}.{kind}.json"


def lease_path(name: str) -> str:
    """Return where the lease called `name` is."""
    return LEASE_PREFIX + name


def partial_path(path: str) -> str:
    """Return where a file is kept until it is proved and moved to `path`; never the place of a snapshot."""
    return f"{path}.partial"


def outcome_path(subject: str) -> str:
    """Return where a run leaves what the next one is to know of `subject`; no snapshot's name begins with a dot."""
    return f".outcome/{subject}.json"


def removal_path(removal: str) -> str:
    """Return where a removal says which snapshots it removes; it is there from its first deletion to its last."""
    return f"{REMOVAL_PREFIX}{removal}.json"


def paths_of(name: str, listing: Iterable[str]) -> list[str]:
    """Return which of the paths belong to the name, in either format: what makes a snapshot visible comes first."""
    visible = (manifest_path(name), archive_path(name))
    beside = {sidecar_path(name, "archive", kind) for kind in SIDECAR_KINDS}
    found = [path for path in listing if path.startswith(f"{name}/") or path in beside or path in visible]
    return sorted(found, key=lambda path: (path not in visible, path))


def list_snapshots(storage: GuardedStorage, listing: Iterable[str] | None = None) -> list[Snapshot]:
    """Return all snapshots, newest first, those without a readable date last; damaged ones are among them.

    Costs one listing, and one small read for each snapshot and each document beside one, side by side.

    Args:
        storage: Where to look.
        listing: All paths in the storage, where the caller has listed them already.

    Raises:
        SnapshotStorageError: The storage could not be listed or read. It is never taken for an empty one.
    """
    return condense_snapshots(storage, lambda snapshot: snapshot, listing)


def condense_snapshots(
    storage: GuardedStorage, of: Callable[[Snapshot], _DatedT], listing: Iterable[str] | None = None
) -> list[_DatedT]:
    """Return what `of` makes of each snapshot, in the order of `list_snapshots`, at the same cost.

    No manifest outlives its turn: 10,000 of them with their packages and facts are hundreds of MiB.

    Raises:
        SnapshotStorageError: The storage could not be listed or read. It is never taken for an empty one.
    """
    listed = list(storage.list("") if listing is None else listing)
    paths = frozenset(listed)
    found = [entry for path in listed if (entry := _manifest_at(path))]

    def read(entry: tuple[str, Format]) -> _DatedT | None:
        snapshot = _read_entry(storage, *entry, paths)
        return None if snapshot is None else of(snapshot)

    return _newest_of_each_name(read_each(read, found))


def _manifest_at(path: str) -> tuple[str, Format] | None:
    name, slash, rest = path.partition("/")
    if slash and rest == MANIFEST_NAME:
        format_: Format = "directory"
    elif not slash and name.endswith(ARCHIVE_SUFFIX):
        name, format_ = name.removesuffix(ARCHIVE_SUFFIX), "archive"
    else:
        return None
    try:
        return check_snapshot_name(name), format_
    except SnapshotNameError:
        return None  # somebody else's file: no snapshot can have this name


def _read_entry(storage: GuardedStorage, name: str, format_: Format, paths: Container[str]) -> Snapshot | None:
    sidecars = _read_sidecars(storage, name, format_, paths)
    digest = None
    try:
        data = read_manifest_bytes(storage, name, format_)
        digest = digest_of(data)
        manifest = parse_manifest(data, snapshot=name)
        distrust = _judge(storage, name, format_, data, digest)
    except SnapshotManifestError as error:
        return Snapshot(name, format_, None, str(error), digest, sidecars, _error=error)
    except SnapshotStorageError as error:
        if error.missing:
            return None  # deleted by somebody else since it was listed
        raise
    damage = " ".join(filter(None, (_missing_files(manifest, format_, paths), distrust))) or None
    return Snapshot(name, format_, manifest, damage, digest, sidecars, distrust)


def _judge(storage: GuardedStorage, name: str, format_: Format, manifest: bytes, digest: str) -> str | None:
    if storage.signer is None:
        return None
    if format_ == "directory":
        stored = read_signature_file(storage, file_path(name, signature_name(digest)))
    else:
        with closing(storage.open(archive_path(name))) as source:
            stored = read_signature(source, name, signature_name(digest), SIGNATURE_MAX_BYTES)
    return judge_signature(storage.signer, manifest, stored)


def _read_sidecars(
    storage: GuardedStorage, name: str, format_: Format, paths: Container[str]
) -> Mapping[SidecarKind, Sidecar]:
    found: dict[SidecarKind, Sidecar] = {}
    for kind in SIDECAR_KINDS:
        path = sidecar_path(name, format_, kind)
        if path in paths and (sidecar := read_sidecar(storage, path)) is not None:
            found[kind] = sidecar
    return found


def _missing_files(manifest: Manifest, format_: Format, paths: Container[str]) -> str | None:
    if format_ == "archive":
        return None
    missing = [record.path for record in manifest.artifacts if file_path(manifest.name, record.path) not in paths]
    return f"Missing from the storage: {', '.join(missing)}." if missing else None


def _newest_of_each_name(snapshots: Iterable[_DatedT | None]) -> list[_DatedT]:
    """Return the snapshots, newest first.

    Only an --overwrite that changed the format and was killed at its very end leaves a name in both formats.
    """
    by_name: dict[str, _DatedT] = {}
    found = [snapshot for snapshot in snapshots if snapshot is not None]
    for snapshot in sorted(found, key=_age_key, reverse=True):
        by_name.setdefault(snapshot.name, snapshot)
    return list(by_name.values())


def _age_key(snapshot: Snapshot | Candidate) -> tuple[float, str]:
    return (snapshot.created_at.timestamp() if snapshot.created_at else float("-inf"), snapshot.name)


def find_snapshot(storage: GuardedStorage, name: str) -> Snapshot:
    """Return the snapshot called `name`; "latest" is the newest that is complete.

    Raises:
        SnapshotNotFoundError: There is none; its text names the nearest.
        SnapshotNameError: The name cannot be a snapshot's.
    """
    if name == "latest":
        return latest_snapshot(storage)
    check_snapshot_name(name)
    formats = find_formats(storage, name)
    folders = {"directory": f"{name}/", "archive": f"{archive_path(name)}."}
    paths = {path for format_ in formats for path in storage.list(folders[format_])}
    found = [_read_entry(storage, name, format_, paths) for format_ in formats]
    snapshots = _newest_of_each_name(found)
    if not snapshots:
        raise _not_found(storage, name)
    return snapshots[0]


def find_formats(storage: GuardedStorage, name: str) -> list[Format]:
    """Return in which formats a snapshot called `name` is stored; more than one only after a killed overwrite."""
    formats: list[Format] = ["directory"] if storage.exists(manifest_path(name)) else []
    return [*formats, "archive"] if storage.exists(archive_path(name)) else formats


def latest_snapshot(storage: GuardedStorage) -> Snapshot:
    """Return the newest complete snapshot, by the date in its manifest; what restores saved before does not count.

    Otherwise a second `restore latest` would bring back what the first one replaced.

    Every manifest must be read for that, for nothing else knows the date; the documents are read of this one alone.

    Raises:
        SnapshotNotFoundError: There is no complete one.
    """
    listing = storage.list("")
    beside = {path for path in listing if path.count("/") <= 1 and path.endswith(_SIDECAR_ENDINGS)}
    found = list_snapshots(storage, [path for path in listing if path not in beside])
    snapshots = [snapshot for snapshot in found if not snapshot.is_safety]
    for snapshot in snapshots:
        if snapshot.damage is None:
            sidecars = _read_sidecars(storage, snapshot.name, snapshot.format, beside)
            return replace(snapshot, sidecars=sidecars)
    if snapshots:
        text = f"No complete snapshot: {why_none_is_complete(snapshots)} See `manage.py snapshots list`."
    elif found:
        text = (
            f"{storage.description} holds only what restores saved, and 'latest' never means that. The newest is "
            f"'{found[0].name}': name it to have it."
        )
    else:
        text = nothing_here(storage)
    raise SnapshotNotFoundError(text, name="latest")


def _not_found(storage: GuardedStorage, name: str) -> SnapshotNotFoundError:
    return no_such_snapshot(storage, name, list_snapshots(storage))


def read_manifest_bytes(storage: GuardedStorage, name: str, format_: Format) -> bytes:
    """Return the stored bytes of a snapshot's manifest, one more than allowed of a manifest that is too large.

    Raises:
        SnapshotManifestError: The archive does not begin with it.
        SnapshotStorageError: The storage failed.
    """
    if format_ == "archive":
        with closing(storage.open(archive_path(name))) as source:
            return read_manifest(source, name)
    return storage.read_start(manifest_path(name), MANIFEST_MAX_BYTES + 1)


@contextmanager
def open_artifact(storage: GuardedStorage, snapshot: Snapshot, record: ArtifactRecord) -> Iterator[BinaryIO]:
    """Give the stored bytes of an artifact.

    Raises:
        SnapshotFileMissingError: The file is not there.
        SnapshotStorageError: The storage failed.
    """
    path = archive_path(snapshot.name)
    if snapshot.format == "directory":
        path = file_path(snapshot.name, record.path)
    try:
        stored = storage.open(path)
    except SnapshotStorageError as error:
        if error.missing:
            raise SnapshotFileMissingError(snapshot=snapshot.name, path=record.path) from error
        raise
    with closing(stored):
        if snapshot.format == "directory":
            yield stored
        else:
            with open_member(stored, record.path, snapshot.name) as member:
                yield member


def require_snapshot(storage: GuardedStorage, name: str) -> None:
    """Check that there is a snapshot called `name`, damaged or not.

    Raises:
        SnapshotNotFoundError: There is none; its text names the nearest.
        SnapshotNameError: The name cannot be a snapshot's.
    """
    check_snapshot_name(name)
    if not find_formats(storage, name):
        raise _not_found(storage, name)


def delete_files(storage: GuardedStorage, name: str, *, keep: Sequence[str] = ()) -> None:
    """Remove the files below a snapshot's folder, all but the paths in `keep` (relative to the snapshot)."""
    kept = {file_path(name, path) for path in keep}
    storage.delete_many([path for path in storage.list(f"{name}/") if path not in kept])


def write_sidecar(
    storage: GuardedStorage, snapshot: Snapshot, kind: SidecarKind, content: Mapping[str, JsonValue]
) -> None:
    """Keep a document beside a snapshot, in the place of an older one of its kind.

    Raises:
        SnapshotNotFoundError: The snapshot was deleted since it was found.
        SnapshotStorageError: The storage failed, or did not keep the document.
        ValueError: The document is too large, or holds what is no JSON value.
    """
    if snapshot.format not in find_formats(storage, snapshot.name):
        raise _not_found(storage, snapshot.name)
    store_sidecar(storage, sidecar_path(snapshot.name, snapshot.format, kind), content)


def delete_sidecar(storage: GuardedStorage, snapshot: Snapshot, kind: SidecarKind) -> None:
    """Remove a document beside a snapshot; a missing one is no error.

    Raises:
        SnapshotStorageError: The storage failed.
    """
    storage.delete(sidecar_path(snapshot.name, snapshot.format, kind))
