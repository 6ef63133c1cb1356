"""Verifying several snapshots in one run: which, how much of each, and keeping what was found beside each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django_snapshots.engine import catalog
from django_snapshots.engine.events import ignore_progress
from django_snapshots.engine.not_found import nothing_here
from django_snapshots.engine.verified import record
from django_snapshots.engine.verify import verify_snapshot
from django_snapshots.errors import SnapshotError, SnapshotNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from random import Random

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.codecs.contract import Codec
    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.engine.verified import Verification
    from django_snapshots.manifest import ArtifactRecord
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["Verified", "choose_snapshots", "draw_sample", "verify_snapshots"]


@dataclass(frozen=True, slots=True)
class Verified:
    """One snapshot of a run.

    Attributes:
        verification: What was found in it.
        recorded: Whether that is now kept beside it.
        unrecorded_because: Why not, for people; None where it is.
    """

    verification: Verification
    recorded: bool
    unrecorded_because: str | None = None


def choose_snapshots(storage: GuardedStorage, names: Sequence[str]) -> list[Snapshot]:
    """Return the snapshots of these names, newest first for none: then all.

    "latest" is the newest that no restore made of what it was about to replace, damaged or not.

    Raises:
        SnapshotNotFoundError: There is none of a name, or none at all.
        SnapshotStorageError: The storage failed.
    """
    if names and "latest" not in names:
        return [catalog.find_snapshot(storage, name) for name in names]
    every = catalog.list_snapshots(storage)
    if not every:
        raise SnapshotNotFoundError(f"{nothing_here(storage)} There is nothing to verify.", name="latest")
    if not names:
        return every
    return [_newest_regular(every) if name == "latest" else catalog.find_snapshot(storage, name) for name in names]


def _newest_regular(every: Sequence[Snapshot]) -> Snapshot:
    for snapshot in every:
        if not snapshot.is_safety:
            return snapshot
    raise SnapshotNotFoundError(
        f"The storage holds only what restores saved, which 'latest' never means. The newest is '{every[0].name}'; "
        "`manage.py snapshots verify --all` verifies these too.",
        name="latest",
    )


def draw_sample(snapshots: Iterable[Snapshot], percent: float, chance: Random) -> dict[str, frozenset[str]]:
    """Return names of snapshots -> names of their artifacts to look at: that share of all, rounded up.

    A snapshot whose manifest cannot be read is always among them, with nothing to look at but that.
    """
    artifacts = [
        (snapshot.name, one.name) for snapshot in snapshots if snapshot.manifest for one in snapshot.manifest.artifacts
    ]
    drawn = chance.sample(artifacts, math.ceil(len(artifacts) * percent / 100))
    unreadable = [snapshot.name for snapshot in snapshots if snapshot.manifest is None]
    names = {*unreadable, *(name for name, _ in drawn)}
    return {name: frozenset(artifact for owner, artifact in drawn if owner == name) for name in names}


def verify_snapshots(
    storage: GuardedStorage,
    snapshots: Iterable[Snapshot],
    *,
    verifier_of: Callable[[ArtifactRecord], Artifact | None],
    codecs: Iterable[Codec],
    sample: Mapping[str, frozenset[str]] | None,
    deep: bool = False,
    clock: Callable[[], datetime],
    tool: str,
    on_progress: ProgressCallback = ignore_progress,
) -> Iterator[Verified]:
    """Verify one after the other, and yield each as it is done.

    Args:
        storage: Where they are.
        snapshots: Entries of the catalog.
        verifier_of: As of `verify_snapshot`.
        codecs: What can be decoded here.
        sample: Which of their artifacts to look at; snapshots that are not in it are left out. None for all.
        deep: Restore into scratch places too.
        clock: Gives the present, aware.
        tool: Name and version of this library.
        on_progress: Called with Progress events.

    Raises:
        SnapshotStorageError: The storage does not answer any more; those before were yielded.
    """
    codecs = list(codecs)
    for snapshot in snapshots:
        if sample is not None and snapshot.name not in sample:
            continue
        begun_at = clock()
        found = verify_snapshot(
            storage,
            snapshot,
            verifier_of=verifier_of,
            codecs=codecs,
            only=None if sample is None else sample[snapshot.name],
            deep=deep,
            on_progress=on_progress,
        )
        if found.unverified:
            storage.list(f"{snapshot.name}/")  # one file that cannot be read, or a storage that is gone
        yield _recorded(storage, found, begun_at, tool)


def _recorded(storage: GuardedStorage, found: Verification, begun_at: datetime, tool: str) -> Verified:
    # What was looked at in part says nothing about the whole, but damage is damage.
    if not found.problems and (found.unverified or not found.is_whole):
        return Verified(found, recorded=False)
    try:
        record(storage, found, verified_at=begun_at, tool=tool)
    except SnapshotError as error:
        return Verified(found, recorded=False, unrecorded_because=str(error))
    return Verified(found, recorded=True)
