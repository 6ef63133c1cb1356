"""Putting one snapshot into a storage, in either format: invisible until `publish`, and then whole.

A file is never written over one that a visible manifest names, so a crash leaves what was there readable.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Protocol

from django_snapshots.digests import digest_of, format_digest, new_hasher
from django_snapshots.engine import catalog
from django_snapshots.engine.archive import archive_chunks
from django_snapshots.engine.sidecars import SIDECAR_KINDS
from django_snapshots.engine.signature import format_signature
from django_snapshots.errors import SnapshotError, SnapshotStorageError
from django_snapshots.manifest import MANIFEST_NAME, format_manifest
from django_snapshots.names import artifact_path
from django_snapshots.scratch import ScratchDirectory, require_space

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from django_snapshots.manifest import ArtifactRecord, Manifest
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["ArchiveWriter", "DirectoryWriter", "SnapshotWriter"]


class SnapshotWriter(Protocol):
    """Takes the files of one snapshot and publishes them together."""

    def path_for(self, artifact: str, suffixes: Sequence[str]) -> str:
        """Return the path, relative to the snapshot, at which the artifact's file will be; another one each time."""
        ...

    def store(self, path: str, chunks: Iterator[bytes]) -> None:
        """Keep the chunks as the file `path`; called in several threads at once, each with another path."""

    def confirm(self, record: ArtifactRecord) -> None:
        """Prove that the file of `record` was kept as it is described; called in several threads as well."""

    def publish(self, manifest: Manifest) -> None:
        """Make the snapshot visible in one step, in the place of one of the same name."""

    def clear_replaced(self, manifest: Manifest) -> None:
        """Remove the files of the snapshot that was replaced; the new one is visible already."""

    def abandon(self) -> bool:
        """Remove what was kept, unless it may be visible; False where that is not known.

        Never raises: another error is on its way.
        """
        ...

    def close(self) -> None:
        """Remove what was staged on this host."""


class _Paths:
    """Gives each file of a snapshot a path that no other has, in several threads at once.

    The files of the database "shard" may be called "shard.2", after those that they replace: so may another database.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._giving = threading.Lock()

    def give(self, artifact: str, suffixes: Sequence[str]) -> str:
        """Return a path such as "media.tar.zst", and "media.2.tar.zst" where that is taken; it is taken from now on."""
        path, generation = artifact_path(artifact, suffixes), 1
        with self._giving:
            while path in self._taken:
                generation += 1
                path = artifact_path(artifact, [f".{generation}", *suffixes])
            self._taken.add(path)
        return path


class DirectoryWriter:
    """Writes each file straight to its place; the manifest, last, makes them a snapshot."""

    def __init__(self, storage: GuardedStorage, name: str) -> None:
        """Prepare for a snapshot called `name`; costs one listing of its folder."""
        self._storage = storage
        self._name = name
        self._stored: list[str] = []
        self._present = storage.list(f"{name}/")
        self._paths = _Paths(path.removeprefix(f"{name}/") for path in self._present)
        self._replaced: bytes | None = None
        if catalog.manifest_path(name) in self._present:
            self._replaced = catalog.read_manifest_bytes(storage, name, "directory")
        self._publishing = False

    def path_for(self, artifact: str, suffixes: Sequence[str]) -> str:
        """Return a path that no file has yet, beside those of the snapshot that is replaced."""
        return self._paths.give(artifact, suffixes)

    def store(self, path: str, chunks: Iterator[bytes]) -> None:
        """Write the file to the storage."""
        self._stored.append(path)
        self._storage.store(catalog.file_path(self._name, path), chunks)

    def confirm(self, record: ArtifactRecord) -> None:
        """Prove the file against the storage."""
        self._storage.confirm(catalog.file_path(self._name, record.path), record.stored_size, record.stored_digest)

    def publish(self, manifest: Manifest) -> None:
        """Write the manifest and prove it, when every file that it names is still there."""
        data = format_manifest(manifest)
        self._write_signature(data)
        self.publish_copy(manifest, data)

    def publish_copy(self, manifest: Manifest, data: bytes) -> None:
        """The same of a manifest that was written elsewhere: its bytes, which may be signed, stay as they are."""
        self._require_files(manifest)
        self._publishing = True
        self._write_manifest(data)

    def clear_replaced(self, manifest: Manifest) -> None:
        """Remove every file of the folder that the manifest does not name, and an archive of the same name.

        A pin stays: it is about the name. A verification goes: it was of other bytes.
        """
        keep = [MANIFEST_NAME, catalog.MARKER_NAME, *(record.path for record in manifest.artifacts)]
        keep.append(catalog.signature_name(digest_of(format_manifest(manifest))))
        if self._present:
            pin = catalog.sidecar_path(self._name, "directory", "pinned").removeprefix(f"{self._name}/")
            catalog.delete_files(self._storage, self._name, keep=[*keep, pin])
        self._storage.delete(catalog.archive_path(self._name))
        for kind in SIDECAR_KINDS:
            self._storage.delete(catalog.sidecar_path(self._name, "archive", kind))

    def abandon(self) -> bool:
        """Remove the files, but only once no manifest can name them."""
        try:
            if self._publishing and self._replaced is not None:
                self._write_manifest(self._replaced)
            elif self._publishing:
                self._storage.delete(catalog.manifest_path(self._name))
        except SnapshotError:
            return False
        with suppress(SnapshotError):
            for path in self._stored:
                self._storage.delete(catalog.file_path(self._name, path))
            self._storage.delete(catalog.partial_path(catalog.manifest_path(self._name)))
        return True

    def close(self) -> None:
        """Do nothing: nothing is staged in this format."""

    def _require_files(self, manifest: Manifest) -> None:
        present = set(self._storage.list(f"{self._name}/"))
        for record in manifest.artifacts:
            path = catalog.file_path(self._name, record.path)
            if path not in present:
                raise SnapshotStorageError(
                    f"'{path}' was stored and has gone since: somebody removed it while the backup was at work. "
                    "Run the backup again.",
                    operation="list",
                    path=path,
                )

    def _write_signature(self, manifest: bytes) -> None:
        """Keep the signature, before the manifest is visible and under a name that no older manifest looks at."""
        if self._storage.signer is None:
            return
        data, name = format_signature(self._storage.signer, manifest), catalog.signature_name(digest_of(manifest))
        self._stored.append(name)
        self._storage.store(catalog.file_path(self._name, name), iter([data]))
        self._storage.confirm(catalog.file_path(self._name, name), len(data), digest_of(data))

    def _write_manifest(self, data: bytes) -> None:
        # A storage that keeps half of what it is given, and then falls silent, would leave a damaged snapshot, in the
        # place of a whole one perhaps. The advanced tier can move what was proved; the basic tier has no way.
        path = catalog.manifest_path(self._name)
        written = catalog.partial_path(path) if self._storage.advanced else path
        self._storage.store(written, iter([data]))
        self._storage.confirm(written, len(data), digest_of(data))
        if written != path:
            self._storage.move(written, path)


class ArchiveWriter:
    """Stages the encoded files on this host, for the manifest comes first; then streams one tar to the storage."""

    def __init__(self, storage: GuardedStorage, name: str, *, staged_bytes: int) -> None:
        """Prepare for a snapshot called `name`.

        Args:
            storage: Must be of the advanced tier.
            name: The snapshot's name.
            staged_bytes: Space to require in the temporary directory before anything is dumped.

        Raises:
            SnapshotStorageCapabilityError: The storage is of the basic tier.
            SnapshotSpaceError: The temporary directory has too little space.
        """
        storage.require_advanced("The archive format")
        self._storage = storage
        self._name = name
        self._scratch = ScratchDirectory()
        self._files: dict[str, Path] = {}
        self._paths = _Paths()
        self._numbers = count()
        try:
            require_space(self._scratch.path, staged_bytes, "staging an archive")
            self._replacing = storage.exists(catalog.archive_path(name))
        except BaseException:
            self._scratch.remove()
            raise
        self._moving = False

    def path_for(self, artifact: str, suffixes: Sequence[str]) -> str:
        """Return the artifact's path inside the archive."""
        return self._paths.give(artifact, suffixes)

    def store(self, path: str, chunks: Iterator[bytes]) -> None:
        """Keep the file on this host."""
        file = self._files[path] = self._scratch.path / str(next(self._numbers))
        with file.open("wb") as target:
            for chunk in chunks:
                target.write(chunk)

    def confirm(self, record: ArtifactRecord) -> None:
        """Do nothing: the archive as a whole is proved before it gets its name."""

    def publish(self, manifest: Manifest) -> None:
        """Stream the archive to the storage under another name, prove it, and give it its own."""
        size_bytes, hasher, signature = 0, new_hasher(), None
        if self._storage.signer is not None:
            data = format_manifest(manifest)
            signature = catalog.signature_name(digest_of(data)), format_signature(self._storage.signer, data)

        def chunks() -> Iterator[bytes]:
            nonlocal size_bytes
            for chunk in archive_chunks(manifest, self._files, signature):
                size_bytes += len(chunk)
                hasher.update(chunk)
                yield chunk

        self._storage.store(self._partial, chunks())
        self._storage.confirm(self._partial, size_bytes, format_digest(hasher))
        self._moving = True
        self._storage.move(self._partial, catalog.archive_path(self._name))

    def clear_replaced(self, manifest: Manifest) -> None:  # noqa: ARG002 - the other format needs it
        """Remove a snapshot of the same name in directory format, its manifest first."""
        self._storage.delete(catalog.manifest_path(self._name))
        self._storage.delete(catalog.sidecar_path(self._name, "archive", "verified"))
        catalog.delete_files(self._storage, self._name, keep=[catalog.MARKER_NAME])

    def abandon(self) -> bool:
        """Remove the unnamed archive; a named one only where it cannot be an older snapshot."""
        try:
            if self._moving and not self._replacing:
                self._storage.delete(catalog.archive_path(self._name))
            self._storage.delete(self._partial)
        except SnapshotError:
            return not self._moving
        return not (self._moving and self._replacing)

    def close(self) -> None:
        """Remove the staged files."""
        self._scratch.remove()

    @property
    def _partial(self) -> str:
        return catalog.partial_path(catalog.archive_path(self._name))
