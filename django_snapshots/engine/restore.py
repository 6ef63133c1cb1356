"""Bringing a snapshot back: plan, verify everything, stage everything, and only then replace target after target.

What fails before the first replacement leaves every target as it was.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

from django_snapshots.artifacts.contract import StageableArtifact
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.engine.catalog import open_artifact
from django_snapshots.engine.events import Progress, ignore_progress, reporter
from django_snapshots.engine.keys import require_key, unreadable
from django_snapshots.engine.stored_files import verify_stored
from django_snapshots.engine.stream import decoded
from django_snapshots.errors import (
    SnapshotArtifactError,
    SnapshotCodecError,
    SnapshotError,
    SnapshotRestoreError,
    SnapshotSignatureError,
)
from django_snapshots.names import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from pydantic import JsonValue

    from django_snapshots.artifacts.contract import Artifact, Staged
    from django_snapshots.codecs.contract import Codec
    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.manifest import ArtifactRecord, Manifest
    from django_snapshots.storage.guard import GuardedStorage

__all__ = [
    "NOTHING_CHANGED",
    "PlannedArtifact",
    "RestorePlan",
    "RestoredSnapshot",
    "plan_restore",
    "restore_snapshot",
    "select_records",
    "verify_stored",
]

NOTHING_CHANGED = "Nothing was changed."
"""The note on each error that ends a restore before the first target is replaced."""


@dataclass(frozen=True, slots=True)
class PlannedArtifact:
    """One artifact of a restore: what is stored, and what will be replaced by it.

    Attributes:
        record: Its record in the manifest.
        artifact: The plugin that will bring it back.
        target_name: The name under which the target is an artifact of the project: "database/scratch" when
            "database/default" is restored there.
        codecs: To decode it with, in the order of encoding.
        facts: What the plugin says of its target: JSON values, with at least "target", text for people.
    """

    record: ArtifactRecord
    artifact: Artifact
    target_name: str
    codecs: tuple[Codec, ...]
    facts: Mapping[str, JsonValue]

    @property
    def replaces(self) -> bool:
        """Whether anything is replaced; what is only compared is left alone."""
        return not getattr(self.artifact, "compare_only", False)


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore will do; nothing of it is done yet."""

    snapshot: Snapshot
    manifest: Manifest
    artifacts: tuple[PlannedArtifact, ...]

    @property
    def targets(self) -> dict[str, Artifact]:
        """What is replaced, by the names that the targets have in the project."""
        return {planned.target_name: planned.artifact for planned in self.artifacts if planned.replaces}


@dataclass(frozen=True, slots=True)
class RestoredSnapshot:
    """A restore that was carried out.

    Attributes:
        plan: What it did.
        safety_snapshot: The name of the snapshot that holds what was there before; None where nothing was, or none
            was wanted.
    """

    plan: RestorePlan
    safety_snapshot: str | None


def plan_restore(
    snapshot: Snapshot,
    artifacts: Mapping[str, Artifact],
    *,
    only: Sequence[str] = (),
    into: Mapping[str, str] | None = None,
    codecs: Iterable[Codec] = (),
    allow_unsigned: bool = False,
) -> RestorePlan:
    """Return what restoring the snapshot will replace.

    Args:
        snapshot: An entry of the catalog.
        artifacts: The artifacts of this project, by name.
        only: Names of the artifacts to restore, "database" for all databases; none means all in the snapshot.
        into: Name in the snapshot -> name of the artifact of this project to replace by it, where they differ.
        codecs: What can be decoded here; the manifest picks from them by name.
        allow_unsigned: Take a manifest also when nobody vouches for it.

    Raises:
        SnapshotManifestError: The manifest could not be read.
        SnapshotSignatureError: It is unsigned or wrongly signed, and `allow_unsigned` is False.
        SnapshotArtifactError: The snapshot or this project does not have an artifact, or its facts do not fit here.
        SnapshotKeyError: An artifact was encrypted for other keys than those of this host.
        SnapshotCodecError: An artifact was encoded by a codec that is not among `codecs`.
    """
    manifest = snapshot.require_manifest()
    if snapshot.distrust is not None and not allow_unsigned:
        raise SnapshotSignatureError(snapshot.distrust, snapshot=manifest.name)
    by_name = {codec.name: codec for codec in codecs}
    planned = [
        _plan_artifact(record, (into or {}).get(record.name, record.name), artifacts, by_name, manifest)
        for record in select_records(manifest, only)
    ]
    _refuse_one_target_twice(planned)
    _refuse_nested_targets(planned)
    return RestorePlan(snapshot, manifest, tuple(planned))


def _refuse_one_target_twice(planned: Sequence[PlannedArtifact]) -> None:
    taken: dict[str, str] = {}
    for one in planned:
        key: Callable[[], str | None] = getattr(one.artifact, "lock_key", lambda: None)
        target = key() or one.target_name
        if target in taken:
            raise SnapshotArtifactError(
                f"'{taken[target]}' and '{one.record.name}' would both replace {one.facts['target']}. "
                "Restore one of them, or each into a target of its own.",
                artifact=one.record.name,
            )
        taken[target] = one.record.name


def _refuse_nested_targets(planned: Sequence[PlannedArtifact]) -> None:
    folders = {
        one.record.name: folder
        for one in planned
        if one.replaces and (folder := getattr(one.artifact, "target_folder", lambda: None)()) is not None
    }
    for (inner, folder), (outer, above) in permutations(folders.items(), 2):
        if folder.is_relative_to(above):
            raise SnapshotArtifactError(
                f"{folder}, which is '{inner}', is inside {above}, which is '{outer}': replacing the one would take "
                "the other away. Nothing was changed. Name one of them to restore; for both, the outer one first and "
                "the inner one in a second run. From now on have one artifact, for the outer folder.",
                artifact=inner,
            )


def select_records(manifest: Manifest, only: Sequence[str]) -> list[ArtifactRecord]:
    """Return the records of the artifacts called `only`, "database" standing for all databases; all for none.

    Raises:
        SnapshotArtifactError: The snapshot has no artifact of that name.
    """
    if not only:
        return list(manifest.artifacts)
    for name in only:
        if not any(_is_named(record, name) for record in manifest.artifacts):
            present = [record.name for record in manifest.artifacts]
            near = nearest(name, present)
            way_out = f"Did you mean '{near[0]}'?" if near else f"It has: {', '.join(present) or 'none'}."
            raise SnapshotArtifactError(
                f"Snapshot '{manifest.name}' has no artifact '{name}'. {way_out}", artifact=name
            )
    return [record for record in manifest.artifacts if any(_is_named(record, name) for name in only)]


def _is_named(record: ArtifactRecord, name: str) -> bool:
    return name == record.name or (name == "database" and record.name.startswith("database/"))


def _plan_artifact(
    record: ArtifactRecord,
    name: str,
    artifacts: Mapping[str, Artifact],
    codecs: Mapping[str, Codec],
    manifest: Manifest,
) -> PlannedArtifact:
    artifact, snapshot = artifacts.get(name), manifest.name
    if artifact is None:
        as_another = f", to be restored as '{name}'" if name != record.name else ""
        raise SnapshotArtifactError(
            f"Snapshot '{snapshot}' holds '{record.name}'{as_another}, which this project does not have. "
            f"It has: {', '.join(artifacts)}. Configure it, or name the artifacts to restore.",
            artifact=name,
        )
    unknown = [codec for codec in record.codecs if codec not in codecs]
    if unknown:
        raise SnapshotCodecError(
            f"{record.path} of '{snapshot}' was encoded by '{unknown[0]}', which is not configured here; "
            f"this project decodes {', '.join(codecs)}.",
            codec=unknown[0],
        )
    chosen = tuple(codecs[name] for name in record.codecs)
    _require_keys(record, chosen, snapshot)
    plan: Callable[[Mapping[str, JsonValue]], Mapping[str, JsonValue]] | None = getattr(artifact, "plan", None)
    facts: dict[str, JsonValue] = {"target": record.name}
    if plan is not None:
        facts.update(plan(record.facts))
    compare: Callable[[Manifest, Mapping[str, JsonValue]], Mapping[str, JsonValue]] | None
    compare = getattr(artifact, "compare", None)
    if compare is not None:
        facts.update(compare(manifest, record.facts))
    return PlannedArtifact(record, artifact, name, chosen, facts)


def _require_keys(record: ArtifactRecord, codecs: Iterable[Codec], snapshot: str) -> None:
    """Refuse before anything is read what cannot be decrypted here; what only trying shows `verify_stored` finds."""
    for codec in codecs:
        try:
            require_key(codec, record)
        except SnapshotCodecError as error:
            raise unreadable(record.path, snapshot, error) from error


def restore_snapshot(
    storage: GuardedStorage,
    plan: RestorePlan,
    *,
    before_staging: Callable[[], None] = lambda: None,
    on_progress: ProgressCallback = ignore_progress,
) -> None:
    """Do what the plan says: verify all stored files, stage all artifacts, then replace the targets.

    An artifact that cannot stage is decoded and proved without touching anything, and restored last.

    Args:
        storage: Has the snapshot.
        plan: What to do.
        before_staging: Called when all files are proved; what it raises ends the restore, with nothing changed. A
            staged database may be locked, so what is to be saved of it is saved here.
        on_progress: Called with Progress events.

    Raises:
        SnapshotError: Something was found wrong before anything was replaced; a note on the error says so.
        SnapshotRestoreError: A target could not be replaced; names those that were, and those that were not.
    """
    staged: list[tuple[str, Staged]] = []
    try:
        try:
            verify_stored(storage, plan, on_progress=on_progress)
            before_staging()
            for planned in sorted(plan.artifacts, key=lambda planned: not _can_stage(planned.artifact)):
                one = _stage(storage, plan, planned, on_progress)
                staged.append((planned.record.name, one))
        except BaseException as error:
            error.add_note(NOTHING_CHANGED)
            raise
        _commit(staged, [planned.record.name for planned in plan.artifacts if planned.replaces], on_progress)
    finally:
        for _, remaining in staged:
            with suppress(Exception):  # a contract says that it never raises; another error may be on its way
                remaining.discard()


def _can_stage(artifact: Artifact) -> bool:
    return isinstance(artifact, StageableArtifact)


def _stage(
    storage: GuardedStorage, plan: RestorePlan, planned: PlannedArtifact, on_progress: ProgressCallback
) -> Staged:
    record, artifact = planned.record, planned.artifact
    if not isinstance(artifact, StageableArtifact):
        with _plain(storage, plan, planned, on_progress) as source:
            while source.read(CHUNK_SIZE):
                pass
        return _Unstaged(storage, plan, planned)
    staged: Staged | None = None
    try:
        with _plain(storage, plan, planned, on_progress) as source:
            staged = artifact.stage(source, record.facts)
    except BaseException as error:
        if staged is not None:
            staged.discard()
        if isinstance(error, SnapshotError) or not isinstance(error, Exception):
            raise
        raise SnapshotArtifactError(
            f"{record.name} could not be made ready: {type(error).__name__}: {error}", artifact=record.name
        ) from error
    on_progress(Progress("stage", record.name, record.plain_size, record.plain_size, finished=True))
    return staged


def _plain(
    storage: GuardedStorage, plan: RestorePlan, planned: PlannedArtifact, on_progress: ProgressCallback
) -> AbstractContextManager[BinaryIO]:
    record = planned.record
    return decoded(
        lambda: open_artifact(storage, plan.snapshot, record),
        record,
        planned.codecs,
        snapshot=plan.manifest.name,
        on_bytes=reporter(on_progress, "stage", record.name, record.plain_size),
    )


class _Unstaged:
    """An artifact with `restore` only: its bytes were proved, its target is replaced while they are read again."""

    def __init__(self, storage: GuardedStorage, plan: RestorePlan, planned: PlannedArtifact) -> None:
        self._storage = storage
        self._plan = plan
        self._planned = planned

    def commit(self) -> None:
        with _plain(self._storage, self._plan, self._planned, ignore_progress) as source:
            self._planned.artifact.restore(source, self._planned.record.facts)

    def discard(self) -> None:
        """Do nothing: nothing was made ready."""


def _commit(staged: list[tuple[str, Staged]], replaced: Collection[str], on_progress: ProgressCallback) -> None:
    names = [name for name, _ in staged]
    done: list[str] = []
    try:
        while staged:
            name, current = staged[0]
            tell = on_progress if name in replaced else ignore_progress
            tell(Progress("commit", name, 0, None))
            try:
                current.commit()
            except Exception as error:
                raise _part_way(name, done, names[len(done) + 1 :], error) from error
            done.append(name)
            staged.pop(0)
            tell(Progress("commit", name, 0, None, finished=True))
    except SnapshotRestoreError:
        raise
    except BaseException as error:  # a signal, at any moment
        error.add_note(_ended_within(names, done))
        raise


def _part_way(name: str, done: list[str], waiting: list[str], error: Exception) -> SnapshotRestoreError:
    parts = [f"{name} could not be replaced: {error}", *_where_it_stands(done, waiting)]
    parts.append("Remove the cause and run the same restore again.")
    return SnapshotRestoreError(" ".join(parts), restored=done, untouched=waiting)


def _ended_within(names: list[str], done: list[str]) -> str:
    """Return what is replaced when a restore is told to end while it replaces its targets."""
    current, waiting = names[len(done) : len(done) + 1], names[len(done) + 1 :]
    parts = [f"It ended while {name} was being replaced." for name in current]
    parts += _where_it_stands(done, waiting)
    if current:
        parts.append("Run the same restore again.")
    return " ".join(parts)


def _where_it_stands(done: list[str], waiting: list[str]) -> list[str]:
    told = (("Already replaced", done), ("Left as before", waiting))
    return [f"{words}: {', '.join(names)}." for words, names in told if names]
