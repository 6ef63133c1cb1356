"""A year of nights on a real folder: storage away, disk full, runs killed, clocks put back; what is there at its end.

A run of each night is a backup and a prune, as `backup --prune` does them. A killed run reaches the storage no more, as
after SIGKILL: nothing cleans up behind it.
"""

from __future__ import annotations

import errno
import os
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from django_snapshots.engine.catalog import list_snapshots
from django_snapshots.engine.create import create_snapshot
from django_snapshots.engine.health import HealthThresholds, judge_health
from django_snapshots.engine.restore import plan_restore, verify_stored
from django_snapshots.engine.upkeep import Upkeep
from django_snapshots.errors import SnapshotError
from django_snapshots.retention import Candidate, Policy
from django_snapshots.storage import LocalFileSystemBackend
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import HOST, BytesArtifact, FixedClock
from tests.retention.model import kept_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NIGHTS = int(os.environ.get("SNAPSHOTS_TEST_NIGHTS", "365"))
BERLIN = ZoneInfo("Europe/Berlin")
POLICY = Policy(keep_daily=7, keep_weekly=4, keep_monthly=6, keep_within=timedelta(hours=36))
THRESHOLDS = HealthThresholds(
    age_warning=timedelta(hours=26),
    age_critical=timedelta(hours=50),
    size_factor=2.0,
    verify_age=None,
    free_bytes=None,
)
TOLD_BY = {
    "away": {"storage"},
    "full": {"space", "age"},
    "killed": {"age", "leftovers"},
    "clock back": {"age"},
    "clock ahead": {"age"},
}
"""Which checks of health may tell a fault."""
QUIET_NIGHTS = 5
"""After so many without a fault nothing may be told: the wrong dates are over, and the leftovers are removed."""
TROUBLES = ["none"] * 6 + ["away", "full", "killed", "killed", "clock back", "clock ahead"]


class Killed(BaseException):
    """The process is gone."""


class Troubled(LocalFileSystemBackend):
    """A folder that fails from its n-th change on, by an error or by the end of the process."""

    def __init__(self, location: Path) -> None:
        super().__init__(location)
        self.trouble: BaseException | None = None
        self.changes_left = 0

    def _change(self) -> None:
        self.changes_left -= 1
        if self.trouble is not None and self.changes_left < 0:
            raise self.trouble

    def _look(self) -> None:
        if isinstance(self.trouble, Killed) and self.changes_left < 0:
            raise self.trouble

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        self._change()
        super().stream_write(path, chunks)

    def delete(self, path: str) -> None:
        if isinstance(self.trouble, Killed):
            self._change()
        super().delete(path)

    def atomic_move(self, src: str, dst: str) -> None:
        self._change()
        super().atomic_move(src, dst)

    def list(self, prefix: str) -> list[str]:
        self._look()
        return super().list(prefix)


class Year:
    """The nights of one site."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.folder = folder
        self.dice = dice
        self.clock = FixedClock(datetime(2027, 10, 3, 0, 30, tzinfo=UTC))  # a change of clocks and a leap day lie ahead
        self.backend = Troubled(folder)
        self.storage = GuardedStorage(self.backend)
        self.upkeep = Upkeep(self.storage, clock=self.clock, zone=BERLIN)
        self.made: set[str] = set()
        self.misdated: set[str] = set()
        self.untold: str | None = None
        self.quiet = 0

    def night(self, number: int) -> None:
        self.require_told(number)
        trouble = self.dice.choice(TROUBLES)
        name = f"night-{number:03}"
        self.backend.trouble = {"full": OSError(errno.ENOSPC, "no space"), "killed": Killed()}.get(trouble)
        self.backend.changes_left = self.dice.randrange(14)
        if trouble == "away":
            self.folder.parent.rename(self.folder.parent.with_name("unmounted"))
        step = {"clock back": timedelta(hours=-30), "clock ahead": timedelta(days=3)}.get(trouble, timedelta(0))
        self.clock.advance(step)
        if step > timedelta(0):
            self.misdated.add(name)
        try:
            self.run(name)
            assert trouble != "away", "a run on a storage that is away did not fail"
        except SnapshotError:
            assert trouble in {"away", "full"}
        except Killed:
            self.end_locks()
        finally:
            self.backend.trouble = None
            self.look(name, trouble)
            if trouble == "away":
                self.folder.parent.with_name("unmounted").rename(self.folder.parent)
            self.clock.advance(timedelta(days=1) - step)

    def look(self, name: str, trouble: str) -> None:
        """Ask for the health right after a run, while its trouble lasts, and keep in mind what it did not tell."""
        self.quiet = self.quiet + 1 if trouble == "none" else 0
        if self.quiet > QUIET_NIGHTS:
            assert self.alarms() == set(), name
        if trouble != "none" and (trouble == "away" or trouble.startswith("clock") or self.has_suffered(name)):
            told = self.alarms(free_bytes=0 if trouble == "full" else 10**9)
            self.untold = None if told & TOLD_BY[trouble] else trouble

    def require_told(self, number: int) -> None:
        """Check, before the next run, that the fault of the last one was told then, or is told now.

        Only a snapshot of a wrong date, which was told itself, can look like the one that is missing.
        """
        if self.untold is not None and list_snapshots(self.storage)[0].name not in self.misdated:
            assert self.alarms() & TOLD_BY[self.untold], f"{self.untold} before night {number} was not told"
        self.untold = None

    def has_suffered(self, name: str) -> bool:
        """Whether a run did not reach its end: no snapshot, its marker, or a removal that goes on."""
        removals = (self.folder / ".removing").glob("*.json")
        there = {each.name for each in list_snapshots(self.storage)}
        return name not in there or self.marker(name) is not None or any(removals)

    def alarms(self, *, free_bytes: int = 10**9) -> set[str]:
        report = judge_health(self.storage, THRESHOLDS, now=self.clock(), free_bytes=free_bytes)
        return {check.name for check in report.checks if check.state != "ok"}

    def run(self, name: str) -> None:
        artifacts = {"media": BytesArtifact(name.encode() * 50), "environment": BytesArtifact(b"Django")}
        create_snapshot(self.storage, artifacts, name=name, created_at=self.clock(), host=HOST)
        self.made.add(name)
        before = self.candidates()
        self.upkeep.prune(POLICY, expected=[name])
        left = {snapshot.name for snapshot in list_snapshots(self.storage)}
        assert left == kept_names(POLICY, before, self.clock(), BERLIN)

    def end_locks(self) -> None:
        """Take away the locks of a killed run: a real one has a process id that is gone, which the next run sees."""
        for path in (self.folder / ".locks").glob("*"):
            path.unlink()

    def candidates(self) -> list[Candidate]:
        return [
            Candidate(
                *(each.name, each.created_at),
                damage=each.damage,
                pin=self.marker(each.name),
                artifacts=("media", "environment"),
            )
            for each in list_snapshots(self.storage)
        ]

    def marker(self, name: str) -> str | None:
        return "at work" if (self.folder / name / "incomplete.json").exists() else None


def prove_every_snapshot(storage: GuardedStorage) -> int:
    snapshots = list_snapshots(storage)
    for snapshot in snapshots:
        artifacts = {record.name: BytesArtifact(b"") for record in snapshot.require_manifest().artifacts}
        verify_stored(storage, plan_restore(snapshot, artifacts, codecs=[]))
    return len(snapshots)


@pytest.mark.parametrize("seed", [random.randrange(10**6)])
def test_after_a_year_of_troubled_nights_the_documented_set_is_there_and_whole(tmp_path: Path, seed: int) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    year = Year(disk / "snapshots", random.Random(seed))

    for number in range(NIGHTS):
        year.night(number)
        assert {each.status for each in list_snapshots(year.storage)} <= {"complete"}
    year.clock.advance(timedelta(days=4))
    year.run("last")

    count = prove_every_snapshot(year.storage)
    files = {path.relative_to(year.folder).parts[0] for path in year.folder.rglob("*") if path.is_file()}
    assert count >= min(NIGHTS // 30, 10)
    assert {name for name in files if not name.startswith(".")} == {each.name for each in list_snapshots(year.storage)}
    assert not any((year.folder / ".removing").glob("*"))
