"""What `from django_snapshots import …` gives: a function for each thing that a script does with its project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.engine.events import ignore_progress
from django_snapshots.project import Project
from django_snapshots.replication import prune_everywhere
from django_snapshots.verification import verify_snapshots as verify_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from django_snapshots.engine.catalog import Format, Snapshot
    from django_snapshots.engine.create import CreatedSnapshot
    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.engine.restore import RestoredSnapshot
    from django_snapshots.engine.upkeep import Pruned
    from django_snapshots.engine.verify_all import Verified
    from django_snapshots.retention import Policy

__all__ = [
    "create_snapshot",
    "delete_snapshot",
    "find_snapshot",
    "list_snapshots",
    "prune_snapshots",
    "restore_snapshot",
    "verify_snapshots",
]


def create_snapshot(
    artifacts: Sequence[str] = (),
    *,
    databases: Sequence[str] = (),
    name: str | None = None,
    overwrite: bool = False,
    snapshot_format: Format | None = None,
    prune: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> CreatedSnapshot:
    """Make a snapshot of this project; see `Project.create_snapshot`."""
    return Project().create_snapshot(
        artifacts,
        databases=databases,
        name=name,
        overwrite=overwrite,
        snapshot_format=snapshot_format,
        prune=prune,
        on_progress=on_progress,
    )


def restore_snapshot(
    name: str,
    artifacts: Sequence[str] = (),
    *,
    databases: Sequence[str] | Mapping[str, str] = (),
    media_root: str | os.PathLike[str] | None = None,
    merge: bool = False,
    safety_snapshot: bool = True,
    on_progress: ProgressCallback = ignore_progress,
) -> RestoredSnapshot:
    """Restore a snapshot of this project without asking; see `Project.plan_restore` and `Project.restore`."""
    project = Project()
    plan = project.plan_restore(name, artifacts, databases=databases, media_root=media_root, merge=merge)
    return project.restore(plan, safety_snapshot=safety_snapshot, on_progress=on_progress)


def list_snapshots() -> list[Snapshot]:
    """Return this project's snapshots, newest first, damaged ones among them."""
    return Project().list_snapshots()


def find_snapshot(name: str) -> Snapshot:
    """Return this project's snapshot called `name`, or the newest complete one for "latest"."""
    return Project().find_snapshot(name)


def delete_snapshot(name: str) -> None:
    """Delete a snapshot of this project, damaged or not, unless it is pinned."""
    Project().upkeep.delete(name)


def prune_snapshots(policy: Policy | None = None, *, dry_run: bool = False) -> Pruned:
    """Delete what a retention policy does not keep, here and on the replicas; see `replication.prune_everywhere`."""
    return prune_everywhere(Project(), policy, dry_run=dry_run)


def verify_snapshots(
    names: Sequence[str] = (),
    *,
    sample_percent: float | None = None,
    deep: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> list[Verified]:
    """Prove snapshots of this project, all without a name; see `django_snapshots.verification.verify_snapshots`."""
    return list(verify_of(Project(), names, sample_percent=sample_percent, deep=deep, on_progress=on_progress))
