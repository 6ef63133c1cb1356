"""What a snapshot does not hold, and which other one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.engine import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django_snapshots.engine.snapshot import Snapshot
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["holds", "newest_with"]


def holds(snapshot: Snapshot, name: str) -> bool:
    """Say whether a snapshot holds an artifact, "database" standing for any database."""
    held = snapshot.artifact_names
    return name in held or (name == "database" and any(each.startswith("database/") for each in held))


def newest_with(storage: GuardedStorage, names: Iterable[str]) -> dict[str, str]:
    """Return artifact -> name of the newest complete backup that holds it; what none holds is left out.

    Raises:
        SnapshotStorageError: The storage could not be listed or read.
    """
    wanted, found = list(names), dict[str, str]()
    for snapshot in catalog.list_snapshots(storage):
        if snapshot.damage is None and not snapshot.is_safety:
            for name in wanted:
                if holds(snapshot, name):
                    found.setdefault(name, snapshot.name)
    return found
