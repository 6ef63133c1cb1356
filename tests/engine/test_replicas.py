"""Copies on replicas: bit for bit, invisible until whole, and one replica's failure is nobody else's."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING

import pytest

from django_snapshots.engine.catalog import find_snapshot, list_snapshots, write_sidecar
from django_snapshots.engine.copy import copy_snapshot
from django_snapshots.engine.create import create_snapshot
from django_snapshots.engine.prune import plan_leftovers, prune_snapshots
from django_snapshots.engine.replicas import Replica, Replicas
from django_snapshots.errors import (
    SnapshotDigestError,
    SnapshotManifestError,
    SnapshotReplicaError,
    SnapshotStorageCapabilityError,
    SnapshotStorageError,
)
from django_snapshots.retention import Policy
from django_snapshots.signers import HMAC
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import HOST, AdvancedMemoryStorage, BytesArtifact, FixedClock, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from tests.engine.conftest import Backup

ARTIFACTS = {"media": BytesArtifact(b"photos" * 1000), "environment": BytesArtifact(b"Django")}
formats = pytest.mark.parametrize("snapshot_format", ["directory", "archive"])


@pytest.fixture
def offsite() -> AdvancedMemoryStorage:
    return AdvancedMemoryStorage()


def copy(storage: GuardedStorage, target: MemoryStorage, name: str, clock: FixedClock) -> bool:
    snapshot = find_snapshot(storage, name)
    return copy_snapshot(storage, GuardedStorage(target), snapshot, now=clock(), hostname="web-1")


def of(name: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path.startswith((f"{name}/", f"{name}.tar"))}


@formats
def test_a_copy_is_the_same_bit_for_bit_with_its_pin(
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
    snapshot_format: str,
) -> None:
    made = backup("nightly", ARTIFACTS, snapshot_format=snapshot_format).snapshot
    write_sidecar(storage, made, "pinned", {"until": None, "reason": "audit"})

    assert copy(storage, offsite, "nightly", clock)

    assert offsite.files == memory.files
    assert not copy(storage, offsite, "nightly", clock)


def test_a_copy_to_the_basic_tier_is_the_same(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    backup("nightly", ARTIFACTS)
    offsite = MemoryStorage()

    assert copy(storage, offsite, "nightly", clock)
    assert offsite.files == memory.files


def test_an_archive_cannot_be_copied_to_the_basic_tier(
    storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    backup("nightly", ARTIFACTS, snapshot_format="archive")

    with pytest.raises(SnapshotStorageCapabilityError):
        copy(storage, MemoryStorage(), "nightly", clock)


@formats
def test_damage_found_while_copying_leaves_nothing_on_the_replica(
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
    snapshot_format: str,
) -> None:
    backup("nightly", ARTIFACTS, snapshot_format=snapshot_format, compression=None)
    (path,) = [path for path in memory.files if path.endswith(("media.bin", ".tar"))]
    memory.files[path] = memory.files[path].replace(b"photosphotos", b"photosPhotos", 1)

    with pytest.raises(SnapshotDigestError):
        copy(storage, offsite, "nightly", clock)

    assert list_snapshots(GuardedStorage(offsite)) == []
    assert [path for path in offsite.files if not path.endswith("incomplete.json")] == []


def test_a_snapshot_that_is_not_whole_is_not_copied(
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
) -> None:
    backup("nightly", ARTIFACTS)
    del memory.files["nightly/media.bin.zst"]

    with pytest.raises(SnapshotManifestError, match=r"was not copied\. Missing from the storage: media\.bin\.zst"):
        copy(storage, offsite, "nightly", clock)
    assert offsite.files == {}


class Corrupting(AdvancedMemoryStorage):
    """Keeps other bytes than it is given."""

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        super().stream_write(path, chunks)
        if path.endswith((".zst", ".tar.partial")):
            data = bytearray(self.files[path])
            data[-1] ^= 1
            self.files[path] = bytes(data)

    def size(self, path: str) -> int:
        return len(self.files[path])


@formats
def test_a_replica_that_keeps_other_bytes_is_found_by_reading_them_back(
    storage: GuardedStorage, backup: Backup, clock: FixedClock, snapshot_format: str
) -> None:
    backup("nightly", ARTIFACTS, snapshot_format=snapshot_format)
    offsite = Corrupting()

    with pytest.raises(SnapshotDigestError):
        copy(storage, offsite, "nightly", clock)
    assert list_snapshots(GuardedStorage(offsite)) == []


class PowerCut(AdvancedMemoryStorage):
    """Ends the process at its n-th change."""

    def __init__(self, files: dict[str, bytes], changes: int) -> None:
        super().__init__()
        self.files = files
        self.left = changes

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt

    def delete(self, path: str) -> None:
        self._count()
        super().delete(path)

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        self._count()
        super().stream_write(path, chunks)

    def atomic_move(self, src: str, dst: str) -> None:
        self._count()
        super().atomic_move(src, dst)


def copy_cut_off_at_every_change(
    storage: GuardedStorage, files: dict[str, bytes], clock: FixedClock, *, shown: list[list[str]]
) -> list[dict[str, bytes]]:
    """Copy to a replica that holds `files`, cut off after one change more each time, until a copy gets through.

    After each the replica shows one of `shown`. Returns the files that each has after the next copy and prune.
    """
    made_good: list[dict[str, bytes]] = []
    finished = False
    while not finished:
        offsite = PowerCut(dict(files), len(made_good))
        try:
            finished = copy(storage, offsite, "nightly", clock)
            assert finished
        except KeyboardInterrupt:
            finished = False
        offsite.left = 1000
        guarded = GuardedStorage(offsite)
        assert [each.status for each in list_snapshots(guarded)] in shown
        copy(storage, offsite, "nightly", clock)
        prune_snapshots(guarded, plan_leftovers(guarded, now=clock() + timedelta(days=2)))
        made_good.append(offsite.files)
    return made_good


@formats
def test_a_copy_that_ends_anywhere_shows_nothing_or_all_and_is_made_good(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock, snapshot_format: str
) -> None:
    backup("nightly", ARTIFACTS, snapshot_format=snapshot_format)

    made_good = copy_cut_off_at_every_change(storage, {}, clock, shown=[[], ["complete"]])

    assert len(made_good) > 4
    assert all(files == memory.files for files in made_good)


def test_another_snapshot_of_the_name_is_replaced(
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
) -> None:
    backup("nightly", ARTIFACTS)
    copy(storage, offsite, "nightly", clock)
    backup("nightly", {"media": BytesArtifact(b"other photos")}, overwrite=True)

    assert copy(storage, offsite, "nightly", clock)
    assert offsite.files == memory.files


def test_an_archive_is_replaced_by_one_move_so_that_no_moment_is_without_a_copy(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    class Watched(AdvancedMemoryStorage):
        def delete(self, path: str) -> None:
            super().delete(path)
            assert "nightly.tar" in self.files

    offsite = Watched()
    backup("nightly", ARTIFACTS, snapshot_format="archive")
    copy(storage, offsite, "nightly", clock)
    write_sidecar(GuardedStorage(offsite), find_snapshot(GuardedStorage(offsite), "nightly"), "verified", {})
    other = {"media": BytesArtifact(b"other photos")}
    backup("nightly", other, overwrite=True, snapshot_format="archive")

    assert copy(storage, offsite, "nightly", clock)
    assert offsite.files == memory.files


changed_formats = pytest.mark.parametrize(("old", "new"), [("directory", "archive"), ("archive", "directory")])
OTHER = {"media": BytesArtifact(b"other photos" * 1000)}


class Watched(AdvancedMemoryStorage):
    """Notes after each change whether there is a complete snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[str]] = []

    def _look(self) -> None:
        self.seen.append([each.status for each in list_snapshots(GuardedStorage(self))])

    def delete(self, path: str) -> None:
        super().delete(path)
        self._look()

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        super().stream_write(path, chunks)
        self._look()

    def atomic_move(self, src: str, dst: str) -> None:
        super().atomic_move(src, dst)
        self._look()


@changed_formats
def test_where_the_format_changes_no_moment_is_without_a_copy(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock, old: str, new: str
) -> None:
    offsite = Watched()
    backup("nightly", ARTIFACTS, snapshot_format=old)
    copy(storage, offsite, "nightly", clock)
    write_sidecar(GuardedStorage(offsite), find_snapshot(GuardedStorage(offsite), "nightly"), "verified", {})
    offsite.seen.clear()
    backup("nightly", OTHER, overwrite=True, snapshot_format=new)

    assert copy(storage, offsite, "nightly", clock)
    assert offsite.seen == [["complete"]] * len(offsite.seen)
    assert offsite.files == memory.files
    assert not copy(storage, offsite, "nightly", clock)


@changed_formats
def test_a_copy_in_another_format_that_fails_leaves_the_one_that_is_there(
    storage: GuardedStorage, backup: Backup, clock: FixedClock, old: str, new: str
) -> None:
    class Full(AdvancedMemoryStorage):
        is_full = False

        def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
            if self.is_full and "incomplete" not in path:
                raise OSError(28, "No space left on device")
            super().stream_write(path, chunks)

    offsite = Full()
    backup("nightly", ARTIFACTS, snapshot_format=old)
    copy(storage, offsite, "nightly", clock)
    before = dict(offsite.files)
    offsite.is_full = True
    backup("nightly", OTHER, overwrite=True, snapshot_format=new)

    with pytest.raises(SnapshotStorageError, match="No space left on device"):
        copy(storage, offsite, "nightly", clock)

    assert offsite.files == before


@changed_formats
def test_a_copy_in_another_format_that_ends_anywhere_leaves_one_and_is_finished_by_the_next(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock, old: str, new: str
) -> None:
    offsite = AdvancedMemoryStorage()
    backup("nightly", ARTIFACTS, snapshot_format=old)
    copy(storage, offsite, "nightly", clock)
    backup("nightly", OTHER, overwrite=True, snapshot_format=new)

    made_good = copy_cut_off_at_every_change(storage, offsite.files, clock, shown=[["complete"]])

    assert len(made_good) > 4
    assert all(files == memory.files for files in made_good)


def test_what_is_left_of_another_format_is_removed_and_nothing_is_copied_for_it(
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
) -> None:
    backup("nightly", ARTIFACTS)
    copy(storage, offsite, "nightly", clock)
    left = dict(offsite.files)
    backup("nightly", OTHER, overwrite=True, snapshot_format="archive")
    copy(storage, offsite, "nightly", clock)
    offsite.files |= left

    (copied,) = replicas(storage, clock, offsite).copy_missing()

    assert copied.present == ("nightly",)
    assert {path: data for path, data in offsite.files.items() if path[0] != "."} == memory.files


@formats
def test_a_damaged_snapshot_does_not_cost_the_replica_the_one_it_has(
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
    snapshot_format: str,
) -> None:
    backup("nightly", ARTIFACTS, snapshot_format=snapshot_format)
    copy(storage, offsite, "nightly", clock)
    before = dict(offsite.files)
    other = {"media": BytesArtifact(b"other photos")}
    backup("nightly", other, overwrite=True, snapshot_format=snapshot_format, compression=None)
    (path,) = [path for path, data in memory.files.items() if b"other photos" in data]
    memory.files[path] = memory.files[path].replace(b"other photos", b"other phot0s")

    with pytest.raises(SnapshotDigestError):
        copy(storage, offsite, "nightly", clock)

    assert offsite.files == before


def test_another_snapshot_of_the_name_that_is_pinned_on_the_replica_is_not_replaced(
    storage: GuardedStorage, backup: Backup, clock: FixedClock, offsite: AdvancedMemoryStorage
) -> None:
    backup("nightly", ARTIFACTS)
    copies = replicas(storage, clock, offsite)
    copies.copy("nightly")
    copies.pin("nightly", until=None, reason="audit")
    before = of("nightly", offsite.files)
    backup("nightly", {"media": BytesArtifact(b"other photos")}, overwrite=True)

    (copied,) = copies.copy("nightly")

    assert "Snapshot 'nightly' is pinned: audit. It was not replaced." in copied.problems[0]
    assert of("nightly", offsite.files) == before


@formats
def test_a_newer_snapshot_of_the_name_on_the_replica_is_not_replaced(
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
    snapshot_format: str,
) -> None:
    backup("weekly", ARTIFACTS, snapshot_format=snapshot_format)
    old_disk = dict(memory.files)
    backup("weekly", OTHER, overwrite=True, snapshot_format=snapshot_format)
    copies = replicas(storage, clock, offsite)
    copies.copy("weekly")
    before = of("weekly", offsite.files)
    memory.files = old_disk

    (copied,) = copies.copy_missing()

    assert (copied.copied, copied.present) == ((), ())
    (problem,) = copied.problems
    assert problem == (
        "replica 1 (SNAPSHOTS['REPLICAS'][0]) has no copy of 'weekly': It has a newer snapshot of that name, made "
        "2026-11-22 04:00:00 UTC, and this one was made 2026-11-22 03:00:00 UTC. The newer one was left as it is; "
        "`manage.py snapshots restore weekly --from 1` restores it. To have this one there, move the newer one's files "
        "away and run `manage.py snapshots copy weekly --to 1`. Hosts that copy to the same place need a folder or "
        "prefix each."
    )
    assert of("weekly", offsite.files) == before


def test_a_newer_one_that_nobody_vouches_for_is_replaced(
    storage: GuardedStorage,
    memory: AdvancedMemoryStorage,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REPLICA_KEY", "0123456789abcdef" * 4)
    signer = HMAC(key_env="REPLICA_KEY")
    create_snapshot(storage, OTHER, name="weekly", created_at=clock() + timedelta(days=9), host=HOST)
    offsite.files = dict(memory.files)
    signed = GuardedStorage(AdvancedMemoryStorage(), signer=signer)
    create_snapshot(signed, ARTIFACTS, name="weekly", created_at=clock(), host=HOST)
    replica = Replica(1, GuardedStorage(offsite, signer=signer), None)

    (copied,) = Replicas(signed, [replica], clock=clock, zone=UTC, hostname="web-1").copy("weekly")

    assert copied.copied == ("weekly",)


@pytest.mark.parametrize("pinned_here", [False, True])
def test_a_damaged_copy_that_is_pinned_is_made_good_and_keeps_its_pin(
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
    pinned_here: bool,
) -> None:
    made = backup("nightly", ARTIFACTS).snapshot
    copies = replicas(storage, clock, offsite)
    copies.copy("nightly")
    copies.pin("nightly", until=None, reason="legal hold")
    pin = offsite.files["nightly/pinned.json"]
    if pinned_here:
        write_sidecar(storage, made, "pinned", {"until": "2026-12-01", "reason": "audit"})
    del offsite.files["nightly/media.bin.zst"]

    (copied,) = copies.copy("nightly")

    assert (copied.copied, copied.problems) == (("nightly",), ())
    assert find_snapshot(GuardedStorage(offsite), "nightly").damage is None
    assert offsite.files["nightly/pinned.json"] == pin


def test_a_pin_that_cannot_be_read_holds_a_copy_that_is_made_good(
    storage: GuardedStorage, backup: Backup, clock: FixedClock, offsite: AdvancedMemoryStorage
) -> None:
    backup("nightly", ARTIFACTS)
    copies = replicas(storage, clock, offsite)
    copies.copy("nightly")
    offsite.files["nightly/pinned.json"] = b"{"
    del offsite.files["nightly/media.bin.zst"]

    copies.copy("nightly")

    assert offsite.files["nightly/pinned.json"] == b"{"


class Away(AdvancedMemoryStorage):
    """Cannot be reached."""

    def list(self, prefix: str) -> list[str]:
        raise ConnectionError("no route to host")

    def exists(self, path: str) -> bool:
        raise ConnectionError("no route to host")

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        raise ConnectionError("no route to host")


def replicas(
    storage: GuardedStorage, clock: FixedClock, *storages: MemoryStorage, policy: Policy | None = None
) -> Replicas:
    made = [Replica(number, GuardedStorage(each), policy) for number, each in enumerate(storages, start=1)]
    return Replicas(storage, made, clock=clock, zone=UTC, hostname="web-1")


def test_a_replica_that_is_away_is_named_and_the_others_get_their_copy(
    storage: GuardedStorage, backup: Backup, clock: FixedClock, offsite: AdvancedMemoryStorage
) -> None:
    backup("nightly", ARTIFACTS)

    away, there = replicas(storage, clock, Away(), offsite).copy("nightly")

    assert (away.copied, there.copied) == ((), ("nightly",))
    assert away.problems[0].startswith("replica 1 (SNAPSHOTS['REPLICAS'][0]) has no copy of 'nightly': Away could not")
    assert there.problems == ()


def test_what_is_missing_is_copied_and_only_that(
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
) -> None:
    for name in "abc":
        backup(name, ARTIFACTS)
    both = replicas(storage, clock, offsite, AdvancedMemoryStorage())
    both.copy("b", to=1)

    first, second = both.copy_missing()

    assert (first.copied, first.present) == (("c", "a"), ("b",))
    assert second.copied == ("c", "b", "a")
    assert {path: data for path, data in offsite.files.items() if path[0] != "."} == memory.files


def test_each_replica_is_pruned_by_its_own_policy(
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    offsite: AdvancedMemoryStorage,
) -> None:
    for name in "abc":
        backup(name, ARTIFACTS)
    pruned = replicas(storage, clock, offsite, policy=Policy(keep=2))
    pruned.copy_missing()
    kept = replicas(storage, clock, offsite)

    assert kept.prune()[0].pruned.deleted == ()  # type: ignore[union-attr]
    assert pruned.prune()[0].pruned.deleted == ("a",)  # type: ignore[union-attr]
    assert of("a", memory.files)
    assert not of("a", offsite.files)
    assert "was not pruned" in str(replicas(storage, clock, Away(), policy=Policy(keep=2)).prune()[0].problem)


def test_a_pin_holds_the_copies_too(
    storage: GuardedStorage, backup: Backup, clock: FixedClock, offsite: AdvancedMemoryStorage
) -> None:
    for name in "abc":
        backup(name, ARTIFACTS)
    some = replicas(storage, clock, offsite, AdvancedMemoryStorage(), Away(), policy=Policy(keep=1))
    some.copy_missing(to=1)

    problems = some.pin("a", until=date(2099, 1, 1), reason="audit")

    assert len(problems) == 1
    assert problems[0].startswith("replica 3")
    assert some.prune()[0].pruned.deleted == ("b",)  # type: ignore[union-attr]
    some.unpin("a")
    assert some.prune()[0].pruned.deleted == ("a",)  # type: ignore[union-attr]


def test_a_copy_that_was_not_reached_by_a_pin_gets_it_with_what_is_missing(
    storage: GuardedStorage, backup: Backup, clock: FixedClock, offsite: AdvancedMemoryStorage
) -> None:
    for name in "ab":
        backup(name, ARTIFACTS)
    copies = replicas(storage, clock, offsite, policy=Policy(keep=1))
    copies.copy_missing()
    content: dict[str, JsonValue] = {"until": None, "reason": "audit", "pinned_at": clock().isoformat()}
    write_sidecar(storage, find_snapshot(storage, "a"), "pinned", content)

    (copied,) = copies.copy_missing()

    assert copied.present == ("b", "a")
    assert copies.prune()[0].pruned.deleted == ()  # type: ignore[union-attr]


def test_a_number_without_a_replica_is_told(storage: GuardedStorage, clock: FixedClock) -> None:
    with pytest.raises(
        SnapshotReplicaError, match="There is no replica 2: SNAPSHOTS\\['REPLICAS'\\] has 1, counted from 1"
    ):
        replicas(storage, clock, MemoryStorage()).copy("nightly", to=2)
    with pytest.raises(SnapshotReplicaError, match="is empty"):
        replicas(storage, clock).copy_missing()
