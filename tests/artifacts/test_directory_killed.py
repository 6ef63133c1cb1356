"""A restore that is killed: the folder is wholly old or wholly new, and the next run leaves nothing behind."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from django_snapshots.artifacts import DirectoryArtifact, _tree_swap
from django_snapshots.artifacts._entry_moves import fill
from django_snapshots.errors import SnapshotArtifactError
from django_snapshots.scratch import ScratchDirectory
from tests.artifacts.folders import (
    NOBODY,
    as_nobody,
    dumped,
    grow_new_tree,
    grow_tree,
    killed_at_step,
    leftovers,
    open_folder,
    restored,
)
from tests.artifacts.tars import member, tar_of
from tests.trees import tree_digest, tree_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Swap = _tree_swap.TreeSwap


class Restore:
    """A restore that may be killed, with what the folder may be afterwards."""

    def __init__(self, media: Path, source: Path) -> None:
        self.media = media
        self.old_tar, self.old_facts = dumped(grow_new_tree(media))
        self.old = tree_digest(media)
        grow_tree(source)
        for large in ("film.bin", "sparse"):
            (source / large).write_bytes(b"small")
        self.tar, self.facts = dumped(source)
        self.new = tree_digest(source)

    def run(self) -> None:
        restored(self.media, self.tar, self.facts)

    def reset(self) -> None:
        restored(self.media, self.old_tar, self.old_facts)

    def end(self) -> list[str]:
        """Do what comes next, a backup and the beginning of a restore; return the notes of the backup."""
        for path in [*self.media.glob(".django-snapshots-*"), *self.media.parent.glob(".django-snapshots-*")]:
            if not (path / ".lock").exists():
                # Killed between the lock file and its folder: a minute later nobody is at it any more.
                os.utime(path, (0, 0))
        _, facts = dumped(self.media)
        DirectoryArtifact(self.media).stage(io.BytesIO(self.tar), self.facts).discard()
        notes: list[str] = facts["notes"]
        return notes


@pytest.fixture(params=["exchange", "two renames", "inside", "mount", "not root"])
def layout(request: pytest.FixtureRequest) -> str:
    """The ways in which a folder is replaced."""
    return str(request.param)


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: hundreds of restores would each wait for the disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with open_folder(Path("/dev/shm")) as folder:
        yield folder


@pytest.fixture
def restore(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restore]:
    media = tmp_path / "media"
    media.mkdir()
    if layout == "not root":
        with open_folder(tmp_path.parent) as folder:
            for name in ("media", "elsewhere"):
                (folder / name).mkdir(mode=0o777)
                (folder / name).chmod(0o777)
            folder.chmod(0o555)
            with as_nobody():
                yield Restore(folder / "media", folder / "elsewhere/source")
        return
    if layout == "two renames":
        monkeypatch.setattr(_tree_swap, "exchange", lambda *_: False)
    if layout == "inside":
        monkeypatch.setattr(_tree_swap.BesideSwap, "prepare", cannot_be_renamed)
    if layout == "mount":
        if os.geteuid() != 0:
            pytest.skip("only root may mount file systems")
        subprocess.run(["mount", "-t", "tmpfs", "test", media], check=True)
    yield Restore(media, tmp_path / "source")
    if layout == "mount":
        subprocess.run(["umount", media], check=True)


def cannot_be_renamed(_: Swap) -> None:
    raise OSError(16, "Device or resource busy", "media")


def notice_commit(monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Return what says, in a child of this process, whether it has begun to commit."""
    commit, parent, committing = _tree_swap.TreeSwap.commit, os.getpid(), [False]

    def note_and_commit(swap: Swap) -> None:
        committing[0] = os.getpid() != parent
        sys.audit("tests.commit")
        commit(swap)

    monkeypatch.setattr(_tree_swap.TreeSwap, "commit", note_and_commit)
    return lambda: committing[0]


def test_killed_at_any_step_of_the_commit_the_folder_is_wholly_old_or_wholly_new(
    restore: Restore, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_committing = notice_commit(monkeypatch)
    outcomes, notes, step = [], set(), 0

    while killed_at_step(step, restore.run, at=is_committing):
        at_once = tree_digest(restore.media) if restore.media.exists() else "missing"
        notes |= {note.rpartition(" ")[2] for note in restore.end()}
        outcomes.append({restore.old: "old", restore.new: "new"}.get(tree_digest(restore.media), "mixed"))
        assert leftovers(restore.media, restore.media.parent) == []
        assert layout != "exchange" or at_once in {restore.old, restore.new}
        restore.reset()
        step += 1

    assert set(outcomes) == {"old", "new"}
    assert outcomes == sorted(outcomes, reverse=True), "old up to a step, new from there on"
    assert notes == (set() if layout == "exchange" else {"undone", "finished"})


def test_killed_at_any_step_of_staging_the_folder_is_old_and_nothing_is_left(restore: Restore) -> None:
    step = 0
    while killed_at_step(step, lambda: DirectoryArtifact(restore.media).stage(io.BytesIO(restore.tar), {})):
        assert restore.end() == []
        assert tree_digest(restore.media) == restore.old
        assert leftovers(restore.media, restore.media.parent) == []
        step += 7

    assert step > 60


def test_killed_at_random_moments_the_folder_is_wholly_old_or_wholly_new(restore: Restore) -> None:
    began = time.monotonic()
    restore.run()
    lasts = time.monotonic() - began
    chance = random.Random(7)
    killed = 0

    for _ in range(12):
        restore.reset()
        child = os.fork()
        if child == 0:
            restore.run()
            os._exit(0)
        time.sleep(chance.uniform(0, lasts))
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        restore.end()
        assert tree_digest(restore.media) in {restore.old, restore.new}
        assert leftovers(restore.media, restore.media.parent) == []

    assert killed > 4


def killed_in_phase(restore: Restore, phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a restore killed before its `clear`, its `fill`, or their like."""
    with monkeypatch.context() as patched:
        patched.setattr(_tree_swap, phase, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        assert killed_at_step(10**9, restore.run)


@pytest.mark.parametrize("layout", ["inside"])
def test_uploads_that_came_after_the_kill_are_set_aside_and_not_lost(
    restore: Restore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_in_phase(restore, "fill", monkeypatch)
    (restore.media / "photos/uploads").mkdir(parents=True)
    (restore.media / "photos/uploads/new.jpg").write_text("the only copy")

    (note,) = restore.end()

    (aside,) = restore.media.glob("django-snapshots-set-aside-*")
    assert note.endswith(f"that was killed half-way was finished; what was in the way is in {aside}")
    assert (aside / "photos/uploads/new.jpg").read_text() == "the only copy"
    (aside / "photos/uploads/new.jpg").unlink()
    for folder in (aside / "photos/uploads", aside / "photos", aside):
        folder.rmdir()
    assert tree_digest(restore.media) == restore.new


@pytest.mark.parametrize("layout", ["two renames"])
def test_a_folder_made_anew_after_the_kill_is_set_aside_and_not_lost(
    restore: Restore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_committing = notice_commit(monkeypatch)
    step = 0
    while restore.media.exists():
        assert killed_at_step(step, restore.run, at=is_committing)
        step += 1
    restore.media.mkdir()
    (restore.media / "new.jpg").write_text("the only copy")

    (note,) = restore.end()

    assert "was undone; what was in the way is in" in note
    (aside,) = tmp_path.glob("django-snapshots-set-aside-*")
    assert (aside / "media/new.jpg").read_text() == "the only copy"
    assert tree_digest(restore.media) == restore.old


@pytest.mark.parametrize("layout", ["inside"])
def test_a_swap_that_is_going_on_stops_a_backup(restore: Restore, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def back_up_meanwhile(folder: Path, source: Path, aside: Path) -> None:
        with pytest.raises(SnapshotArtifactError) as caught:
            dumped(folder)
        seen.append(str(caught.value))
        fill(folder, source, aside)

    monkeypatch.setattr(_tree_swap, "fill", back_up_meanwhile)
    restore.run()

    assert "media is in the middle of a restore" in seen[0]
    assert "in use by another process" in seen[0]
    assert tree_digest(restore.media) == restore.new


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize("layout", ["inside"])
def test_a_killed_swap_of_another_user_is_left_to_that_user(
    restore: Restore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_in_phase(restore, "fill", monkeypatch)
    (unfinished,) = restore.media.glob(".django-snapshots-unfinished-*")
    os.chown(unfinished, NOBODY, NOBODY)

    with pytest.raises(SnapshotArtifactError, match="belongs to another user. Wait until that restore has ended"):
        dumped(restore.media)

    os.chown(unfinished, 0, 0)
    restore.end()
    assert tree_digest(restore.media) == restore.new


def test_an_unfinished_swap_of_a_folder_beside_is_none_of_ours(tmp_path: Path) -> None:
    media = grow_new_tree(tmp_path / "media")
    other = ScratchDirectory(tmp_path)
    (other.path / "target").write_text("other")
    other.rename(".django-snapshots-unfinished-old-")
    before = tree_lines(media)

    assert dumped(media)[1]["notes"] == []
    restored(media, tar_of(member("x")))
    assert other.path.exists()
    other.remove()
    assert tree_lines(media) != before
