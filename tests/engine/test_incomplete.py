from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from django_snapshots.engine.catalog import find_snapshot, list_snapshots
from django_snapshots.engine.incomplete import GRACE, find_leftovers, mark_begun, remove_leftover
from django_snapshots.errors import SnapshotArtifactError, SnapshotStorageError
from tests.fakes import AdvancedMemoryStorage, BytesArtifact, FixedClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_snapshots.storage.guard import GuardedStorage
    from tests.engine.conftest import Backup

LATER = timedelta(days=2)


class Killed(BytesArtifact):
    """Ends the backup as SIGKILL does: without any cleaning up."""

    memory: AdvancedMemoryStorage

    def dump(self, sink: BinaryIO) -> Mapping[str, Any]:
        raise KeyboardInterrupt


def killed_backup(
    monkeypatch: pytest.MonkeyPatch, memory: AdvancedMemoryStorage, backup: Backup, name: str, **options: Any
) -> None:
    """Leave what a backup leaves that is killed after its first artifact."""
    with monkeypatch.context() as patch:
        patch.setattr(memory, "delete", lambda _path: None)
        with pytest.raises(KeyboardInterrupt):
            backup(name, {"media": BytesArtifact(b"new"), "database/default": Killed(b"")}, **options)


def prune(storage: GuardedStorage, clock: FixedClock, later: timedelta = LATER) -> list[str]:
    leftovers = find_leftovers(storage, now=clock() + later)
    for leftover in leftovers:
        remove_leftover(storage, leftover)
    return [leftover.name for leftover in leftovers]


def test_a_complete_backup_leaves_no_marker(memory: AdvancedMemoryStorage, backup: Backup) -> None:
    backup("nightly", {"media": BytesArtifact(b"x")})
    backup("tar", {"media": BytesArtifact(b"x")}, snapshot_format="archive")

    assert set(memory.files) == {"nightly/manifest.json", "nightly/media.bin.zst", "tar.tar"}


def test_a_backup_that_fails_leaves_no_marker(memory: AdvancedMemoryStorage, backup: Backup) -> None:
    class Failing(BytesArtifact):
        def dump(self, sink: BinaryIO) -> Mapping[str, Any]:
            raise RuntimeError

    with pytest.raises(SnapshotArtifactError):
        backup("nightly", {"media": Failing(b"")})

    assert memory.files == {}


def test_the_files_of_a_killed_backup_are_removed_after_the_grace_period_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
) -> None:
    backup("whole", {"media": BytesArtifact(b"kept")})
    whole = dict(memory.files)
    killed_backup(monkeypatch, memory, backup, "killed")
    assert len(memory.files) > len(whole)

    assert prune(storage, clock, GRACE - timedelta(seconds=1)) == []
    assert prune(storage, clock, GRACE) == ["killed"]

    assert memory.files == whole


def test_a_killed_archive_is_removed_too(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, clock: FixedClock
) -> None:
    mark_begun(storage, "killed", clock(), "web-1")
    memory.files["killed.tar.partial"] = b"half"

    assert prune(storage, clock) == ["killed"]
    assert memory.files == {}


def test_a_killed_overwrite_keeps_the_snapshot_that_was_to_be_replaced(
    monkeypatch: pytest.MonkeyPatch,
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
) -> None:
    backup("same", {"media": BytesArtifact(b"old")})
    before = dict(memory.files)
    killed_backup(monkeypatch, memory, backup, "same", overwrite=True)

    assert prune(storage, clock) == ["same"]

    assert memory.files == before
    assert find_snapshot(storage, "same").status == "complete"


def test_files_that_no_backup_marked_are_never_touched(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, clock: FixedClock
) -> None:
    memory.files = {
        "uploads/photo.jpg": b"somebody else's",
        "backup.tar.partial": b"somebody else's",
        "deep/er/incomplete.json": b"{}",
        ".hidden/incomplete.json": b'{"begun_at": "2020-01-01T00:00:00+00:00"}',
    }
    before = dict(memory.files)

    assert prune(storage, clock) == []
    assert memory.files == before


@pytest.mark.parametrize(
    "marker", [b"", b"{", b"[]", b"{}", b'{"begun_at": 3}', b'{"begun_at": "2020-01-01T00:00:00"}']
)
def test_a_marker_that_is_none_of_ours_is_left_alone(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, clock: FixedClock, marker: bytes
) -> None:
    memory.files = {"uploads/incomplete.json": marker, "uploads/photo.jpg": b""}

    assert prune(storage, clock) == []
    assert len(memory.files) == 2


def test_a_snapshot_whose_manifest_cannot_be_read_keeps_all_its_files(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock
) -> None:
    backup("nightly", {"media": BytesArtifact(b"x")})
    mark_begun(storage, "nightly", clock(), "web-1")
    memory.files["nightly/manifest.json"] = b"{"

    assert prune(storage, clock) == []
    assert "nightly/media.bin.zst" in memory.files


def test_a_removal_that_is_interrupted_goes_on_in_the_next_run(
    monkeypatch: pytest.MonkeyPatch,
    memory: AdvancedMemoryStorage,
    storage: GuardedStorage,
    backup: Backup,
    clock: FixedClock,
) -> None:
    killed_backup(monkeypatch, memory, backup, "killed")

    def fail(path: str) -> None:
        raise ConnectionError(path)

    with monkeypatch.context() as patch:
        patch.setattr(memory, "delete", fail)
        with pytest.raises(SnapshotStorageError):
            prune(storage, clock)

    assert prune(storage, clock) == ["killed"]
    assert memory.files == {}


class Vandal(BytesArtifact):
    """Removes the first artifact's file while the second is dumped."""

    def __init__(self, memory: AdvancedMemoryStorage) -> None:
        super().__init__(b"second")
        self.memory = memory

    def dump(self, sink: BinaryIO) -> Mapping[str, Any]:
        del self.memory.files["nightly/first.bin.zst"]
        return super().dump(sink)


def test_a_backup_whose_files_vanish_meanwhile_fails_and_does_not_show(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup
) -> None:
    with pytest.raises(SnapshotStorageError, match="'nightly/first.bin.zst' was stored and has gone since"):
        backup("nightly", {"first": BytesArtifact(b"first"), "second": Vandal(memory)})

    assert list_snapshots(storage) == []
    assert memory.files == {}


def test_the_marker_says_when_and_where_the_backup_began(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, clock: FixedClock
) -> None:
    mark_begun(storage, "nightly", clock(), "web-1")

    assert json.loads(memory.files["nightly/incomplete.json"]) == {
        "begun_at": "2026-11-22T02:00:00.123456+00:00",
        "hostname": "web-1",
    }
