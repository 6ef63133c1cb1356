"""Pruning: what the retention policy says of the snapshots of one storage, and doing it.

Plans first, from one listing and the manifests; nothing is deleted unless all of it could be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django_snapshots.engine import catalog
from django_snapshots.engine.incomplete import find_leftovers, remove_leftover
from django_snapshots.engine.pins import pin_text
from django_snapshots.engine.removal import find_removals, remove_snapshots
from django_snapshots.engine.verified import found_damage
from django_snapshots.errors import SnapshotPruneError, SnapshotStorageError
from django_snapshots.retention import Candidate, Decision, Policy, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime, tzinfo

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.incomplete import Leftover
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["PrunePlan", "plan_leftovers", "plan_prune", "prune_snapshots"]


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What pruning a storage would do.

    Attributes:
        decisions: On every snapshot, newest first.
        leftovers: Files of backups and removals that were killed.
        listing: All paths in the storage.
    """

    decisions: tuple[Decision, ...]
    leftovers: tuple[Leftover, ...]
    listing: tuple[str, ...]

    @property
    def deleted(self) -> list[str]:
        """The names of the snapshots that go, the oldest first."""
        return [decision.name for decision in reversed(self.decisions) if decision.action == "delete"]


def plan_prune(
    storage: GuardedStorage, policy: Policy, *, now: datetime, zone: tzinfo, expected: Collection[str] = ()
) -> PrunePlan:
    """Return what a policy says of every snapshot in a storage; changes nothing.

    Costs one listing, and a small read for each snapshot, each document beside one and each leftover.

    Args:
        storage: Where they are.
        policy: What to keep.
        now: The present, aware.
        zone: The time zone whose days count.
        expected: Names that are known to be there; a list without them is incomplete.

    Raises:
        SnapshotPruneError: The policy is empty, the listing is not complete, or too little would be left.
    """
    try:
        listing = storage.list("")
        present = frozenset(listing)
        candidates = catalog.condense_snapshots(
            storage, lambda snapshot: _candidate(snapshot, present, now, zone), listing
        )
        leftovers = _leftovers(storage, listing, now)
    except SnapshotStorageError as error:
        text = f"The snapshots could not all be listed and read, so nothing was deleted. {error}"
        raise SnapshotPruneError(text, reason="incomplete listing") from error
    _require_expected(expected, candidates)
    return PrunePlan(tuple(decide(policy, candidates, now=now, zone=zone)), leftovers, tuple(listing))


def plan_leftovers(storage: GuardedStorage, *, now: datetime) -> PrunePlan:
    """Return only what backups and removals that were killed left behind; needs no policy.

    Raises:
        SnapshotStorageError: The storage could not be listed or read.
    """
    listing = storage.list("")
    return PrunePlan((), _leftovers(storage, listing, now), tuple(listing))


def prune_snapshots(
    storage: GuardedStorage, plan: PrunePlan, *, require_held: Callable[[], None] = lambda: None
) -> list[str]:
    """Do what a plan says, the oldest snapshot first, and return the names of the snapshots that were deleted.

    Args:
        storage: Where they are.
        plan: What to do.
        require_held: Called before each step; what it raises ends the work.

    Raises:
        SnapshotStorageError: The storage failed. Every snapshot is whole, or not listed any more; the next run goes on.
    """
    for leftover in plan.leftovers:
        require_held()
        remove_leftover(storage, leftover)
    return remove_snapshots(storage, plan.deleted, plan.listing, require_held=require_held)


def _leftovers(storage: GuardedStorage, listing: Sequence[str], now: datetime) -> tuple[Leftover, ...]:
    return (*find_leftovers(storage, now=now, listing=listing), *find_removals(storage, listing))


def _require_expected(expected: Collection[str], candidates: Sequence[Candidate]) -> None:
    missing = sorted(set(expected) - {candidate.name for candidate in candidates})
    if missing:
        text = (
            f"The storage does not list '{missing[0]}', which was stored a moment ago: its list is not complete. "
            "Nothing was deleted. Run `manage.py snapshots prune` later."
        )
        raise SnapshotPruneError(text, reason="incomplete listing")


def _candidate(snapshot: Snapshot, listing: Collection[str], now: datetime, zone: tzinfo) -> Candidate:
    pin = pin_text(snapshot, now=now, zone=zone)
    if pin is None and catalog.marker_path(snapshot.name) in listing:
        pin = "a backup of this name is at work, or was killed less than a day ago"
    return Candidate(
        name=snapshot.name,
        created_at=snapshot.created_at,
        size_bytes=snapshot.manifest.stored_size_bytes if snapshot.manifest else 0,
        pin=pin,
        damage=snapshot.damage or found_damage(snapshot),
        artifacts=snapshot.artifact_names,
        lacking=snapshot.lacking,
    )
