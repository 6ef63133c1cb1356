"""FsspecBackend without a server: what its check finds, how options are read, what an outage looks like."""

from __future__ import annotations

import os
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.errors import SnapshotNameError, SnapshotStorageError
from django_snapshots.storage import AdvancedSnapshotStorage, FsspecBackend
from django_snapshots.storage.guard import GuardedStorage
from tests.servers.ports import free_port
from tests.storage.servers import require_module

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def packages() -> None:
    for name in ("s3fs", "adlfs", "sshfs"):
        require_module(name, name)


@pytest.fixture
def folder(tmp_path: Path) -> FsspecBackend:
    return FsspecBackend(f"file://{tmp_path}/snapshots")


def put(storage: FsspecBackend, path: str, content: bytes = b"x") -> None:
    storage.stream_write(path, iter([content]))


def test_it_is_of_the_advanced_tier(folder: FsspecBackend) -> None:
    assert isinstance(folder, AdvancedSnapshotStorage)


# What check finds


@pytest.mark.parametrize(
    "url",
    ["s3://bucket/folder", "s3a://bucket", "az://container/x", "sftp://ada@host/srv", "file:///srv/x", "memory://x"],
)
def test_check_finds_nothing_wrong_with_a_good_url(url: str) -> None:
    assert FsspecBackend(url).check() == []


@pytest.mark.parametrize(
    ("url", "message", "hint"),
    [
        ("bucket/folder", "The URL has no protocol.", "Write s3://bucket/folder, gs://bucket/folder,"),
        ("sfpt://host/x", "The protocol 'sfpt' is not supported.", "Did you mean 'sftp'?"),
        ("ftp://host/x", "The protocol 'ftp' is not supported.", "Did you mean 'sftp'?"),
        ("xyzzy://host/x", "The protocol 'xyzzy' is not supported.", "Use one of s3, s3a, gs, gcs, az"),
        ("s3://", "The URL names no bucket, container or host.", "Write s3://bucket/folder"),
        ("s3:///folder", "The URL names no bucket, container or host.", "Write s3://bucket/folder"),
    ],
)
def test_check_says_what_is_wrong_with_a_url(url: str, message: str, hint: str) -> None:
    storage = FsspecBackend(url)
    (problem,) = storage.check()

    assert (problem.id, problem.path, problem.message) == ("snapshots.E002", ("url",), message)
    assert (problem.hint or "").startswith(hint)
    with pytest.raises(SnapshotStorageError, match="Write|mean|Use"):
        storage.list("")


@pytest.mark.parametrize(
    "url",
    ["s3://AKIA:hunter2@bucket/x", "sftp://ada:hunter2@host/x", "az://c/x?sv=1&sig=hunter2", "s3://b/x?token=hunter2"],
)
def test_credentials_in_the_url_are_refused_and_not_repeated(url: str) -> None:
    storage = FsspecBackend(url)
    (problem,) = storage.check()

    assert (problem.id, problem.path) == ("snapshots.E002", ("url",))
    assert problem.message == "The URL holds a password or key, which would be shown wherever the URL is."
    assert problem.hint == "Give it as an option of its own, such as SNAPSHOTS_STORAGE__OPTIONS__SECRET or …__PASSWORD."
    assert "hunter2" not in f"{problem}"


def test_its_repr_shows_no_credentials() -> None:
    assert repr(FsspecBackend("sftp://ada:hunter2@host/x", key="k-1")) == "FsspecBackend('sftp://********@host/x')"


@pytest.mark.parametrize(
    ("url", "module", "package", "extra"),
    [
        ("s3://b/x", "s3fs", "fsspec and s3fs", "s3"),
        ("gs://b/x", "gcsfs", "fsspec and gcsfs", "gcs"),
        ("az://c/x", "adlfs", "fsspec and adlfs", "azure"),
        ("sftp://h/x", "sshfs", "fsspec and sshfs", "sftp"),
        ("memory://x", "fsspec", "fsspec", "fsspec"),
    ],
)
def test_a_missing_package_is_named_with_what_to_install(
    url: str, module: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    storage = FsspecBackend(url)

    (problem,) = storage.check()

    assert (problem.id, problem.path) == ("snapshots.E019", ("url",))
    assert f"needs the package {package}, which cannot be imported" in problem.message
    assert problem.hint == f'pip install "django-snapshots[{extra}]"'
    with pytest.raises(SnapshotStorageError, match="pip install"):
        storage.exists("a")


def test_a_misspelt_option_is_found_although_the_class_would_ignore_it() -> None:
    (problem,) = FsspecBackend("s3://b/x", endpont_url="http://x", key="k").check()

    assert (problem.id, problem.path) == ("snapshots.E003", ("endpont_url",))
    assert problem.hint == "Did you mean 'endpoint_url'?"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("anon", "maybe", "Input should be a valid boolean."),
        ("max_concurrency", "many", "invalid literal for int() with base 10: 'many'"),
        ("client_kwargs", "{'a': 1}", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ],
)
def test_text_that_does_not_fit_an_option_is_a_problem(name: str, text: str, message: str) -> None:
    (problem,) = FsspecBackend("s3://b/x", **{name: text}).check()

    assert (problem.id, problem.path, problem.message) == ("snapshots.E002", (name,), message)


def test_text_from_the_environment_becomes_what_the_option_takes() -> None:
    options = {"anon": "false", "max_concurrency": "3", "client_kwargs": '{"region_name": "x"}', "key": "12345"}
    fs = FsspecBackend("s3://b/x", **options)._opened()

    taken = (fs.anon, fs.max_concurrency, fs.client_kwargs, fs.key)
    assert taken == (False, 3, {"region_name": "x"}, "12345")


@pytest.mark.parametrize(
    ("url", "remote"), [("s3://b", True), ("sftp://h/x", True), ("file:///x", False), ("memory://x", False)]
)
def test_it_says_whether_snapshots_leave_the_host(url: str, remote: bool) -> None:
    assert FsspecBackend(url).is_remote is remote


# Outages


@pytest.mark.parametrize("call", ["list", "exists", "read", "write", "delete"])
def test_a_server_that_is_not_there_is_an_error_of_every_call(call: str) -> None:
    options = {"retries": {"max_attempts": 1}, "connect_timeout": 1}
    guard = GuardedStorage(
        FsspecBackend(
            "s3://bucket/x",
            key="a",
            secret="b",
            endpoint_url=f"http://127.0.0.1:{free_port()}",
            config_kwargs=options,
        )
    )
    guard._storage._opened().retries = 1
    calls: dict[str, Any] = {
        "list": lambda: guard.list(""),
        "exists": lambda: guard.exists("a"),
        "read": lambda: guard.open("a"),
        "write": lambda: guard.store("a", iter([b"x"])),
        "delete": lambda: guard.delete("a"),
    }

    with pytest.raises(SnapshotStorageError, match="FsspecBackend could not") as caught:
        calls[call]()

    assert not caught.value.missing


def test_a_folder_whose_parent_is_missing_is_an_error_and_not_empty(tmp_path: Path) -> None:
    storage = FsspecBackend(f"file://{tmp_path}/disk/snapshots")

    with pytest.raises(SnapshotStorageError, match="Neither .*/disk/snapshots nor the folder above it exists"):
        storage.list("")


def test_a_folder_that_does_not_exist_yet_is_empty(folder: FsspecBackend) -> None:
    assert folder.list("") == []
    assert folder.recursive_list("a") == []
    assert not folder.exists("a/b")


def test_a_folder_that_cannot_be_listed_is_an_error(folder: FsspecBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder, "a/b")
    fs = folder._opened()
    really_list = fs.ls

    def lose_connection(path: str, **options: Any) -> Any:
        if path.endswith("/a"):
            raise OSError("Socket is closed")
        return really_list(path, **options)

    monkeypatch.setattr(fs, "ls", lose_connection)

    with pytest.raises(OSError, match="Socket is closed"):
        folder.list("")


# Leftovers


def leftovers(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "snapshots").iterdir() if path.name.startswith(".")]


def test_leftovers_of_killed_uploads_are_hidden_and_swept_after_a_week(folder: FsspecBackend, tmp_path: Path) -> None:
    put(folder, "a")
    for name, days in {".django-snapshots-old.part": 8, ".django-snapshots-young.part": 6}.items():
        path = tmp_path / "snapshots" / name
        path.write_bytes(b"half")
        os.utime(path, (time.time() - days * 86400,) * 2)

    fresh = FsspecBackend(folder.url)
    assert fresh.list("") == ["a"]
    assert len(leftovers(tmp_path)) == 2
    put(fresh, "b")

    assert leftovers(tmp_path) == [".django-snapshots-young.part"]
    assert fresh.list("") == ["a", "b"]


def test_names_of_unfinished_files_cannot_be_used(folder: FsspecBackend) -> None:
    with pytest.raises(SnapshotNameError, match="names that begin with .django-snapshots- are reserved"):
        put(folder, ".django-snapshots-x.part")


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", ""])
def test_a_path_that_leaves_the_folder_is_refused(folder: FsspecBackend, path: str) -> None:
    for act in (lambda: put(folder, path), lambda: folder.read(path), lambda: folder.delete(path)):
        with pytest.raises(SnapshotNameError):
            act()


def test_empty_folders_are_removed(tmp_path: Path, folder: FsspecBackend) -> None:
    put(folder, "one/database/a")
    put(folder, "two/b")

    folder.delete("one/database/a")
    folder.atomic_move("two/b", "three/b")

    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == ["three"]


def test_two_backends_of_one_memory_url_see_the_same_objects() -> None:
    url = f"memory://{uuid.uuid4().hex}"
    put(FsspecBackend(url), "a", b"content")

    with FsspecBackend(url).read("a") as source:
        assert source.read() == b"content"
