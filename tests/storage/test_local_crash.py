"""LocalFileSystemBackend and processes that are killed while they write: real ones, by SIGKILL."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from django_snapshots.errors import SnapshotNameError
from django_snapshots.storage import LocalFileSystemBackend

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys
from django_snapshots.storage import LocalFileSystemBackend

def chunks():
    yield b"new " * 300_000
    sys.stdout.write("half way\\n")
    sys.stdout.flush()
    sys.stdin.read(1)
    yield b"end"

LocalFileSystemBackend(sys.argv[1]).stream_write(sys.argv[2], chunks())
"""


class Writer:
    """A process that stops half way through a write until it is told to go on, or killed."""

    def __init__(self, location: Path, path: str) -> None:
        arguments = [sys.executable, "-c", WRITER, str(location), path]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"half way\n"

    def kill(self) -> None:
        self.process.kill()
        assert self._end() == -signal.SIGKILL

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        assert self._end() == 0

    def _end(self) -> int:
        code = self.process.wait(timeout=30)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        return code


@pytest.fixture
def location(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def unfinished(location: Path) -> list[str]:
    return [name for name in names_in(location) if name.startswith(".")]


def test_a_killed_write_leaves_what_was_there_and_shows_nothing_new(location: Path) -> None:
    storage = LocalFileSystemBackend(location)
    storage.stream_write("a/old", iter([b"old"]))

    writers = [Writer(location, path) for path in ("a/old", "a/new", "b/new")]
    for writer in writers:
        writer.kill()

    assert len(unfinished(location)) == 3
    assert storage.list("") == ["a/old"]
    assert storage.list(".") == []
    assert b"".join(storage.stream_read("a/old")) == b"old"
    assert names_in(location / "a") == ["old"]


def test_the_next_process_that_writes_sweeps_what_killed_ones_left(location: Path) -> None:
    Writer(location, "a/new").kill()
    assert len(unfinished(location)) == 1

    LocalFileSystemBackend(location).stream_write("b", iter([b"x"]))

    assert names_in(location) == ["b"]


def test_a_sweep_leaves_alone_what_another_process_is_writing(location: Path) -> None:
    writer = Writer(location, "a/new")

    LocalFileSystemBackend(location).stream_write("b", iter([b"x"]))
    assert len(unfinished(location)) == 1
    writer.go_on()

    assert names_in(location) == ["a", "b"]
    assert (location / "a" / "new").read_bytes() == b"new " * 300_000 + b"end"


def test_reading_sweeps_nothing_so_that_a_read_only_mount_will_do(location: Path) -> None:
    Writer(location, "a/new").kill()
    storage = LocalFileSystemBackend(location)

    storage.list("")
    storage.exists("a/new")

    assert len(unfinished(location)) == 1


def test_names_of_unfinished_files_cannot_be_used(location: Path) -> None:
    Writer(location, "a/new").kill()
    (name,) = unfinished(location)
    storage = LocalFileSystemBackend(location)

    with pytest.raises(SnapshotNameError, match="names that begin with .django-snapshots- are reserved"):
        storage.read(name)


def test_writers_and_deleters_of_one_folder_do_not_trip_each_other(location: Path) -> None:
    storage = LocalFileSystemBackend(location)

    def work(number: int) -> None:
        for _ in range(150):
            storage.stream_write(f"one/database/{number}", iter([b"x"]))
            storage.delete(f"one/database/{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    assert names_in(location) == []
