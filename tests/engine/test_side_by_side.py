"""Tasks in threads: side by side, their messages in the caller's thread, the first failure for all."""

from __future__ import annotations

import io
import signal
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.cancellation import ended_by_cancellation, raise_if_cancelled
from django_snapshots.codecs import Zstd
from django_snapshots.engine.create import create_snapshot
from django_snapshots.engine.side_by_side import run_side_by_side
from django_snapshots.errors import SnapshotArtifactError, SnapshotStorageError
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import HOST, AdvancedMemoryStorage, BytesArtifact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from django_snapshots.engine.events import Progress
    from tests.engine.conftest import Backup
    from tests.fakes import FixedClock

PATIENCE_S = 20


def run(
    tasks: Sequence[Callable[[Callable[[Any], None]], Any]],
    jobs: int,
    deliver: Callable[[Any], None] = lambda _: None,
    release: Callable[[], None] = lambda: None,
) -> list[Any]:
    return run_side_by_side(tasks, jobs=jobs, deliver=deliver, release=release)


def until_cancelled(_: object) -> None:
    """Work that ends by nothing else."""
    ended = threading.Event()
    with ended_by_cancellation(ended.set):
        assert ended.wait(PATIENCE_S), "nobody ended it"
    raise_if_cancelled()


def test_tasks_run_at_the_same_time_and_their_results_come_in_order() -> None:
    meeting = threading.Barrier(3)

    def meet(number: int, _: object) -> int:
        meeting.wait(PATIENCE_S)
        time.sleep((3 - number) / 100)
        return number

    assert run([partial(meet, number) for number in range(3)], 3) == [0, 1, 2]


def test_no_more_run_at_a_time_than_there_are_jobs() -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def count(_: object) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    run([count] * 8, 2)

    assert most == 2


def test_one_job_runs_everything_in_the_thread_of_the_caller() -> None:
    threads = run([lambda _: threading.current_thread()] * 3, 1)

    assert set(threads) == {threading.current_thread()}


def test_messages_arrive_in_the_thread_of_the_caller_in_the_order_of_each_task() -> None:
    received: list[tuple[str, int, threading.Thread]] = []

    def talk(name: str, send: Callable[[Any], None]) -> None:
        for number in range(200):
            send((name, number))

    run(
        [partial(talk, "a"), partial(talk, "b")],
        2,
        lambda message: received.append((*message, threading.current_thread())),
    )

    assert {thread for _, _, thread in received} == {threading.current_thread()}
    assert [number for name, number, _ in received if name == "a"] == list(range(200))
    assert len(received) == 400


def test_the_first_failure_ends_the_others_and_is_raised() -> None:
    def fail(_: object) -> None:
        raise ValueError("the reason")

    with pytest.raises(ValueError, match="the reason"):
        run([until_cancelled, fail, until_cancelled, until_cancelled], 3)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("snapshots-job")]


def test_every_thread_lets_go_of_what_is_its_own_also_when_one_fails() -> None:
    released: list[str] = []

    def fail(_: object) -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - which one does not matter here
        run([until_cancelled, fail], 2, release=lambda: released.append(threading.current_thread().name))

    assert sorted(released) == ["snapshots-job-0", "snapshots-job-1"]


def test_a_receiver_that_fails_ends_all() -> None:
    def talk(send: Callable[[Any], None]) -> None:
        for number in range(100):
            send(number)
        until_cancelled(None)

    def deliver(_: object) -> None:
        raise RuntimeError("no more room for messages")

    with pytest.raises(RuntimeError, match="no more room"):
        run([talk, talk], 2, deliver)


@contextmanager
def interrupted(after_s: float) -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt("told to end")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, after_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_interrupt_of_the_caller_ends_all_before_it_goes_on() -> None:
    with interrupted(0.2), pytest.raises(KeyboardInterrupt, match="told to end"):
        run([until_cancelled, until_cancelled], 2)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("snapshots-job")]


def test_what_is_begun_after_a_cancellation_ends_at_once() -> None:
    started = threading.Event()

    def late(_: object) -> None:
        assert started.wait(PATIENCE_S)
        until_cancelled(None)

    def fail(_: object) -> None:
        threading.Timer(0.1, started.set).start()
        raise ValueError("the reason")

    with pytest.raises(ValueError, match="the reason"):
        run([late, fail], 2)


def test_outside_of_such_work_nothing_is_cancelled() -> None:
    with ended_by_cancellation(lambda: pytest.fail("nobody asked for it")):
        raise_if_cancelled()


class Endless(BytesArtifact):
    """Is dumped for as long as somebody takes it."""

    def dump(self, sink: Any) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            sink.write(bytes(100_000))
        return {}


class Failing(BytesArtifact):
    def dump(self, sink: Any) -> dict[str, Any]:
        sink.write(b"begun")
        time.sleep(0.1)
        raise OSError("the disk broke")


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
def test_one_artifact_that_fails_ends_the_others_and_nothing_is_left(
    backup: Backup, memory: AdvancedMemoryStorage, snapshot_format: str
) -> None:
    artifacts = {"a": Endless(b""), "b": Failing(b""), "c": Endless(b"")}
    started = time.monotonic()

    with pytest.raises(SnapshotArtifactError, match="b could not be dumped: OSError: the disk broke") as caught:
        backup("nightly", artifacts, jobs=3, snapshot_format=snapshot_format)

    assert time.monotonic() - started < PATIENCE_S / 2
    assert caught.value.artifact == "b"
    assert memory.files == {}


def test_a_storage_that_fails_for_one_artifact_ends_the_others(clock: FixedClock) -> None:
    class Full(AdvancedMemoryStorage):
        def stream_write(self, path: str, chunks: Any) -> None:
            if "b.bin" in path:
                next(chunks)
                raise OSError(28, "No space left on device")
            super().stream_write(path, chunks)

    memory = Full()

    with pytest.raises(SnapshotStorageError, match="No space left on device"):
        create_snapshot(
            GuardedStorage(memory),
            {"a": Endless(b""), "b": Endless(b"")},
            name="nightly",
            created_at=clock(),
            host=HOST,
            compression=Zstd(),
            jobs=2,
        )

    assert memory.files == {}


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
def test_artifacts_dumped_side_by_side_are_listed_in_their_order_and_hold_their_own_bytes(
    backup: Backup, memory: AdvancedMemoryStorage, snapshot_format: str
) -> None:
    contents = {f"part-{number}": bytes([number]) * (300_000 * (9 - number)) for number in range(9)}
    artifacts = {name: BytesArtifact(data, facts={"problems": [f"of {name}"]}) for name, data in contents.items()}

    created = backup("nightly", artifacts, jobs=4, snapshot_format=snapshot_format)

    manifest = created.snapshot.require_manifest()
    assert [record.name for record in manifest.artifacts] == list(contents)
    assert [record.plain_size for record in manifest.artifacts] == [len(data) for data in contents.values()]
    assert created.problems == tuple(f"{name}: of {name}" for name in contents)
    if snapshot_format == "directory":
        for record in manifest.artifacts:
            stored = memory.files[f"nightly/{record.path}"]
            assert Zstd().decode(io.BytesIO(stored)).read() == contents[record.name]


def test_progress_of_artifacts_side_by_side_is_reported_in_the_thread_of_the_caller(backup: Backup) -> None:
    events: list[tuple[Progress, threading.Thread]] = []

    backup(
        "nightly",
        {"a": BytesArtifact(bytes(3_000_000)), "b": BytesArtifact(bytes(2_000_000))},
        jobs=2,
        on_progress=lambda event: events.append((event, threading.current_thread())),
    )

    assert {thread for _, thread in events} == {threading.current_thread()}
    for name, size_bytes in (("a", 3_000_000), ("b", 2_000_000)):
        own = [event for event, _ in events if event.artifact == name]
        assert [event.done_bytes for event in own] == sorted(event.done_bytes for event in own)
        assert (own[-1].finished, own[-1].done_bytes) == (True, size_bytes)


class Slow(BytesArtifact):
    """A database that needs a moment until it stands for one."""

    def __init__(self, order: list[str]) -> None:
        super().__init__(b"rows", kind="database")
        self._order = order

    def dump(self, sink: Any) -> Mapping[str, Any]:
        time.sleep(0.3)
        self._order.append("database")
        return super().dump(sink)


class Folder(BytesArtifact):
    def __init__(self, order: list[str]) -> None:
        super().__init__(b"files", kind="directory")
        self._order = order

    def dump(self, sink: Any) -> Mapping[str, Any]:
        self._order.append("folder")
        return super().dump(sink)


def test_a_folder_is_read_after_the_databases_before_it_have_reached_their_moment(backup: Backup) -> None:
    order: list[str] = []

    backup("nightly", {"database/default": Slow(order), "media": Folder(order)}, jobs=2)
    backup("other", {"media": Folder(order), "database/default": Slow(order)}, jobs=2)

    assert order == ["database", "folder", "folder", "database"]


def test_a_folder_does_not_wait_for_a_database_that_failed(backup: Backup) -> None:
    class Refusing(Failing):
        def dump(self, sink: Any) -> dict[str, Any]:
            raise OSError("the server is away")

    with pytest.raises(SnapshotArtifactError, match="the server is away"):
        backup("nightly", {"database/default": Refusing(b"", kind="database"), "media": Endless(b"")}, jobs=2)
