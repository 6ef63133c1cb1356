"""The verb `restore`: show the plan, ask, restore, and say how to undo it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from django_snapshots.cli import documents, plans
from django_snapshots.cli.absent import absent_lines, way_to_artifact
from django_snapshots.engine.obstacles import find_obstacles
from django_snapshots.errors import SnapshotArtifactError, SnapshotRestoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_snapshots.cli.session import Session
    from django_snapshots.engine.restore import RestorePlan
    from django_snapshots.project import Project

__all__ = ["restore"]

_UNDO = "manage.py snapshots restore"


def restore(project: Project, session: Session) -> None:
    """Show the plan, ask, save what is there, restore; with --dry-run show the plan and prove the files."""
    options = session.options
    if not options["dry_run"]:
        project.require_restore_allowed()
    plan = _plan(project, session)
    absent = [] if _is_narrowed(options) else absent_lines(project, session, plan.snapshot)
    obstacles = _obstacles(project, plan)
    text = plans.plan_text(
        plan, now=session.now, safety_snapshot=options["safety_snapshot"], absent=absent, obstacles=obstacles
    )
    session.say(text)
    if options["dry_run"]:
        with session.progress() as on_progress:
            project.verify(plan, on_progress=on_progress)
        session.finish(
            documents.restore_document(plan, obstacles=obstacles), lambda: plans.tried_text(possible=not obstacles)
        )
        return
    _confirm(session, plan)
    with session.progress() as on_progress:
        restored = project.restore(plan, safety_snapshot=options["safety_snapshot"], on_progress=on_progress)
    undo = _undo(restored.safety_snapshot, options["media_root"], options["from_replica"])
    session.finish(
        documents.restore_document(plan, restored=restored, undo=undo), lambda: plans.restored_text(restored, undo)
    )


def _obstacles(project: Project, plan: RestorePlan) -> list[str]:
    """Return what keeps the plan from being carried out here, as far as it can be known before."""
    try:
        project.require_restore_allowed()
    except SnapshotRestoreError as error:
        return [str(error), *find_obstacles(plan.targets.values())]
    return find_obstacles(plan.targets.values())


def _plan(project: Project, session: Session) -> RestorePlan:
    options = session.options
    try:
        return project.plan_restore(
            options["name"],
            options["artifacts"],
            databases=_databases(session),
            media_root=options["media_root"],
            merge=options["merge"],
            allow_unsigned=options["allow_unsigned"],
        )
    except SnapshotArtifactError as error:
        way = way_to_artifact(project, session, error.artifact)
        if way is not None:
            error.add_note(way)
        raise


def _is_narrowed(options: Mapping[str, Any]) -> bool:
    return bool(options["artifacts"] or options["databases"] or options["media_root"])


def _databases(session: Session) -> dict[str, str]:
    """Return source -> target of each `ALIAS` or `ALIAS=TARGET`."""
    into: dict[str, str] = {}
    for text in session.options["databases"]:
        source, equals, target = text.partition("=")
        if not source or (equals and not target):
            raise session.refuse(f"--database {text}: write ALIAS, or ALIAS=TARGET.")
        into[source] = target or source
    return into


def _confirm(session: Session, plan: RestorePlan) -> None:
    """Ask for the name of each database that is not empty, or for a "yes" where there is none."""
    refusal = (
        "Restoring replaces data and there is no terminal to ask on. Nothing was changed. "
        "To restore without being asked, type the same command with --noinput."
    )
    targets: dict[str, list[str]] = {}  # two databases may have one name: the same file name in two folders, say
    for planned in plan.artifacts:
        if planned.facts.get("content") in {"filled", "unreadable"} and planned.facts.get("database"):
            targets.setdefault(str(planned.facts["database"]), []).append(planned.target_name)
    for name, called in targets.items():
        what = f"the database {name}" if len(called) == 1 else f"{len(called)} databases {name} ({', '.join(called)})"
        session.confirm(f"This replaces all that is in {what}. Type its name to go on: ", refusal, answer=name)
    if not targets:
        session.confirm('Type "yes" to go on: ', refusal)


def _undo(safety_snapshot: str | None, media_root: str | None, from_replica: int | None) -> str | None:
    """Return the command that undoes a restore; what was saved is where the snapshot came from."""
    if safety_snapshot is None:
        return None
    elsewhere = f" --media-root {shlex.quote(media_root)}" if media_root else ""
    replica = f" --from {from_replica}" if from_replica is not None else ""
    return f"{_UNDO} {safety_snapshot}{elsewhere}{replica}"
