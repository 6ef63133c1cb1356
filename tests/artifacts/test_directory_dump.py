"""What a folder becomes when it is backed up: what is kept, what is left out and said, what happens meanwhile."""

from __future__ import annotations

import io
import json
import os
import resource
import socket
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest

from django_snapshots.artifacts import DirectoryArtifact
from django_snapshots.errors import SnapshotArtifactError
from django_snapshots.scratch import ScratchDirectory
from tests.artifacts.folders import CallingSink, as_nobody, dumped, grow_tree, leftovers, open_folder, restored
from tests.trees import tree_digest, tree_lines


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    return folder


def names_in(tar: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return archive.getnames()


def content_in(tar: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        file = archive.extractfile(name)
        assert file is not None
        return file.read()


def dumped_while(media: Path, change: Any) -> tuple[bytes, dict[str, Any]]:
    """Dump with a change after the folder was listed: the first file fills the first chunk."""
    (media / "aaa").write_bytes(b"a" * 1_100_000)
    sink = CallingSink(change)
    facts = DirectoryArtifact(media).dump(sink)
    return sink.getvalue(), dict(facts)


def test_everything_that_is_kept_comes_back_equal(tmp_path: Path) -> None:
    media = grow_tree(tmp_path / "media")
    before = tree_lines(media)

    tar, facts = dumped(media)
    restored(tmp_path / "other", tar, facts)

    assert tree_lines(tmp_path / "other") == before


def test_facts_count_files_and_bytes_and_are_json(tmp_path: Path) -> None:
    media = grow_tree(tmp_path / "media")
    media.chmod(0o2770)

    _, facts = dumped(media)

    found = [path.lstat() for path in media.rglob("*") if not path.is_symlink()]
    regular = [status for status in found if stat.S_ISREG(status.st_mode)]
    assert facts["files"] == len(regular)
    assert facts["size_bytes"] == sum({status.st_ino: status.st_size for status in regular}.values())
    assert facts["mode"] == "2770"
    assert facts["notes"] == []
    assert "problems" not in facts
    assert json.loads(json.dumps(facts)) == facts


def test_names_are_relative_to_the_folder_without_a_folder_of_their_own(media: Path) -> None:
    (media / "b/c").mkdir(parents=True)
    (media / "b/c/d.txt").write_text("d")
    (media / "a.txt").write_text("a")

    tar, _ = dumped(media)

    assert names_in(tar) == ["a.txt", "b", "b/c", "b/c/d.txt"]


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    media = grow_tree(tmp_path / "media")

    assert dumped(media) == dumped(media)


def test_sockets_and_fifos_are_left_out_and_noted(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(media)
    os.mkfifo(media / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("talk")
        tar, facts = dumped(media)

    assert names_in(tar) == []
    assert facts["notes"] == ["pipe is a FIFO and was left out", "talk is a socket and was left out"]
    assert "problems" not in facts


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make devices")
def test_devices_are_left_out_and_noted(media: Path) -> None:
    os.mknod(media / "null", 0o20666, os.makedev(1, 3))

    tar, facts = dumped(media)

    assert names_in(tar) == []
    assert facts["notes"] == ["null is a device and was left out"]


def test_notes_stop_at_a_hundred_and_count_the_rest(media: Path) -> None:
    for number in range(130):
        os.mkfifo(media / f"{number:03}")

    _, facts = dumped(media)

    assert len(facts["notes"]) == 101
    assert facts["notes"][-1] == "and 30 more"


def test_names_in_notes_can_be_printed_and_stored(media: Path) -> None:
    os.mkfifo(os.path.join(os.fsencode(media), b"caf\xe9\x1b[31m\n"))  # noqa: PTH118 - bytes

    _, facts = dumped(media)

    assert facts["notes"] == [r"caf\xe9\x1b[31m\n is a FIFO and was left out"]
    assert json.dumps(facts, ensure_ascii=False).encode()


def test_a_file_that_vanishes_meanwhile_is_left_out_and_noted(media: Path) -> None:
    (media / "gone").write_text("soon")
    (media / "link").symlink_to("gone")

    def vanish() -> None:
        (media / "gone").unlink()
        (media / "link").unlink()

    tar, facts = dumped_while(media, vanish)

    assert names_in(tar) == ["aaa"]
    assert facts["notes"] == [
        "gone vanished while the folder was read and was left out",
        "link vanished while the folder was read and was left out",
    ]
    assert "problems" not in facts
    assert facts["files"] == 1


def test_a_folder_that_vanishes_meanwhile_is_left_out_and_noted(media: Path) -> None:
    (media / "folder").mkdir()

    tar, facts = dumped_while(media, (media / "folder").rmdir)

    assert names_in(tar) == ["aaa"]
    assert facts["notes"] == ["folder vanished while the folder was read and was left out"]


def test_a_file_that_grows_meanwhile_is_stored_as_long_as_it_was(media: Path) -> None:
    log = media / "log"
    log.write_bytes(b"x" * 3_000_000)

    def grow() -> None:
        with log.open("ab") as file:
            file.write(b"y" * 5000)

    sink = CallingSink(grow)
    facts = DirectoryArtifact(media).dump(sink)

    assert content_in(sink.getvalue(), "log") == b"x" * 3_000_000
    assert facts["notes"] == ["log grew while it was read; its first 3000000 bytes were stored"]
    assert "problems" not in facts


def test_a_file_that_shrinks_meanwhile_is_filled_with_zeros_and_is_a_problem(media: Path) -> None:
    film = media / "film"
    film.write_bytes(b"x" * 3_000_000)
    sink = CallingSink(lambda: os.truncate(film, 2_000_000))

    facts = DirectoryArtifact(media).dump(sink)

    assert content_in(sink.getvalue(), "film") == b"x" * 2_000_000 + bytes(1_000_000)
    assert facts["problems"] == [
        "film became shorter while it was read; the last 1000000 of its 3000000 bytes were stored as zeros"
    ]
    restored(media, sink.getvalue(), dict(facts))
    assert film.stat().st_size == 3_000_000


def test_a_file_that_is_changed_in_place_meanwhile_is_noted(media: Path) -> None:
    film = media / "film"
    film.write_bytes(b"x" * 3_000_000)

    def change() -> None:
        with film.open("r+b") as file:
            file.write(b"y")

    facts = DirectoryArtifact(media).dump(CallingSink(change))

    assert facts["notes"] == ["film was changed while it was read; old and new parts may be mixed in it"]


def test_a_file_exchanged_for_a_symlink_meanwhile_is_not_followed(media: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("never in the tar")
    (media / "file").write_text("inside")

    def exchange() -> None:
        (media / "file").unlink()
        (media / "file").symlink_to(tmp_path / "outside")

    tar, facts = dumped_while(media, exchange)

    assert names_in(tar) == ["aaa"]
    assert b"never in the tar" not in tar
    assert facts["problems"] == ["file could not be read (Too many levels of symbolic links); it is missing"]


def test_a_file_exchanged_for_a_fifo_meanwhile_does_not_stop_the_backup(media: Path) -> None:
    (media / "file").write_text("inside")

    def exchange() -> None:
        (media / "file").unlink()
        os.mkfifo(media / "file")

    tar, facts = dumped_while(media, exchange)

    assert names_in(tar) == ["aaa"]
    assert facts["problems"] == ["file was exchanged for something else while the folder was read; it is missing"]


def test_a_folder_exchanged_for_a_symlink_meanwhile_is_not_followed(media: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("never in the tar")
    (media / "folder").mkdir()

    def exchange() -> None:
        (media / "folder").rmdir()
        (media / "folder").symlink_to(tmp_path / "outside")

    tar, facts = dumped_while(media, exchange)

    assert names_in(tar) == ["aaa"]
    assert facts["problems"] == ["folder could not be read (Not a directory); it is missing with all it holds"]


def test_what_may_not_be_read_is_a_problem_and_the_rest_is_stored() -> None:
    with open_folder() as folder:
        media = folder / "media"
        (media / "closed").mkdir(parents=True)
        (media / "closed/inside").write_text("x")
        (media / "file").write_text("x")
        (media / "public").write_text("x")
        (media / "closed").chmod(0)
        (media / "file").chmod(0)
        with as_nobody():
            tar, facts = dumped(media)

    assert names_in(tar) == ["public"]
    assert facts["problems"] == [
        "file could not be read (Permission denied); it is missing",
        "closed could not be read (Permission denied); it is missing with all it holds",
    ]
    assert (facts["files"], facts["size_bytes"]) == (1, 1)


def test_a_folder_that_may_not_be_read_at_all_fails_the_backup() -> None:
    with open_folder() as folder:
        media = folder / "media"
        media.mkdir(mode=0)
        with as_nobody(), pytest.raises(SnapshotArtifactError, match=r"media cannot be read \(Permission denied\)"):
            dumped(media)
        with as_nobody(), pytest.raises(SnapshotArtifactError, match="Run the backup as a user who may read it"):
            dumped(media / "below")


def test_a_folder_that_is_missing_gives_an_empty_tar_and_a_note(tmp_path: Path) -> None:
    tar, facts = dumped(tmp_path / "media")

    assert names_in(tar) == []
    assert facts == {"files": 0, "size_bytes": 0, "notes": [f"{tmp_path}/media does not exist; the tar is empty"]}


def test_a_location_that_is_a_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "media").symlink_to("disk/media")

    with pytest.raises(SnapshotArtifactError) as caught:
        dumped(tmp_path / "media")

    assert str(caught.value) == (
        f"{tmp_path}/media is a symbolic link to disk/media, which does not exist. If it is on a disk, mount the disk; "
        f"otherwise create {tmp_path}/disk/media."
    )


@pytest.mark.parametrize("link", [False, True])
def test_a_location_in_a_folder_that_is_missing_is_refused(tmp_path: Path, link: bool) -> None:
    if link:
        (tmp_path / "disk").symlink_to("/nowhere/at/all")

    with pytest.raises(SnapshotArtifactError) as caught:
        dumped(tmp_path / "disk/media")

    assert str(caught.value) == (
        f"Neither {tmp_path}/disk/media nor the folder above it exists. If it is on a disk, mount the disk; "
        f"otherwise create {tmp_path}/disk."
    )


def test_a_location_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("no folder")

    with pytest.raises(SnapshotArtifactError, match="media is a file, not a folder"):
        dumped(tmp_path / "media")


def test_a_location_that_is_a_symlink_is_followed(tmp_path: Path) -> None:
    grow_tree(tmp_path / "real")
    (tmp_path / "media").symlink_to("real")

    assert dumped(tmp_path / "media") == dumped(tmp_path / "real")


def test_our_own_scratch_directories_are_left_out_at_the_top(media: Path) -> None:
    (media / "file").write_text("x")
    (media / ".django-snapshots-file").write_text("only folders are ours")
    scratch = ScratchDirectory(media)

    tar, facts = dumped(media)
    scratch.remove()

    assert names_in(tar) == [".django-snapshots-file", "file"]
    assert facts["notes"] == []
    assert leftovers(media) == [".django-snapshots-file"]


def test_a_file_with_names_outside_the_folder_is_stored_once(media: Path, tmp_path: Path) -> None:
    (media / "a").write_text("x")
    os.link(media / "a", tmp_path / "outside")
    os.link(media / "a", media / "b")

    tar, facts = dumped(media)

    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        assert archive.getmember("b").linkname == "a"
    assert (facts["files"], facts["size_bytes"]) == (2, 1)


def test_a_hard_linked_file_that_is_changed_meanwhile_is_stored_again_as_it_is(media: Path) -> None:
    (media / "a").write_text("before")
    (media / "b").write_bytes(b"b" * 1_100_000)
    os.link(media / "a", media / "c")

    sink = CallingSink(lambda: (media / "c").write_text("after it was read"))
    DirectoryArtifact(media).dump(sink)

    assert content_in(sink.getvalue(), "a") == b"before"
    assert content_in(sink.getvalue(), "c") == b"after it was read"


def test_a_hard_linked_file_that_cannot_be_read_costs_its_names_and_nothing_else(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (media / "a").write_text("on a bad sector")
    os.link(media / "a", media / "b")
    (media / "good").write_text("good")
    os.link(media / "good", media / "same")
    bad, read = (media / "a").stat().st_ino, os.readv

    def readv(file: int, buffers: Any) -> int:
        if os.fstat(file).st_ino == bad:
            raise OSError(5, "Input/output error")
        return read(file, buffers)

    monkeypatch.setattr(os, "readv", readv)  # a disk with a bad sector cannot be passed

    tar, facts = dumped(media)
    restored(tmp_path / "other", tar, facts)

    assert facts["problems"] == [f"{name} could not be read (Input/output error); it is missing" for name in "ab"]
    assert names_in(tar) == ["good", "same"]
    assert (tmp_path / "other/good").samefile(tmp_path / "other/same")


def test_a_hard_linked_file_that_can_be_read_by_its_second_name_only_is_stored_with_that(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (media / "a").write_text("content")
    os.link(media / "a", media / "b")
    os.link(media / "a", media / "c")
    read, failures = os.readv, [OSError(5, "Input/output error")]

    def readv(file: int, buffers: Any) -> int:
        if failures:
            raise failures.pop()
        return read(file, buffers)

    monkeypatch.setattr(os, "readv", readv)  # as above

    tar, facts = dumped(media)

    assert content_in(tar, "b") == content_in(tar, "c") == b"content"
    assert (facts["files"], facts["size_bytes"]) == (2, 7)
    assert DirectoryArtifact(media).verify(io.BytesIO(tar), facts) == []


def test_a_tree_deeper_than_the_limit_of_open_files_is_kept(tmp_path: Path, media: Path) -> None:
    folder = media
    for _ in range(150):
        folder /= "d"
    folder.mkdir(parents=True)
    (folder / "bottom").write_text("deep")
    (media / "d/d/side").write_text("shallow")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 75, limits[1]))
    try:
        tar, facts = dumped(media)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert "problems" not in facts
    restored(tmp_path / "other", tar, facts)
    assert tree_digest(tmp_path / "other") == tree_digest(media)


def test_what_the_sink_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    class FullDisk(io.BytesIO):
        def write(self, data: Any, /) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device"):
        DirectoryArtifact(grow_tree(tmp_path / "media")).dump(FullDisk())


def test_writes_are_whole_chunks_and_never_longer(tmp_path: Path) -> None:
    sizes: list[int] = []

    class Measure(io.BytesIO):
        def write(self, data: Any, /) -> int:
            sizes.append(len(data))
            return super().write(data)

    media = tmp_path / "media"
    media.mkdir()
    for number in range(60):
        (media / str(number)).write_bytes(b"x" * 50_000)
    (media / "large").write_bytes(b"y" * 5_000_000)

    DirectoryArtifact(media).dump(Measure())

    assert max(sizes) <= 1024 * 1024
    assert min(sizes[:-1]) > 1024 * 1024 - 60_000


def test_the_size_hint_is_near_what_is_written(tmp_path: Path) -> None:
    media = grow_tree(tmp_path / "media")

    tar, _ = dumped(media)

    assert DirectoryArtifact(media).size_hint() == pytest.approx(len(tar), rel=0.02)
    assert DirectoryArtifact(tmp_path / "missing").size_hint() == 1024


@pytest.mark.parametrize(
    ("location", "message"),
    [("", "The location is empty."), ("a\0b", "The location contains a NUL character.")],
)
def test_check_reports_a_location_that_can_mean_nothing(location: str, message: str) -> None:
    (problem,) = DirectoryArtifact(location).check()

    assert (problem.id, problem.path, problem.message) == ("snapshots.E002", ("location",), message)
    assert problem.hint == "Give the absolute path of a folder."
    with pytest.raises(SnapshotArtifactError, match=message):
        DirectoryArtifact(location).dump(io.BytesIO())


def test_check_reports_a_location_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    (problem,) = DirectoryArtifact(tmp_path / "file").check()

    assert problem.message == f"{tmp_path}/file is a file, not a folder."


def test_check_has_nothing_to_say_of_a_folder_or_of_one_that_is_still_to_come(tmp_path: Path) -> None:
    assert DirectoryArtifact(tmp_path).check() == []
    assert DirectoryArtifact(str(tmp_path / "later")).check() == []
