"""Proving a snapshot without touching anything: every stored byte, what it decodes to, and whether that parses.

Each stored file is read once. Its digest is taken on the way to the codecs, and what those give is taken for the
snapshot's only when it has the digest that the manifest says. Damage is reported, all of it, never raised.
"""

from __future__ import annotations

from contextlib import closing, nullcontext
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from django_snapshots.digests import CHUNK_SIZE, digest_of
from django_snapshots.engine import catalog
from django_snapshots.engine.archive_walk import walk_archive
from django_snapshots.engine.events import Progress, ignore_progress
from django_snapshots.engine.keys import require_key
from django_snapshots.engine.measured import Measured
from django_snapshots.engine.stream import decoded
from django_snapshots.engine.verified import Finding, Verification
from django_snapshots.errors import (
    SnapshotArtifactError,
    SnapshotCodecError,
    SnapshotDigestError,
    SnapshotError,
    SnapshotFileMissingError,
    SnapshotKeyError,
    SnapshotManifestError,
    SnapshotStorageError,
    SnapshotVersionError,
)
from django_snapshots.manifest import MANIFEST_NAME, format_manifest
from django_snapshots.names import artifact_path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pydantic import JsonValue

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.codecs.contract import Codec
    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.manifest import ArtifactRecord, Manifest
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["verify_snapshot"]

_T = TypeVar("_T")

_DAMAGE = (SnapshotDigestError, SnapshotCodecError, SnapshotFileMissingError, SnapshotManifestError)
"""What the data path raises when bytes are not what they were; anything else means that nobody can tell."""

_BYTES_ONLY = "Only its stored bytes were proved."


def verify_snapshot(
    storage: GuardedStorage,
    snapshot: Snapshot,
    *,
    verifier_of: Callable[[ArtifactRecord], Artifact | None],
    codecs: Iterable[Codec] = (),
    only: Collection[str] | None = None,
    deep: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> Verification:
    """Read a snapshot to its last byte and return what is wrong with it.

    Args:
        storage: Where it is.
        snapshot: An entry of the catalog, damaged or not.
        verifier_of: Returns the plugin whose `verify` parses an artifact; None where there is none here.
        codecs: What can be decoded here; the manifest picks from them by name.
        only: Names of the artifacts to look at; None for all.
        deep: Restore what was found whole into scratch places, and look at it there.
        on_progress: Called with Progress events.
    """
    run = _Run(storage, snapshot, verifier_of, {codec.name: codec for codec in codecs}, on_progress)
    try:
        manifest = snapshot.require_manifest()
        if snapshot.distrust is not None:
            run.problems.append(Finding(None, snapshot.distrust))
        run.verify_manifest(manifest)
        records = [record for record in manifest.artifacts if only is None or record.name in only]
        run.note_problems(records)
        run.verify_files(manifest, records)
        if deep:
            run.drill(records)
    except SnapshotVersionError as error:
        run.unverified.append(Finding(None, str(error)))
    except SnapshotManifestError as error:
        run.problems.append(Finding(None, str(error)))
    except SnapshotStorageError as error:
        run.unverified.append(Finding(None, str(error)))
    return run.result()


class _Run:
    """One verification on its way."""

    def __init__(
        self,
        storage: GuardedStorage,
        snapshot: Snapshot,
        verifier_of: Callable[[ArtifactRecord], Artifact | None],
        codecs: Mapping[str, Codec],
        on_progress: ProgressCallback,
    ) -> None:
        self.problems: list[Finding] = []
        self.unverified: list[Finding] = []
        self.notes: list[Finding] = []
        self._storage = storage
        self._snapshot = snapshot
        self._verifier_of = verifier_of
        self._codecs = codecs
        self._on_progress = on_progress
        self._seen: list[str] = []
        self._decoders: dict[str, list[Codec]] = {}
        self._level = 2

    def result(self) -> Verification:
        level = self._level if self._seen else 1
        findings = (tuple(self.problems), tuple(self.unverified), tuple(self.notes))
        return Verification(self._snapshot, level, tuple(self._seen), *findings)

    def verify_manifest(self, manifest: Manifest) -> None:
        """Find what reading it does not: bytes that mean nothing, such as spaces, and were changed."""
        stored = catalog.read_manifest_bytes(self._storage, manifest.name, self._snapshot.format)
        if stored != format_manifest(manifest):
            reason = "it is not written as a backup writes it: it was changed since."
            raise SnapshotManifestError(reason, snapshot=manifest.name)
        for record in manifest.artifacts:
            if not record.path.startswith(f"{artifact_path(record.name, ())}."):
                reason = f"artifact '{record.name}' has the file {record.path}, which no backup calls so."
                raise SnapshotManifestError(reason, snapshot=manifest.name)

    def note_problems(self, records: Sequence[ArtifactRecord]) -> None:
        """Say what was never in it: no damage, for all that was stored may be whole."""
        texts = [(record.name, record.lacks) for record in records if record.lacks]
        self.notes += [Finding(name, f"Not all of it could be read when it was made: {text}") for name, text in texts]

    def verify_files(self, manifest: Manifest, records: Sequence[ArtifactRecord]) -> None:
        if self._snapshot.format == "archive":
            self._verify_archive(manifest, records)
            return
        for record in records:
            self._verify_file(record, partial(self._open, record))

    def _open(self, record: ArtifactRecord) -> AbstractContextManager[BinaryIO]:
        return catalog.open_artifact(self._storage, self._snapshot, record)

    def _verify_archive(self, manifest: Manifest, records: Sequence[ArtifactRecord]) -> None:
        waiting = {record.path: record for record in records}
        signature = catalog.signature_name(digest_of(format_manifest(manifest)))
        named = {MANIFEST_NAME, signature, *(record.path for record in manifest.artifacts)}
        try:
            with closing(self._storage.open(catalog.archive_path(manifest.name))) as source:
                for path, content in walk_archive(source, manifest.name):
                    if path not in named:
                        self._damaged(None, f"Its archive holds '{path}', which the manifest does not name.")
                    named.discard(path)
                    if record := waiting.pop(path, None):
                        self._verify_file(record, partial(_opened, content))
        except SnapshotManifestError as error:
            self._damaged(None, str(error))
        for record in waiting.values():
            self._seen.append(record.name)
            self._damaged(record.name, str(SnapshotFileMissingError(snapshot=manifest.name, path=record.path)))

    def _verify_file(self, record: ArtifactRecord, open_stored: Callable[[], AbstractContextManager[BinaryIO]]) -> None:
        self._seen.append(record.name)
        measured = Measured(open_stored)
        damage, unverified = [], None
        try:
            damage = self._read(record, measured)
        except SnapshotKeyError as error:
            self._decoders.pop(record.name, None)
            unverified = f"{_BYTES_ONLY} {error}"
        except _DAMAGE as error:
            damage = [str(error)]
        except SnapshotStorageError:
            raise
        except SnapshotError as error:
            unverified = str(error)
        measured.refuse_failure()
        # Wrong bytes make everything after them wrong: the cause is worth reading, what follows from it is not.
        if different := measured.difference(record, self._snapshot.name):
            damage, unverified = [str(different)], None
        if unverified is not None:
            self._level = 1
            self.unverified.append(Finding(record.name, unverified))
        for text in damage:
            self._damaged(record.name, text)
        self._on_progress(Progress("verify", record.name, record.plain_size, record.plain_size, finished=True))

    def _read(self, record: ArtifactRecord, measured: Measured) -> list[str]:
        codecs = self._codecs_of(record)
        if codecs is None:
            with measured.open() as source:
                while source.read(CHUNK_SIZE):
                    pass
            return []
        with self._plain(record, codecs, measured.open) as source:
            return self._parse(record, source)

    def _plain(
        self,
        record: ArtifactRecord,
        codecs: Sequence[Codec],
        open_stored: Callable[[], AbstractContextManager[BinaryIO]],
    ) -> AbstractContextManager[BinaryIO]:
        return decoded(
            open_stored,
            record,
            codecs,
            snapshot=self._snapshot.name,
            on_bytes=lambda done: self._on_progress(Progress("verify", record.name, done, record.plain_size)),
        )

    def _codecs_of(self, record: ArtifactRecord) -> list[Codec] | None:
        """Return the codecs, None where this host cannot decode: then the stored bytes are all there is to prove."""
        for name in record.codecs:
            codec = self._codecs.get(name)
            # A host without a key is as it should be. Another key may be a mistake, and a codec that nobody knows a
            # damaged name.
            findings = self.unverified
            if codec is None:
                why: str | None = f"'{name}' is not configured here."
            elif why := _refusal(codec):
                findings = self.notes
            else:
                why = _wrong_key(codec, record)
            if why is not None:
                self._level = 1
                findings.append(Finding(record.name, f"{_BYTES_ONLY} {why}"))
                return None
        codecs = self._decoders[record.name] = [self._codecs[name] for name in record.codecs]
        return codecs

    def _parse(self, record: ArtifactRecord, source: BinaryIO) -> list[str]:
        artifact = self._verifier_of(record)
        verify: Callable[[BinaryIO, Mapping[str, JsonValue]], Sequence[str]] | None
        verify = getattr(artifact, "verify", None)
        if verify is None:
            self.notes.append(Finding(record.name, "Its bytes were proved, not parsed: nothing here can parse it."))
            return []
        return list(_run_plugin(record, partial(verify, source, record.facts)))

    def drill(self, records: Sequence[ArtifactRecord]) -> None:
        """Restore what could be decoded and was found whole."""
        damaged = {finding.artifact for finding in self.problems}
        deeper = [record for record in records if record.name in self._decoders and record.name not in damaged]
        drilled = [self._drill_one(record, self._decoders[record.name]) for record in deeper]
        if all(drilled) and len(drilled) == len(records) and self._level > 1:
            self._level = 3

    def _drill_one(self, record: ArtifactRecord, codecs: Sequence[Codec]) -> bool:
        """Return whether there was a drill, with whatever outcome."""
        drill: Callable[[BinaryIO, Mapping[str, JsonValue]], Mapping[str, Sequence[str]] | None] | None
        drill = getattr(self._verifier_of(record), "drill", None)
        found = None
        try:
            if drill is not None:
                with self._plain(record, codecs, partial(self._open, record)) as source:
                    found = _run_plugin(record, partial(drill, source, record.facts))
        except SnapshotStorageError:
            raise
        except _DAMAGE as error:
            found = {"problems": [str(error)]}
        except SnapshotError as error:
            self.unverified.append(Finding(record.name, str(error)))
            return False
        if found is None:
            self.notes.append(Finding(record.name, "It was not restored: nothing here can do that beside the target."))
            return False
        self.problems += [Finding(record.name, text) for text in found.get("problems", ())]
        self.notes += [Finding(record.name, text) for text in found.get("notes", ())]
        return True

    def _damaged(self, artifact: str | None, message: str) -> None:
        self.problems.append(Finding(artifact, message))


def _run_plugin(record: ArtifactRecord, method: Callable[[], _T]) -> _T:
    try:
        return method()
    except SnapshotError:
        raise
    except Exception as error:
        raise SnapshotArtifactError(
            f"{record.name} could not be verified: {type(error).__name__}: {error}", artifact=record.name
        ) from error


def _opened(content: BinaryIO) -> AbstractContextManager[BinaryIO]:
    return nullcontext(content)


def _refusal(codec: Codec) -> str | None:
    cannot_decode: Callable[[], str | None] | None = getattr(codec, "cannot_decode", None)
    return None if cannot_decode is None else cannot_decode()


def _wrong_key(codec: Codec, record: ArtifactRecord) -> str | None:
    try:
        require_key(codec, record)
    except SnapshotCodecError as error:
        return str(error)
    return None
