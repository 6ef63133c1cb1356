"""Health: each fault is told, and a storage that is well is left in peace."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import IO, TYPE_CHECKING, Any

import pytest

from django_snapshots.engine.catalog import find_snapshot
from django_snapshots.engine.create import create_snapshot
from django_snapshots.engine.health import HealthReport, HealthThresholds, judge_health
from django_snapshots.engine.incomplete import mark_begun
from django_snapshots.engine.lease import holding_storage
from django_snapshots.engine.outcome import BACKUP, write_outcome
from django_snapshots.engine.pins import Pin, pin_snapshot
from django_snapshots.engine.removal import delete_snapshot
from django_snapshots.engine.replicas import Replica, Replicas
from django_snapshots.engine.verified import Finding, Verification, record
from django_snapshots.retention import Policy
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import HOST, BytesArtifact, FixedClock, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

THRESHOLDS = HealthThresholds(
    age_warning=timedelta(hours=26),
    age_critical=timedelta(hours=50),
    size_factor=2.0,
    verify_age=timedelta(days=35),
    free_bytes=None,
)
DAY = timedelta(days=1)


class Counting(MemoryStorage):
    """Remembers what it was asked for, and may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.away = False

    def list(self, prefix: str) -> list[str]:
        self.calls.append(f"list {prefix}")
        if self.away:
            raise ConnectionError("no route to host")
        return super().list(prefix)

    def read(self, path: str) -> IO[bytes]:
        self.calls.append(f"read {path}")
        return super().read(path)

    def exists(self, path: str) -> bool:
        self.calls.append(f"exists {path}")
        return super().exists(path)


class Garden:
    """A storage that is backed up every day by a clock of its own."""

    def __init__(self) -> None:
        self.files = MemoryStorage()
        self.storage = GuardedStorage(self.files)
        self.clock = FixedClock()
        self.number = 0
        self.replicas: list[Replica] = []

    def back_up(self, size: int = 1000, name: str = "media", prefix: str = "day-", problems: Sequence[str] = ()) -> str:
        self.number += 1
        made = f"{prefix}{self.number}"
        artifacts = {name: BytesArtifact(bytes(size), facts={"problems": list(problems), "files": size // 100})}
        create_snapshot(self.storage, artifacts, name=made, created_at=self.clock(), host=HOST)
        return made

    def nights(self, *sizes: int) -> None:
        for size in sizes:
            self.clock.advance(DAY)
            self.back_up(size)

    def verified(self, name: str, *, ok: bool = True, ago: timedelta = timedelta()) -> None:
        problems = () if ok else (Finding("media", "it differs"),)
        found = Verification(find_snapshot(self.storage, name), 1, ("media",), problems)
        record(self.storage, found, verified_at=self.clock() - ago, tool="test")

    def report(self, free: int | None = None, **thresholds: Any) -> HealthReport:
        judged = replace(THRESHOLDS, **thresholds)
        return judge_health(self.storage, judged, now=self.clock(), free_bytes=free, replicas=self.replicas)

    def add_replica(self, policy: Policy | None = None) -> Counting:
        files = Counting()
        self.replicas.append(Replica(len(self.replicas) + 1, GuardedStorage(files), policy))
        return files

    def copy_missing(self) -> None:
        Replicas(self.storage, self.replicas, clock=self.clock, zone=UTC, hostname="web-1").copy_missing()


@pytest.fixture
def garden() -> Garden:
    return Garden()


def states(report: HealthReport) -> Mapping[str, str]:
    return {check.name: check.state for check in report.checks}


def message(report: HealthReport, name: str) -> str:
    return next(check.message for check in report.checks if check.name == name)


def test_a_storage_that_is_well(garden: Garden) -> None:
    garden.nights(1000, 1100, 900, 1000)
    garden.verified("day-4")

    report = garden.report(10**6)

    assert report.state == "ok"
    assert states(report) == dict.fromkeys(("age", "size", "damage", "verified", "space"), "ok")
    assert report.measures["complete_snapshots"] == 4
    assert report.measures["newest_size_bytes"] == 1000
    assert report.measures["newest_age_seconds"] == 0


def test_no_snapshot_at_all_is_critical(garden: Garden) -> None:
    assert states(garden.report())["age"] == "critical"


@pytest.mark.parametrize(("hours", "state"), [(26, "ok"), (27, "warning"), (50, "warning"), (51, "critical")])
def test_the_age_of_the_newest_complete_snapshot_counts(garden: Garden, hours: int, state: str) -> None:
    garden.nights(1000)
    garden.clock.advance(timedelta(hours=hours))

    report = garden.report()

    assert states(report)["age"] == state
    assert "day-1" in message(report, "age")


def test_only_what_a_restore_saved_is_critical(garden: Garden) -> None:
    garden.back_up(prefix="pre-restore-")

    assert states(garden.report())["age"] == "critical"
    assert message(garden.report(), "age") == "There is no complete snapshot but what restores saved."


def test_a_verification_of_what_a_restore_saved_says_its_damage_and_nothing_of_the_backups(garden: Garden) -> None:
    garden.nights(1000)
    garden.clock.advance(2 * DAY)
    saved = garden.back_up(prefix="pre-restore-")

    garden.verified(saved)
    assert states(garden.report(verify_age=DAY))["verified"] == "warning"
    garden.verified(saved, ok=False)
    assert saved in message(garden.report(), "verified")


def test_what_a_restore_saved_is_no_sign_of_backups(garden: Garden) -> None:
    garden.nights(1000, 1000, 1000, 1000)
    garden.clock.advance(3 * DAY)
    garden.back_up(10, prefix="pre-restore-")

    report = garden.report()

    assert states(report)["age"] == "critical"
    assert states(report)["size"] == "ok"
    assert message(report, "age").startswith("The newest complete snapshot, 'day-4', is 3 days old")
    assert report.measures["newest_age_seconds"] == (3 * DAY).total_seconds()


def test_a_damaged_newer_one_does_not_count_and_is_named(garden: Garden) -> None:
    garden.nights(1000)
    garden.clock.advance(timedelta(hours=40))
    garden.files.delete(f"{garden.back_up()}/media.bin")

    report = garden.report()

    assert states(report) == {"age": "warning", "damage": "warning", "verified": "ok"}
    assert "day-2" in message(report, "damage")


def test_a_newest_snapshot_that_lacks_something_is_a_warning_until_a_whole_one_follows(garden: Garden) -> None:
    garden.nights(1000)
    garden.back_up(problems=["a.jpg could not be read", "b.jpg could not be read"])
    garden.clock.advance(DAY)
    database_alone = garden.back_up(name="database/default")

    report = garden.report()
    assert (states(report)["content"], report.state) == ("warning", "warning")
    assert database_alone not in message(report, "content")
    assert message(report, "content") == "'day-2' does not hold all of media: a.jpg could not be read; and more."

    garden.nights(1000)
    assert "content" not in states(garden.report())


def test_a_folder_that_had_files_and_has_none_is_told_as_long_as_it_is(garden: Garden) -> None:
    garden.nights(1000, 1000, 0)
    once = garden.report()
    garden.nights(0)
    twice = garden.report()
    garden.nights(100)

    told = "holds no file of media, and 'day-2' before it does. Was the folder moved, or a disk not mounted?"
    assert message(once, "content") == f"'day-3' {told}"
    assert message(twice, "content") == f"'day-4' {told}"
    assert "content" not in {check.name for check in garden.report().checks}


def test_a_date_in_the_future_is_a_warning(garden: Garden) -> None:
    garden.nights(1000)
    garden.clock.advance(-DAY)

    assert "future" in message(garden.report(), "age")


@pytest.mark.parametrize(("size", "state"), [(499, "warning"), (500, "ok"), (2000, "ok"), (2001, "warning")])
def test_a_size_far_from_the_median_is_a_warning(garden: Garden, size: int, state: str) -> None:
    garden.nights(900, 1000, 9000, 1000, size)

    assert states(garden.report())["size"] == state


def test_a_size_is_compared_with_snapshots_of_the_same_artifacts_only(garden: Garden) -> None:
    garden.nights(1000, 1000, 1000, 1000)
    garden.clock.advance(timedelta(hours=1))
    garden.back_up(5, name="environment")

    assert "size" not in states(garden.report())


def test_never_verified_is_a_warning_once_it_is_due(garden: Garden) -> None:
    garden.nights(1000)
    assert states(garden.report())["verified"] == "ok"
    for _ in range(36):
        garden.nights(1000)

    assert states(garden.report())["verified"] == "warning"
    assert "verified" not in states(garden.report(verify_age=None))
    garden.verified("day-30", ago=timedelta(days=3))
    assert states(garden.report())["verified"] == "ok"


def test_a_verification_that_found_damage_is_critical(garden: Garden) -> None:
    garden.nights(1000, 1000)
    garden.verified("day-1", ok=False)

    report = garden.report(verify_age=None)

    assert report.state == "critical"
    assert "day-1" in message(report, "verified")


@pytest.mark.parametrize(
    ("free", "least", "state"),
    [(999, None, "critical"), (1999, None, "warning"), (2000, None, "ok"), (2000, 5000, "warning")],
)
def test_room_for_the_next_snapshots_is_needed(garden: Garden, free: int, least: int | None, state: str) -> None:
    garden.nights(1000)

    assert states(garden.report(free, free_bytes=least))["space"] == state


def test_a_backup_that_never_completed_is_told(garden: Garden) -> None:
    garden.nights(1000)
    mark_begun(garden.storage, "killed", garden.clock() - DAY, "web-1")

    report = garden.report()

    assert states(report)["leftovers"] == "warning"
    assert "killed" in message(report, "leftovers")


def test_a_removal_that_was_killed_is_told_and_one_at_work_is_not(garden: Garden) -> None:
    garden.nights(1000, 1000)
    garden.verified("day-2")

    def cut(_path: str) -> None:
        raise KeyboardInterrupt

    garden.files.delete = cut  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        delete_snapshot(garden.storage, "day-1")
    del garden.files.delete

    with holding_storage(garden.storage, "prune", clock=garden.clock):
        assert garden.report().state == "ok"
    report = garden.report()

    assert states(report)["leftovers"] == "warning"
    assert "day-1" in message(report, "leftovers")
    assert "`manage.py snapshots prune --leftovers`" in message(report, "leftovers")


def test_a_last_backup_that_did_not_end_well_is_told(garden: Garden) -> None:
    garden.nights(1000)
    write_outcome(garden.storage, BACKUP, {"snapshot": "day-2"})

    report = garden.report()

    assert states(report)["backup"] == "warning"
    assert "'day-2'" in message(report, "backup")


def test_a_storage_that_cannot_be_read_is_critical_and_no_error(garden: Garden) -> None:
    def fail(_prefix: str) -> list[str]:
        raise ConnectionError("no route to host")

    garden.files.list = fail  # type: ignore[method-assign,assignment]

    report = garden.report()

    assert report.state == "critical"
    assert "no route to host" in message(report, "storage")


def test_a_replica_in_step_is_well_at_the_price_of_one_listing(garden: Garden) -> None:
    garden.nights(1000, 1000)
    replica = garden.add_replica()
    garden.copy_missing()
    replica.calls.clear()

    report = garden.report()

    assert states(report)["replica 1"] == "ok"
    assert report.measures["replica_1_missing_snapshots"] == 0
    assert report.measures["replica_1_newest_timestamp_seconds"] == garden.clock().timestamp()
    assert replica.calls == ["list "]


@pytest.mark.parametrize(("hours", "state"), [(2, "warning"), (26, "warning"), (27, "critical")])
def test_what_a_replica_lacks_is_named_and_its_newest_copy_ages(garden: Garden, hours: int, state: str) -> None:
    garden.nights(1000)
    garden.add_replica()
    garden.copy_missing()
    garden.nights(1000)
    garden.clock.advance(timedelta(hours=hours))

    report = garden.report()

    text = message(report, "replica 1")
    assert states(report)["replica 1"] == state
    assert text.startswith("replica 1 (SNAPSHOTS['REPLICAS'][0]) lacks 'day-2'. Its newest copy, 'day-1', is ")
    assert "`manage.py snapshots copy --missing --to 1`" in text
    assert report.measures["replica_1_missing_snapshots"] == 1


def test_a_replica_that_lost_a_file_of_a_copy_is_not_in_step(garden: Garden) -> None:
    garden.nights(1000, 1000)
    replica = garden.add_replica()
    garden.copy_missing()
    replica.delete("day-1/media.bin")

    assert "lacks 'day-1'. Its newest copy, 'day-2', is 0 hours old." in message(garden.report(), "replica 1")


def test_a_new_replica_without_any_copy_is_a_warning_that_names_a_few(garden: Garden) -> None:
    garden.nights(*[1000] * 5)
    garden.clock.advance(-timedelta(days=3))
    garden.add_replica()

    text = message(garden.report(), "replica 1")

    assert "lacks 'day-5', 'day-4', 'day-3' and 2 more. It has no copy at all." in text


def test_a_replica_that_is_away_is_named_and_the_next_one_is_judged(garden: Garden) -> None:
    garden.nights(1000)
    away = garden.add_replica()
    garden.add_replica()
    garden.copy_missing()
    away.away = True

    report = garden.report()

    assert (states(report)["replica 1"], states(report)["replica 2"]) == ("warning", "ok")
    assert message(report, "replica 1").startswith("replica 1 (SNAPSHOTS['REPLICAS'][0]) could not be looked at: ")
    assert "no route to host" in message(report, "replica 1")
    assert "replica_1_missing_snapshots" not in report.measures


def test_what_the_policy_of_a_replica_has_deleted_is_not_missing_and_a_pinned_one_is(garden: Garden) -> None:
    garden.nights(1000, 1000, 1000)
    replica = garden.add_replica(Policy(keep=1))
    garden.copy_missing()
    for name in ("day-1", "day-2"):
        replica.delete(f"{name}/manifest.json")

    assert states(garden.report())["replica 1"] == "ok"
    pin_snapshot(garden.storage, find_snapshot(garden.storage, "day-1"), Pin(None, "audit"), now=garden.clock())
    assert "lacks 'day-1'" in message(garden.report(), "replica 1")


def test_the_newest_may_be_on_its_way_while_a_run_copies(garden: Garden) -> None:
    garden.nights(1000)
    garden.add_replica()
    garden.copy_missing()
    garden.nights(1000)

    with holding_storage(garden.storage, "copy", clock=garden.clock, writes=False):
        during = states(garden.report())["replica 1"]
    with holding_storage(garden.storage, "prune", clock=garden.clock):
        during_another = states(garden.report())["replica 1"]

    assert (during, during_another) == ("ok", "warning")


def test_what_a_restore_saved_before_is_not_copied_and_not_missing(garden: Garden) -> None:
    garden.nights(1000)
    garden.add_replica()
    garden.copy_missing()
    artifacts = {"media": BytesArtifact(bytes(1000))}
    create_snapshot(garden.storage, artifacts, name="pre-restore-1", created_at=garden.clock(), host=HOST)

    assert states(garden.report())["replica 1"] == "ok"
