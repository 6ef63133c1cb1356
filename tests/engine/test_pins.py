"""Pins: what they hold, until when, and what becomes of a pin that cannot be read."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from django_snapshots.engine.catalog import find_snapshot
from django_snapshots.engine.pins import Pin
from django_snapshots.engine.upkeep import Upkeep
from django_snapshots.errors import SnapshotNameError, SnapshotNotFoundError, SnapshotPinnedError
from tests.fakes import BytesArtifact

if TYPE_CHECKING:
    from django_snapshots.storage.guard import GuardedStorage
    from tests.engine.conftest import Backup
    from tests.fakes import AdvancedMemoryStorage, FixedClock

ARTIFACTS = {"media": BytesArtifact(b"photos")}
AUCKLAND = ZoneInfo("Pacific/Auckland")


@pytest.fixture
def upkeep(storage: GuardedStorage, clock: FixedClock) -> Upkeep:
    return Upkeep(storage, clock=clock, zone=AUCKLAND)


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
def test_a_pin_is_kept_beside_the_snapshot_and_holds_it_against_delete(
    upkeep: Upkeep, backup: Backup, memory: AdvancedMemoryStorage, snapshot_format: str
) -> None:
    backup("nightly", ARTIFACTS, snapshot_format=snapshot_format)
    before = dict(memory.files)
    upkeep.pin("nightly", until=date(2027, 1, 1), reason="audit")
    pinned = dict(memory.files)

    with pytest.raises(SnapshotPinnedError) as caught:
        upkeep.delete("nightly")

    assert str(caught.value) == (
        "Snapshot 'nightly' is pinned until 2027-01-01: audit. It was not deleted. "
        "Take the pin away first: manage.py snapshots unpin nightly"
    )
    assert memory.files == pinned
    upkeep.unpin("nightly")
    assert memory.files == before
    upkeep.delete("nightly")
    assert memory.files == {}


def test_the_last_day_of_a_pin_is_today_at_the_earliest_where_the_project_is(upkeep: Upkeep, clock: FixedClock) -> None:
    assert clock().date() == date(2026, 11, 22)  # and in Auckland it is the same day, in the afternoon
    assert upkeep.last_day("2026-11-22") == date(2026, 11, 22)
    clock.advance(timedelta(hours=12))
    with pytest.raises(ValueError, match="2026-11-22 is over, today is 2026-11-23: such a pin holds nothing"):
        upkeep.last_day("2026-11-22")
    with pytest.raises(ValueError, match="'tomorrow' is no date. Write it as 2027-12-31"):
        upkeep.last_day("tomorrow")


def test_a_second_pin_takes_the_place_of_the_first(upkeep: Upkeep, backup: Backup, storage: GuardedStorage) -> None:
    backup("nightly", ARTIFACTS)
    upkeep.pin("nightly", until=date(2027, 1, 1), reason="audit")
    upkeep.pin("latest")

    assert upkeep.pin_of(find_snapshot(storage, "nightly")) == Pin()


def test_the_document_of_a_pin_is_as_documented(
    upkeep: Upkeep, backup: Backup, memory: AdvancedMemoryStorage, clock: FixedClock
) -> None:
    backup("nightly", ARTIFACTS)
    upkeep.pin("nightly", until=date(2027, 1, 1), reason="audit")

    assert json.loads(memory.files["nightly/pinned.json"]) == {
        "until": "2027-01-01",
        "reason": "audit",
        "pinned_at": clock().isoformat(),
    }


def test_the_last_day_of_a_pin_ends_in_the_zone_of_the_project(
    upkeep: Upkeep, backup: Backup, storage: GuardedStorage, clock: FixedClock
) -> None:
    backup("nightly", ARTIFACTS)
    upkeep.pin("nightly", until=date(2027, 1, 1))

    clock.moment = datetime(2027, 1, 1, 10, 59, tzinfo=UTC)  # 23:59 in Auckland
    assert str(upkeep.pin_of(find_snapshot(storage, "nightly"))) == "pinned until 2027-01-01"
    clock.moment = datetime(2027, 1, 1, 11, tzinfo=UTC)
    assert upkeep.pin_of(find_snapshot(storage, "nightly")) is None
    upkeep.delete("nightly")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"until": "soon", "reason": ""}', b'{"until": 3, "reason": ""}']
)
def test_a_pin_that_cannot_be_read_holds(
    upkeep: Upkeep, backup: Backup, memory: AdvancedMemoryStorage, content: bytes
) -> None:
    backup("nightly", ARTIFACTS)
    memory.files["nightly/pinned.json"] = content

    with pytest.raises(SnapshotPinnedError, match="is pinned, and the pin cannot be read. It was not deleted"):
        upkeep.delete("nightly")
    upkeep.unpin("nightly")
    upkeep.delete("nightly")


def test_a_damaged_snapshot_is_held_too(upkeep: Upkeep, backup: Backup, memory: AdvancedMemoryStorage) -> None:
    backup("nightly", ARTIFACTS)
    upkeep.pin("nightly")
    memory.files["nightly/manifest.json"] = b"{"

    with pytest.raises(SnapshotPinnedError):
        upkeep.delete("nightly")


def test_the_snapshot_of_a_name_that_is_pinned_is_not_replaced(upkeep: Upkeep, backup: Backup) -> None:
    upkeep.require_replaceable("nightly")
    backup("nightly", ARTIFACTS)
    upkeep.require_replaceable("nightly")
    upkeep.pin("nightly")

    with pytest.raises(SnapshotPinnedError, match="It was not replaced"):
        upkeep.require_replaceable("nightly")


def test_what_is_not_there_cannot_be_pinned(upkeep: Upkeep) -> None:
    for verb in (upkeep.pin, upkeep.unpin):
        with pytest.raises(SnapshotNotFoundError):
            verb("nightly")
        with pytest.raises(SnapshotNameError):
            verb("../etc")
