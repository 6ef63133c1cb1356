from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from django_snapshots.errors import SnapshotSpaceError
from django_snapshots.scratch import (
    SCRATCH_PREFIX,
    UNFINISHED_PREFIX,
    ScratchDirectory,
    require_space,
    scratch_directory,
    sweep_scratch,
)
from tests.artifacts.folders import as_nobody, open_folder

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """\
import pathlib, sys, time
from django_snapshots.scratch import ScratchDirectory
scratch = ScratchDirectory(pathlib.Path(sys.argv[1]))
(scratch.path / "data").write_bytes(bytes(1000))
print(scratch.path, flush=True)
time.sleep(60)
"""


def hold(parent: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a process that has a scratch directory, and return it with the directory's name."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, parent], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, os.path.basename(process.stdout.readline().strip())  # noqa: PTH119


def test_a_scratch_directory_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    with scratch_directory(tmp_path) as scratch:
        (scratch / "folder").mkdir()
        (scratch / "folder" / "data").write_text("x")
        assert scratch.stat().st_mode & 0o777 == 0o700

    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch_directory(tmp_path):
        1 / 0  # noqa: B018

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_folder_in_it_that_its_owner_may_not_write_goes_too(mode: int) -> None:
    with open_folder() as parent:
        parent.chmod(0o777)
        with as_nobody(), scratch_directory(parent) as scratch:
            (scratch / "new" / "inner").mkdir(parents=True)
            (scratch / "new" / "inner" / "data").write_text("x")
            (scratch / "new" / "inner").chmod(mode)
            (scratch / "new").chmod(mode)

        assert list(parent.iterdir()) == []


def test_the_directory_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    killed, killed_name = hold(tmp_path)
    living, living_name = hold(tmp_path)
    killed.kill()
    killed.communicate()

    swept = [path.name for path in sweep_scratch(tmp_path)]

    living_is_there = (tmp_path / living_name / "data").exists()
    living.kill()
    living.communicate()
    assert swept == [killed_name]
    assert living_is_there


def test_what_may_be_the_only_copy_is_never_swept(tmp_path: Path) -> None:
    killed, name = hold(tmp_path)
    killed.kill()
    killed.communicate()
    unfinished = (tmp_path / name).rename(tmp_path / f"{UNFINISHED_PREFIX}x")

    assert sweep_scratch(tmp_path) == []
    assert (unfinished / "data").exists()


def test_a_directory_without_a_lock_is_swept_only_when_its_process_cannot_be_at_it_any_more(tmp_path: Path) -> None:
    directory = tmp_path / f"{SCRATCH_PREFIX}begun"
    directory.mkdir()
    (directory / ".lock.new").touch()

    assert sweep_scratch(tmp_path) == []
    hour_ago = time.time() - 3600
    os.utime(directory, (hour_ago, hour_ago))
    assert sweep_scratch(tmp_path) == [directory]
    assert not directory.exists()


@pytest.mark.parametrize("entry", ["nightly.tar", ".lock.new.bak", "nightly/manifest.json"])
def test_a_folder_of_the_prefix_that_holds_something_and_was_never_locked_is_left_alone(
    tmp_path: Path, entry: str
) -> None:
    kept = tmp_path / f"{SCRATCH_PREFIX}prod" / entry
    kept.parent.mkdir(parents=True)
    kept.write_text("x")
    (tmp_path / f"{SCRATCH_PREFIX}prod" / ".lock.new").touch()
    hour_ago = time.time() - 3600
    os.utime(tmp_path / f"{SCRATCH_PREFIX}prod", (hour_ago, hour_ago))

    with scratch_directory(tmp_path):
        pass

    assert kept.read_text() == "x"


def test_a_folder_without_a_lock_that_cannot_be_listed_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / f"{SCRATCH_PREFIX}closed"
    directory.mkdir()
    (directory / "data").write_text("x")
    hour_ago = time.time() - 3600
    os.utime(directory, (hour_ago, hour_ago))

    def refuse(path: object) -> list[str]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", refuse)

    assert sweep_scratch(tmp_path) == []
    monkeypatch.undo()
    assert (directory / "data").exists()


def test_what_a_removal_could_not_remove_keeps_its_lock_for_the_next_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = ScratchDirectory(tmp_path)
    (scratch.path / "folder").mkdir()
    remove_tree = shutil.rmtree
    monkeypatch.setattr(
        "shutil.rmtree", lambda tree, **options: None if tree.name == "folder" else remove_tree(tree, **options)
    )

    scratch.remove()

    assert sorted(path.name for path in scratch.path.iterdir()) == [".lock", "folder"]
    monkeypatch.undo()
    assert sweep_scratch(tmp_path) == [scratch.path]


def test_somebody_elses_folders_and_links_are_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "data").write_text("x")
    (tmp_path / f"{SCRATCH_PREFIX}link").symlink_to(elsewhere)
    (tmp_path / "other").mkdir()

    assert sweep_scratch(tmp_path) == []
    assert (elsewhere / "data").exists()


def test_the_lock_goes_last_so_that_a_removal_that_was_killed_is_finished_by_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = ScratchDirectory(tmp_path)
    (scratch.path / "data").write_text("x")
    monkeypatch.setattr("django_snapshots.scratch._remove_tree", lambda _tree: None)

    scratch.remove()

    assert [path.name for path in scratch.path.iterdir()] == [".lock"]
    monkeypatch.undo()
    assert sweep_scratch(tmp_path) == [scratch.path]


def test_too_little_space_is_said_with_what_is_needed_and_what_is_free(tmp_path: Path) -> None:
    with pytest.raises(SnapshotSpaceError, match="A copy of it needs 1024.0 PiB in ") as caught:
        require_space(tmp_path, 1024**6, "a copy of it")

    assert caught.value.needed_bytes == 1024**6
    assert 0 < caught.value.free_bytes < 1024**6
    assert caught.value.location == str(tmp_path)


def test_enough_space_is_no_error(tmp_path: Path) -> None:
    require_space(tmp_path, 1, "a copy")
