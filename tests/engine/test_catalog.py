from __future__ import annotations

import json
import threading
from typing import IO, TYPE_CHECKING

import pytest

from django_snapshots.engine import catalog, reading
from django_snapshots.engine.catalog import find_snapshot, list_snapshots, write_sidecar
from django_snapshots.engine.removal import delete_snapshot
from django_snapshots.errors import (
    SnapshotManifestError,
    SnapshotNameError,
    SnapshotNotFoundError,
    SnapshotStorageError,
)
from django_snapshots.storage import LocalFileSystemBackend
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import AdvancedMemoryStorage, BytesArtifact, MemoryStorage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import Backup

ARTIFACTS = {"media": BytesArtifact(b"photos")}


def test_an_empty_storage_lists_nothing(storage: GuardedStorage) -> None:
    assert list_snapshots(storage) == []


def test_snapshots_are_listed_newest_first_by_the_date_in_the_manifest(storage: GuardedStorage, backup: Backup) -> None:
    for name in ("z-first", "a-second", "m-third"):
        backup(name, ARTIFACTS)

    assert [snapshot.name for snapshot in list_snapshots(storage)] == ["m-third", "a-second", "z-first"]


def test_both_formats_are_listed_together(storage: GuardedStorage, backup: Backup) -> None:
    backup("folder", ARTIFACTS)
    backup("tar", ARTIFACTS, snapshot_format="archive")

    assert [(snapshot.name, snapshot.format) for snapshot in list_snapshots(storage)] == [
        ("tar", "archive"),
        ("folder", "directory"),
    ]


def test_files_without_a_manifest_are_no_snapshot(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("whole", ARTIFACTS)
    memory.files |= {"part/media.bin.zst": b"x", "README": b"", "deep/er/manifest.json": b"{}", "x.tar.partial": b""}

    assert [snapshot.name for snapshot in list_snapshots(storage)] == ["whole"]


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[]"])
def test_a_damaged_manifest_is_listed_as_damaged(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, damage: bytes, snapshot_format: str
) -> None:
    backup("whole", ARTIFACTS)
    backup("broken", ARTIFACTS, snapshot_format=snapshot_format)
    memory.files["broken/manifest.json" if snapshot_format == "directory" else "broken.tar"] = damage

    listed = {snapshot.name: snapshot.status for snapshot in list_snapshots(storage)}

    assert listed == {"whole": "complete", "broken": "damaged"}
    with pytest.raises(SnapshotManifestError, match="manifest of 'broken' is damaged"):
        find_snapshot(storage, "broken").require_manifest()


def test_a_missing_file_is_seen_in_the_listing(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("nightly", ARTIFACTS)
    del memory.files["nightly/media.bin.zst"]

    (listed,) = list_snapshots(storage)

    assert (listed.status, listed.damage) == ("damaged", "Missing from the storage: media.bin.zst.")
    assert find_snapshot(storage, "nightly").damage == listed.damage


def test_latest_is_the_newest_complete_snapshot(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("old", ARTIFACTS)
    backup("newer", ARTIFACTS)
    backup("newest", ARTIFACTS)
    memory.files["newest/manifest.json"] = b"{"

    assert find_snapshot(storage, "latest").name == "newer"


def test_latest_costs_one_listing_and_the_manifests_and_the_documents_of_one(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    for name in ("old", "newer", "newest"):
        backup(name, ARTIFACTS)
        write_sidecar(storage, find_snapshot(storage, name), "pinned", {"reason": name})
    asked: list[str] = []

    class Counting(AdvancedMemoryStorage):
        def read(self, path: str) -> IO[bytes]:
            asked.append(path)
            return super().read(path)

        def list(self, prefix: str) -> list[str]:
            asked.append("list")
            return super().list(prefix)

    counting = Counting()
    counting.files = memory.files
    found = find_snapshot(GuardedStorage(counting), "latest")

    assert found.sidecars["pinned"].content == {"reason": "newest"}
    assert sorted(asked) == [
        "list",
        "newer/manifest.json",
        "newest/manifest.json",
        "newest/pinned.json",
        "old/manifest.json",
    ]


@pytest.mark.parametrize("name", ["latest", "nightly"])
def test_an_empty_storage_says_where_was_looked_and_where_that_is_set(tmp_path: Path, name: str) -> None:
    storage = GuardedStorage(LocalFileSystemBackend(tmp_path), setting="SNAPSHOTS['REPLICAS'][0]")

    with pytest.raises(SnapshotNotFoundError) as caught:
        find_snapshot(storage, name)

    assert str(caught.value).endswith(
        f"LocalFileSystemBackend('{tmp_path}') holds no snapshot. If you expected some, look at "
        "SNAPSHOTS['REPLICAS'][0]: `manage.py snapshots config` shows it."
    )


def test_what_restores_saved_is_not_offered_for_an_unknown_name(storage: GuardedStorage, backup: Backup) -> None:
    backup("nightly", ARTIFACTS)
    backup("pre-restore-1", ARTIFACTS)

    with pytest.raises(SnapshotNotFoundError, match="The newest is 'nightly'; .* shows all 2") as caught:
        find_snapshot(storage, "xyz")

    assert caught.value.available == ("nightly",)


def test_a_slip_in_latest_is_answered_with_latest(storage: GuardedStorage, backup: Backup) -> None:
    backup("nightly", ARTIFACTS)

    with pytest.raises(SnapshotNotFoundError, match="no snapshot 'latets'. Did you mean 'latest'?"):
        find_snapshot(storage, "latets")


def test_the_name_of_an_archive_file_is_answered_with_that_of_its_snapshot(storage: GuardedStorage) -> None:
    with pytest.raises(SnapshotNameError, match="marks an archive file; the snapshot in it is called 'nightly-15'"):
        find_snapshot(storage, "nightly-15.tar")


def test_latest_among_what_restores_saved_only_names_it(storage: GuardedStorage, backup: Backup) -> None:
    backup("pre-restore-1", {"media": BytesArtifact(b"photos")})

    with pytest.raises(SnapshotNotFoundError, match="only what restores saved.*The newest is 'pre-restore-1'"):
        find_snapshot(storage, "latest")


def test_latest_among_damaged_ones_only_is_an_error(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("broken", ARTIFACTS)
    memory.files["broken/manifest.json"] = b"{"

    with pytest.raises(SnapshotNotFoundError, match="all 1 in the storage are damaged"):
        find_snapshot(storage, "latest")


def test_an_unknown_name_is_answered_with_the_nearest(storage: GuardedStorage, backup: Backup) -> None:
    backup("nightly-14", ARTIFACTS)

    with pytest.raises(SnapshotNotFoundError, match="no snapshot 'nigthly-14'. Did you mean 'nightly-14'") as caught:
        find_snapshot(storage, "nigthly-14")

    assert (caught.value.name, caught.value.available) == ("nigthly-14", ("nightly-14",))


class UnreachableStorage(MemoryStorage):
    def list(self, prefix: str) -> list[str]:
        raise ConnectionError(f"no route to host ({prefix})")


@pytest.mark.parametrize("name", ["latest", "nightly"])
def test_a_storage_that_cannot_be_listed_is_an_error_never_empty(name: str) -> None:
    storage = GuardedStorage(UnreachableStorage())

    with pytest.raises(SnapshotStorageError, match="no route to host"):
        list_snapshots(storage)
    with pytest.raises(SnapshotStorageError, match="no route to host"):
        find_snapshot(storage, name)


class ForgetfulStorage(AdvancedMemoryStorage):
    """Lists what somebody else deletes before it can be read."""

    def list(self, prefix: str) -> list[str]:
        return [*super().list(prefix), "gone/manifest.json"]


def test_a_snapshot_that_is_deleted_while_they_are_listed_is_not_listed() -> None:
    assert list_snapshots(GuardedStorage(ForgetfulStorage())) == []


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
def test_delete_removes_a_snapshot_with_all_its_files_and_no_other(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, snapshot_format: str
) -> None:
    backup("nightly-1", ARTIFACTS, snapshot_format=snapshot_format)
    backup("nightly-10", ARTIFACTS, snapshot_format=snapshot_format)
    kept = {path for path in memory.files if path.startswith("nightly-10")}

    delete_snapshot(storage, "nightly-1")

    assert set(memory.files) == kept


def test_delete_takes_damaged_snapshots_too(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("broken", ARTIFACTS)
    memory.files["broken/manifest.json"] = b"{"

    delete_snapshot(storage, "broken")

    assert memory.files == {}


class DeathRow(AdvancedMemoryStorage):
    """Notes the order of deletions."""

    def __init__(self) -> None:
        super().__init__()
        self.deleted: list[str] = []

    def delete(self, path: str) -> None:
        self.deleted.append(path)
        super().delete(path)


def test_delete_removes_the_manifest_first_so_that_no_half_snapshot_shows() -> None:
    memory = DeathRow()
    memory.files = {"a/media.bin": b"", "a/manifest.json": b"{}", "a/zebra.bin": b""}

    delete_snapshot(GuardedStorage(memory), "a")

    assert memory.deleted[0] == "a/manifest.json"
    assert memory.files == {}


@pytest.mark.parametrize("name", ["../etc", "latest", "a/b", ""])
def test_delete_refuses_what_is_no_name(storage: GuardedStorage, memory: AdvancedMemoryStorage, name: str) -> None:
    memory.files = {"etc/manifest.json": b""}

    with pytest.raises(Exception, match="cannot name a snapshot"):
        delete_snapshot(storage, name)

    assert memory.files == {"etc/manifest.json": b""}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"version": 3}, "manifest version 3"),
        ({"version": True}, "manifest version True"),
        ({"version": "2"}, "manifest version '2'"),
        ({"name": "other"}, "it says its name is 'other'"),
        ({"created_at": "2026-11-22T02:00:00"}, "created_at"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_manifest_edited_by_hand_is_damaged_and_says_where(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, edit: dict[str, object], reason: str
) -> None:
    backup("nightly", ARTIFACTS)
    manifest = json.loads(memory.files["nightly/manifest.json"]) | edit
    memory.files["nightly/manifest.json"] = json.dumps(manifest).encode()

    (listed,) = list_snapshots(storage)

    assert listed.status == "damaged"
    assert listed.damage is not None
    assert reason in listed.damage


def test_a_manifest_with_a_key_twice_is_damaged(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("nightly", ARTIFACTS)
    text = memory.files["nightly/manifest.json"].decode()
    memory.files["nightly/manifest.json"] = text.replace("{", '{"name": "nightly", ', 1).encode()

    assert "key 'name' stands twice" in (list_snapshots(storage)[0].damage or "")


def test_a_manifest_nested_without_end_is_damaged(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("nightly", ARTIFACTS)
    memory.files["nightly/manifest.json"] = b'{"version":' + b"[" * 200_000

    assert list_snapshots(storage)[0].status == "damaged"


def test_a_manifest_of_monstrous_size_is_damaged_and_not_read(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup("nightly", ARTIFACTS)
    monkeypatch.setattr(catalog, "MANIFEST_MAX_BYTES", 100)
    monkeypatch.setattr("django_snapshots.manifest.MANIFEST_MAX_BYTES", 100)

    assert "larger than 100 bytes" in (list_snapshots(storage)[0].damage or "")


@pytest.mark.parametrize(
    ("hostname", "message"),
    [
        (rb'"\ud800"', "not JSON"),
        (b'"\xed\xa0\x80"', "not JSON"),
        (b"[" * 130 + b"]" * 130, "nested deeper than 128 levels"),
        (b"[" * 100 + b'{"a":' * 30 + b"1" + b"}" * 30 + b"]" * 100, "nested deeper than 128 levels"),
    ],
    ids=["half a character, escaped", "half a character", "deep", "deep in both ways"],
)
def test_a_manifest_with_what_no_backup_writes_is_damaged(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, hostname: bytes, message: str
) -> None:
    backup("odd", ARTIFACTS)
    stored = memory.files["odd/manifest.json"]
    memory.files["odd/manifest.json"] = stored.replace(b'"web-1"', hostname)
    assert memory.files["odd/manifest.json"] != stored

    assert message in (list_snapshots(storage)[0].damage or "")


class WatchedStorage(AdvancedMemoryStorage):
    """Keeps in mind which threads read, and lets them meet where it is told how many must."""

    def __init__(self, files: dict[str, bytes], meeting: threading.Barrier | None = None) -> None:
        super().__init__()
        self.files, self.meeting = files, meeting
        self.readers: list[threading.Thread] = []

    def read(self, path: str) -> IO[bytes]:
        self.readers.append(threading.current_thread())
        if self.meeting is not None and len(self.readers) > 2:
            self.meeting.wait(60)
        return super().read(path)


def test_manifests_are_read_one_after_the_other_where_nobody_waits_for_the_storage(
    memory: AdvancedMemoryStorage, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        backup(f"s{number:02}", ARTIFACTS)
    monkeypatch.setattr(reading, "_WAITING_SECONDS", 60)  # this machine may be busy with something else
    watched = WatchedStorage(memory.files)

    assert len(list_snapshots(GuardedStorage(watched))) == 20
    assert set(watched.readers) == {threading.current_thread()}


def test_manifests_are_read_side_by_side_once_the_first_two_let_wait(
    memory: AdvancedMemoryStorage, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2 + 16):
        backup(f"s{number:02}", ARTIFACTS)
    monkeypatch.setattr(reading, "_WAITING_SECONDS", -1)
    watched = WatchedStorage(memory.files, threading.Barrier(16))

    names = [snapshot.name for snapshot in list_snapshots(GuardedStorage(watched))]

    assert names == [f"s{number:02}" for number in reversed(range(18))]
    assert len(set(watched.readers)) == 17
