"""The lease of a storage: one writer, whoever comes when, and nobody blocks for ever."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from django_snapshots.engine import lease as lease_module
from django_snapshots.engine.catalog import LEASE_PREFIX, list_snapshots
from django_snapshots.engine.holder import parse_holder, this_process
from django_snapshots.engine.incomplete import find_leftovers
from django_snapshots.engine.lease import LEASE_TIME, MARGIN, StorageLease, holding_storage
from django_snapshots.errors import SnapshotBusyError, SnapshotError, SnapshotStorageError
from django_snapshots.storage import LocalFileSystemBackend
from django_snapshots.storage.guard import GuardedStorage
from tests.engine.test_failing_storage import Failing
from tests.fakes import AdvancedMemoryStorage, FixedClock, FullStorage, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "PATIENCE_S", 0.5)


def leases(memory: MemoryStorage) -> list[str]:
    return [path for path in list(memory.files) if path.startswith(LEASE_PREFIX)]


@contextmanager
def held_elsewhere(storage: GuardedStorage, clock: FixedClock, verb: str = "backup") -> Iterator[StorageLease]:
    """Hold a lease as a process of another host does: it cannot be asked whether it lives."""
    lease = StorageLease(storage, verb, clock)
    there = json.loads(lease._holder.to_json()) | {"host": "web-2", "machine": "another", "pid": 4711}
    lease._holder = parse_holder(json.dumps(there).encode())  # type: ignore[assignment]
    lease.acquire()
    yield lease
    lease.release()


@pytest.mark.parametrize("kind", [MemoryStorage, AdvancedMemoryStorage])
def test_a_second_writer_is_told_who_has_the_storage_since_when_and_until_when(
    kind: type[MemoryStorage], clock: FixedClock
) -> None:
    memory = kind()
    storage = GuardedStorage(memory)
    with held_elsewhere(storage, clock):
        begun = clock()
        clock.advance(timedelta(minutes=3))
        with pytest.raises(SnapshotBusyError) as caught, holding_storage(storage, "prune", clock=clock):
            pytest.fail("two writers")

        error = caught.value
        assert (error.resource, error.verb, error.host, error.pid) == ("the storage", "backup", "web-2", 4711)
        assert (error.since, error.until) == (begun, begun + LEASE_TIME)
        assert leases(memory) == [error.lock]
        assert str(error) == (
            "Busy: the storage is in use by backup (process 4711 on web-2), since 2026-11-22 02:00:00 UTC. "
            f"Wait for it to end. When you know that it is gone, delete {error.lock} from the storage, "
            "or wait until 2026-11-22 02:10:00 UTC."
        )

    with holding_storage(storage, "prune", clock=clock):
        assert len(leases(memory)) == 1
    assert leases(memory) == []


def test_a_holder_that_vanished_on_another_host_blocks_until_its_lease_ends(clock: FixedClock) -> None:
    memory = AdvancedMemoryStorage()
    storage = GuardedStorage(memory)
    with held_elsewhere(storage, clock):
        vanished = dict(memory.files)
    memory.files |= vanished

    clock.advance(LEASE_TIME - timedelta(seconds=1))
    with pytest.raises(SnapshotBusyError), holding_storage(storage, "backup", clock=clock):
        pytest.fail("it may still be at work")
    clock.advance(timedelta(seconds=2))
    with holding_storage(storage, "backup", clock=clock):
        assert len(leases(memory)) == 1, "what ended is cleared away"


def test_a_holder_that_was_killed_on_this_host_does_not_block(clock: FixedClock) -> None:
    memory = AdvancedMemoryStorage()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        holder = json.loads(this_process("backup", clock()).to_json()) | {"pid": process.pid, "born": ""}
        lock = f"{LEASE_PREFIX}20261122T020000000000Z-{'0' * 16}-20261122T021000000000Z.json"
        memory.files[lock] = json.dumps(holder).encode()
        with pytest.raises(SnapshotBusyError), holding_storage(GuardedStorage(memory), "backup", clock=clock):
            pytest.fail("the process is alive")
        process.kill()

    with holding_storage(GuardedStorage(memory), "backup", clock=clock):
        assert lock not in memory.files


def test_a_process_that_got_the_id_of_a_dead_one_is_not_taken_for_it(clock: FixedClock) -> None:
    me = json.loads(this_process("backup", clock()).to_json())

    assert not parse_holder(json.dumps(me).encode()).is_gone  # type: ignore[union-attr]
    assert parse_holder(json.dumps(me | {"born": "1"}).encode()).is_gone  # type: ignore[union-attr]


def test_a_process_of_another_container_is_never_taken_for_gone(clock: FixedClock) -> None:
    there = json.loads(this_process("backup", clock()).to_json()) | {"machine": "another", "pid": 2**22 + 1}

    assert not parse_holder(json.dumps(there).encode()).is_gone  # type: ignore[union-attr]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"verb": "backup"}', b"null"])
def test_a_lease_that_cannot_be_read_still_counts_until_it_ends(clock: FixedClock, content: bytes) -> None:
    memory = AdvancedMemoryStorage()
    memory.files[f"{LEASE_PREFIX}20261122T015900000000Z-{'0' * 16}-20261122T020900000000Z.json"] = content

    with pytest.raises(SnapshotBusyError) as caught, holding_storage(GuardedStorage(memory), "backup", clock=clock):
        pytest.fail("somebody has it")

    assert (caught.value.pid, caught.value.since) == (None, None)
    assert "by a run on an unknown host. Wait" in str(caught.value)


class Renaming(AdvancedMemoryStorage):
    """Stores names without the dots at their front, as AzureStorage without a location does."""

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        super().stream_write(path.lstrip("."), chunks)

    def exists(self, path: str) -> bool:
        return super().exists(path.lstrip("."))

    def delete(self, path: str) -> None:
        super().delete(path.lstrip("."))


class Hiding(AdvancedMemoryStorage):
    """Lists no names with a dot at their front."""

    def list(self, prefix: str) -> list[str]:
        return [path for path in super().list(prefix) if not path.startswith(".")]


class Late(AdvancedMemoryStorage):
    """Lists what was written from the third listing on."""

    def __init__(self) -> None:
        super().__init__()
        self.listings = 0

    def list(self, prefix: str) -> list[str]:
        self.listings += 1
        return super().list(prefix) if self.listings > 2 else []


@pytest.mark.parametrize(
    ("kind", "shown"), [(Renaming, "lists it as 'locks/{name}'"), (Hiding, "did not list it within 0 s")]
)
def test_a_storage_that_does_not_list_the_lock_under_its_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, clock: FixedClock, kind: type[AdvancedMemoryStorage], shown: str
) -> None:
    monkeypatch.setattr(lease_module, "LISTING_S", 0.0)
    memory = kind()

    with (
        pytest.raises(SnapshotStorageError) as caught,
        holding_storage(GuardedStorage(memory), "backup", clock=clock),
    ):
        pytest.fail("a second run would not see this one")

    error = caught.value
    assert error.operation == "lock"
    assert str(error) == (
        f"The lock of this run was written to '{error.path}', but the storage "
        f"{shown.format(name=(error.path or '').removeprefix(LEASE_PREFIX))}, so that no run would see another. "
        "Use a storage that keeps and lists names as they are given, also those that begin with a dot; with "
        "AzureStorage of django-storages, set its 'location'."
    )
    assert memory.files == {}


def test_a_storage_that_does_not_list_the_lock_can_still_be_restored_from(
    monkeypatch: pytest.MonkeyPatch, clock: FixedClock
) -> None:
    monkeypatch.setattr(lease_module, "LISTING_S", 0.0)
    memory = Renaming()

    with holding_storage(GuardedStorage(memory), "restore", clock=clock, writes=False) as lease:
        lease.require_held()

    assert memory.files == {}


def test_a_storage_that_lists_late_is_waited_for(clock: FixedClock) -> None:
    memory = Late()

    with holding_storage(GuardedStorage(memory), "backup", clock=clock):
        assert memory.listings == 3
    assert memory.files == {}


def test_files_of_somebody_else_below_the_prefix_are_left_alone(clock: FixedClock) -> None:
    memory = AdvancedMemoryStorage()
    memory.files[f"{LEASE_PREFIX}README"] = b"mine"
    memory.files[f"{LEASE_PREFIX}20261322T015900000000Z-{'0' * 16}-20261322T020900000000Z.json"] = b"no month"

    with holding_storage(GuardedStorage(memory), "backup", clock=clock):
        assert len(leases(memory)) == 3
    assert len(leases(memory)) == 2


def test_a_lease_is_no_snapshot_and_no_leftover_of_one(clock: FixedClock) -> None:
    storage = GuardedStorage(AdvancedMemoryStorage())

    with holding_storage(storage, "backup", clock=clock):
        assert list_snapshots(storage) == []
        assert find_leftovers(storage, now=clock() + timedelta(days=3)) == []


def test_taking_and_giving_back_costs_three_calls(clock: FixedClock) -> None:
    counting = Failing(AdvancedMemoryStorage(), 10**9, manner="before", for_good=False)

    with holding_storage(GuardedStorage(counting), "backup", clock=clock):  # type: ignore[arg-type]
        pass

    assert counting.calls == 3


def together(storage: GuardedStorage, count: int) -> list[str]:
    """Let `count` runs take the lease at the same moment; return how each fared."""
    barrier = threading.Barrier(count)
    inside = threading.Semaphore(1)

    def run(_number: int) -> str:
        barrier.wait()
        try:
            with holding_storage(storage, "backup", clock=real_clock):
                assert inside.acquire(blocking=False), "two writers at once"
                threading.Event().wait(0.02)
                inside.release()
        except SnapshotBusyError:
            return "busy"
        return "held"

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def real_clock() -> datetime:
    return datetime.now(UTC)


def test_of_several_that_come_at_the_same_moment_one_goes_on_and_never_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "PATIENCE_S", 10)  # a disk may be slow to write the others' refusals
    storage = GuardedStorage(LocalFileSystemBackend(tmp_path / "snapshots"))

    for _ in range(15):
        assert "held" in together(storage, 4)

    assert storage.list("") == []


def test_a_lease_is_renewed_while_the_work_goes_on(monkeypatch: pytest.MonkeyPatch, clock: FixedClock) -> None:
    monkeypatch.setattr(lease_module, "RENEW_S", 0.02)
    memory = AdvancedMemoryStorage()

    with holding_storage(GuardedStorage(memory), "backup", clock=clock) as lease:
        seen = set(leases(memory))
        for renewals in range(1, 6):
            clock.advance(timedelta(minutes=5))
            while len(seen) <= renewals:
                names = leases(memory)
                assert names, "at no moment is there none"
                seen.update(names)
        lease.require_held()

    assert leases(memory) == []


class SlowToRenew(AdvancedMemoryStorage):
    """Stores a first lease at once, and the next when it is let; then it fails, where it is told to."""

    def __init__(self, failure: OSError | None) -> None:
        super().__init__()
        self.failure = failure
        self.begun, self.let = threading.Event(), threading.Event()

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        if not self.files:
            super().stream_write(path, chunks)
            return
        self.begun.set()
        self.let.wait(30)
        super().stream_write(path, chunks)
        if self.failure:
            raise self.failure


@pytest.mark.parametrize("failure", [None, OSError("reset by peer")])
def test_a_renewal_that_is_written_after_the_run_ended_leaves_no_lease(
    monkeypatch: pytest.MonkeyPatch, clock: FixedClock, failure: OSError | None
) -> None:
    monkeypatch.setattr(lease_module, "RENEW_S", 0.02)
    memory = SlowToRenew(failure)

    with holding_storage(GuardedStorage(memory), "backup", clock=clock) as lease:
        clock.advance(timedelta(minutes=5))
        assert memory.begun.wait(30)
    memory.let.set()
    assert lease._thread is not None
    lease._thread.join(30)

    assert leases(memory) == []


def test_a_lease_that_could_not_be_renewed_is_lost_before_others_may_take_it(
    monkeypatch: pytest.MonkeyPatch, clock: FixedClock
) -> None:
    storage = GuardedStorage(AdvancedMemoryStorage())

    with holding_storage(storage, "backup", clock=clock) as lease:
        clock.advance(LEASE_TIME - MARGIN)
        lease.require_held()
        clock.advance(timedelta(seconds=1))
        with pytest.raises(SnapshotStorageError, match="ended at 2026-11-22 02:10:00 UTC and could not be renewed"):
            lease.require_held()


def test_a_reader_goes_on_where_nothing_can_be_written_unless_another_run_is_at_work(clock: FixedClock) -> None:
    memory = AdvancedMemoryStorage()
    writable = GuardedStorage(memory)

    class ReadOnly(AdvancedMemoryStorage):
        files = property(lambda _self: memory.files, lambda _self, _value: None)

        def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
            raise PermissionError(path)

        def delete(self, path: str) -> None:
            raise PermissionError(path)

    storage = GuardedStorage(ReadOnly())
    with holding_storage(storage, "restore", clock=clock, writes=False) as lease:
        lease.require_held()
    with pytest.raises(SnapshotStorageError), holding_storage(storage, "backup", clock=clock):
        pytest.fail("a backup writes")
    with held_elsewhere(writable, clock), pytest.raises(SnapshotBusyError):  # noqa: SIM117
        with holding_storage(storage, "restore", clock=clock, writes=False):
            pytest.fail("another run may delete what is read")


def test_a_run_that_only_removes_begins_on_a_full_storage_and_takes_the_lease_when_there_is_space(
    clock: FixedClock,
) -> None:
    memory = FullStorage()
    memory.files["large"] = b"x"
    memory.full = True
    storage = GuardedStorage(memory)
    with pytest.raises(SnapshotStorageError) as refused, holding_storage(storage, "backup", clock=clock):
        pytest.fail("a backup writes")
    assert refused.value.full

    with holding_storage(storage, "prune", clock=clock, removes=True) as lease:
        lease.require_held()
        assert leases(memory) == []
        storage.delete("large")
        lease.require_held()
        assert len(leases(memory)) == 1
    assert leases(memory) == []


def test_a_run_that_only_removes_gives_way_on_a_full_storage_too(clock: FixedClock) -> None:
    memory = FullStorage()
    storage = GuardedStorage(memory)
    with held_elsewhere(storage, clock):
        memory.full = True
        with pytest.raises(SnapshotBusyError), holding_storage(storage, "prune", clock=clock, removes=True):
            pytest.fail("another run is at work")

    memory.files["large"] = b"x"
    memory.full = True
    with holding_storage(storage, "prune", clock=clock, removes=True) as lease:
        storage.delete("large")
        with held_elsewhere(storage, clock), pytest.raises(SnapshotBusyError):
            lease.require_held()


@pytest.mark.parametrize("manner", ["before", "after", "half"])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_whatever_call_fails_the_next_run_is_not_blocked(clock: FixedClock, manner: str, n: int) -> None:
    memory = AdvancedMemoryStorage()

    try:
        with holding_storage(GuardedStorage(Failing(memory, n, manner=manner, for_good=False)), "backup", clock=clock):  # type: ignore[arg-type]
            reached = True
    except SnapshotError:
        reached = False

    assert reached is (n == 3 or (n, manner) == (1, "half"))
    clock.advance(timedelta(seconds=LEASE_TIME.total_seconds() + 1) if n == 3 else timedelta())
    with holding_storage(GuardedStorage(memory), "backup", clock=clock):
        pass
    assert leases(memory) == []
