"""Pruning a storage: what it costs, what refuses it, and what is left when it ends half-way."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING

import pytest

from django_snapshots.engine import reading
from django_snapshots.engine.catalog import find_snapshot, list_snapshots, write_sidecar
from django_snapshots.engine.incomplete import mark_begun
from django_snapshots.engine.pins import Pin, pin_snapshot
from django_snapshots.engine.prune import plan_leftovers, plan_prune, prune_snapshots
from django_snapshots.engine.removal import delete_snapshot
from django_snapshots.engine.verified import Finding, Verification, record
from django_snapshots.errors import SnapshotPruneError, SnapshotStorageError
from django_snapshots.retention import Policy
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import (
    AdvancedMemoryStorage,
    BulkMemoryStorage,
    BytesArtifact,
    FixedClock,
    FullStorage,
    MemoryStorage,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from django_snapshots.engine.prune import PrunePlan
    from tests.engine.conftest import Backup

ARTIFACTS = {"media": BytesArtifact(b"photos"), "environment": BytesArtifact(b"Django")}
KEEP_TWO = Policy(keep=2)
formats = pytest.mark.parametrize("snapshot_format", ["directory", "archive"])


def plan(
    storage: GuardedStorage, clock: FixedClock, policy: Policy = KEEP_TWO, expected: Collection[str] = ()
) -> PrunePlan:
    return plan_prune(storage, policy, now=clock(), zone=UTC, expected=expected)


def prune(storage: GuardedStorage, clock: FixedClock, policy: Policy = KEEP_TWO) -> list[str]:
    return prune_snapshots(storage, plan(storage, clock, policy))


def names(storage: GuardedStorage) -> list[str]:
    return [snapshot.name for snapshot in list_snapshots(storage)]


@formats
def test_what_no_rule_keeps_is_deleted_with_all_its_files(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock, snapshot_format: str
) -> None:
    for name in "abcd":
        snapshot = backup(name, ARTIFACTS, snapshot_format=snapshot_format).snapshot
        write_sidecar(storage, snapshot, "verified", {})

    assert prune(storage, clock) == ["a", "b"]

    assert names(storage) == ["d", "c"]
    assert {path.split("/")[0].split(".")[0] for path in memory.files} == {"c", "d"}


class CountingStorage(AdvancedMemoryStorage):
    """Notes the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def read(self, path: str) -> IO[bytes]:
        self.calls.append("read")
        return super().read(path)

    def list(self, prefix: str) -> list[str]:
        self.calls.append("list")
        return super().list(prefix)

    def delete(self, path: str) -> None:
        self.calls.append("delete" if path in self.files else "delete nothing")
        super().delete(path)

    def exists(self, path: str) -> bool:
        self.calls.append("exists")
        return super().exists(path)

    def stream_write(self, path: str, chunks: object) -> None:
        self.calls.append("write")
        super().stream_write(path, chunks)  # type: ignore[arg-type]


def prune_counted(memory: AdvancedMemoryStorage, counting: CountingStorage, clock: FixedClock) -> int:
    """Prune by way of a storage that counts the calls, and return how many files went."""
    counting.files = memory.files
    before = len(memory.files)
    prune(GuardedStorage(counting), clock)
    return before - len(memory.files)


def test_a_prune_costs_one_listing_a_read_of_each_manifest_and_a_call_for_each_file(
    memory: AdvancedMemoryStorage, backup: Backup, clock: FixedClock
) -> None:
    for number in range(20):
        backup(f"s{number:02}", ARTIFACTS)
    counting = CountingStorage()

    deleted_files = prune_counted(memory, counting, clock)

    assert deleted_files == 18 * 3
    assert {call: counting.calls.count(call) for call in set(counting.calls)} == {
        "list": 1,
        "read": 20,
        "write": 1,  # the note of what is being removed, which is a file deleted too
        "delete": deleted_files + 1,
    }


def test_a_storage_that_deletes_many_at_once_is_called_twice_for_each_snapshot(
    memory: AdvancedMemoryStorage, backup: Backup, clock: FixedClock
) -> None:
    class CountingBulkStorage(CountingStorage):
        def delete_many(self, paths: Collection[str]) -> None:
            self.calls.append("delete many")
            for path in paths:
                self.files.pop(path)

    artifacts = {**ARTIFACTS, "notes": BytesArtifact(b"notes")}
    for number in range(20):
        backup(f"s{number:02}", artifacts)
    counting = CountingBulkStorage()

    deleted_files = prune_counted(memory, counting, clock)

    assert deleted_files == 18 * 4
    assert len(counting.calls) < 18 * 4
    assert {call: counting.calls.count(call) for call in set(counting.calls)} == {
        "list": 1,
        "read": 20,
        "write": 1,
        "delete": 18 + 1,  # the manifests, and the note
        "delete many": 18,
    }


def test_a_dry_run_changes_nothing(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    for name in "abc":
        backup(name, ARTIFACTS)
    before = dict(memory.files)

    planned = plan(storage, clock)

    assert [(each.name, each.action) for each in planned.decisions] == [
        ("c", "keep"),
        ("b", "keep"),
        ("a", "delete"),
    ]
    assert memory.files == before


def test_nothing_to_delete_writes_nothing(backup: Backup, memory: AdvancedMemoryStorage, clock: FixedClock) -> None:
    backup("a", ARTIFACTS)
    counting = CountingStorage()
    counting.files = memory.files

    assert prune(GuardedStorage(counting), clock) == []
    assert "write" not in counting.calls


def test_a_plan_holds_no_manifest_longer_than_it_takes_to_look_at_it(
    memory: AdvancedMemoryStorage, backup: Backup, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_WAITING_SECONDS", 60)
    for number in range(40):
        backup(f"s{number:02}", ARTIFACTS, metadata={str(line): "x" * 1000 for line in range(200)})

    tracemalloc.start()
    try:
        plan(GuardedStorage(memory), clock)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 3_000_000  # the manifests have 8 MB


class FailingStorage(AdvancedMemoryStorage):
    """Fails where it is told to: a listing, or a read of one path; or lists without some."""

    def __init__(
        self, files: dict[str, bytes], *, fail_list: bool = False, fail_read: str = "", hide: str = "?"
    ) -> None:
        super().__init__()
        self.files = files
        self.fail_list, self.fail_read, self.hide = fail_list, fail_read, hide

    def list(self, prefix: str) -> list[str]:
        if self.fail_list:
            raise ConnectionError("no route to host")
        return [path for path in super().list(prefix) if not path.startswith(self.hide)]

    def read(self, path: str) -> IO[bytes]:
        if path == self.fail_read:
            raise ConnectionError("no route to host")
        return super().read(path)


@pytest.mark.parametrize(
    "failing", [{"fail_list": True}, {"fail_read": "a/manifest.json"}, {"fail_read": "c/manifest.json"}]
)
def test_a_storage_that_fails_while_it_is_listed_or_read_refuses_the_prune(
    memory: AdvancedMemoryStorage, backup: Backup, clock: FixedClock, failing: dict[str, object]
) -> None:
    for name in "abc":
        backup(name, ARTIFACTS)
    before = dict(memory.files)

    with pytest.raises(SnapshotPruneError, match=r"nothing was deleted.*no route to host") as caught:
        prune(GuardedStorage(FailingStorage(memory.files, **failing)), clock)  # type: ignore[arg-type]

    assert caught.value.reason == "incomplete listing"
    assert memory.files == before


def test_a_list_without_the_snapshot_that_was_just_made_refuses_the_prune(
    memory: AdvancedMemoryStorage, backup: Backup, clock: FixedClock
) -> None:
    for name in "abcd":
        backup(name, ARTIFACTS)

    with pytest.raises(SnapshotPruneError, match="does not list 'd', which was stored a moment ago") as caught:
        plan(GuardedStorage(FailingStorage(memory.files, hide="d/")), clock, expected=["d"])

    assert caught.value.reason == "incomplete listing"


def test_too_few_that_would_be_left_refuse_the_prune(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    for name in "abc":
        backup(name, ARTIFACTS)
    before = dict(memory.files)

    with pytest.raises(SnapshotPruneError, match="would leave 2, and MIN_KEEP is 3"):
        prune(storage, clock, Policy(keep=2, min_keep=3))

    assert memory.files == before


def test_a_damaged_snapshot_is_neither_counted_nor_deleted(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    for name in "abcde":
        backup(name, ARTIFACTS)
    memory.files["e/manifest.json"] = b"{"
    del memory.files["b/media.bin.zst"]

    assert prune(storage, clock) == ["a"]

    assert sorted(names(storage)) == ["b", "c", "d", "e"]


def test_a_snapshot_in_which_the_last_verification_found_damage_is_not_counted(
    storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    for name in "abc":
        snapshot = backup(name, ARTIFACTS).snapshot
    found = find_snapshot(storage, snapshot.name)
    torn = Verification(found, 1, ("media",), problems=(Finding("media", "torn"),))
    record(storage, torn, verified_at=clock(), tool="test")

    assert prune(storage, clock) == []
    assert plan(storage, clock).decisions[0].reasons == (
        "damaged, and not counted; look at it, then delete it by name",
    )


def test_a_pinned_snapshot_is_kept_until_its_day_is_over(
    storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    pinned = backup("a", ARTIFACTS).snapshot
    pin_snapshot(storage, pinned, Pin(clock().date() + timedelta(days=2), "audit"), now=clock())
    for name in "bcd":
        backup(name, ARTIFACTS)

    assert prune(storage, clock) == ["b"]
    clock.advance(timedelta(days=3))
    assert prune(storage, clock) == ["a"]


def test_a_snapshot_that_is_being_overwritten_is_left_alone(
    storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    for name in "abc":
        backup(name, ARTIFACTS)
    mark_begun(storage, "a", clock(), "web-1")

    assert prune(storage, clock) == []
    assert plan(storage, clock).decisions[-1].reasons == (
        "a backup of this name is at work, or was killed less than a day ago",
    )


class PowerCut(AdvancedMemoryStorage):
    """Ends the process at its n-th change, as a power cut does: nobody cleans up."""

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

    def stream_write(self, path: str, chunks: object) -> None:
        self._count()
        super().stream_write(path, chunks)  # type: ignore[arg-type]


class BulkPowerCut(PowerCut, BulkMemoryStorage):
    """The same, in the middle of deleting many as well."""


@pytest.mark.parametrize("kind", [PowerCut, BulkPowerCut])
@formats
def test_a_prune_that_ends_anywhere_shows_whole_snapshots_only_and_the_next_one_finishes_it(
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
    snapshot_format: str,
    kind: type[PowerCut],
) -> None:
    for name in "abcde":
        snapshot = backup(name, ARTIFACTS, snapshot_format=snapshot_format).snapshot
        write_sidecar(storage, snapshot, "verified", {})
    whole, finished = dict(memory.files), False
    expected = {path: data for path, data in whole.items() if path[0] in "de"}
    changes = 0
    while not finished:
        files = dict(whole)
        try:
            prune(GuardedStorage(kind(files, changes)), clock)
            finished = True
        except KeyboardInterrupt:
            changes += 1
        memory.files = files
        assert {snapshot.status for snapshot in list_snapshots(storage)} == {"complete"}
        prune(storage, clock)
        assert memory.files == expected, f"cut after {changes} changes"
    assert changes == len(whole) - len(expected) + 2


def test_a_storage_that_fails_half_way_says_what_is_gone_and_the_next_prune_goes_on(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    for name in "abcd":
        backup(name, ARTIFACTS)

    class Outage(PowerCut):
        def _count(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise ConnectionError

    with pytest.raises(SnapshotStorageError) as caught:
        prune(GuardedStorage(Outage(memory.files, 5)), clock)

    assert caught.value.__notes__ == ["Deleted before that: a. The next prune removes what is left."]
    assert names(storage) == ["d", "c"]
    assert prune(storage, clock) == []
    assert {path[0] for path in memory.files} == {"c", "d"}


def cut_off_deletion(memory: AdvancedMemoryStorage, name: str) -> None:
    """Delete a snapshot as far as its manifest, which is the second change."""
    with pytest.raises(KeyboardInterrupt):
        delete_snapshot(GuardedStorage(PowerCut(memory.files, 2)), name)


def test_an_interrupted_delete_is_finished_without_a_policy(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    backup("kept", ARTIFACTS)
    kept = dict(memory.files)
    backup("gone", ARTIFACTS)
    cut_off_deletion(memory, "gone")

    planned = plan_leftovers(storage, now=clock())
    prune_snapshots(storage, planned)

    assert [(leftover.name, len(leftover.paths), leftover.begun_at) for leftover in planned.leftovers] == [
        ("gone", 3, None)  # two files, and the note
    ]
    assert memory.files == kept


class FullPowerCut(PowerCut, FullStorage):
    """A power cut, on a full disk."""


def test_a_delete_that_was_interrupted_on_a_full_disk_is_finished_by_the_next_run(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    backup("gone", ARTIFACTS)
    cut = FullPowerCut(memory.files, 3)  # the note that does not fit, the manifest, the note
    cut.full = True
    with pytest.raises(KeyboardInterrupt):
        delete_snapshot(GuardedStorage(cut), "gone")
    assert names(storage) == []

    prune_snapshots(storage, plan_leftovers(storage, now=clock()))

    assert memory.files == {}


def test_a_snapshot_that_was_made_anew_after_an_interrupted_delete_is_not_touched(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    backup("same", ARTIFACTS)
    cut_off_deletion(memory, "same")
    backup("same", ARTIFACTS)

    prune(storage, clock)

    assert [snapshot.status for snapshot in list_snapshots(storage)] == ["complete"]
    assert not [path for path in memory.files if path.startswith(".removing/")]


def test_the_files_of_a_backup_at_work_are_not_taken_for_those_of_an_interrupted_delete(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    backup("same", ARTIFACTS)
    cut_off_deletion(memory, "same")
    mark_begun(storage, "same", clock(), "web-1")
    at_work = {path for path in memory.files if path.startswith("same/")}

    prune(storage, clock)

    assert {path for path in memory.files if path.startswith("same/")} == at_work


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"names": 3}', b'{"names": ["../etc", "kept"]}'])
def test_a_note_that_is_none_of_ours_is_left_alone(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, clock: FixedClock, content: bytes
) -> None:
    memory.files = {f".removing/{'0' * 32}.json": content, "kept/photo.jpg": b"", "etc/passwd": b""}

    prune(storage, clock)

    assert len(memory.files) == 3


def test_the_basic_tier_is_pruned_too(backup: Backup, memory: AdvancedMemoryStorage, clock: FixedClock) -> None:
    for name in "abc":
        backup(name, ARTIFACTS)
    basic = MemoryStorage()
    basic.files = memory.files

    assert prune(GuardedStorage(basic), clock) == ["a"]
    assert {path[0] for path in basic.files} == {"b", "c"}


def test_snapshots_from_the_future_are_kept(storage: GuardedStorage, backup: Backup) -> None:
    backup("a", ARTIFACTS)
    clock = FixedClock(datetime(2020, 1, 1, tzinfo=UTC))

    assert prune(storage, clock, Policy(keep=1)) == []
