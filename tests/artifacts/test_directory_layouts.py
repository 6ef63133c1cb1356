"""Folders that cannot be renamed: mount points, parents that may not be written, overlays; replaced from the inside."""

from __future__ import annotations

import io
import os
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from django_snapshots.artifacts import DirectoryArtifact, _libc, _swap_recovery, _tree_swap
from django_snapshots.artifacts._entry_moves import clear, require_movable
from django_snapshots.errors import SnapshotArtifactError
from django_snapshots.scratch import SCRATCH_PREFIX, ScratchDirectory
from tests.artifacts.folders import (
    NOBODY,
    as_nobody,
    dumped,
    grow_new_tree,
    grow_tree,
    leftovers,
    open_folder,
    restored,
)
from tests.artifacts.tars import member, tar_of
from tests.trees import tree_digest, tree_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_mounts = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount file systems")


@contextmanager
def mounted(folder: Path, kind: str = "tmpfs", options: str = "mode=0755") -> Iterator[None]:
    subprocess.run(["mount", "-t", kind, "-o", options, "test", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Path]:
    """A folder that is a mount point."""
    folder = tmp_path / "media"
    folder.mkdir()
    with mounted(folder):
        yield folder


@pytest.fixture
def fixed(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder whose user may write to it and not to its parent."""
    with open_folder() as folder:
        media = folder / "media"
        media.mkdir()
        if os.geteuid() == 0:
            os.chown(media, NOBODY, NOBODY)
        else:
            folder.chmod(0o555)
        yield media
        folder.chmod(0o755)


@needs_mounts
def test_a_mount_point_is_replaced_and_stays_one(mount: Path, tmp_path: Path) -> None:
    source = grow_tree(tmp_path / "source")
    tar, facts = dumped(source)
    grow_new_tree(mount)
    device = mount.stat().st_dev

    restored(mount, tar, facts)

    assert tree_lines(mount) == tree_lines(source)
    assert (mount.is_mount(), mount.stat().st_dev) == (True, device)
    assert leftovers(mount, tmp_path) == []


@needs_mounts
def test_a_bind_mount_of_the_same_device_is_replaced_and_stays_one(tmp_path: Path) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    grow_new_tree(tmp_path / "volume")
    (tmp_path / "media").mkdir()
    subprocess.run(["mount", "--bind", tmp_path / "volume", tmp_path / "media"], check=True)
    try:
        restored(tmp_path / "media", tar, facts)
    finally:
        subprocess.run(["umount", tmp_path / "media"], check=True)

    assert tree_digest(tmp_path / "volume") == tree_digest(tmp_path / "source")
    assert leftovers(tmp_path, tmp_path / "volume") == []


@needs_mounts
def test_a_mount_inside_the_folder_is_refused_by_name(tmp_path: Path) -> None:
    media = grow_new_tree(tmp_path / "media")
    inner = media / "photos/with blank"
    inner.mkdir()
    before = tree_digest(media)

    with mounted(inner):
        (inner / "file").write_text("on another disk")
        with pytest.raises(SnapshotArtifactError, match=f"{inner} in it is a mount point. Unmount it"):
            restored(media, tar_of())
        with pytest.raises(SnapshotArtifactError, match="give it an artifact of its own"):
            DirectoryArtifact(media).plan({})

    assert tree_digest(media) == before
    assert leftovers(tmp_path, media) == []


@needs_mounts
def test_lost_and_found_of_a_file_system_is_left_out_and_left_alone(mount: Path, tmp_path: Path) -> None:
    (mount / "lost+found").mkdir(mode=0o700)
    (mount / "lost+found/#123").write_text("of fsck")
    (mount / "file").write_text("before")

    tar, facts = dumped(mount)
    restored(mount, tar_of(member("file", content=b"after")))

    assert facts["notes"] == ["lost+found belongs to the file system and was left out"]
    assert facts["files"] == 1
    assert b"#123" not in tar
    assert (mount / "lost+found/#123").read_text() == "of fsck"
    assert (mount / "file").read_text() == "after"


def test_a_folder_of_that_name_elsewhere_is_data(tmp_path: Path) -> None:
    (tmp_path / "media/lost+found").mkdir(parents=True)
    (tmp_path / "media/lost+found/file").write_text("x")

    assert dumped(tmp_path / "media")[1]["files"] == 1


@needs_mounts
def test_a_full_disk_while_staging_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    with mounted(media, options="size=1m,mode=0755"):
        (media / "old").write_text("old")
        before = tree_digest(media)

        with pytest.raises(SnapshotArtifactError) as caught:
            restored(media, tar_of(member("large", content=bytes(2_000_000))))

        assert "large could not be made ready beside its target (No space left on device)" in str(caught.value)
        assert "Free some space and try again" in str(caught.value)
        assert tree_digest(media) == before
        assert leftovers(media, tmp_path) == []


@needs_mounts
def test_a_folder_of_a_lower_layer_of_overlayfs_is_refused_before_anything_changes(tmp_path: Path) -> None:
    for name in ("upper", "work", "merged"):
        (tmp_path / name).mkdir()
    (tmp_path / "lower/media").mkdir(parents=True)
    (tmp_path / "lower/media/sub").mkdir()
    (tmp_path / "lower/media/sub/file").write_text("of the image")
    options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work,redirect_dir=off"

    with mounted(tmp_path / "merged", "overlay", options):
        media = tmp_path / "merged/media"
        before = tree_digest(media)
        with pytest.raises(SnapshotArtifactError) as caught:
            restored(media, tar_of(member("file")))
        assert "'Invalid cross-device link'" in str(caught.value)
        assert tree_digest(media) == before
        assert leftovers(media, media.parent) == []


@needs_mounts
def test_a_folder_of_the_upper_layer_of_overlayfs_is_replaced(tmp_path: Path) -> None:
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"

    with mounted(tmp_path / "merged", "overlay", options):
        source = grow_tree(tmp_path / "merged/source")
        tar, facts = dumped(source)
        media = grow_new_tree(tmp_path / "merged/media")
        restored(media, tar, facts)
        assert tree_digest(media) == tree_digest(source)
        assert leftovers(media, media.parent) == []


def test_a_folder_whose_parent_may_not_be_written_is_replaced(fixed: Path) -> None:
    with as_nobody():
        grow_tree(fixed)
        tar, facts = dumped(fixed)
        before = tree_lines(fixed)
        (fixed / "added").mkdir()
        (fixed / "added").chmod(0o555)
        (fixed / "film.bin").unlink()

        restored(fixed, tar, facts)

        assert tree_lines(fixed) == before
        assert leftovers(fixed) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_a_folder_of_another_user_is_replaced_from_the_inside_and_keeps_its_owner() -> None:
    with open_folder() as folder:
        folder.chmod(0o777)
        media = folder / "media"
        media.mkdir()
        os.chown(media, 1234, NOBODY)
        media.chmod(0o2770)
        with as_nobody():
            grow_new_tree(media)
            restored(media, tar_of(member("file", content=b"x")))

        assert (media / "file").read_bytes() == b"x"
        assert (media.stat().st_uid, media.stat().st_gid) == (1234, NOBODY)
        assert stat.S_IMODE(media.stat().st_mode) == 0o2770
        assert {path.name for path in media.iterdir()} == {"file"}


def test_files_written_between_the_phases_do_not_stop_the_swap(fixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_after_clear(folder: Path, into: Path, aside: Path) -> None:
        clear(folder, into, aside)
        (folder / "photos/uploads").mkdir(parents=True)
        (folder / "photos/uploads/new.jpg").write_text("a request was served meanwhile")
        (folder / "added").write_text("a file where a file comes")

    with as_nobody():
        tar, facts = dumped(grow_new_tree(fixed))
        expected = tree_digest(fixed)
        monkeypatch.setattr(_tree_swap, "clear", write_after_clear)
        restored(fixed, tar, facts)

        assert tree_digest(fixed) == expected
        assert leftovers(fixed) == []


@pytest.mark.parametrize("phase", ["clear", "fill"])
def test_a_swap_that_fails_half_way_is_undone(fixed: Path, monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    def fail_in_the_middle(folder: Path, other: Path, aside: Path) -> None:
        entries = sorted((folder if phase == "clear" else other).iterdir())
        visible = [entry for entry in entries if not entry.name.startswith(".django-snapshots-")]
        for entry in visible[: len(visible) // 2]:
            entry.rename((other if phase == "clear" else folder) / entry.name)
        raise OSError(5, "Input/output error", str(visible[-1]))

    with as_nobody():
        tar, _ = dumped(grow_tree(fixed))
        (fixed / "added").write_text("x")
        before = tree_lines(fixed)
        monkeypatch.setattr(_tree_swap, phase, fail_in_the_middle)

        with pytest.raises(SnapshotArtifactError) as caught:
            restored(fixed, tar)

        assert f"{fixed} could not be replaced and is as before: 'Input/output error' at" in str(caught.value)
        assert tree_lines(fixed) == before
        assert leftovers(fixed) == []


def test_a_swap_that_cannot_be_undone_is_undone_by_the_next_backup(
    fixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error", "disk")

    with as_nobody():
        grow_tree(fixed)
        before = tree_lines(fixed)
        staged = DirectoryArtifact(fixed).stage(io.BytesIO(tar_of(member("new"))), {})
        monkeypatch.setattr(_tree_swap, "fill", fail)
        monkeypatch.setattr(_swap_recovery, "fill", fail)
        with pytest.raises(SnapshotArtifactError) as caught:
            staged.commit()
        monkeypatch.undo()
        assert "failed half-way and could not be undone" in str(caught.value)
        assert [name.rpartition("-")[0] for name in leftovers(fixed)] == [".django-snapshots-unfinished-old"]

        _, facts = dumped(fixed)

        assert facts["notes"] == [f"a restore of {fixed} that was killed half-way was undone"]
        assert tree_lines(fixed) == before
        assert leftovers(fixed) == []


def test_what_appears_anew_while_a_folder_is_cleared_never_takes_the_place_of_what_was_moved(tmp_path: Path) -> None:
    for name in ("media", "old"):
        (tmp_path / name).mkdir()
    (tmp_path / "old/photo").write_text("moved before")
    (tmp_path / "media/photo").write_text("appeared anew")

    clear(tmp_path / "media", tmp_path / "old", tmp_path / "aside")

    assert list((tmp_path / "media").iterdir()) == []
    assert (tmp_path / "old/photo").read_text() == "moved before"
    assert (tmp_path / "aside/photo").read_text() == "appeared anew"


@pytest.mark.parametrize("layout", ["exchange", "two renames", "inside"])
def test_a_replacement_that_the_disk_does_not_confirm_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    media = grow_new_tree(tmp_path / "media")

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error", "disk")

    if layout == "inside":
        monkeypatch.setattr(_tree_swap.BesideSwap, "prepare", fail)
    staged = DirectoryArtifact(media).stage(io.BytesIO(tar), facts)
    if layout == "two renames":
        monkeypatch.setattr(_tree_swap, "exchange", lambda *_: False)
    if layout == "exchange":
        monkeypatch.setattr(_tree_swap, "flush_directory", fail)
    else:
        rename = ScratchDirectory.rename
        monkeypatch.setattr(
            ScratchDirectory,
            "rename",
            lambda self, prefix: fail() if prefix == SCRATCH_PREFIX else rename(self, prefix),
        )

    with pytest.raises(SnapshotArtifactError, match=f"{media} was replaced, but the disk did not confirm"):
        staged.commit()

    monkeypatch.undo()
    staged.discard()
    assert dumped(media)[1]["notes"] in ([], [f"a restore of {media} that was killed half-way was finished"])
    assert tree_digest(media) == tree_digest(tmp_path / "source")


def test_where_exchange_is_not_offered_two_renames_do_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    media = grow_new_tree(tmp_path / "media")
    monkeypatch.setattr(_tree_swap, "exchange", lambda *_: False)

    restored(media, tar, facts)

    assert tree_digest(media) == tree_digest(tmp_path / "source")
    assert leftovers(tmp_path, media) == []


def test_where_exchange_is_not_offered_a_folder_that_is_missing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    monkeypatch.setattr(_tree_swap, "exchange", lambda *_: False)

    restored(tmp_path / "media", tar, facts)

    assert tree_digest(tmp_path / "media") == tree_digest(tmp_path / "source")


def test_two_renames_of_which_the_second_fails_are_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media = grow_new_tree(tmp_path / "media")
    before = tree_lines(media)
    staged = DirectoryArtifact(media).stage(io.BytesIO(tar_of(member("x"))), {})
    monkeypatch.setattr(_tree_swap, "exchange", lambda *_: False)
    rename = Path.rename

    def fail_for_the_new_tree(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError(5, "Input/output error", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new_tree)
    with pytest.raises(SnapshotArtifactError, match=f"{media} could not be replaced and is as before"):
        staged.commit()

    assert tree_lines(media) == before
    assert leftovers(tmp_path, media) == []


def test_exchange_lets_two_folders_change_places(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a/file").touch()

    assert _libc.exchange(tmp_path / "a", tmp_path / "b")

    assert (tmp_path / "b/file").exists()
    with pytest.raises(FileNotFoundError, match="No such file or directory"):
        _libc.exchange(tmp_path / "a", tmp_path / "missing")


def test_a_file_system_that_replaces_full_folders_is_found_out_and_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = grow_new_tree(tmp_path / "media")
    before = tree_digest(media)
    (tmp_path / "filled/it").mkdir(parents=True)

    rename = Path.rename

    def replace(source: Path, target: Path) -> Path:
        if (target / "it").exists():
            (target / "it").rmdir()
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", replace)
    with pytest.raises(OSError, match="the file system replaces folders that are not empty"):
        require_movable(media, tmp_path / "filled")

    assert tree_digest(media) == before
