"""What is done to the snapshots of one storage after they were made: pinning, deleting, pruning. One run at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django_snapshots.engine import catalog
from django_snapshots.engine.lease import holding_storage
from django_snapshots.engine.pins import Pin, find_pin, pin_snapshot, require_unpinned, unpin_snapshot
from django_snapshots.engine.prune import plan_leftovers, plan_prune, prune_snapshots
from django_snapshots.engine.removal import delete_snapshot
from django_snapshots.names import check_snapshot_name
from django_snapshots.retention import require_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from contextlib import AbstractContextManager
    from datetime import datetime, tzinfo

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.incomplete import Leftover
    from django_snapshots.engine.lease import StorageLease
    from django_snapshots.engine.prune import PrunePlan
    from django_snapshots.engine.replicas import ReplicaPruned
    from django_snapshots.retention import Decision, Policy
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["Pruned", "Upkeep"]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a prune decided and did.

    Attributes:
        decisions: On every snapshot, newest first; none where only leftovers were to go.
        deleted: The names of the snapshots that were deleted; none of a dry run.
        leftovers: Files of backups and removals that were killed; removed, unless it was a dry run.
        replicas: The same of each replica, where these were pruned as well.
    """

    decisions: tuple[Decision, ...]
    deleted: tuple[str, ...]
    leftovers: tuple[Leftover, ...]
    replicas: tuple[ReplicaPruned, ...] = ()


class Upkeep:
    """The snapshots of one storage, and what keeps and removes them."""

    def __init__(self, storage: GuardedStorage, *, clock: Callable[[], datetime], zone: tzinfo) -> None:
        """Prepare; nothing is called yet.

        Args:
            storage: Where they are.
            clock: Gives the present, aware.
            zone: The project's time zone: its days count, and end the last day of a pin.
        """
        self._storage = storage
        self._clock = clock
        self._zone = zone

    def prune(self, policy: Policy, *, dry_run: bool = False, expected: Collection[str] = ()) -> Pruned:
        """Delete what the policy does not keep, and what killed runs left behind.

        Args:
            policy: What to keep.
            dry_run: Only say what would be done.
            expected: Names that are known to be there; a list without them is incomplete.

        Raises:
            SnapshotPruneError: It was refused; nothing was deleted.
            SnapshotBusyError: Another run writes to the storage.
            SnapshotStorageError: The storage failed; every snapshot is whole, or not listed any more.
        """
        require_rules(policy)

        def plan() -> PrunePlan:
            now = self._clock()
            return plan_prune(self._storage, policy, now=now, zone=self._zone, expected=expected)

        return self._carry_out(plan, dry_run=dry_run)

    def remove_leftovers(self, *, dry_run: bool = False) -> Pruned:
        """Remove what killed runs left behind, and no snapshot; needs no policy.

        Raises:
            SnapshotBusyError: Another run writes to the storage.
            SnapshotStorageError: The storage failed; what is left is found by the next run.
        """
        return self._carry_out(lambda: plan_leftovers(self._storage, now=self._clock()), dry_run=dry_run)

    def _carry_out(self, make_plan: Callable[[], PrunePlan], *, dry_run: bool) -> Pruned:
        if dry_run:
            plan = make_plan()
            return Pruned(plan.decisions, (), plan.leftovers)
        with self._at_work("prune", removes=True) as lease:
            plan = make_plan()
            deleted = prune_snapshots(self._storage, plan, require_held=lease.require_held)
        return Pruned(plan.decisions, tuple(deleted), plan.leftovers)

    def require_deletable(self, names: Iterable[str]) -> None:
        """Check that each name is a snapshot's, damaged or not, and that no pin holds one.

        Raises:
            SnapshotNotFoundError: One is not; its text names the nearest.
            SnapshotPinnedError: A pin holds one.
        """
        for name in names:
            self.require_unpinned(name, doing="deleted")

    def require_unpinned(self, name: str, *, doing: str) -> None:
        """Check that no pin holds a snapshot; `doing` is what is refused otherwise, such as "deleted".

        Raises:
            SnapshotNotFoundError: There is none of that name.
            SnapshotPinnedError: A pin holds it.
        """
        snapshot = catalog.find_snapshot(self._storage, check_snapshot_name(name))
        require_unpinned(snapshot, now=self._clock(), zone=self._zone, doing=doing)

    def require_replaceable(self, name: str) -> None:
        """Check that no pin holds the snapshot of this name, if there is one.

        Raises:
            SnapshotPinnedError: A pin holds it.
        """
        if catalog.find_formats(self._storage, check_snapshot_name(name)):
            self.require_unpinned(name, doing="replaced")

    def delete(self, name: str) -> None:
        """Delete a snapshot, damaged or not.

        Raises:
            SnapshotBusyError: Another run writes to the storage.
            SnapshotNotFoundError: There is none of that name.
            SnapshotPinnedError: A pin holds it.
        """
        self.require_deletable([name])
        with self._at_work("delete", removes=True) as lease:
            self.require_deletable([name])  # once more: it may have been pinned while this run waited
            delete_snapshot(self._storage, name, require_held=lease.require_held)

    def pin_of(self, snapshot: Snapshot) -> Pin | None:
        """Return the pin that holds a snapshot, None for none."""
        return find_pin(snapshot, now=self._clock(), zone=self._zone)

    def last_day(self, text: str) -> date:
        """Return the last day of a pin that is to be, from text such as "2027-12-31".

        Raises:
            ValueError: It is no date, or that day is over; its text is for people.
        """
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"'{text}' is no date. Write it as 2027-12-31.") from None
        today = self._clock().astimezone(self._zone).date()
        if day < today:
            raise ValueError(f"{day} is over, today is {today}: such a pin holds nothing. Write a day to come.")
        return day

    def pin(self, name: str, *, until: date | None = None, reason: str = "") -> Snapshot:
        """Pin a snapshot, in the place of an earlier pin, and return it as it was found.

        Args:
            name: Its name, or "latest".
            until: The last day on which it is held; None for ever.
            reason: For people.

        Raises:
            SnapshotBusyError: Another run writes to the storage.
            SnapshotNotFoundError: There is none of that name.
        """
        with self._at_work("pin"):
            snapshot = catalog.find_snapshot(self._storage, name)
            pin_snapshot(self._storage, snapshot, Pin(until, reason), now=self._clock())
        return snapshot

    def unpin(self, name: str) -> Snapshot:
        """Take the pin of a snapshot away, and return the snapshot as it was found; none is no error.

        Raises:
            SnapshotBusyError: Another run writes to the storage.
            SnapshotNotFoundError: There is none of that name.
        """
        with self._at_work("unpin"):
            snapshot = catalog.find_snapshot(self._storage, name)
            unpin_snapshot(self._storage, snapshot)
        return snapshot

    def _at_work(self, verb: str, *, removes: bool = False) -> AbstractContextManager[StorageLease]:
        return holding_storage(self._storage, verb, clock=self._clock, removes=removes)
