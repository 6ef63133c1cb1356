"""A commit that fails, and whose undoing fails as well: what it moved away is the only copy, and is kept."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NoReturn

import pytest

from django_snapshots.artifacts import DirectoryArtifact, _tree_swap
from django_snapshots.artifacts._entry_moves import clear
from django_snapshots.errors import SnapshotArtifactError
from tests.artifacts.folders import dumped, grow_new_tree, grow_tree, leftovers
from tests.trees import tree_lines

if TYPE_CHECKING:
    from pathlib import Path


def disk_fails(*_arguments: object, **_options: object) -> NoReturn:
    raise OSError(5, "Input/output error", "disk")


def clear_and_fail(target: Path, old: Path, aside: Path) -> None:
    clear(target, old, aside)
    disk_fails()


def test_discard_after_a_commit_that_could_not_be_undone_keeps_the_old_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tar, facts = dumped(grow_tree(tmp_path / "source"))
    media = grow_new_tree(tmp_path / "media")
    before = tree_lines(media)
    monkeypatch.setattr(_tree_swap.BesideSwap, "prepare", disk_fails)
    staged = DirectoryArtifact(media).stage(io.BytesIO(tar), facts)
    monkeypatch.setattr(_tree_swap, "clear", clear_and_fail)
    monkeypatch.setattr(_tree_swap, "undo_swap", disk_fails)

    with pytest.raises(SnapshotArtifactError, match="failed half-way and could not be undone"):
        staged.commit()
    staged.discard()
    monkeypatch.undo()
    tar_after, _ = dumped(media)

    assert tree_lines(media) == before
    assert tar_after
    assert leftovers(tmp_path, media) == []
