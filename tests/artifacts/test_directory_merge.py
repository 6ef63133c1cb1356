"""A restore that merges: what the snapshot does not have stays, also what others write while it is at work."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NoReturn

import pytest

from django_snapshots.artifacts import _tree_swap
from django_snapshots.artifacts._entry_moves import fill
from django_snapshots.artifacts.merged_directory import MergedDirectoryArtifact
from django_snapshots.errors import SnapshotArtifactError
from tests.artifacts.folders import dumped, leftovers

if TYPE_CHECKING:
    from pathlib import Path

    from django_snapshots.artifacts.contract import Staged


def refuse(*_arguments: object) -> NoReturn:
    raise PermissionError(13, "Permission denied", "beside")


@pytest.fixture(params=["exchanged", "in two steps", "inside"])
def manner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Replace the folder in each of the three manners there are."""
    if request.param == "in two steps":
        monkeypatch.setattr(_tree_swap, "exchange", lambda *_paths: False)
    if request.param == "inside":
        monkeypatch.setattr(_tree_swap.BesideSwap, "prepare", refuse)
    return str(request.param)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def files_of(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def staged(tmp_path: Path) -> tuple[Path, Staged]:
    """Stage a snapshot of three files over a folder that has one of them changed, and two of its own."""
    tar, facts = dumped(write(tmp_path / "source", {"a": "snapshot", "years/2024": "snapshot", "closed/x": "snapshot"}))
    media = write(tmp_path / "media", {"a": "here", "own": "here", "uploads/1": "here"})
    return media, MergedDirectoryArtifact(media).stage(io.BytesIO(tar), facts)


@pytest.mark.usefixtures("manner")
def test_files_that_are_written_between_stage_and_commit_stay(tmp_path: Path) -> None:
    media, swap = staged(tmp_path)
    came = {"late": "late", "uploads/2": "late", "uploads/new/3": "late", "years/2025": "late"}
    write(media, {**came, "a": "late"})

    swap.commit()

    expected = {"a": "snapshot", "years/2024": "snapshot", "closed/x": "snapshot", "own": "here", "uploads/1": "here"}
    assert files_of(media) == {**expected, **came}
    assert leftovers(tmp_path, media) == []


def test_a_folder_that_appears_between_stage_and_commit_is_merged_too(tmp_path: Path) -> None:
    tar, facts = dumped(write(tmp_path / "source", {"a": "snapshot"}))
    media = tmp_path / "media"
    swap = MergedDirectoryArtifact(media).stage(io.BytesIO(tar), facts)
    write(media, {"late": "late"})

    swap.commit()

    assert files_of(media) == {"a": "snapshot", "late": "late"}


def test_a_file_that_is_in_the_way_while_entries_move_in_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tree_swap.BesideSwap, "prepare", refuse)
    media, swap = staged(tmp_path)

    def upload_and_fill(target: Path, source: Path, aside: Path) -> None:
        write(media, {"years/2025": "late"})
        fill(target, source, aside)

    monkeypatch.setattr(_tree_swap, "fill", upload_and_fill)

    swap.commit()

    assert files_of(media / "years") == {"2024": "snapshot", "2025": "late"}


def test_a_merge_keeps_the_mode_of_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    source = write(tmp_path / "source", {"closed/x": "snapshot"})
    (source / "closed").chmod(0o555)
    tar, facts = dumped(source)
    media = write(tmp_path / "media", {"closed/own": "here"})
    swap = MergedDirectoryArtifact(media).stage(io.BytesIO(tar), facts)
    write(media, {"closed/late": "late"})

    swap.commit()

    assert set(files_of(media / "closed")) == {"x", "own", "late"}
    assert (media / "closed").stat().st_mode & 0o777 == 0o555


@pytest.mark.usefixtures("manner")
def test_what_cannot_be_taken_over_is_set_aside_and_said(tmp_path: Path) -> None:
    media, swap = staged(tmp_path)
    write(media, {"late": "late", "years": "a file where the snapshot has a folder"})

    with pytest.raises(SnapshotArtifactError) as caught:
        swap.commit()
    swap.discard()

    (kept,) = [path for path in (*tmp_path.iterdir(), *media.iterdir()) if "set-aside" in path.name]
    assert str(caught.value) == (
        f"{media} was replaced, but what others wrote there during the restore is not all in it. What was replaced is "
        f"in {kept}: move what you need back, and delete the rest. "
        "The reason: years is a file here and a folder in the snapshot."
    )
    assert (media / "years/2024").read_text() == "snapshot"
    assert {"late", "a file where the snapshot has a folder"} <= set(files_of(kept).values())
    assert leftovers(tmp_path, media) == []


@pytest.mark.parametrize(
    ("here", "said"),
    [
        ({"years": "x"}, "years is a file here and a folder in the snapshot"),
        ({"a/b": "x"}, "a is a folder here and a file in the snapshot"),
    ],
)
def test_a_clash_is_found_before_anything_is_replaced(tmp_path: Path, here: dict[str, str], said: str) -> None:
    tar, facts = dumped(write(tmp_path / "source", {"a": "snapshot", "years/2024": "snapshot"}))
    media = write(tmp_path / "media", here)

    with pytest.raises(SnapshotArtifactError) as caught:
        MergedDirectoryArtifact(media).stage(io.BytesIO(tar), facts)

    assert str(caught.value) == (
        f"{said}: a merge cannot keep both. Nothing was changed. Move it away, or restore without --merge."
    )
    assert files_of(media) == here
