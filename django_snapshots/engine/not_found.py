"""What is said where there is no such snapshot: the nearest names, or where was looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.errors import SnapshotNotFoundError
from django_snapshots.names import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_snapshots.engine.snapshot import Snapshot
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["no_such_snapshot", "nothing_here"]


def nothing_here(storage: GuardedStorage) -> str:
    """Return what is said of a storage without a snapshot; an empty one may be the wrong one."""
    return (
        f"{storage.description} holds no snapshot. "
        f"If you expected some, look at {storage.setting}: `manage.py snapshots config` shows it."
    )


def no_such_snapshot(storage: GuardedStorage, name: str, found: Sequence[Snapshot]) -> SnapshotNotFoundError:
    """Return the error for a name that no snapshot has.

    Args:
        storage: Where was looked.
        name: The name.
        found: All snapshots there, newest first.
    """
    names = [snapshot.name for snapshot in found]
    regular = [snapshot.name for snapshot in found if not snapshot.is_safety]
    near = nearest(name, [*names, "latest"], most=3) if names else []
    if near:
        way_out = f"Did you mean {' or '.join(repr(candidate) for candidate in near)}?"
    elif regular:
        way_out = f"The newest is '{regular[0]}'; `manage.py snapshots list` shows all {len(names)}."
    elif names:
        way_out = f"There is only what restores saved: `manage.py snapshots list` shows all {len(names)}."
    else:
        way_out = nothing_here(storage)
    available = [candidate for candidate in near if candidate in names] or (regular or names)[:3]
    return SnapshotNotFoundError(f"There is no snapshot '{name}'. {way_out}", name=name, available=available)
