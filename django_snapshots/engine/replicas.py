"""The replicas of a storage: copying to them, pinning and pruning there. One that fails is named, and
stops no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from django_snapshots.engine import catalog
from django_snapshots.engine.copy import copy_snapshot, is_copied
from django_snapshots.engine.events import ignore_progress
from django_snapshots.engine.lease import holding_storage
from django_snapshots.engine.upkeep import Upkeep
from django_snapshots.errors import SnapshotError, SnapshotExistsError, SnapshotNotFoundError, SnapshotReplicaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime, tzinfo

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.engine.upkeep import Pruned
    from django_snapshots.retention import Policy
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["Copied", "Replica", "ReplicaPruned", "Replicas"]


@dataclass(frozen=True, slots=True)
class Replica:
    """A storage that gets a copy of every snapshot.

    Attributes:
        number: Its place in SNAPSHOTS['REPLICAS'], counted from 1.
        storage: Where the copies are.
        policy: What is kept there; None for everything.
    """

    number: int
    storage: GuardedStorage
    policy: Policy | None

    def __str__(self) -> str:
        return f"replica {self.number} (SNAPSHOTS['REPLICAS'][{self.number - 1}])"


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of the copies on one replica.

    Attributes:
        replica: The replica.
        copied: Names of snapshots that were copied.
        present: Names of those that were there already.
        problems: What failed, for people.
    """

    replica: Replica
    copied: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicaPruned:
    """What was pruned on one replica.

    Attributes:
        replica: The replica.
        pruned: What was decided and done; None where that failed.
        problem: Why it failed, for people; None where it did not.
    """

    replica: Replica
    pruned: Pruned | None
    problem: str | None = None


class Replicas:
    """The replicas of one storage."""

    def __init__(
        self,
        storage: GuardedStorage,
        replicas: Sequence[Replica],
        *,
        clock: Callable[[], datetime],
        zone: tzinfo,
        hostname: str,
    ) -> None:
        """Prepare; nothing is called yet.

        Args:
            storage: Where the snapshots are.
            replicas: Where their copies are.
            clock: Gives the present, aware.
            zone: The project's time zone.
            hostname: This host's name.
        """
        self._storage = storage
        self._replicas = tuple(replicas)
        self._clock = clock
        self._zone = zone
        self._hostname = hostname

    def __iter__(self) -> Iterator[Replica]:
        """Give each replica, in the order of the setting."""
        return iter(self._replicas)

    def numbered(self, number: int) -> Replica:
        """Return the replica of a number, counted from 1.

        Raises:
            SnapshotReplicaError: There is none.
        """
        for replica in self._replicas:
            if replica.number == number:
                return replica
        raise SnapshotReplicaError(number, count=len(self._replicas))

    def copy(
        self, name: str, *, to: int | None = None, on_progress: ProgressCallback = ignore_progress
    ) -> list[Copied]:
        """Copy one snapshot to the replica of the number `to`, to each without one.

        Raises:
            SnapshotReplicaError: There is no such replica, or none at all.
            SnapshotNotFoundError: There is no such snapshot.
            SnapshotStorageError: The storage of the snapshot itself failed.
        """
        chosen = self._chosen(to)
        snapshot = catalog.find_snapshot(self._storage, name)
        return [self._copy_all([snapshot], replica, on_progress) for replica in chosen]

    def copy_missing(self, *, to: int | None = None, on_progress: ProgressCallback = ignore_progress) -> list[Copied]:
        """Copy the complete snapshots that the replica of the number `to` lacks, or each without one; newest first.

        Raises:
            SnapshotReplicaError: There is no such replica, or none at all.
            SnapshotStorageError: The storage of the snapshots themselves could not be listed.
        """
        chosen = self._chosen(to)
        complete = [each for each in catalog.list_snapshots(self._storage) if each.damage is None]
        return [self._copy_all(complete, replica, on_progress) for replica in chosen]

    def prune(self, *, dry_run: bool = False, leftovers_only: bool = False) -> list[ReplicaPruned]:
        """Prune each replica by its own policy; one without a policy loses only what killed runs left there."""
        return [self._prune(replica, dry_run, leftovers_only) for replica in self._replicas]

    def pin(self, name: str, *, until: date | None, reason: str) -> list[str]:
        """Pin the copies of a snapshot where there are some; return what failed, for people."""
        return self._each_copy(lambda upkeep: upkeep.pin(name, until=until, reason=reason))

    def unpin(self, name: str) -> list[str]:
        """Take the pins of the copies of a snapshot away; return what failed, for people."""
        return self._each_copy(lambda upkeep: upkeep.unpin(name))

    def _chosen(self, number: int | None) -> list[Replica]:
        if number is not None:
            return [self.numbered(number)]
        if not self._replicas:
            raise SnapshotReplicaError(1, count=0)
        return list(self._replicas)

    def _upkeep(self, replica: Replica) -> Upkeep:
        return Upkeep(replica.storage, clock=self._clock, zone=self._zone)

    def _each_copy(self, act: Callable[[Upkeep], object]) -> list[str]:
        problems = []
        for replica in self._replicas:
            try:
                act(self._upkeep(replica))
            except SnapshotNotFoundError:
                continue
            except SnapshotError as error:
                problems.append(f"{replica}: {error}")
        return problems

    def _prune(self, replica: Replica, dry_run: bool, leftovers_only: bool) -> ReplicaPruned:
        upkeep = self._upkeep(replica)
        try:
            if replica.policy is None or leftovers_only:
                return ReplicaPruned(replica, upkeep.remove_leftovers(dry_run=dry_run))
            return ReplicaPruned(replica, upkeep.prune(replica.policy, dry_run=dry_run))
        except SnapshotError as error:
            return ReplicaPruned(replica, None, f"{replica} was not pruned: {error}")

    def _copy_all(self, snapshots: Sequence[Snapshot], replica: Replica, on_progress: ProgressCallback) -> Copied:
        copied: list[str] = []
        present: list[str] = []
        problems: list[str] = []
        for snapshot in snapshots:
            try:
                done = self._copy_one(snapshot, replica, on_progress)
                (copied if done else present).append(snapshot.name)
            except SnapshotError as error:
                problems.append(f"{replica} has no copy of '{snapshot.name}': {error}")
        return Copied(replica, tuple(copied), tuple(present), tuple(problems))

    def _require_replaceable(self, replica: Replica, snapshot: Snapshot) -> None:
        """Refuse to replace another snapshot of the name that is newer or pinned; a damaged copy of this is made good.

        A storage that was put back from an old disk has older ones, and so may another host that copies there.
        """
        if not catalog.find_formats(replica.storage, snapshot.name):
            return
        there = catalog.find_snapshot(replica.storage, snapshot.name)
        if there.manifest_digest == snapshot.manifest_digest:
            return
        made, ours = there.created_at, snapshot.require_manifest().created_at
        if made is not None and there.distrust is None and made > ours:
            raise SnapshotExistsError(snapshot.name, _newer_text(replica, snapshot.name, made, ours))
        self._upkeep(replica).require_replaceable(snapshot.name)

    def _carry_pin(self, replica: Replica, snapshot: Snapshot) -> None:
        """Pin a copy that is there already as its snapshot is: the replica was away when that was pinned."""
        pin = snapshot.sidecars.get("pinned")
        if pin is None or pin.content is None:
            return
        there = catalog.find_snapshot(replica.storage, snapshot.name)
        if "pinned" not in there.sidecars:
            with holding_storage(replica.storage, "pin", clock=self._clock):
                catalog.write_sidecar(replica.storage, there, "pinned", pin.content)

    def _copy_one(self, snapshot: Snapshot, replica: Replica, on_progress: ProgressCallback) -> bool:
        if is_copied(replica.storage, snapshot):
            self._carry_pin(replica, snapshot)
            return False
        with (
            holding_storage(self._storage, "copy", clock=self._clock, writes=False),
            holding_storage(replica.storage, "copy", clock=self._clock) as lease,
        ):
            self._require_replaceable(replica, snapshot)
            return copy_snapshot(
                self._storage,
                replica.storage,
                snapshot,
                now=self._clock(),
                hostname=self._hostname,
                require_held=lease.require_held,
                on_progress=on_progress,
            )


def _newer_text(replica: Replica, name: str, there: datetime, ours: datetime) -> str:
    made, of = (moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") for moment in (there, ours))
    return (
        f"It has a newer snapshot of that name, made {made}, and this one was made {of}. The newer one was left as it "
        f"is; `manage.py snapshots restore {name} --from {replica.number}` restores it. To have this one there, move "
        f"the newer one's files away and run `manage.py snapshots copy {name} --to {replica.number}`. Hosts that "
        "copy to the same place need a folder or prefix each."
    )
