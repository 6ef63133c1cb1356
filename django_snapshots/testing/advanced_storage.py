"""The contract suite of the advanced tier: streams both ways, moves in one step, folders made alike."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from django_snapshots.testing._content import (
    AWKWARD_BYTES,
    breaking_off,
    digest_of_chunks,
    patterned,
    read_chunks,
)
from django_snapshots.testing.storage import StorageContract, get, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.storage import AdvancedSnapshotStorage

__all__ = ["AdvancedStorageContract"]

_MIB = 1024 * 1024


class AdvancedStorageContract(StorageContract):
    """The basic contract, and what the five further methods promise. Subclass it with a fixture `storage`.

    Attributes:
        moves: How often an object is replaced by a move while another thread reads it.
        refusals: Errors with which the server may refuse that reader. Give it something else it never may.
    """

    moves = 20
    refusals: tuple[type[Exception], ...] = ()

    @pytest.fixture
    def storage(self) -> AdvancedSnapshotStorage:
        """Return the storage to be tested."""
        raise NotImplementedError("Override the fixture `storage` in your subclass of the contract.")

    def test_a_stream_is_stored_and_given_back(self, storage: AdvancedSnapshotStorage, folder: str) -> None:
        storage.stream_write(f"{folder}/large", patterned(self.large_bytes))

        found = digest_of_chunks(storage.stream_read(f"{folder}/large"))

        assert found == digest_of_chunks(patterned(self.large_bytes))

    @pytest.mark.parametrize(
        "chunks", [[], [b""], [b"", b"a", b"", b"b", b""], [AWKWARD_BYTES] * 3], ids=["none", "empty", "gaps", "bytes"]
    )
    def test_chunks_of_any_size_make_one_object(
        self, storage: AdvancedSnapshotStorage, folder: str, chunks: list[bytes]
    ) -> None:
        storage.stream_write(f"{folder}/object", iter(chunks))

        assert b"".join(storage.stream_read(f"{folder}/object")) == b"".join(chunks)
        assert get(storage, f"{folder}/object") == b"".join(chunks)
        assert storage.list(f"{folder}/") == [f"{folder}/object"]

    def test_nothing_is_visible_before_the_stream_has_ended(
        self, storage: AdvancedSnapshotStorage, folder: str
    ) -> None:
        seen: list[object] = []

        def chunks() -> Iterator[bytes]:
            yield from patterned(9 * _MIB)
            seen.extend((storage.exists(f"{folder}/object"), storage.list(f"{folder}/")))

        storage.stream_write(f"{folder}/object", chunks())

        assert seen == [False, []]
        assert storage.exists(f"{folder}/object")

    @pytest.mark.parametrize("size_bytes", [0, 3000, 9 * _MIB], ids=["at once", "early", "after a part"])
    def test_a_stream_that_fails_leaves_nothing(
        self, storage: AdvancedSnapshotStorage, folder: str, size_bytes: int
    ) -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011
            storage.stream_write(f"{folder}/object", breaking_off(size_bytes))

        assert not storage.exists(f"{folder}/object")
        assert storage.list(f"{folder}/") == []

    def test_a_stream_that_fails_leaves_the_object_it_would_replace(
        self, storage: AdvancedSnapshotStorage, folder: str
    ) -> None:
        put(storage, f"{folder}/object", b"first")

        with pytest.raises(Exception):  # noqa: B017, PT011
            storage.stream_write(f"{folder}/object", breaking_off(9 * _MIB))

        assert get(storage, f"{folder}/object") == b"first"
        assert storage.list(f"{folder}/") == [f"{folder}/object"]

    def test_reading_a_missing_stream_raises(self, storage: AdvancedSnapshotStorage, folder: str) -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011
            list(storage.stream_read(f"{folder}/missing"))

    def test_a_stream_may_be_left_half_read(self, storage: AdvancedSnapshotStorage, folder: str) -> None:
        storage.stream_write(f"{folder}/large", patterned(self.large_bytes))

        chunks = storage.stream_read(f"{folder}/large")
        first = next(chunks)
        del chunks

        assert b"".join(patterned(self.large_bytes)).startswith(first)
        storage.delete(f"{folder}/large")
        assert storage.list(f"{folder}/") == []

    def test_a_move_takes_the_object_to_its_new_path(self, storage: AdvancedSnapshotStorage, folder: str) -> None:
        put(storage, f"{folder}/a/old", AWKWARD_BYTES)

        storage.atomic_move(f"{folder}/a/old", f"{folder}/b/c/new")

        assert storage.list(f"{folder}/") == [f"{folder}/b/c/new"]
        assert get(storage, f"{folder}/b/c/new") == AWKWARD_BYTES

    def test_a_move_replaces_an_existing_object(self, storage: AdvancedSnapshotStorage, folder: str) -> None:
        put(storage, f"{folder}/old", b"moved")
        put(storage, f"{folder}/new", b"there before, and longer")

        storage.atomic_move(f"{folder}/old", f"{folder}/new")

        assert storage.list(f"{folder}/") == [f"{folder}/new"]
        assert get(storage, f"{folder}/new") == b"moved"

    def test_moving_a_missing_object_raises_and_keeps_the_target(
        self, storage: AdvancedSnapshotStorage, folder: str
    ) -> None:
        put(storage, f"{folder}/new", b"there")

        with pytest.raises(Exception):  # noqa: B017, PT011
            storage.atomic_move(f"{folder}/missing", f"{folder}/new")

        assert get(storage, f"{folder}/new") == b"there"

    def test_a_large_object_is_moved_whole(self, storage: AdvancedSnapshotStorage, folder: str) -> None:
        storage.stream_write(f"{folder}/old", patterned(self.large_bytes))

        storage.atomic_move(f"{folder}/old", f"{folder}/new")

        with closing(storage.read(f"{folder}/new")) as source:
            assert digest_of_chunks(read_chunks(source)) == digest_of_chunks(patterned(self.large_bytes))

    def test_a_reader_finds_the_old_or_the_new_object_during_moves(
        self, storage: AdvancedSnapshotStorage, folder: str
    ) -> None:
        target, versions = f"{folder}/target", [bytes([65 + number]) * 4096 for number in range(2)]
        put(storage, target, versions[0])
        found: set[bytes] = set()
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                with suppress(*self.refusals):
                    found.add(get(storage, target) if storage.exists(target) else b"")

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            for number in range(self.moves):
                put(storage, f"{folder}/next", versions[number % 2])
                storage.atomic_move(f"{folder}/next", target)
        finally:
            done.set()
            watcher.join()

        assert found <= set(versions)
        assert found

    def test_recursive_list_takes_its_prefix_as_a_folder(self, storage: AdvancedSnapshotStorage, folder: str) -> None:
        names = ["nightly-1/a", "nightly-1/b/c", "nightly-10/a", "nightly-1.tar"]
        for name in names:
            put(storage, f"{folder}/{name}", b"x")

        inside = [f"{folder}/nightly-1/a", f"{folder}/nightly-1/b/c"]
        assert sorted(storage.recursive_list(f"{folder}/nightly-1")) == inside
        assert sorted(storage.recursive_list(f"{folder}/nightly-1/")) == inside
        assert sorted(storage.recursive_list(folder)) == sorted(f"{folder}/{name}" for name in names)
        assert storage.recursive_list(f"{folder}/none") == []
        assert set(inside) <= set(storage.recursive_list(""))

    def test_sync_makes_one_folder_like_another(self, storage: AdvancedSnapshotStorage, folder: str) -> None:
        before = {"src/a": b"new", "src/d/e": AWKWARD_BYTES, "dst/a": b"older", "dst/gone/x": b"x", "dst-2/a": b"other"}
        for name, content in before.items():
            put(storage, f"{folder}/{name}", content)

        storage.sync(f"{folder}/src", f"{folder}/dst")

        after = {path.removeprefix(f"{folder}/"): get(storage, path) for path in storage.list(f"{folder}/")}
        kept = {name: before[name] for name in ("src/a", "src/d/e", "dst-2/a")}
        assert after == {**kept, "dst/a": b"new", "dst/d/e": AWKWARD_BYTES}

    def test_sync_with_an_empty_folder_empties_the_other(self, storage: AdvancedSnapshotStorage, folder: str) -> None:
        put(storage, f"{folder}/dst/a", b"x")

        storage.sync(f"{folder}/src", f"{folder}/dst")

        assert storage.list(f"{folder}/") == []

    def test_sync_refuses_a_folder_inside_the_other(self, storage: AdvancedSnapshotStorage, folder: str) -> None:
        put(storage, f"{folder}/src/a", b"x")

        for src, dst in ((f"{folder}/src", f"{folder}/src/copy"), (f"{folder}/src/copy", f"{folder}/src")):
            with pytest.raises(Exception):  # noqa: B017, PT011
                storage.sync(src, dst)

        assert storage.list(f"{folder}/") == [f"{folder}/src/a"]
