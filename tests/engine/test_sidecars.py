from __future__ import annotations

from datetime import timedelta
from typing import IO, TYPE_CHECKING

import pytest

from django_snapshots.engine import catalog, incomplete
from django_snapshots.engine.create import create_snapshot
from django_snapshots.engine.removal import delete_snapshot
from django_snapshots.engine.sidecars import SIDECAR_MAX_BYTES
from django_snapshots.errors import SnapshotNotFoundError
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import HOST, AdvancedMemoryStorage, BytesArtifact, FixedClock

if TYPE_CHECKING:
    from tests.engine.conftest import Backup

ARTIFACTS = {"media": BytesArtifact(b"photos")}
PLACES = {"directory": "nightly/pinned.json", "archive": "nightly.tar.pinned.json"}
formats = pytest.mark.parametrize("snapshot_format", PLACES)


@formats
def test_a_document_is_kept_beside_the_snapshot_and_read_with_it(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, snapshot_format: str
) -> None:
    snapshot = backup("nightly", ARTIFACTS, snapshot_format=snapshot_format).snapshot

    catalog.write_sidecar(storage, snapshot, "pinned", {"reason": "before the move"})

    assert PLACES[snapshot_format] in memory.files
    for found in (catalog.find_snapshot(storage, "nightly"), catalog.list_snapshots(storage)[0]):
        assert found.sidecars["pinned"].content == {"reason": "before the move"}
        assert "verified" not in found.sidecars
        assert found.status == "complete"


@formats
def test_a_document_is_removed_alone(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, snapshot_format: str
) -> None:
    snapshot = backup("nightly", ARTIFACTS, snapshot_format=snapshot_format).snapshot
    before = dict(memory.files)
    catalog.write_sidecar(storage, snapshot, "pinned", {})

    catalog.delete_sidecar(storage, snapshot, "pinned")
    catalog.delete_sidecar(storage, snapshot, "pinned")

    assert memory.files == before


@formats
def test_documents_go_with_the_snapshot(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, snapshot_format: str
) -> None:
    snapshot = backup("nightly", ARTIFACTS, snapshot_format=snapshot_format).snapshot
    catalog.write_sidecar(storage, snapshot, "pinned", {})
    catalog.write_sidecar(storage, snapshot, "verified", {})

    delete_snapshot(storage, "nightly")

    assert memory.files == {}


@formats
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"null", "is no JSON object"),
        (b" " * (SIDECAR_MAX_BYTES + 1), f"is larger than {SIDECAR_MAX_BYTES} bytes"),
    ],
    ids=["empty", "binary", "deep", "null", "large"],
)
def test_a_damaged_document_is_shown_as_such_and_the_snapshot_stays_whole(
    storage: GuardedStorage,
    memory: AdvancedMemoryStorage,
    backup: Backup,
    data: bytes,
    words: str,
    snapshot_format: str,
) -> None:
    backup("nightly", ARTIFACTS, snapshot_format=snapshot_format)
    memory.files[PLACES[snapshot_format]] = data

    [found] = catalog.list_snapshots(storage)

    assert (found.status, found.sidecars["pinned"].content) == ("complete", None)
    assert words in (found.sidecars["pinned"].damage or "")


def test_a_document_that_cannot_be_read_is_damaged_and_the_list_goes_on(clock: FixedClock) -> None:
    class Unreadable(CountingStorage):
        def read(self, path: str) -> IO[bytes]:
            if path.endswith("pinned.json"):
                raise PermissionError(13, "Permission denied")
            return super().read(path)

    memory = Unreadable()
    memory.files = _whole_snapshot(clock) | {"nightly/pinned.json": b"{}"}

    [found] = catalog.list_snapshots(GuardedStorage(memory))

    assert found.status == "complete"
    assert "Permission denied" in (found.sidecars["pinned"].damage or "")


def test_documents_alone_are_no_snapshot(storage: GuardedStorage, memory: AdvancedMemoryStorage) -> None:
    memory.files = dict.fromkeys(
        ["a/pinned.json", "a/verified.json", "a.tar.pinned.json", "a.tar.verified.json"], b"{}"
    )

    assert catalog.list_snapshots(storage) == []
    with pytest.raises(SnapshotNotFoundError):
        catalog.find_snapshot(storage, "a")


def test_no_document_comes_back_beside_a_deleted_snapshot(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    snapshot = backup("nightly", ARTIFACTS).snapshot
    delete_snapshot(storage, "nightly")

    with pytest.raises(SnapshotNotFoundError):
        catalog.write_sidecar(storage, snapshot, "verified", {})

    assert memory.files == {}


def test_a_document_too_large_to_be_read_back_is_not_written(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    snapshot = backup("nightly", ARTIFACTS).snapshot

    with pytest.raises(ValueError, match="at most"):
        catalog.write_sidecar(storage, snapshot, "pinned", {"reason": "x" * SIDECAR_MAX_BYTES})

    assert "nightly/pinned.json" not in memory.files


def test_documents_are_no_leftovers_of_a_killed_backup(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, clock: FixedClock
) -> None:
    snapshot = backup("nightly", ARTIFACTS).snapshot
    catalog.write_sidecar(storage, snapshot, "pinned", {})
    catalog.write_sidecar(storage, snapshot, "verified", {})
    incomplete.mark_begun(storage, "nightly", clock(), "web-1")
    memory.files["nightly/media.2.bin.zst"] = b"left by a killed overwrite"

    [leftover] = incomplete.find_leftovers(storage, now=clock() + timedelta(days=2))

    assert leftover.paths == ("nightly/media.2.bin.zst", "nightly/incomplete.json")


@formats
def test_an_overwrite_keeps_the_pin_and_drops_the_verification(
    storage: GuardedStorage, backup: Backup, snapshot_format: str
) -> None:
    snapshot = backup("nightly", ARTIFACTS, snapshot_format=snapshot_format).snapshot
    catalog.write_sidecar(storage, snapshot, "pinned", {})
    catalog.write_sidecar(storage, snapshot, "verified", {})

    backup("nightly", ARTIFACTS, snapshot_format=snapshot_format, overwrite=True)

    assert set(catalog.find_snapshot(storage, "nightly").sidecars) == {"pinned"}


@pytest.mark.parametrize(("first", "second"), [("directory", "archive"), ("archive", "directory")])
def test_an_overwrite_in_the_other_format_leaves_no_verification(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, first: str, second: str
) -> None:
    snapshot = backup("nightly", ARTIFACTS, snapshot_format=first).snapshot
    catalog.write_sidecar(storage, snapshot, "verified", {})

    backup("nightly", ARTIFACTS, snapshot_format=second, overwrite=True)

    assert [path for path in memory.files if "verified" in path] == []


def test_a_storage_without_documents_is_read_once_for_each_snapshot(clock: FixedClock) -> None:
    memory = CountingStorage()
    memory.files = _whole_snapshot(clock)

    catalog.list_snapshots(GuardedStorage(memory))

    assert memory.calls == ["list ", "read nightly/manifest.json"]


class CountingStorage(AdvancedMemoryStorage):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def read(self, path: str) -> IO[bytes]:
        self.calls.append(f"read {path}")
        return super().read(path)

    def list(self, prefix: str) -> list[str]:
        self.calls.append(f"list {prefix}")
        return super().list(prefix)

    def exists(self, path: str) -> bool:
        self.calls.append(f"exists {path}")
        return super().exists(path)


def _whole_snapshot(clock: FixedClock) -> dict[str, bytes]:
    memory = AdvancedMemoryStorage()
    create_snapshot(GuardedStorage(memory), ARTIFACTS, name="nightly", created_at=clock(), host=HOST)
    return memory.files
