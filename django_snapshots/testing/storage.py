"""The contract suite of the basic tier: what every storage must do before a snapshot can be trusted to it."""

from __future__ import annotations

import gzip
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from django_snapshots.conf.conformance import STORAGE, check_conformance
from django_snapshots.testing._content import (
    AWKWARD_BYTES,
    as_file,
    breaking_off,
    digest_of_chunks,
    missing_and_stray,
    patterned,
    read_chunks,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.storage import SnapshotStorage

__all__ = ["StorageContract"]

_MIB = 1024 * 1024


class StorageContract:
    """Subclass it with a fixture `storage`, under a name that begins with "Test".

    Each test works in a folder of its own, which is emptied at the end, so that a shared bucket will do.

    Attributes:
        large_bytes: Size of the large object; more than one part of a multipart upload by default (12 MiB and some).
        many: Number of objects for listing; a page of S3 has 1,000.
        writers: Number of threads that write at the same time.
        names: Names of files and folders; leave out what your service cannot keep, and say so to your users. Those
            of django-snapshots itself are made of letters, digits and ``+-._%``.
    """

    large_bytes = 12 * _MIB + 4097
    many = 250
    writers = 8
    names: tuple[str, ...] = (
        "plain+name_1.0-x.tar.zst",
        "with space",
        "per%20cent%2Fs",
        "ünïcödé-文件-😀.bin",
        "a#b?c&d=e;f",
        "quote'\"<>|*:[]",
        "trailing.",
        ".hidden",
        "-dash",
    )

    @pytest.fixture
    def storage(self) -> SnapshotStorage:
        """Return the storage to be tested."""
        raise NotImplementedError("Override the fixture `storage` in your subclass of the contract.")

    @pytest.fixture
    def folder(self, storage: SnapshotStorage) -> Iterator[str]:
        """Give a folder of the storage that nobody else uses, and empty it afterwards."""
        name = f"contract-{uuid.uuid4().hex[:12]}"
        yield name
        for path in storage.list(f"{name}/"):
            storage.delete(path)

    def test_it_has_the_methods_with_the_right_arguments(self, storage: SnapshotStorage) -> None:
        assert check_conformance(storage, STORAGE, ()) == []

    @pytest.mark.parametrize(
        "content", [b"", b"\0", AWKWARD_BYTES, AWKWARD_BYTES * 4097], ids=["empty", "NUL", "awkward", "1 MiB and some"]
    )
    def test_it_gives_back_the_bytes_it_was_given(self, storage: SnapshotStorage, folder: str, content: bytes) -> None:
        put(storage, f"{folder}/object.bin", content)

        found = get(storage, f"{folder}/object.bin")
        assert digest_of_chunks([found]) == digest_of_chunks([content])

    def test_it_keeps_a_large_object_of_unknown_size(self, storage: SnapshotStorage, folder: str) -> None:
        storage.write(f"{folder}/large", as_file(patterned(self.large_bytes)))

        with closing(storage.read(f"{folder}/large")) as source:
            assert digest_of_chunks(read_chunks(source)) == digest_of_chunks(patterned(self.large_bytes))

    def test_a_read_gives_no_more_than_was_asked_for(self, storage: SnapshotStorage, folder: str) -> None:
        put(storage, f"{folder}/object", AWKWARD_BYTES * 20)

        with closing(storage.read(f"{folder}/object")) as source:
            assert digest_of_chunks(read_chunks(source, 1000)) == digest_of_chunks([AWKWARD_BYTES * 20])
            assert source.read(1000) == b""

    def test_a_write_replaces_what_was_there(self, storage: SnapshotStorage, folder: str) -> None:
        put(storage, f"{folder}/object", b"a long first version " * 100)
        put(storage, f"{folder}/object", b"second")

        assert get(storage, f"{folder}/object") == b"second"
        assert storage.list(f"{folder}/") == [f"{folder}/object"]

    def test_an_object_exists_from_its_write_to_its_deletion(self, storage: SnapshotStorage, folder: str) -> None:
        path = f"{folder}/object"
        before = storage.exists(path)
        put(storage, path, b"x")
        between = storage.exists(path), storage.list(path)
        storage.delete(path)
        after = storage.exists(path), storage.list(path)

        assert (before, between, after) == (False, (True, [path]), (False, []))
        assert {type(answer) for answer in (before, between[0], after[0])} == {bool}

    def test_deleting_a_missing_object_is_no_error(self, storage: SnapshotStorage, folder: str) -> None:
        put(storage, f"{folder}/beside", b"x")

        storage.delete(f"{folder}/missing")
        storage.delete(f"{folder}/no/such/folder/missing")

        assert storage.list(f"{folder}/") == [f"{folder}/beside"]

    def test_deleting_leaves_names_that_begin_alike(self, storage: SnapshotStorage, folder: str) -> None:
        for name in ("a", "a.tar", "ab/c"):
            put(storage, f"{folder}/{name}", b"x")

        storage.delete(f"{folder}/a")

        assert sorted(storage.list(f"{folder}/")) == [f"{folder}/a.tar", f"{folder}/ab/c"]

    def test_reading_a_missing_object_raises(self, storage: SnapshotStorage, folder: str) -> None:
        with pytest.raises(Exception), closing(storage.read(f"{folder}/missing")) as source:  # noqa: B017, PT011
            source.read(1)

    def test_list_takes_its_prefix_as_text(self, storage: SnapshotStorage, folder: str) -> None:
        names = ["night", "nightly-1/a", "nightly-1/b/c", "nightly-10/a", "nightly-2.tar", "other/nightly-1"]
        for name in names:
            put(storage, f"{folder}/{name}", b"x")

        for prefix in ("", "n", "night", "nightly-1", "nightly-1/", "nightly-1/b", "nightly-1/b/", "nightly-2", "zzz"):
            found = sorted(storage.list(f"{folder}/{prefix}"))
            assert found == [f"{folder}/{name}" for name in names if name.startswith(prefix)], prefix

    def test_list_of_everything_holds_what_was_written(self, storage: SnapshotStorage, folder: str) -> None:
        put(storage, f"{folder}/a/b", b"x")

        assert f"{folder}/a/b" in storage.list("")

    def test_list_of_a_prefix_that_nothing_has_is_empty(self, storage: SnapshotStorage, folder: str) -> None:
        assert storage.list(f"{folder}/nothing/here") == []

    def test_it_keeps_names_of_any_text(self, storage: SnapshotStorage, folder: str) -> None:
        paths = sorted(f"{folder}/{name}/{name}" for name in self.names)
        for path in paths:
            put(storage, path, path.encode())

        assert sorted(storage.list(f"{folder}/")) == paths
        assert [storage.exists(path) for path in paths] == [True] * len(paths)
        assert [get(storage, path) for path in paths] == [path.encode() for path in paths]

    @pytest.mark.parametrize("ending", [".gz", ".tar.gz", ".zst", ".json", ".txt", ".html", ".css"])
    def test_the_ending_of_a_name_changes_nothing(self, storage: SnapshotStorage, folder: str, ending: str) -> None:
        # Some services store ".gz" as an encoding and give back what they find inside.
        for name, content in {"packed": gzip.compress(AWKWARD_BYTES), "plain": AWKWARD_BYTES}.items():
            put(storage, f"{folder}/{name}{ending}", content)

            assert get(storage, f"{folder}/{name}{ending}") == content

    def test_it_keeps_long_paths(self, storage: SnapshotStorage, folder: str) -> None:
        path = "/".join([folder, *[f"{number}{'x' * 199}" for number in range(4)]])
        put(storage, path, b"x")

        assert storage.list(f"{folder}/") == [path]
        assert get(storage, path) == b"x"

    @pytest.mark.parametrize("size_bytes", [0, 3000, 9 * _MIB], ids=["at once", "early", "after a part"])
    def test_a_source_that_fails_leaves_nothing(self, storage: SnapshotStorage, folder: str, size_bytes: int) -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011 - the storage may wrap what the source raised
            storage.write(f"{folder}/object", as_file(breaking_off(size_bytes)))

        assert not storage.exists(f"{folder}/object")
        assert storage.list(f"{folder}/") == []

    def test_a_source_that_fails_leaves_the_object_it_would_replace(
        self, storage: SnapshotStorage, folder: str
    ) -> None:
        put(storage, f"{folder}/object", b"first")

        with pytest.raises(Exception):  # noqa: B017, PT011
            storage.write(f"{folder}/object", as_file(breaking_off(9 * _MIB)))

        assert get(storage, f"{folder}/object") == b"first"
        assert storage.list(f"{folder}/") == [f"{folder}/object"]

    def test_list_finds_every_one_of_many_objects(self, storage: SnapshotStorage, folder: str) -> None:
        paths = [f"{folder}/{number // 100:03}/{number:05}" for number in range(self.many)]
        with ThreadPoolExecutor(self.writers) as pool:
            list(pool.map(lambda path: put(storage, path, b""), paths))

        assert missing_and_stray(storage.list(f"{folder}/"), paths) == ([], [])

        delete_many = getattr(storage, "delete_many", None)
        if delete_many is not None:
            delete_many(paths)
        else:
            with ThreadPoolExecutor(self.writers) as pool:
                list(pool.map(storage.delete, paths))
        assert storage.list(f"{folder}/") == []

    def test_writers_at_the_same_time_do_not_disturb_each_other(self, storage: SnapshotStorage, folder: str) -> None:
        def write_and_read(number: int) -> bool:
            path = f"{folder}/{number % 3}/{number}"
            storage.write(path, as_file(patterned(2 * _MIB + number, number)))
            with closing(storage.read(path)) as source:
                found = digest_of_chunks(read_chunks(source))
            if number % 2:
                storage.delete(path)
            return found == digest_of_chunks(patterned(2 * _MIB + number, number))

        with ThreadPoolExecutor(self.writers) as pool:
            right = list(pool.map(write_and_read, range(3 * self.writers)))

        assert all(right)
        kept = sorted(f"{folder}/{number % 3}/{number}" for number in range(0, 3 * self.writers, 2))
        assert sorted(storage.list(f"{folder}/")) == kept

    def test_two_objects_can_be_read_at_the_same_time(self, storage: SnapshotStorage, folder: str) -> None:
        put(storage, f"{folder}/a", b"a" * 5000)
        put(storage, f"{folder}/b", b"b" * 5000)

        with closing(storage.read(f"{folder}/a")) as first, closing(storage.read(f"{folder}/b")) as second:
            pieces = [first.read(100), second.read(100), first.read(5000), second.read(5000)]

        assert [set(piece) for piece in pieces] == [{97}, {98}, {97}, {98}]

    def test_a_size_is_that_of_the_object(self, storage: SnapshotStorage, folder: str) -> None:
        size = getattr(storage, "size", None)
        if size is None:
            pytest.skip("It has no size(path), so a backup reads each object back.")
        put(storage, f"{folder}/object", AWKWARD_BYTES)

        assert size(f"{folder}/object") == len(AWKWARD_BYTES)
        with pytest.raises(Exception):  # noqa: B017, PT011
            size(f"{folder}/missing")

    def test_many_objects_are_deleted_by_one_call(self, storage: SnapshotStorage, folder: str) -> None:
        delete_many = getattr(storage, "delete_many", None)
        if delete_many is None:
            pytest.skip("It has no delete_many(paths), so the files of a snapshot are deleted one by one.")
        gone, kept = ["a", "b/c", "b/d/e", "b/d/f", "with space"], ["a.tar", "ab/c", "b/d/ef", "other/a"]
        for name in (*gone, *kept):
            put(storage, f"{folder}/{name}", b"x")

        delete_many([f"{folder}/{name}" for name in (*gone, "missing", "no/such/folder", "b/d/e*")])
        delete_many([])

        assert sorted(storage.list(f"{folder}/")) == [f"{folder}/{name}" for name in kept]

    def test_the_start_of_an_object_is_what_read_gives(self, storage: SnapshotStorage, folder: str) -> None:
        read_start = getattr(storage, "read_start", None)
        if read_start is None:
            pytest.skip("It has no read_start(path, most_bytes), so small objects are opened like any other.")
        put(storage, f"{folder}/object", AWKWARD_BYTES)
        put(storage, f"{folder}/empty", b"")

        assert read_start(f"{folder}/object", 100) == AWKWARD_BYTES[:100]
        assert read_start(f"{folder}/object", 100_000) == AWKWARD_BYTES
        assert read_start(f"{folder}/empty", 100) == b""
        with pytest.raises(Exception):  # noqa: B017, PT011
            read_start(f"{folder}/missing", 100)


def put(storage: SnapshotStorage, path: str, content: bytes) -> None:
    """Write `content` at `path`."""
    storage.write(path, as_file([content]))


def get(storage: SnapshotStorage, path: str) -> bytes:
    """Return the object at `path`."""
    with closing(storage.read(path)) as source:
        return b"".join(read_chunks(source))
