"""The guard: nothing a storage does wrong gets past it, and every failure says what, where and what next."""

from __future__ import annotations

import errno
import io
import os
import tracemalloc
from typing import IO, TYPE_CHECKING, Any, NoReturn

import pytest

from django_snapshots.digests import digest_of
from django_snapshots.errors import (
    SnapshotConnectorError,
    SnapshotNameError,
    SnapshotSpaceError,
    SnapshotStorageCapabilityError,
    SnapshotStorageError,
)
from django_snapshots.storage import LocalFileSystemBackend
from django_snapshots.storage.guard import GuardedStorage
from tests.storage.classes import AdvancedMemoryStorage, BareStream, MemoryStorage, broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIB = 1024 * 1024
CALLS: dict[str, Callable[[GuardedStorage], object]] = {
    "read": lambda guard: guard.open("a/b"),
    "write": lambda guard: guard.store("a/b", iter([b"x"])),
    "list": lambda guard: guard.list("a"),
    "delete": lambda guard: guard.delete("a/b"),
    "exists": lambda guard: guard.exists("a/b"),
}


def raising(error: BaseException) -> Callable[..., NoReturn]:
    def act(*_arguments: object) -> NoReturn:
        raise error

    return act


def failure_of(act: Callable[[], object]) -> SnapshotStorageError:
    with pytest.raises(SnapshotStorageError) as caught:
        act()
    return caught.value


# Tiers


def test_a_storage_with_all_methods_is_advanced() -> None:
    guard = GuardedStorage(AdvancedMemoryStorage())

    guard.require_advanced("The archive format")
    assert (guard.advanced, guard.missing) == (True, ())


def test_a_storage_of_five_methods_is_basic_and_says_what_is_missing() -> None:
    guard = GuardedStorage(MemoryStorage())

    with pytest.raises(SnapshotStorageCapabilityError) as caught:
        guard.require_advanced("The archive format")

    assert not guard.advanced
    assert guard.missing == ("stream_read", "stream_write", "atomic_move", "recursive_list", "sync")
    assert (caught.value.feature, caught.value.methods) == ("The archive format", guard.missing)
    assert str(caught.value) == (
        "The archive format needs a storage of the advanced tier; MemoryStorage has no stream_read, stream_write, "
        'atomic_move, recursive_list, sync. Use SNAPSHOT_FORMAT "directory", or a storage that has these methods.'
    )


def test_an_attribute_that_is_no_method_does_not_count() -> None:
    storage = AdvancedMemoryStorage()
    storage.sync = None  # type: ignore[method-assign, assignment]

    assert GuardedStorage(storage).missing == ("sync",)


@pytest.mark.parametrize("storage", [MemoryStorage(), AdvancedMemoryStorage()], ids=["basic", "advanced"])
def test_both_tiers_keep_what_they_are_given(storage: MemoryStorage) -> None:
    guard = GuardedStorage(storage)
    content = os.urandom(2 * MIB + 5)

    guard.store("a/b", iter([content[:7], b"", content[7:MIB], content[MIB:]]))
    guard.confirm("a/b", len(content), digest_of(content))
    with guard.open("a/b") as source:
        found = source.read()

    assert found == content
    assert guard.list("a/") == ["a/b"]
    assert guard.exists("a/b")
    guard.delete("a/b")
    assert not guard.exists("a/b")


# Keys


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "", "a/", ".", "a\\b", "\udcff"])
def test_a_bad_key_never_reaches_the_storage(path: str) -> None:
    guard = GuardedStorage(broken("exists", raising(AssertionError("was called")), advanced=True))

    for act in (
        lambda: guard.open(path),
        lambda: guard.read_start(path, 10),
        lambda: guard.store(path, iter([b"x"])),
        lambda: guard.confirm(path, 1, "sha256:0"),
        lambda: guard.exists(path),
        lambda: guard.delete(path),
        lambda: guard.move(path, "good"),
        lambda: guard.move("a/b", path),
    ):
        with pytest.raises(SnapshotNameError):
            act()


# Foreign errors


@pytest.mark.parametrize("method", CALLS)
def test_a_foreign_error_is_reported_with_its_cause(method: str) -> None:
    cause = ConnectionResetError("the peer went away")
    guard = GuardedStorage(broken(method, raising(cause)))

    error = failure_of(lambda: CALLS[method](guard))

    assert error.__cause__ is cause
    assert error.operation == method
    assert not error.missing
    verb = {"exists": "look for"}.get(method, method)
    path = "a" if method == "list" else "a/b"
    assert str(error) == (
        f"BrokenStorage could not {verb} '{path}': ConnectionResetError: the peer went away. "
        "Check that it can be reached and that its credentials allow this, then try again."
    )
    assert error.path == path


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Free some space there and try again."),
        (errno.EDQUOT, "have the quota raised"),
        (errno.EROFS, "mount it writable"),
        (errno.EACCES, "Give the user that runs this command access to it."),
        (errno.ENAMETOOLONG, "Choose a shorter name."),
    ],
)
def test_the_advice_fits_the_error(number: int, advice: str) -> None:
    guard = GuardedStorage(broken("write", raising(OSError(number, os.strerror(number)))))

    assert advice in str(failure_of(lambda: guard.store("a/b", iter([b"x"]))))


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_passes(method: str, kind: type[BaseException]) -> None:
    guard = GuardedStorage(broken(method, raising(kind())))

    with pytest.raises(kind):
        CALLS[method](guard)


@pytest.mark.parametrize("method", CALLS)
def test_an_error_of_ours_passes_as_it_is(method: str) -> None:
    ours = SnapshotSpaceError("full", location="/", needed_bytes=1, free_bytes=0)
    guard = GuardedStorage(broken(method, raising(ours)))

    with pytest.raises(SnapshotSpaceError) as caught:
        CALLS[method](guard)

    assert caught.value is ours


def test_secrets_of_the_storage_do_not_reach_the_message() -> None:
    storage = broken("list", raising(OSError("https://ada:pw-1@host/x refused key hunter2-key")))
    storage.secret_key = "hunter2-key"

    text = str(failure_of(lambda: GuardedStorage(storage).list("")))

    assert "pw-1" not in text
    assert "hunter2" not in text
    assert "https://********@host/x refused key ********" in text


# Reading


def test_a_missing_object_is_told_from_an_outage() -> None:
    missing = failure_of(lambda: GuardedStorage(MemoryStorage()).open("a/b"))
    outage = failure_of(lambda: GuardedStorage(broken("read", raising(FileNotFoundError("mount is gone")))).open("a/b"))

    assert missing.missing
    assert str(missing) == "MemoryStorage could not read 'a/b': it is missing from the storage."
    assert isinstance(missing.__cause__, KeyError)
    assert not outage.missing
    assert "FileNotFoundError: mount is gone" in str(outage)


def test_an_object_is_not_missing_when_the_storage_cannot_say_so() -> None:
    storage = broken("exists", raising(TimeoutError()))
    storage.objects.clear()

    assert not failure_of(lambda: GuardedStorage(storage).open("a/b")).missing


def test_an_error_in_mid_read_is_reported_too() -> None:
    def fail_later(size: int) -> bytes:
        if size != MIB:
            raise AssertionError
        if pieces:
            return pieces.pop()
        raise ConnectionResetError("gone")

    pieces = [b"x" * MIB]
    guard = GuardedStorage(broken("read", lambda _path: BareStream(fail_later)))

    with guard.open("a/b") as source:
        assert source.read(MIB) == b"x" * MIB
        error = failure_of(lambda: source.read(MIB))

    assert str(error).startswith("BrokenStorage could not read 'a/b': ConnectionResetError: gone.")


def test_a_storage_that_opens_lazily_can_still_say_missing() -> None:
    storage = broken("read", lambda _path: BareStream(raising(OSError("404"))))
    storage.objects.clear()

    with GuardedStorage(storage).open("a/b") as source:
        assert failure_of(lambda: source.read(1)).missing


def test_short_reads_are_made_whole() -> None:
    content = io.BytesIO(bytes(range(200)))
    guard = GuardedStorage(broken("read", lambda _path: BareStream(lambda size: content.read(min(size, 7)))))

    with guard.open("a/b") as source:
        assert (source.read(100), source.read(1000), source.read(1)) == (bytes(range(100)), bytes(range(100, 200)), b"")
        assert not source.seekable()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("text", "BareStream.read returned str, expected bytes"),
        (None, "BareStream.read returned NoneType, expected bytes"),
        (b"x" * (2 * MIB), "BareStream.read(1048576) returned 2097152 bytes"),
    ],
)
def test_a_stream_that_returns_nonsense_is_an_error(answer: object, said: str) -> None:
    guard = GuardedStorage(broken("read", lambda _path: BareStream(lambda _size: answer)))

    with guard.open("a/b") as source:
        assert said in str(failure_of(lambda: source.read(MIB)))


def test_a_read_that_returns_no_stream_is_an_error() -> None:
    guard = GuardedStorage(broken("read", lambda _path: b"all of it"))

    assert "read returned bytes, expected an open binary file" in str(failure_of(lambda: guard.open("a/b")))


def test_a_pipe_that_does_not_wait_is_an_error_and_not_the_end() -> None:
    end, other = os.pipe()
    os.set_blocking(end, False)
    guard = GuardedStorage(broken("read", lambda _path: open(end, "rb", buffering=0)))  # noqa: SIM115, PTH123

    with guard.open("a/b") as source:
        assert "does not wait for its bytes" in str(failure_of(lambda: source.read(10)))
    os.close(other)


def test_the_stream_seeks_where_the_storage_can(tmp_path: Path) -> None:
    guard = GuardedStorage(LocalFileSystemBackend(tmp_path))
    guard.store("a", iter([b"0123456789"]))

    with guard.open("a") as source:
        assert source.seekable()
        source.seek(4)
        assert (source.read(2), source.tell()) == (b"45", 6)
        source.seek(-1, io.SEEK_END)
        assert source.read() == b"9"


def test_a_wrapper_that_replaces_read_alone_is_read_through_it() -> None:
    class Upper(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size).upper()

    with GuardedStorage(broken("read", lambda _path: Upper(b"abc"))).open("a/b") as source:
        assert source.read() == b"ABC"


def test_closing_closes_the_storages_stream_once() -> None:
    class Counting(io.BytesIO):
        closes = 0

        def close(self) -> None:
            self.closes += 1
            super().close()

    stream = Counting(b"x")
    source = GuardedStorage(broken("read", lambda _path: stream)).open("a/b")
    source.close()
    source.close()

    assert stream.closes == 1


def test_read_start_takes_no_more_than_it_was_asked_for() -> None:
    taken: list[int] = []

    def endless(size: int) -> bytes:
        taken.append(size)
        return b"x" * min(size, 10)

    guard = GuardedStorage(broken("read", lambda _path: BareStream(endless)))

    assert guard.read_start("a/b", 95) == b"x" * 95
    assert taken == [95, 85, 75, 65, 55, 45, 35, 25, 15, 5]


@pytest.mark.parametrize("size_bytes", [0, 99, 100, 64 * 1024, 200_000])
def test_read_start_gives_the_whole_of_a_small_object(size_bytes: int) -> None:
    storage = MemoryStorage()
    storage.objects["a"] = os.urandom(size_bytes)

    assert GuardedStorage(storage).read_start("a", 200_000) == storage.objects["a"]


# Deleting many


def test_many_are_deleted_by_one_call_where_the_storage_can() -> None:
    asked: list[object] = []
    guard = GuardedStorage(broken("delete_many", asked.append))

    guard.delete_many(["a/b", "a/c"])
    guard.delete_many(["a/b"])
    guard.delete_many([])

    assert asked == [["a/b", "a/c"]]
    assert guard.list("") == []  # one alone is deleted as ever


def test_many_are_deleted_one_by_one_where_the_storage_cannot() -> None:
    storage = MemoryStorage()
    storage.objects = dict.fromkeys(["a", "b", "c"], b"")

    GuardedStorage(storage).delete_many(["a", "c", "missing"])

    assert list(storage.objects) == ["b"]


def test_a_deletion_of_many_that_fails_says_what_the_storage_says_of_the_path() -> None:
    guard = GuardedStorage(broken("delete_many", raising(PermissionError(errno.EACCES, "Permission denied", "a/c"))))

    error = failure_of(lambda: guard.delete_many(["a/b", "a/c", "a/d"]))

    assert str(error).startswith("BrokenStorage could not delete all of 'a/b … a/d': PermissionError:")
    assert "Permission denied: 'a/c'" in str(error)
    assert error.operation == "delete_many"


def test_no_path_out_of_the_storage_is_among_the_many() -> None:
    asked: list[object] = []
    guard = GuardedStorage(broken("delete_many", asked.append))

    with pytest.raises(SnapshotNameError):
        guard.delete_many(["a/b", "../c"])

    assert asked == []


# Writing


class SourceError(Exception):
    """What the source of a write raises in these tests."""


def breaking_off(error: BaseException) -> Iterator[bytes]:
    yield b"x" * 100
    raise error


def swallow(_path: str, content: Any) -> None:
    try:
        list(content)
    except BaseException:  # noqa: BLE001 - what careless storages do
        return


def wrap(_path: str, content: Any) -> None:
    try:
        list(content)
    except BaseException as error:
        raise RuntimeError("upload failed") from error


def wrap_in_ours(_path: str, content: Any) -> None:
    try:
        list(content)
    except BaseException as error:
        raise SnapshotNameError("upload failed", name="x") from error


@pytest.mark.parametrize(
    "error", [SourceError("dump failed"), SnapshotConnectorError("x", artifact="a"), SystemExit(3)]
)
@pytest.mark.parametrize("act", [swallow, wrap, wrap_in_ours, lambda _path, content: list(content)])
@pytest.mark.parametrize("advanced", [False, True], ids=["write", "stream_write"])
def test_what_the_source_raises_comes_out_as_it_is(
    error: BaseException, act: Callable[..., Any], *, advanced: bool
) -> None:
    guard = GuardedStorage(broken("stream_write" if advanced else "write", act, advanced=advanced))

    with pytest.raises(type(error)) as caught:
        guard.store("a/b", breaking_off(error))

    assert caught.value is error


@pytest.mark.parametrize("advanced", [False, True], ids=["write", "stream_write"])
@pytest.mark.parametrize("read_bytes", [0, 10])
def test_a_storage_that_returns_before_the_end_is_an_error(read_bytes: int, *, advanced: bool) -> None:
    def write(_path: str, content: IO[bytes]) -> None:
        content.read(read_bytes)

    def stream_write(_path: str, chunks: Iterator[bytes]) -> None:
        if read_bytes:
            next(chunks)

    name, act = ("stream_write", stream_write) if advanced else ("write", write)
    guard = GuardedStorage(broken(name, act, advanced=advanced))
    chunks = iter([b"x" * 10, b"y" * (2 * MIB), b"z" * MIB])

    error = failure_of(lambda: guard.store("a/b", chunks))

    assert "before the end was read" in str(error)
    assert error.operation == name


def test_the_content_of_a_write_cannot_seek_and_gives_what_is_asked_for() -> None:
    seen: list[object] = []

    def write(_path: str, content: IO[bytes]) -> None:
        seen.extend((content.seekable(), content.read(3), content.read(5), content.read(100), content.read(100)))

    GuardedStorage(broken("write", write)).store("a/b", iter([b"ab", b"", b"cdefgh", b"ij"]))

    assert seen == [False, b"abc", b"defgh", b"ij", b""]


@pytest.mark.parametrize("take", [lambda content: content.read(), b"".join])
def test_careless_ways_of_reading_the_content_work_too(take: Callable[[IO[bytes]], bytes]) -> None:
    found: list[bytes] = []
    guard = GuardedStorage(broken("write", lambda _path, content: found.append(take(content))))

    guard.store("a/b", iter([b"a\nb" * 1000, b"c" * MIB]))

    assert found == [b"a\nb" * 1000 + b"c" * MIB]


def test_memory_does_not_grow_with_the_object() -> None:
    def discard(_path: str, content: IO[bytes]) -> None:
        while content.read(MIB):
            pass

    guard = GuardedStorage(broken("write", discard))
    chunk = bytes(MIB)
    tracemalloc.start()
    guard.store("a/b", (chunk for _ in range(200)))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 8 * MIB


# Confirming


def test_confirm_accepts_what_was_stored() -> None:
    guard = GuardedStorage(broken("delete", print))

    guard.confirm("a/b", 7, digest_of(b"content"))


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (b"conten", "it stored 6 of 7 bytes."),
        (b"", "it stored 0 of 7 bytes."),
        (b"content and more", "it stored 16 of 7 bytes."),
        (b"c0ntent", f"it stored bytes with digest {digest_of(b'c0ntent')} for {digest_of(b'content')}."),
    ],
)
def test_confirm_reads_back_and_finds_what_differs(stored: bytes, said: str) -> None:
    storage = MemoryStorage()
    storage.objects["a/b"] = stored

    error = failure_of(lambda: GuardedStorage(storage).confirm("a/b", 7, digest_of(b"content")))

    assert str(error) == f"MemoryStorage could not confirm 'a/b': {said}"


def test_confirm_of_what_is_not_there_says_so() -> None:
    error = failure_of(lambda: GuardedStorage(MemoryStorage()).confirm("a/b", 7, digest_of(b"content")))

    assert error.missing
    assert str(error) == "MemoryStorage could not confirm 'a/b': it is missing from the storage."


def test_confirm_asks_for_the_size_where_the_storage_knows_it() -> None:
    storage = broken("read", raising(AssertionError("read back")))
    storage.size = lambda path: len(storage.objects[path])
    guard = GuardedStorage(storage)

    guard.confirm("a/b", 7, "sha256:not looked at")
    assert "it stored 7 of 20 bytes" in str(failure_of(lambda: guard.confirm("a/b", 20, "")))
    assert failure_of(lambda: guard.confirm("a/c", 7, "")).missing


def test_a_size_that_is_no_number_is_an_error() -> None:
    storage = broken("delete", print)
    storage.size = lambda _path: "7"

    error = failure_of(lambda: GuardedStorage(storage).confirm("a/b", 7, ""))

    assert "size returned '7', expected a number of bytes" in str(error)


# Listing, asking, moving


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "list returned NoneType, expected a list of texts"),
        ("a/b", "list returned str, expected a list of texts"),
        (iter(["a/b"]), "list returned list_iterator, expected a list of texts"),
        (["a/b", b"a/c"], "list returned a list with b'a/c' in it, expected a list of texts"),
        (["a/b", "b/a"], "list returned 'b/a', which does not start with 'a'"),
    ],
)
def test_a_listing_that_is_none_is_an_error_and_not_an_empty_storage(answer: object, said: str) -> None:
    guard = GuardedStorage(broken("list", lambda _prefix: answer))

    assert said in str(failure_of(lambda: guard.list("a")))


def test_a_listing_is_sorted_once_each_and_leaves_out_foreign_names() -> None:
    names = ["b", "a/c", "a/b", "a/b", "a//x", "a/", "./y", "a/\udcff", "a\\b", "/abs"]
    guard = GuardedStorage(broken("list", lambda _prefix: names))

    assert guard.list("") == ["a/b", "a/c", "b"]


def test_exists_must_answer_yes_or_no() -> None:
    guard = GuardedStorage(broken("exists", lambda _path: None))

    assert "exists returned None, expected True or False" in str(failure_of(lambda: guard.exists("a/b")))


def test_a_move_needs_the_advanced_tier() -> None:
    with pytest.raises(SnapshotStorageCapabilityError, match="Moving an object needs a storage of the advanced tier"):
        GuardedStorage(MemoryStorage()).move("a", "b")


def test_a_move_that_fails_is_reported() -> None:
    guard = GuardedStorage(broken("atomic_move", raising(OSError("busy")), advanced=True))

    error = failure_of(lambda: guard.move("a/b", "c"))

    assert str(error).startswith("BrokenStorage could not move 'a/b': OSError: busy.")


def test_its_repr_names_the_storage(tmp_path: Path) -> None:
    guard = GuardedStorage(LocalFileSystemBackend(tmp_path))

    assert repr(guard) == f"GuardedStorage(LocalFileSystemBackend('{tmp_path}'))"


def test_its_description_for_people_holds_no_secret() -> None:
    class Bucket(MemoryStorage):
        def __init__(self) -> None:
            super().__init__()
            self.secret_key = "wJalrXUtnFEMI"

        def __repr__(self) -> str:
            return f"Bucket(backups, {self.secret_key}, https://me:word@example.org)"

    assert GuardedStorage(Bucket()).description == "Bucket(backups, ********, https://********@example.org)"
    assert GuardedStorage(MemoryStorage()).description == "MemoryStorage"
