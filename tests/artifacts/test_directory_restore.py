"""A folder that is replaced by a tar: wholly, in place, with its own mode and owner; or not at all."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.artifacts import DirectoryArtifact
from django_snapshots.artifacts.contract import StageableArtifact
from django_snapshots.errors import SnapshotArtifactError, SnapshotSpaceError
from django_snapshots.scratch import SCRATCH_PREFIX
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
    from pathlib import Path

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to others")


def test_a_restore_makes_the_folder_equal_to_what_was_dumped(tmp_path: Path) -> None:
    media = grow_tree(tmp_path / "media")
    before = tree_lines(media)
    tar, facts = dumped(media)
    (media / "private").write_text("changed")
    (media / "film.bin").unlink()
    (media / "new").mkdir()

    restored(media, tar, facts)

    assert tree_lines(media) == before
    assert leftovers(tmp_path, media) == []


def test_the_artifact_can_stage() -> None:
    assert isinstance(DirectoryArtifact("/anywhere"), StageableArtifact)


def test_a_staged_restore_leaves_the_folder_alone_until_commit(tmp_path: Path) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    media = grow_new_tree(tmp_path / "media")
    before = tree_digest(media)

    staged = DirectoryArtifact(media).stage(io.BytesIO(tar), facts)

    assert tree_digest(media) == before
    staged.commit()
    assert tree_digest(media) == tree_digest(tmp_path / "source")


def test_a_discarded_restore_leaves_no_trace(tmp_path: Path) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    media = grow_new_tree(tmp_path / "media")
    before = tree_digest(media)

    DirectoryArtifact(media).stage(io.BytesIO(tar), facts).discard()

    assert tree_digest(media) == before
    assert leftovers(tmp_path, media) == []


def test_a_folder_that_is_missing_is_made_with_its_parents_and_its_mode(tmp_path: Path) -> None:
    source = grow_tree(tmp_path / "source")
    source.chmod(0o2750)
    tar, facts = dumped(source)

    restored(tmp_path / "a/b/media", tar, facts)

    assert tree_digest(tmp_path / "a/b/media") == tree_digest(source)
    assert stat.S_IMODE((tmp_path / "a/b/media").stat().st_mode) == 0o2750


def test_a_folder_that_is_there_keeps_its_own_mode(tmp_path: Path) -> None:
    source = grow_tree(tmp_path / "source")
    source.chmod(0o700)
    tar, facts = dumped(source)
    media = tmp_path / "media"
    media.mkdir()
    media.chmod(0o2775)

    restored(media, tar, facts)

    assert stat.S_IMODE(media.stat().st_mode) == 0o2775
    assert tree_digest(media) == tree_digest(source)


@only_root
def test_a_folder_that_is_there_keeps_its_own_owner(tmp_path: Path) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    media = tmp_path / "media"
    media.mkdir()
    os.chown(media, 1234, 2345)

    restored(media, tar, facts)

    assert (media.stat().st_uid, media.stat().st_gid) == (1234, 2345)


def test_extended_attributes_of_the_folder_are_kept_and_those_of_files_are_not(tmp_path: Path) -> None:
    source = grow_tree(tmp_path / "source")
    media = tmp_path / "media"
    media.mkdir()
    try:
        os.setxattr(source / "film.bin", "user.comment", b"holidays")
        os.setxattr(media, "user.comment", b"uploads")
    except OSError as error:
        pytest.skip(f"this file system keeps no attributes: {error}")

    restored(media, *dumped(source))

    assert os.getxattr(media, "user.comment") == b"uploads"
    assert os.listxattr(media / "film.bin") == []


@pytest.mark.parametrize("seconds", [2**33, 9_223_372_037, 2**62, -(2**32)])
def test_a_file_of_any_date_that_the_file_system_takes_comes_back_with_it(tmp_path: Path, seconds: int) -> None:
    (tmp_path / "media").mkdir()
    file = tmp_path / "media/file"
    file.write_text("of another age")
    os.utime(file, ns=(0, seconds * 1_000_000_000))  # the file system takes the nearest date that it has
    tar, facts = dumped(tmp_path / "media")

    restored(tmp_path / "other", tar, facts)

    assert DirectoryArtifact(tmp_path).verify(io.BytesIO(tar), facts) == []
    assert (tmp_path / "other/file").stat().st_mtime_ns == file.stat().st_mtime_ns


def test_a_location_that_is_a_symlink_stays_one(tmp_path: Path) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    grow_new_tree(tmp_path / "shared")
    (tmp_path / "media").symlink_to("shared")

    restored(tmp_path / "media", tar, facts)

    assert (tmp_path / "media").is_symlink()
    assert tree_digest(tmp_path / "shared") == tree_digest(tmp_path / "source")


@only_root
def test_root_restores_owners_by_name_and_by_number_where_there_is_no_name(tmp_path: Path) -> None:
    tar = tar_of(
        member("named", uname="daemon", uid=99999, gname="no such group", gid=54321),
        member("numbered", uid=12345, gid=23456),
        member("link", b"2", linkname="named", uid=12345, gid=23456),
    )

    restored(tmp_path / "media", tar)

    owners = {path.name: (path.lstat().st_uid, path.lstat().st_gid) for path in (tmp_path / "media").iterdir()}
    assert owners == {"named": (1, 54321), "numbered": (12345, 23456), "link": (12345, 23456)}


def test_root_of_a_container_that_may_not_give_files_away_is_told_what_to_do(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-Ur", sys.executable, "-V"], check=False).returncode != 0:
        pytest.skip("user namespaces are not allowed here")
    (tmp_path / "tar").write_bytes(tar_of(member("file", uid=12345, gid=12345)))
    program = (
        "import sys; from django_snapshots.artifacts import DirectoryArtifact; "
        "DirectoryArtifact(sys.argv[1]).restore(open(sys.argv[2], 'rb'), {})"
    )

    ended = subprocess.run(
        [unshare, "-Ur", sys.executable, "-c", program, str(tmp_path / "media"), str(tmp_path / "tar")],
        check=False,
        capture_output=True,
        text=True,
    )

    assert "file could not be made ready beside its target (Invalid argument)" in ended.stderr
    assert "root of a container does not have every owner" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["tar"]


def test_without_root_files_belong_to_who_restores_and_keep_their_modes() -> None:
    with open_folder() as folder:
        source = grow_tree(folder / "source")
        tar, facts = dumped(source)
        media = folder / "media"
        media.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            os.chown(media, NOBODY, NOBODY)
        with as_nobody():
            restored(media, tar, facts)
            uid = os.geteuid()

        assert tree_lines(media) == tree_lines(source)
        assert {path.lstat().st_uid for path in media.rglob("*")} == {uid}


def test_a_folder_with_folders_that_may_not_be_written_is_replaced_and_removed() -> None:
    with open_folder() as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        with as_nobody():
            media = grow_tree(folder / "media")
            tar, facts = dumped(media)
            (media / "added").write_text("x")
            restored(media, tar, facts)
            assert not (media / "added").exists()
            assert leftovers(folder, media) == []


def test_a_folder_that_may_not_be_written_is_made_with_its_mode() -> None:
    with open_folder() as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        with as_nobody():
            source = grow_tree(folder / "source")
            source.chmod(0o555)
            tar, facts = dumped(source)
            media = folder / "media"
            restored(media, tar, facts)

            assert stat.S_IMODE(media.stat().st_mode) == 0o555
            assert tree_lines(media) == tree_lines(source)
            assert leftovers(folder, media) == []


def test_folders_that_may_not_be_entered_come_back_with_what_they_hold() -> None:
    a, b, d = (member(name, b"5", mode=0) for name in ("a", "a/b", "a/d"))
    tar = tar_of(a, b, member("a/b/c", content=b"deep"), d)
    with open_folder() as folder:
        media = folder / "media"
        media.mkdir()
        if os.geteuid() == 0:
            os.chown(media, NOBODY, NOBODY)
        with as_nobody():
            restored(media, tar)

        for name in ("a", "a/b", "a/d"):
            assert stat.S_IMODE((media / name).stat().st_mode) == 0
            (media / name).chmod(0o700)
        assert (media / "a/b/c").read_bytes() == b"deep"


def test_a_tar_that_holds_less_or_more_than_its_facts_is_refused(tmp_path: Path) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    media = grow_new_tree(tmp_path / "media")
    before = tree_digest(media)
    files, size_bytes = facts["files"], facts["size_bytes"]

    for changed, message in (
        ({"files": files + 1}, f"it holds {files} files, the manifest says {files + 1}"),
        ({"size_bytes": size_bytes + 1}, f"it holds {size_bytes} bytes of files, the manifest says {size_bytes + 1}"),
        ({"size_bytes": 100}, "it holds more than the 100 bytes it should"),
    ):
        with pytest.raises(SnapshotArtifactError, match=message):
            restored(media, tar, facts | changed)

    assert tree_digest(media) == before
    assert leftovers(tmp_path, media) == []


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"size_bytes": "12"}, "fact 'size_bytes' of this folder is '12'"),
        ({"files": -1}, "fact 'files' of this folder is -1"),
        ({"files": True}, "fact 'files' of this folder is True"),
        ({"mode": 755}, "fact 'mode' of this folder is 755"),
        ({"mode": "rwxr-xr-x"}, "fact 'mode' of this folder is 'rwxr-xr-x'"),
    ],
)
def test_facts_that_no_dump_writes_are_refused(tmp_path: Path, facts: dict[str, Any], message: str) -> None:
    with pytest.raises(SnapshotArtifactError, match=message):
        restored(tmp_path / "media", tar_of(), facts)

    assert not (tmp_path / "media").exists()


def test_too_little_space_is_found_before_anything_is_written(tmp_path: Path) -> None:
    media = grow_new_tree(tmp_path / "media")
    before = tree_digest(media)

    with pytest.raises(SnapshotSpaceError) as caught:
        restored(media, tar_of(), {"size_bytes": 10**18, "files": 1})

    assert caught.value.needed_bytes == 10**18 + 4096
    assert f"The restored copy of {media} needs 888.2 PiB" in str(caught.value)
    assert tree_digest(media) == before
    assert leftovers(tmp_path, media) == []


def test_a_source_that_fails_leaves_the_folder_alone(tmp_path: Path) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    media = grow_new_tree(tmp_path / "media")
    before = tree_digest(media)

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            piece = super().read(size)
            if not piece:
                raise OSError(5, "Input/output error")
            return piece

    with pytest.raises(SnapshotArtifactError, match=r"could not be read on after .* \(\[Errno 5\]") as caught:
        DirectoryArtifact(media).stage(Broken(tar[:-2000]), facts)

    assert isinstance(caught.value.__cause__, OSError)
    assert tree_digest(media) == before
    assert leftovers(tmp_path, media) == []


def test_an_interrupt_while_staging_leaves_no_trace(tmp_path: Path) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))

    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise KeyboardInterrupt
            return super().read(size)

    with pytest.raises(KeyboardInterrupt):
        DirectoryArtifact(tmp_path / "media").stage(Interrupted(tar), facts)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_sources_that_return_less_than_asked_for_are_read_to_the_end(tmp_path: Path) -> None:
    source = grow_tree(tmp_path / "source")
    tar, facts = dumped(source)

    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 777))

    stream = Trickle(tar)
    DirectoryArtifact(tmp_path / "media").restore(stream, facts)

    assert tree_digest(tmp_path / "media") == tree_digest(source)
    assert stream.read(1) == b""


def test_nowhere_to_write_is_said_with_both_reasons() -> None:
    with open_folder() as folder:
        media = folder / "media"
        media.mkdir(mode=0o555)
        if os.geteuid() != 0:
            folder.chmod(0o555)
        with as_nobody(), pytest.raises(SnapshotArtifactError) as caught:
            restored(media, tar_of())

    assert f"{media} cannot be restored" in str(caught.value)
    assert str(caught.value).count("'Permission denied'") == 2
    assert "Run the restore as a user who may write there." in str(caught.value)


def test_the_plan_says_what_would_be_replaced(tmp_path: Path) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "media"))

    plan = DirectoryArtifact(tmp_path / "media").plan(facts)

    assert tar
    free_bytes, current_size_bytes = plan.pop("free_bytes"), plan.pop("current_size_bytes")
    assert plan == {
        "target": str(tmp_path / "media"),
        "content": "filled",
        "files": facts["files"],
        "size_bytes": facts["size_bytes"],
        "needs_bytes": facts["size_bytes"] + 4096 * facts["files"],
    }
    assert isinstance(free_bytes, int)
    assert isinstance(current_size_bytes, int)
    assert current_size_bytes >= facts["size_bytes"]


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_entries_is_empty(tmp_path: Path, made: bool) -> None:
    folder = tmp_path / "media"
    if made:
        (folder / f"{SCRATCH_PREFIX}left").mkdir(parents=True)

    assert DirectoryArtifact(folder).content() == "empty"


def test_the_plan_refuses_a_location_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("x")

    with pytest.raises(SnapshotArtifactError, match="media is a file, not a folder"):
        DirectoryArtifact(tmp_path / "media").plan({})


def test_folders_that_a_tar_leaves_out_are_made(tmp_path: Path) -> None:
    tar = tar_of(member("a/b/c", content=b"deep"), member("a/d", content=b"x"), member("a", b"5", mode=0o700))

    restored(tmp_path / "media", tar)

    assert (tmp_path / "media/a/b/c").read_bytes() == b"deep"
    assert stat.S_IMODE((tmp_path / "media/a").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "media/a/b").stat().st_mode) == 0o755
