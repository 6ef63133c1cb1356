"""A folder that is restored without losing what the snapshot does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_snapshots.artifacts._entry_moves import stays
from django_snapshots.artifacts._tree_merge import keep_others, take_over
from django_snapshots.artifacts.directory import DirectoryArtifact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import JsonValue

    from django_snapshots.artifacts._tree_swap import TreeSwap

__all__ = ["MergedDirectoryArtifact"]


class MergedDirectoryArtifact(DirectoryArtifact):
    """Files of the snapshot replace those of the same path; all others stay. In one step, as without merging.

    Others may write to the folder until that step, hours later perhaps: what they added is taken over right after it.
    """

    def plan(self, facts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Return the same as without merging, and that it merges."""
        return {**super().plan(facts), "merge": True}

    def _complete(self, swap: TreeSwap, target: Path) -> None:
        keep_others(target, swap.new, stays(target))
        swap.before_removing(lambda replaced: take_over(replaced, target, stays(replaced)))
