"""A storage that fails at call n, for every n of a backup: what was there stays, the new one is absent or whole."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import pytest

from django_snapshots.codecs import Zstd
from django_snapshots.engine.catalog import list_snapshots
from django_snapshots.engine.create import NOTHING_MADE, create_snapshot
from django_snapshots.engine.restore import plan_restore, verify_stored
from django_snapshots.errors import SnapshotError
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import HOST, AdvancedMemoryStorage, BulkMemoryStorage, BytesArtifact, FixedClock, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARTIFACTS = {"first": BytesArtifact(b"1" * 1_200_000), "second": BytesArtifact(b"2" * 1000)}
METHODS = ("read", "write", "list", "delete", "delete_many", "exists", "stream_write", "stream_read", "atomic_move")


class OutageError(Exception):
    """What the broken storage raises."""


class Failing:
    """Passes calls on to a storage and lets the n-th fail; every later call too when `for_good`."""

    def __init__(self, storage: MemoryStorage, n: int, *, manner: str, for_good: bool) -> None:
        self.storage = storage
        self.left = n
        self.manner = manner
        self.for_good = for_good
        self.calls = 0
        for method in METHODS:
            if hasattr(storage, method):
                setattr(self, method, self._wrapped(method))
        if isinstance(storage, AdvancedMemoryStorage):
            self.recursive_list = storage.recursive_list
            self.sync = storage.sync

    def _wrapped(self, method: str) -> Callable[..., Any]:
        original = getattr(self.storage, method)

        def call(*arguments: Any) -> Any:
            self.calls += 1
            self.left -= 1
            if self.left > 0 or (self.left < 0 and not self.for_good):
                return original(*arguments)
            if self.manner == "after":
                original(*arguments)
            elif self.manner == "half" and method in {"write", "stream_write"}:
                self._store_half(method, *arguments)
                return None
            raise OutageError(f"{method} failed")

        return call

    def _store_half(self, method: str, path: str, content: IO[bytes] | Iterator[bytes]) -> None:
        data = content.read() if method == "write" else b"".join(content)  # type: ignore[union-attr]
        self.storage.files[path] = data[: len(data) // 2]


def whole(storage: MemoryStorage) -> list[str]:
    """Return the names of the listed snapshots after proving every byte of each."""
    guarded = GuardedStorage(storage)
    snapshots = list_snapshots(guarded)
    for snapshot in snapshots:
        verify_stored(guarded, plan_restore(snapshot, ARTIFACTS, codecs=[Zstd()]))
    return [snapshot.name for snapshot in snapshots]


def backup(storage: Any, name: str, snapshot_format: Any, *, overwrite: bool = False) -> None:
    create_snapshot(
        GuardedStorage(storage),
        ARTIFACTS,
        name=name,
        created_at=FixedClock()(),
        host=HOST,
        compression=Zstd(),
        snapshot_format=snapshot_format,
        overwrite=overwrite,
    )


CASES = [
    (MemoryStorage, "directory"),
    (AdvancedMemoryStorage, "directory"),
    (BulkMemoryStorage, "directory"),
    (AdvancedMemoryStorage, "archive"),
]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("manner", ["before", "after", "half"])
@pytest.mark.parametrize(("kind", "snapshot_format"), CASES)
def test_whatever_call_fails_earlier_snapshots_are_whole_and_the_new_one_is_absent_or_whole(
    kind: type[MemoryStorage], snapshot_format: str, manner: str, for_good: bool, overwrite: bool
) -> None:
    if kind is MemoryStorage and (manner, for_good) == ("half", True):
        pytest.skip("a basic storage that keeps half of a manifest and falls silent cannot be helped")
    name = "new" if not overwrite else "same"
    counting = Failing(kind(), 10**9, manner=manner, for_good=False)
    backup(counting, "same", snapshot_format)
    counting.calls = 0
    backup(counting, name, snapshot_format, overwrite=overwrite)
    failures = 0
    for n in range(1, counting.calls + 1):
        memory = kind()
        backup(memory, "earlier", "directory")
        backup(memory, "same", snapshot_format)
        earlier = {path: data for path, data in memory.files.items() if path.startswith("earlier/")}
        before = whole(memory)

        error = failure_of(Failing(memory, n, manner=manner, for_good=for_good), name, snapshot_format, overwrite)

        failures += error is not None
        after = whole(memory)
        assert set(before) <= set(after) <= {*before, name}, n
        assert error is not None or name in after, n
        assert {path: memory.files.get(path) for path in earlier} == earlier, n
        if error is not None:
            assert isinstance(error.__cause__, OutageError) or manner == "half", n
            if NOTHING_MADE in getattr(error, "__notes__", []):
                assert after == before, n
        backup(memory, name, snapshot_format, overwrite=True)
        assert name in whole(memory), n
    assert failures > 3


def failure_of(storage: Failing, name: str, snapshot_format: str, overwrite: bool) -> SnapshotError | None:
    try:
        backup(storage, name, snapshot_format, overwrite=overwrite)
    except SnapshotError as error:
        return error
    return None
