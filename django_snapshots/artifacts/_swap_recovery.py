"""Ends what a killed swap began: the folder becomes wholly old or wholly new, as the scratch directory's name says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django_snapshots.artifacts._entry_moves import clear, fill, free_path
from django_snapshots.artifacts._folder_modes import restore_modes
from django_snapshots.artifacts._remarks import shown
from django_snapshots.errors import SnapshotArtifactError
from django_snapshots.scratch import SCRATCH_PREFIX, UNFINISHED_PREFIX, ScratchDirectory, flush_directory

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "NEW",
    "OLD",
    "SET_ASIDE",
    "TARGET",
    "UNFINISHED_NEW",
    "UNFINISHED_OLD",
    "end_swap",
    "recover_swaps",
    "undo_swap",
]

UNFINISHED_OLD = f"{UNFINISHED_PREFIX}old-"
"""Prefix of a scratch directory whose `OLD` is to be put back."""

UNFINISHED_NEW = f"{UNFINISHED_PREFIX}new-"
"""Prefix of a scratch directory all of whose `OLD` is moved out, and whose `NEW` is to be moved in."""

OLD = "old"
NEW = "new"
TARGET = "target"
"""A file with the name of the folder, relative to where the scratch directory stands."""

_TARGET_MAX_BYTES = 4096
SET_ASIDE = "django-snapshots-set-aside-"
"""Prefix of a folder with what was in the way, for people to look at; nothing removes it."""


def recover_swaps(target: Path) -> list[str]:
    """End every swap of the folder `target`, a resolved path, that was killed on its way.

    Returns:
        A text on each, for people.

    Raises:
        SnapshotArtifactError: A swap is going on, or is for another user to end, or could not be ended.
    """
    places = ((target.parent, target.name), (target, "."))
    swaps = [path for place, name in places for path in _unfinished(place) if _is_swap_of(path, name, target)]
    return [_recover(path, target) for path in swaps]


def _unfinished(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if path.name.startswith(UNFINISHED_PREFIX))
    except OSError:
        # A folder that cannot be listed, or is not there, is for the caller to speak of.
        return []


def _is_swap_of(path: Path, name: str, target: Path) -> bool:
    try:
        with (path / TARGET).open("rb") as file:
            return file.read(_TARGET_MAX_BYTES) == os.fsencode(name)
    except PermissionError:
        # Of another user: it matters when it is within the folder, or may hold a folder that is missing.
        return path.parent == target or not target.exists()
    except OSError:
        return False


def _recover(path: Path, target: Path) -> str:
    scratch = ScratchDirectory.adopt(path)
    if scratch is None:
        raise SnapshotArtifactError(
            f"{shown(target)} is in the middle of a restore: {shown(path)} is in use by another process, or belongs "
            "to another user. Wait until that restore has ended, or run this as that user.",
            artifact="",
        )
    becomes = "finished" if path.name.startswith(UNFINISHED_NEW) or not (path / NEW).exists() else "undone"
    aside = path.parent / f"{SET_ASIDE}{path.name.rpartition('-')[2]}"
    try:
        end_swap(scratch, target, aside)
    except OSError as error:
        raise SnapshotArtifactError(
            f"A restore of {shown(target)} was killed half-way and could not be {becomes} ({error}). "
            f"What is missing in {shown(target)} is in {shown(path)}: remove the cause and try again.",
            artifact="",
        ) from error
    kept = f"; what was in the way is in {shown(aside)}" if aside.exists() else ""
    return f"a restore of {shown(target)} that was killed half-way was {becomes}{kept}"


def end_swap(scratch: ScratchDirectory, target: Path, aside: Path) -> None:
    """Put back the old tree or move in the new one, as the name of `scratch` says, and remove `scratch`.

    Args:
        scratch: The unfinished one, locked.
        target: The folder that is swapped.
        aside: Where to move what is in the way; made when there is something.

    Raises:
        OSError: It did not work; `scratch` and its name are left for another attempt.
    """
    old, new = scratch.path / OLD, scratch.path / NEW
    if scratch.path.parent == target:
        tree = NEW if scratch.path.name.startswith(UNFINISHED_NEW) else OLD
        fill(target, scratch.path / tree, aside)
        restore_modes(scratch.path, tree, target)
        flush_directory(target)
    elif new.exists() and old.exists():
        # The old tree was moved out and the new one is not in: what stands there now came later.
        if os.path.lexists(target):
            target.rename(free_path(aside, target.name))
        old.rename(target)
    scratch.rename(SCRATCH_PREFIX)
    scratch.remove()


def undo_swap(scratch: ScratchDirectory, target: Path, aside: Path) -> None:
    """Put back the old tree, also when the new one is partly in its place already, and remove `scratch`.

    Raises:
        OSError: As of `end_swap`.
    """
    if scratch.path.name.startswith(UNFINISHED_NEW):
        clear(target, scratch.path / NEW, aside)
        scratch.rename(UNFINISHED_OLD)
    end_swap(scratch, target, aside)
