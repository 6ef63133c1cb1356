"""LocalFileSystemBackend: what it refuses, what it keeps private, and what it makes of a location that is not there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.errors import SnapshotNameError, SnapshotStorageError
from django_snapshots.storage import AdvancedSnapshotStorage, LocalFileSystemBackend, _unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def location(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


@pytest.fixture
def storage(location: Path) -> LocalFileSystemBackend:
    return LocalFileSystemBackend(location)


def put(storage: LocalFileSystemBackend, path: str, content: bytes = b"x") -> None:
    storage.stream_write(path, iter([content]))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_of_the_advanced_tier(storage: LocalFileSystemBackend) -> None:
    assert isinstance(storage, AdvancedSnapshotStorage)


# A location that is not there


def test_a_location_that_does_not_exist_yet_holds_nothing(storage: LocalFileSystemBackend, location: Path) -> None:
    storage.delete("a/b")

    assert storage.list("") == []
    assert storage.list("a/") == []
    assert not storage.exists("a/b")
    with pytest.raises(FileNotFoundError, match="does not exist yet"):
        storage.read("a/b")
    assert not location.exists()


def test_the_first_write_makes_the_location(storage: LocalFileSystemBackend, location: Path) -> None:
    put(storage, "a/b")

    assert storage.list("") == ["a/b"]
    assert mode_of(location) == 0o700


def calls(storage: LocalFileSystemBackend) -> dict[str, Callable[[], object]]:
    return {
        "list": lambda: storage.list(""),
        "exists": lambda: storage.exists("a"),
        "read": lambda: storage.read("a"),
        "write": lambda: put(storage, "a"),
        "delete": lambda: storage.delete("a"),
        "recursive_list": lambda: storage.recursive_list("a"),
        "atomic_move": lambda: storage.atomic_move("a", "b"),
    }


@pytest.mark.parametrize("name", ["list", "exists", "read", "write", "delete", "recursive_list", "atomic_move"])
def test_an_unmounted_disk_is_an_error_and_not_an_empty_storage(tmp_path: Path, name: str) -> None:
    mount_point = tmp_path / "disk"
    mount_point.mkdir()
    storage = LocalFileSystemBackend(mount_point / "site" / "snapshots")

    with pytest.raises(SnapshotStorageError) as caught:
        calls(storage)[name]()

    assert str(caught.value) == (
        f"Neither {mount_point}/site/snapshots nor the folder above it exists. If it is on a disk, mount the disk; "
        f"otherwise create {mount_point}/site."
    )
    assert list(mount_point.iterdir()) == []


@pytest.mark.parametrize("name", ["list", "write"])
def test_a_location_that_is_a_link_to_nowhere_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "snapshots")
    storage = LocalFileSystemBackend(tmp_path / "link")

    with pytest.raises(SnapshotStorageError, match="is a symbolic link to .*/disk/snapshots, which does not exist"):
        calls(storage)[name]()


def test_a_location_that_is_a_file_is_an_error(location: Path, storage: LocalFileSystemBackend) -> None:
    location.write_bytes(b"a file")

    with pytest.raises(NotADirectoryError):
        storage.list("")
    with pytest.raises(NotADirectoryError):
        put(storage, "a")


def test_a_location_reached_through_a_link_works(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    storage = LocalFileSystemBackend(str(tmp_path / "link"))

    put(storage, "a/b")

    assert (tmp_path / "real" / "a" / "b").read_bytes() == b"x"
    assert storage.list("") == ["a/b"]


def test_a_folder_that_cannot_be_read_is_an_error_and_not_left_out(
    storage: LocalFileSystemBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(storage, "a/b")
    put(storage, "lost/c")
    refuse_to_open("lost", monkeypatch)

    with pytest.raises(SnapshotStorageError, match="lost cannot be read: Permission denied"):
        storage.list("")


def test_the_lost_and_found_folder_of_a_disk_is_no_error(
    storage: LocalFileSystemBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(storage, "a/b")
    put(storage, "lost+found/c")
    refuse_to_open("lost+found", monkeypatch)

    assert storage.list("") == ["a/b"]


def refuse_to_open(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `os.open` refuse a folder as the kernel does to anybody but root, which tests often are."""
    really_open = os.open

    def refusing(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == name:
            raise PermissionError(13, "Permission denied", name)
        return really_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)


# Options


@pytest.mark.parametrize("location", ["/var/backups/snapshots", Path("/x")])
def test_check_finds_nothing_wrong_with_an_absolute_location(location: str | Path) -> None:
    assert LocalFileSystemBackend(location).check() == []


def test_check_warns_of_a_relative_location() -> None:
    (problem,) = LocalFileSystemBackend("backups/snapshots").check()

    assert (problem.id, problem.path) == ("snapshots.W002", ("location",))
    assert problem.message == "'backups/snapshots' is relative: it means another folder in every working directory."
    assert problem.hint == "Write an absolute path, or BASE_DIR / the path."


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("~/snapshots", "'~/snapshots' begins with ~, which is not expanded here."),
        ("~nobody-knows/x", "'~nobody-knows/x' begins with ~, which is not expanded here."),
        ("", "The location is empty."),
        ("/a\0b", "The location holds a NUL character."),
        (
            "/srv/.django-snapshots-a",
            (
                "The folder is called '.django-snapshots-a': names that begin with .django-snapshots- are those of "
                "temporary folders."
            ),
        ),
    ],
)
def test_a_location_that_means_nothing_is_found_by_check_and_refused(
    location: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = LocalFileSystemBackend(location)
    (problem,) = storage.check()

    assert (problem.id, problem.path, problem.message) == ("snapshots.E002", ("location",), message)
    with pytest.raises(SnapshotStorageError, match="Write "):
        put(storage, "a")
    assert list(tmp_path.iterdir()) == []


def test_the_hint_for_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")

    (problem,) = LocalFileSystemBackend("~/snapshots-of-ada").check()

    assert problem.hint == "Write '/home/ada/snapshots-of-ada'."


# Paths that leave the location

ESCAPES = ["../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a/.", "", "a/", "a\0b", "a\\b", "\udcff"]


@pytest.mark.parametrize("path", ESCAPES)
@pytest.mark.parametrize("name", ["read", "write", "exists", "delete", "move from", "move to", "stream_read"])
def test_a_path_that_is_no_plain_relative_path_is_refused(
    storage: LocalFileSystemBackend, tmp_path: Path, path: str, name: str
) -> None:
    put(storage, "inside")
    (tmp_path / "x").write_bytes(b"outside")
    acts: dict[str, Callable[[], object]] = {
        "read": lambda: storage.read(path),
        "stream_read": lambda: list(storage.stream_read(path)),
        "write": lambda: put(storage, path),
        "exists": lambda: storage.exists(path),
        "delete": lambda: storage.delete(path),
        "move from": lambda: storage.atomic_move(path, "b"),
        "move to": lambda: storage.atomic_move("inside", path),
    }

    with pytest.raises(SnapshotNameError) as caught:
        acts[name]()

    assert caught.value.name == path
    assert storage.list("") == ["inside"]
    assert (tmp_path / "x").read_bytes() == b"outside"


@pytest.mark.parametrize("prefix", ["../", "/", "a/../", "/etc/"])
def test_list_refuses_a_prefix_that_leaves_the_location(storage: LocalFileSystemBackend, prefix: str) -> None:
    put(storage, "a")

    with pytest.raises(SnapshotNameError):
        storage.list(prefix)


@pytest.fixture
def outside(tmp_path: Path, location: Path) -> Iterator[Path]:
    """A folder outside, with `planted` inside leading to it and `file` to a file in it; nothing may happen to it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "manifest.json").write_bytes(b"outside")
    location.mkdir()
    (location / "planted").symlink_to(folder)
    (location / "file").symlink_to(folder / "manifest.json")
    yield folder
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("manifest.json", b"outside")]


@pytest.mark.usefixtures("outside")
def test_a_folder_that_is_a_link_is_never_followed(storage: LocalFileSystemBackend) -> None:
    put(storage, "inside")
    for act in (
        lambda: storage.read("planted/manifest.json"),
        lambda: storage.exists("planted/manifest.json"),
        lambda: put(storage, "planted/manifest.json"),
        lambda: put(storage, "planted/deeper/new"),
        lambda: storage.delete("planted/manifest.json"),
        lambda: storage.atomic_move("planted/manifest.json", "stolen"),
        lambda: storage.atomic_move("inside", "planted/new"),
        lambda: storage.list("planted/"),
    ):
        with pytest.raises(SnapshotStorageError, match="'planted' is a symbolic link to .*never followed"):
            act()


@pytest.mark.usefixtures("outside")
def test_a_file_that_is_a_link_is_not_read(storage: LocalFileSystemBackend) -> None:
    with pytest.raises(SnapshotStorageError, match="'file' is a symbolic link to .*/manifest.json"):
        storage.read("file")


@pytest.mark.usefixtures("outside")
def test_links_are_listed_so_that_nobody_overlooks_them(storage: LocalFileSystemBackend) -> None:
    assert storage.list("") == ["file", "planted"]


@pytest.mark.usefixtures("outside")
def test_writing_and_deleting_a_link_touches_the_link_alone(storage: LocalFileSystemBackend, location: Path) -> None:
    put(storage, "file", b"new")
    storage.delete("planted")

    assert not (location / "file").is_symlink()
    assert (location / "file").read_bytes() == b"new"
    assert storage.list("") == ["file"]


def test_a_pipe_in_the_location_does_not_hang_a_reader(storage: LocalFileSystemBackend, location: Path) -> None:
    location.mkdir()
    os.mkfifo(location / "pipe")

    with pytest.raises(SnapshotStorageError, match="'pipe' is neither a file nor a folder"):
        storage.read("pipe")


# Folders


@pytest.mark.parametrize("path", ["folder", "folder/inner", "folder/inner/file/below"])
def test_a_folder_is_no_object_and_a_file_no_folder(storage: LocalFileSystemBackend, path: str) -> None:
    put(storage, "folder/inner/file")

    storage.delete(path)

    assert not storage.exists(path)
    assert storage.list(f"{path}/") == ([] if "file" in path else ["folder/inner/file"])
    with pytest.raises(FileNotFoundError):
        storage.read(path)
    with pytest.raises(FileNotFoundError):
        storage.atomic_move(path, "elsewhere")


def test_writing_below_a_file_or_over_a_folder_is_an_error_and_keeps_both(storage: LocalFileSystemBackend) -> None:
    put(storage, "a/file", b"kept")

    with pytest.raises(NotADirectoryError):
        put(storage, "a/file/below")
    with pytest.raises(IsADirectoryError):
        put(storage, "a")

    assert [b"".join(storage.stream_read(path)) for path in storage.list("")] == [b"kept"]


def test_deleting_removes_the_folders_that_became_empty_and_no_others(
    storage: LocalFileSystemBackend, location: Path
) -> None:
    put(storage, "one/database/a")
    put(storage, "one/database/b")
    put(storage, "two/media")

    storage.delete("one/database/a")
    assert (location / "one" / "database").is_dir()
    storage.delete("one/database/b")
    storage.delete("two/media")

    assert list(location.iterdir()) == []


def test_many_that_cannot_all_be_deleted_are_an_error_with_the_path(
    storage: LocalFileSystemBackend, location: Path
) -> None:
    put(storage, "one/a")
    put(storage, "two/media")
    too_long = "two/" + "x" * 300

    with pytest.raises(OSError, match="File name too long") as caught:
        storage.delete_many(["one/a", too_long, "two/media"])

    assert caught.value.filename == too_long
    storage.delete_many(["one/a", "two/media"])
    assert list(location.iterdir()) == []


def test_a_move_removes_the_folders_that_became_empty(storage: LocalFileSystemBackend, location: Path) -> None:
    put(storage, "one/database/a")

    storage.atomic_move("one/database/a", "two/a")

    assert [path.name for path in location.iterdir()] == ["two"]


# Permissions


def test_files_and_folders_are_private(storage: LocalFileSystemBackend, location: Path) -> None:
    old = os.umask(0)
    try:
        put(storage, "a/b/c")
    finally:
        os.umask(old)

    assert mode_of(location / "a" / "b" / "c") == 0o600
    assert [mode_of(path) for path in (location, location / "a", location / "a" / "b")] == [0o700] * 3


@pytest.mark.parametrize(("file_mode", "directory_mode"), [("0640", "0750"), (0o640, 0o750), ("640", "0o750")])
def test_permissions_can_be_chosen_as_octal_text_or_as_a_number(
    location: Path, file_mode: int | str, directory_mode: int | str
) -> None:
    storage = LocalFileSystemBackend(location, file_mode, directory_mode)

    put(storage, "a/b")
    put(storage, "c")
    storage.atomic_move("c", "d/c")

    assert storage.check() == []
    assert [mode_of(location / path) for path in ("a/b", "d/c")] == [0o640] * 2
    assert [mode_of(path) for path in (location, location / "a", location / "d")] == [0o750] * 3


@pytest.mark.parametrize(
    ("option", "value", "message", "hint"),
    [
        ("file_mode", 640, "640 means the permissions 1200, which do not exist.", 'Write "0640" or 0o640.'),
        ("file_mode", "rw-r-----", "'rw-r-----' is no octal number.", 'Write "0640" or 0o640.'),
        ("file_mode", "0690", "'0690' is no octal number.", 'Write "0640" or 0o640.'),
        ("file_mode", -1, "-1 means the permissions -001, which do not exist.", 'Write "0640" or 0o640.'),
        ("file_mode", "0440", "0440 keeps out the user that writes the snapshots.", 'Write "0640" or 0o640.'),
        ("directory_mode", "0600", "0600 keeps out the user that writes the snapshots.", 'Write "0750" or 0o750.'),
        ("directory_mode", 755, "755 means the permissions 1363, which do not exist.", 'Write "0750" or 0o750.'),
    ],
)
def test_permissions_that_mean_something_else_are_found_by_check_and_refused(
    location: Path, option: str, value: Any, message: str, hint: str
) -> None:
    storage = LocalFileSystemBackend(location, **{option: value})
    (problem,) = storage.check()

    assert (problem.id, problem.path, problem.message, problem.hint) == ("snapshots.E002", (option,), message, hint)
    with pytest.raises(SnapshotStorageError, match="Write"):
        put(storage, "a")
    assert not location.exists()


def test_a_narrow_umask_does_not_lock_us_out(storage: LocalFileSystemBackend, location: Path) -> None:
    old = os.umask(0o777)
    try:
        put(storage, "a/b")
    finally:
        os.umask(old)

    assert mode_of(location / "a" / "b") == 0o600
    assert mode_of(location / "a") == 0o700


def test_the_permissions_of_a_location_that_exists_are_left_alone(
    storage: LocalFileSystemBackend, location: Path
) -> None:
    location.mkdir(mode=0o750)

    put(storage, "a")

    assert mode_of(location) == 0o750


# Streams


def test_what_is_read_can_seek_and_is_closed_by_with(storage: LocalFileSystemBackend) -> None:
    put(storage, "a", b"0123456789")

    with storage.read("a") as source:
        source.seek(5)
        assert source.read(2) == b"56"

    assert source.closed


def open_descriptors() -> int:
    """Return how many are open; those of connections, which other tests leave to the collector, do not count."""
    links = [descriptor for descriptor in Path("/proc/self/fd").iterdir() if descriptor.is_symlink()]
    return sum(not os.path.realpath(link).rpartition("/")[2].startswith("socket:") for link in links)


def test_no_descriptor_is_left_open(storage: LocalFileSystemBackend) -> None:
    put(storage, "a/b")
    before = open_descriptors()

    for _ in range(3):
        put(storage, "a/c")
        storage.read("a/b").close()
        next(storage.stream_read("a/b"))
        storage.list("")
        storage.exists("a/x/y")
        storage.atomic_move("a/c", "d/c")
        storage.delete("d/c")
        for path in ("../x", "a/b/c/d"):
            with pytest.raises((SnapshotNameError, NotADirectoryError)):
                put(storage, path)

    assert open_descriptors() == before


def test_a_full_disk_keeps_the_object_that_was_to_be_replaced(
    storage: LocalFileSystemBackend, location: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("This system has no /dev/full.")
    put(storage, "a", b"first")
    full = os.open("/dev/full", os.O_WRONLY)
    really_write = os.write
    monkeypatch.setattr(os, "write", lambda _descriptor, data: really_write(full, data))

    with pytest.raises(OSError, match="No space left on device"):
        put(storage, "a", b"second")

    os.close(full)
    assert [path.name for path in location.iterdir()] == ["a"]
    assert (location / "a").read_bytes() == b"first"


def test_a_failed_flush_is_not_forgotten_by_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_disk(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    # A disk that fails is told to one flush only (fsync(2)); what fails here is real but for the failure.
    monkeypatch.setattr(_unfinished, "_flush", broken_disk)
    storage = LocalFileSystemBackend(tmp_path / "snapshots")

    with pytest.raises(OSError, match="Input/output error"):
        storage.stream_write("a/object", iter([bytes(1024 * 1024)] * 40))

    assert storage.list("") == []
    assert list((tmp_path / "snapshots").rglob("*.part")) == []
