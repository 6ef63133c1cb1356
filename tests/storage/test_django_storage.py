"""DjangoStorageBackend: exact names on storages that rename, spooling, odd listings, and how it is configured."""

from __future__ import annotations

import io
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage, storages
from django.test import override_settings

from django_snapshots.errors import SnapshotNameError, SnapshotSpaceError, SnapshotStorageError
from django_snapshots.storage import AdvancedSnapshotStorage, DjangoStorageBackend, SnapshotStorage
from django_snapshots.storage.guard import GuardedStorage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 1024 * 1024
MEMORY = {"BACKEND": "django.core.files.storage.InMemoryStorage"}


def put(backend: DjangoStorageBackend, path: str, content: bytes = b"x") -> None:
    backend.write(path, io.BytesIO(content))


def get(backend: DjangoStorageBackend, path: str) -> bytes:
    with backend.read(path) as source:
        return b"".join(iter(lambda: source.read(1000), b""))


def test_it_is_of_the_basic_tier_only() -> None:
    backend = DjangoStorageBackend(InMemoryStorage())

    assert isinstance(backend, SnapshotStorage)
    assert not isinstance(backend, AdvancedSnapshotStorage)


# How it is configured


@override_settings(STORAGES={"default": MEMORY, "backups": MEMORY})
def test_an_alias_is_the_storage_that_django_gives_for_it() -> None:
    backend = DjangoStorageBackend("backups")

    put(backend, "a/b", b"content")

    assert backend.check() == []
    with storages["backups"].open("a/b") as file:
        assert file.read() == b"content"


def test_an_alias_is_looked_up_at_first_use_and_not_before() -> None:
    backend = DjangoStorageBackend("later")

    with override_settings(STORAGES={"default": MEMORY, "later": MEMORY}):
        assert backend.list("") == []


def test_a_dict_is_built_like_any_backend(tmp_path: Path) -> None:
    options = {"location": str(tmp_path / "x")}
    backend = DjangoStorageBackend({"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options})

    put(backend, "a/b", b"content")

    assert backend.check() == []
    assert (tmp_path / "x" / "a" / "b").read_bytes() == b"content"


@override_settings(STORAGES={"default": MEMORY, "snapshots": MEMORY})
@pytest.mark.parametrize(
    ("alias", "hint"),
    [("snapshot", "Did you mean 'snapshots'?"), ("zzz", "STORAGES has default, snapshots.")],
)
def test_an_unknown_alias_is_a_problem_and_an_error(alias: str, hint: str) -> None:
    backend = DjangoStorageBackend(alias)
    (problem,) = backend.check()

    assert (problem.id, problem.path) == ("snapshots.E002", ("storage",))
    assert (problem.message, problem.hint) == (f"STORAGES has no '{alias}'.", hint)
    with pytest.raises(SnapshotStorageError) as caught:
        backend.list("")
    assert str(caught.value) == f"STORAGES has no '{alias}'. {hint}"


class Picky(InMemoryStorage):
    """A storage whose constructor raises, with a secret in the text."""

    def __init__(self, secret_key: str) -> None:
        raise ValueError(f"{secret_key} is no key")


def test_a_constructor_that_raises_is_a_problem_without_the_secret() -> None:
    spec = {"BACKEND": f"{__name__}.Picky", "OPTIONS": {"secret_key": "hunter2-key"}}
    with override_settings(STORAGES={"default": MEMORY, "picky": spec}):
        (by_alias,) = DjangoStorageBackend("picky").check()
    (by_dict,) = DjangoStorageBackend(spec).check()

    assert (by_alias.id, by_alias.path) == ("snapshots.E011", ("storage",))
    assert by_alias.message == "STORAGES['picky'] cannot be built: ValueError: ******** is no key"
    assert (by_dict.id, by_dict.path) == ("snapshots.E011", ("storage",))
    assert "hunter2" not in by_dict.message


def test_mistakes_in_a_dict_are_reported_at_their_place() -> None:
    spec = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"locatoin": "/x"}}

    (problem,) = DjangoStorageBackend(spec).check()

    assert (problem.id, problem.path) == ("snapshots.E003", ("storage", "OPTIONS", "locatoin"))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (3, "an object of int"),
        (None, "an object of NoneType"),
        (FileSystemStorage, "the class FileSystemStorage itself"),
        ({"BACKEND": "pathlib.PurePosixPath"}, "an object of PurePosixPath"),
    ],
)
def test_something_that_is_no_django_storage_is_a_problem_and_an_error(value: Any, found: str) -> None:
    backend = DjangoStorageBackend(value)
    (problem,) = backend.check()

    assert (problem.id, problem.path) == ("snapshots.E002", ("storage",))
    assert problem.message == f"Expected a Django storage, found {found}."
    with pytest.raises(SnapshotStorageError, match="Expected a Django storage"):
        backend.exists("a")


def test_its_repr_shows_no_options() -> None:
    assert repr(DjangoStorageBackend("backups")) == "DjangoStorageBackend('backups')"
    assert repr(DjangoStorageBackend({"OPTIONS": {"secret_key": "x"}})) == "DjangoStorageBackend(<dict>)"
    assert repr(DjangoStorageBackend(InMemoryStorage())) == "DjangoStorageBackend(<InMemoryStorage>)"


# Exact names

STORAGE_KINDS: dict[str, Callable[[Path], Storage]] = {
    "renames": FileSystemStorage,
    "overwrites": lambda location: FileSystemStorage(location, allow_overwrite=True),
    "memory": lambda _location: InMemoryStorage(),
}


@pytest.mark.parametrize("kind", STORAGE_KINDS)
def test_it_overwrites_under_exactly_the_same_name(kind: str, tmp_path: Path) -> None:
    backend = DjangoStorageBackend(STORAGE_KINDS[kind](tmp_path / "x"))

    for content in (b"a long first content", b"second", b""):
        put(backend, "n/manifest.json", content)
        assert get(backend, "n/manifest.json") == content

    assert backend.list("") == ["n/manifest.json"]


def test_a_file_system_storage_shows_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    seen: list[bytes] = []

    class Watching(FileSystemStorage):
        def _save(self, name: str, content: File[bytes]) -> str:
            saved = super()._save(name, content)  # type: ignore[misc]
            seen.append((tmp_path / "a").read_bytes())
            return str(saved)

    backend = DjangoStorageBackend(Watching(tmp_path))
    (tmp_path / "a").write_bytes(b"old")

    put(backend, "a", b"new")

    assert seen == [b"old"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_file_system_storage_that_fails_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    class Full(FileSystemStorage):
        def _save(self, name: str, content: File[bytes]) -> str:
            super()._save(name, ContentFile(content.read(2)))  # type: ignore[misc]
            raise OSError(28, "No space left on device")

    (tmp_path / "a").write_bytes(b"old")

    with pytest.raises(OSError, match="No space left"):
        put(DjangoStorageBackend(Full(tmp_path)), "a", b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


class ObjectStore(Storage):
    """As an object store: flat keys, overwrites in one step or renames, `put` can be made to fail."""

    def __init__(self, *, file_overwrite: bool) -> None:
        self.objects: dict[str, bytes] = {}
        self.file_overwrite = file_overwrite
        self.before_put: Callable[[str], None] = lambda name: None
        self.calls: list[str] = []

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name if self.file_overwrite else super().get_available_name(name, max_length)

    def _save(self, name: str, content: File[bytes]) -> str:
        self.before_put(name)
        data = content.read()
        content.close()
        if name in self.objects and not self.file_overwrite:
            name = self.get_available_name(name)
        self.calls.append(f"put {name}")
        self.objects[name] = data
        return name

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        return ContentFile(self.objects[name])

    def exists(self, name: str) -> bool:
        return name in self.objects

    def delete(self, name: str) -> None:
        self.calls.append(f"delete {name}")
        del self.objects[name]


def test_a_storage_that_overwrites_by_itself_is_left_to_do_so() -> None:
    store = ObjectStore(file_overwrite=True)
    backend = DjangoStorageBackend(store)

    put(backend, "a", b"old")
    put(backend, "a", b"new")

    assert store.objects == {"a": b"new"}
    assert store.calls == ["put a", "put a"]


def test_a_storage_that_overwrites_by_itself_and_fails_keeps_the_old_object() -> None:
    store = ObjectStore(file_overwrite=True)
    backend = DjangoStorageBackend(store)
    put(backend, "a", b"old")
    store.before_put = fail

    with pytest.raises(ConnectionError):
        put(backend, "a", b"new")

    assert store.objects == {"a": b"old"}


def fail(_name: str) -> None:
    raise ConnectionError("gone")


def test_half_an_object_of_a_failed_first_write_is_removed() -> None:
    store = ObjectStore(file_overwrite=True)

    def fail_half_way(name: str) -> None:
        store.objects[name] = b"half"
        raise ConnectionError("gone")

    store.before_put = fail_half_way

    with pytest.raises(ConnectionError):
        put(DjangoStorageBackend(store), "a", b"whole")

    assert store.objects == {}


def test_a_name_taken_by_another_process_in_between_is_still_overwritten() -> None:
    store = ObjectStore(file_overwrite=False)
    intruders = [b"theirs"]

    def intrude(name: str) -> None:
        if intruders:
            store.objects[name] = intruders.pop()

    store.before_put = intrude

    put(DjangoStorageBackend(store), "a", b"ours")

    assert store.objects == {"a": b"ours"}


def test_a_storage_that_insists_on_other_names_is_an_error_and_keeps_nothing() -> None:
    class Hashing(ObjectStore):
        def _save(self, name: str, content: File[bytes]) -> str:
            return super()._save("f3a9", content)

    store = Hashing(file_overwrite=False)

    with pytest.raises(SnapshotStorageError) as caught:
        put(DjangoStorageBackend(store), "a")

    assert str(caught.value) == (
        "Hashing stored 'a' under another name, 'f3a9', which was removed again. "
        "Use a storage that keeps the names it is given."
    )
    assert store.objects == {}


def test_deleting_on_a_storage_that_raises_for_missing_objects_is_no_error() -> None:
    class Strict(ObjectStore):
        def delete(self, name: str) -> None:
            raise FileNotFoundError(name)

    DjangoStorageBackend(Strict(file_overwrite=True)).delete("a")


def test_deleting_in_a_file_system_storage_removes_empty_folders(tmp_path: Path) -> None:
    backend = DjangoStorageBackend(FileSystemStorage(tmp_path))
    put(backend, "one/database/a")
    put(backend, "one/b")

    backend.delete("one/database/a")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["b"]
    backend.delete("one/b")

    assert list(tmp_path.iterdir()) == []


# Spooling


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


class Pieces(io.RawIOBase):
    """Gives its pieces one by one, as a pipe does, and notes what is in the spool folder at its end."""

    def __init__(self, pieces: list[bytes], spool: Path) -> None:
        super().__init__()
        self.pieces = pieces
        self.spool = spool
        self.spooled: list[int] = []

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        if self.pieces:
            piece = self.pieces.pop(0)
            if piece[size:]:
                self.pieces.insert(0, piece[size:])
            return piece[:size]
        self.spooled = [path.stat().st_size for path in self.spool.glob("*/object")]
        return b""


def test_a_large_object_waits_on_disk_and_the_spool_is_removed(spool: Path) -> None:
    backend = DjangoStorageBackend(InMemoryStorage())
    pieces = [b"a" * 700_000, b"b" * MIB, b"c" * 5]
    content = Pieces(list(pieces), spool)

    backend.write("a", content)  # type: ignore[arg-type]

    assert get(backend, "a") == b"".join(pieces)
    assert content.spooled == [pytest.approx(sum(map(len, pieces)), abs=8192)]  # the rest is in its buffer
    assert list(spool.iterdir()) == []


def test_a_small_object_needs_no_spool(spool: Path) -> None:
    spool.rmdir()
    backend = DjangoStorageBackend(InMemoryStorage())

    put(backend, "a", b"x" * (MIB - 1))

    assert backend.size("a") == MIB - 1


def test_the_spool_is_removed_when_the_source_or_the_storage_fails(spool: Path) -> None:
    store = ObjectStore(file_overwrite=True)

    class Failing(Pieces):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size) or fail("source")  # type: ignore[func-returns-value, return-value]

    with pytest.raises(ConnectionError):
        DjangoStorageBackend(store).write("a", Failing([b"x" * MIB, b"y"], spool))  # type: ignore[arg-type]
    store.before_put = fail
    with pytest.raises(ConnectionError):
        put(DjangoStorageBackend(store), "a", b"x" * 2 * MIB)

    assert list(spool.iterdir()) == []
    assert store.objects == {}


def test_too_little_space_for_the_spool_is_said_before_the_disk_is_full(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([3 * MIB, 2 * MIB, MIB // 2])
    usage = type("Usage", (), {"free": property(lambda _self: next(free))})
    monkeypatch.setattr(shutil, "disk_usage", lambda _location: usage())
    store = ObjectStore(file_overwrite=True)

    with pytest.raises(SnapshotSpaceError, match="Spooling an object for its storage needs 1.0 MiB"):
        put(DjangoStorageBackend(store), "a", b"x" * 4 * MIB)

    assert store.objects == {}
    assert list(spool.iterdir()) == []


# Listing


class Listing(Storage):
    """Answers `listdir` from a table, in whatever manner a library has."""

    def __init__(self, table: dict[str, tuple[list[str], list[str]]]) -> None:
        self.table = table

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        if path not in self.table:
            raise FileNotFoundError(path)
        return self.table[path]


@pytest.mark.parametrize(
    "table",
    [
        {"": (["n", "n-1"], ["top"]), "n": (["db"], ["m"]), "n/db": ([], ["a"]), "n-1": ([], ["m"])},
        {"": (["n/", "n-1/"], ["top"]), "n": (["db/"], ["", "m"]), "n/db": ([], ["", "a"]), "n-1": ([""], ["m"])},
        {"": (["/n", "n-1", "."], ["/top"]), "n": (["n/db"], ["n/m"]), "n/db": ([], ["n/db/a"]), "n-1": ([], ["m"])},
    ],
    ids=["names", "slashes and placeholders", "full paths"],
)
def test_listings_of_every_manner_are_understood(table: dict[str, tuple[list[str], list[str]]]) -> None:
    backend = DjangoStorageBackend(Listing(table))

    assert backend.list("") == ["n-1/m", "n/db/a", "n/m", "top"]
    assert backend.list("n") == ["n-1/m", "n/db/a", "n/m"]
    assert backend.list("n/") == ["n/db/a", "n/m"]
    assert backend.list("n/d") == ["n/db/a"]
    assert backend.list("none/") == []


def test_a_listing_of_whole_names_is_an_error_and_not_a_wrong_answer() -> None:
    backend = DjangoStorageBackend(Listing({"": ([], ["site/n/m"])}))

    with pytest.raises(SnapshotStorageError) as caught:
        backend.list("")

    assert str(caught.value) == (
        "listdir returned 'site/n/m', expected the names in the folder '' alone. "
        "Write a storage class of your own around this one, with a list method that suits it."
    )


def test_only_folders_that_can_hold_the_prefix_are_listed() -> None:
    backend = DjangoStorageBackend(Listing({"": (["other", "n"], []), "n": ([], ["m"])}))

    assert backend.list("n") == ["n/m"]


def test_an_outage_while_listing_is_an_error() -> None:
    class Down(Storage):
        def listdir(self, path: str) -> tuple[list[str], list[str]]:
            raise ConnectionError("gone")

    with pytest.raises(SnapshotStorageError, match="could not list: ConnectionError: gone.") as caught:
        GuardedStorage(DjangoStorageBackend(Down())).list("")

    assert isinstance(caught.value.__cause__, ConnectionError)


def test_a_storage_that_cannot_list_is_an_error() -> None:
    with pytest.raises(SnapshotStorageError, match="could not list"):
        GuardedStorage(DjangoStorageBackend(Storage())).list("")


def test_list_refuses_a_prefix_that_leaves_the_storage(tmp_path: Path) -> None:
    with pytest.raises(SnapshotNameError):
        DjangoStorageBackend(FileSystemStorage(tmp_path)).list("../")


@pytest.mark.parametrize("prefix", ["", "a/"])
def test_a_file_system_storage_on_an_unmounted_disk_is_an_error(tmp_path: Path, prefix: str) -> None:
    backend = DjangoStorageBackend(FileSystemStorage(tmp_path / "disk" / "snapshots"))

    with pytest.raises(SnapshotStorageError) as caught:
        backend.list(prefix)

    assert str(caught.value) == (
        f"Neither {tmp_path}/disk/snapshots nor the folder above it exists. If it is on a disk, mount the disk; "
        f"otherwise create {tmp_path}/disk."
    )


def test_a_file_system_storage_whose_location_is_a_link_to_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("snapshots")
    backend = DjangoStorageBackend(FileSystemStorage(tmp_path / "link"))

    with pytest.raises(SnapshotStorageError, match="is a symbolic link to snapshots, which does not exist"):
        backend.list("")


def test_a_file_system_storage_that_nothing_was_written_to_is_empty(tmp_path: Path) -> None:
    assert DjangoStorageBackend(FileSystemStorage(tmp_path / "snapshots")).list("") == []


def test_the_object_of_a_missing_path_is_missing(tmp_path: Path) -> None:
    guard = GuardedStorage(DjangoStorageBackend(FileSystemStorage(tmp_path)))

    with pytest.raises(SnapshotStorageError) as caught:
        guard.open("a/b")

    assert caught.value.missing
