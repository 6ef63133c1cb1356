"""A folder that is restored without losing what the snapshot does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_snapshots.artifacts._entry_moves import stays
from django_snapshots.artifacts._tree_merge import keep_others
from django_snapshots.artifacts.directory import DirectoryArtifact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import JsonValue

__all__ = ["MergedDirectoryArtifact"]


class MergedDirectoryArtifact(DirectoryArtifact):
    """Files of the snapshot replace those of the same path; all others stay. In one step, as without merging."""

    def plan(self, facts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Return the same as without merging, and that it merges."""
        return {**super().plan(facts), "merge": True}

    def _complete(self, new: Path, target: Path) -> None:
        keep_others(target, new, stays(target))
