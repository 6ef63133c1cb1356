"""What each verb does: read its options, call the project once, hand over document and text."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from django_snapshots.cli import documents, render
from django_snapshots.cli.session import EXIT_DEGRADED
from django_snapshots.engine.not_found import nothing_here
from django_snapshots.errors import SnapshotNotFoundError
from django_snapshots.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_snapshots.cli.session import Session

__all__ = ["run_verb", "verb_function"]


def backup(project: Project, session: Session) -> None:
    """Make a snapshot; one that lacks something is stored, printed, and ends with exit code 3."""
    options = session.options
    with session.progress() as on_progress:
        created = project.create_snapshot(
            options["artifacts"],
            databases=options["databases"],
            name=options["name"],
            overwrite=options["overwrite"],
            snapshot_format=options["format"],
            prune=options["prune"],
            on_progress=on_progress,
        )
    session.finish(documents.backup_document(created), lambda: render.created_text(created))
    if created.problems:
        text = f"The snapshot is degraded, problems: {len(created.problems)}. What it holds can be restored."
        raise session.not_well(text, created.problems, EXIT_DEGRADED)


def list_(project: Project, session: Session) -> None:
    """Show all snapshots."""
    snapshots = project.list_snapshots()
    pins = {snapshot.name: pin for snapshot in snapshots if (pin := project.upkeep.pin_of(snapshot))}

    def text() -> str:
        if not snapshots:
            return _empty_text(project, session)
        from django_snapshots.cli.tables import list_text  # noqa: PLC0415 - rich, which --json does without

        return list_text(snapshots, pins, terminal=session.terminal, color=session.color, now=session.now)

    session.finish(documents.list_document(snapshots, pins), text)


def _empty_text(project: Project, session: Session) -> str:
    replica = session.options["from_replica"]
    lines = [nothing_here(project.storage), _replicas_text(project, session)]
    lines += ["Make the first one with: manage.py snapshots backup"] if replica is None else []
    return "\n".join(filter(None, lines))


def _replicas_text(project: Project, session: Session) -> str | None:
    """Return where else snapshots may be, of a verb that can look there and did not."""
    if session.options.get("from_replica", 0) is not None or not project.settings.REPLICAS:
        return None
    return "A replica may hold what you look for: try the same with --from 1."


def info(project: Project, session: Session) -> None:
    """Show one snapshot."""
    snapshot = project.find_snapshot(session.options["name"])
    manifest = snapshot.require_manifest()
    pin = project.upkeep.pin_of(snapshot)

    def text() -> str:
        from django_snapshots.cli.tables import info_text  # noqa: PLC0415 - rich, which --json does without

        return info_text(
            *(snapshot, manifest, pin),
            signing=project.storage.signer is not None,
            terminal=session.terminal,
            color=session.color,
            now=session.now,
        )

    session.finish(documents.info_document(project.storage, snapshot), text)


_ELSEWHERE = {
    "check": "check",
    "health": "health",
    "restore": "restore",
    "verify": "verify",
    "delete": "upkeep",
    "prune": "upkeep",
    "pin": "upkeep",
    "unpin": "upkeep",
    "copy": "upkeep",
}
"""Verb -> the module here that has its function; imported when it is asked for, and so no burden to a backup."""


def run_verb(verb: str, session: Session) -> None:
    """Do what a verb does, on the storage or on the replica that the options name.

    Raises:
        SnapshotNotFoundError: There is no such snapshot; where there is none at all, a note names the replicas.
    """
    project = Project(replica=session.options.get("from_replica"))
    try:
        verb_function(verb)(project, session)
    except SnapshotNotFoundError as error:
        text = None if error.available else _replicas_text(project, session)
        if text is not None:
            error.add_note(text)
        raise


def verb_function(verb: str) -> Callable[[Project, Session], None]:
    """Return what a verb does."""
    if verb in _ELSEWHERE:
        found: Callable[[Project, Session], None] = getattr(import_module(f"{__package__}.{_ELSEWHERE[verb]}"), verb)
        return found
    return _HERE[verb]


_HERE: dict[str, Callable[[Project, Session], None]] = {
    "backup": backup,
    "list": list_,
    "info": info,
}
