"""What `restore` says of artifacts that a snapshot does not hold: which other one does, and the command for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.engine.absent import holds, newest_with
from django_snapshots.errors import SnapshotStorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_snapshots.cli.session import Session
    from django_snapshots.engine.snapshot import Snapshot
    from django_snapshots.project import Project

__all__ = ["absent_lines", "way_to_artifact"]


def absent_lines(project: Project, session: Session, snapshot: Snapshot) -> list[str]:
    """Return a line for each artifact of a whole backup that a snapshot does not hold.

    What a restore saved is no part of a backup: it holds what was replaced.
    """
    absent = [] if snapshot.is_safety else [name for name in _usual(project) if not holds(snapshot, name)]
    newest = _newest_with(project, absent)
    return [f"Not in it: {name}. {_way(session, name, newest)}" for name in absent]


def way_to_artifact(project: Project, session: Session, name: str) -> str | None:
    """Return where to get an artifact that the snapshot of the options does not hold; None where it does, or nobody."""
    if holds(project.find_snapshot(session.options["name"]), name):
        return None
    newest = _newest_with(project, [name])
    return _way(session, name, newest) if newest else None


def _usual(project: Project) -> list[str]:
    """Return the names of what a backup takes, but for what is only compared."""
    taken = project.settings.DEFAULT_ARTIFACTS
    return [
        name
        for name, artifact in project.artifacts.items()
        if (name in taken or name.partition("/")[0] in taken) and not getattr(artifact, "compare_only", False)
    ]


def _newest_with(project: Project, names: Sequence[str]) -> dict[str, str]:
    try:
        return newest_with(project.storage, names) if names else {}
    except SnapshotStorageError:  # it is a hint: what can be restored is restored without it
        return {}


def _way(session: Session, name: str, newest: dict[str, str]) -> str:
    if name not in newest:
        return "No complete snapshot here has it."
    replica = session.options["from_replica"]
    place = f" --from {replica}" if replica is not None else ""
    return f"The newest with {name} is '{newest[name]}': manage.py snapshots restore {newest[name]} {name}{place}"
