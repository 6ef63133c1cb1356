"""The verbs that keep, copy and remove snapshots: delete, prune, pin, unpin, copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from pydantic import ValidationError

from django_snapshots.cli import documents, render
from django_snapshots.cli.session import EXIT_DEGRADED
from django_snapshots.conf.mistakes import structure_problems
from django_snapshots.conf.policy import PruneSettings
from django_snapshots.engine.pins import Pin
from django_snapshots.replication import prune_everywhere

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from django_snapshots.cli.session import Session
    from django_snapshots.project import Project
    from django_snapshots.retention import Policy

__all__ = ["copy", "delete", "pin", "prune", "unpin"]

_FLOOR = "MIN_KEEP"


def delete(project: Project, session: Session) -> None:
    """Ask, then remove; all names are looked up before the first is removed."""
    names = list(dict.fromkeys(session.options["names"]))
    project.upkeep.require_deletable(names)
    listed = ", ".join(names)
    session.confirm(
        f'This deletes {listed} and cannot be undone. Type "yes" to go on: ',
        f"There is no terminal to ask on. Nothing was deleted. To delete without being asked: "
        f"manage.py snapshots delete {' '.join(names)} --noinput",
    )
    for name in names:
        project.upkeep.delete(name)
    session.finish(documents.delete_document(names), lambda: f"Deleted {listed}.")


def prune(project: Project, session: Session) -> None:
    """Apply the retention policies, or only remove what killed runs left behind."""
    dry_run, policy = session.options["dry_run"], _policy(project, session)
    pruned = prune_everywhere(project, policy, dry_run=dry_run, leftovers_only=session.options["leftovers"])
    session.finish(documents.prune_document(pruned), lambda: render.pruned_text(pruned, dry_run=dry_run))
    _end_degraded([each.problem for each in pruned.replicas if each.problem])


def pin(project: Project, session: Session) -> None:
    """Hold a snapshot and its copies against delete and prune."""
    options, until = session.options, _last_day(project, session)
    snapshot = project.upkeep.pin(options["name"], until=until, reason=options["reason"])
    problems = project.replicas.pin(snapshot.name, until=until, reason=options["reason"])
    document = documents.pin_document(snapshot.name, Pin(until, options["reason"]), problems)
    session.finish(document, lambda: f"Snapshot '{snapshot.name}' is {Pin(until, options['reason'])}.")
    _end_degraded(problems)


def unpin(project: Project, session: Session) -> None:
    """Let go of a snapshot and its copies."""
    snapshot = project.upkeep.unpin(session.options["name"])
    problems = project.replicas.unpin(snapshot.name)
    document = documents.pin_document(snapshot.name, None, problems)
    session.finish(document, lambda: f"Snapshot '{snapshot.name}' is not pinned any more.")
    _end_degraded(problems)


def copy(project: Project, session: Session) -> None:
    """Copy one snapshot, or all that are missing, to the replicas."""
    options = session.options
    with session.progress() as on_progress:
        if options["missing"]:
            copies = project.replicas.copy_missing(to=options["to"], on_progress=on_progress)
        else:
            copies = project.replicas.copy(options["name"], to=options["to"], on_progress=on_progress)
    session.finish(documents.copy_document(copies), lambda: render.copied_text(copies))
    _end_degraded([problem for copied in copies for problem in copied.problems])


def _end_degraded(problems: Sequence[str]) -> None:
    if problems:
        raise CommandError(" ".join(["Done in part.", *problems]), returncode=EXIT_DEGRADED)


def _policy(project: Project, session: Session) -> Policy | None:
    """Return the policy of the command line, None where it gives none.

    Rules given there are all the rules there are; the floor of the settings holds unless it is given too.
    """
    given = {key: session.options[key.lower()] for key in PruneSettings.model_fields}
    given = {key: value for key, value in given.items() if value is not None}
    configured = project.settings.PRUNE
    if not given:
        return None
    if set(given) == {_FLOOR} and configured is not None:
        given = {**configured.model_dump(), **given}
    elif configured is not None:
        given.setdefault(_FLOOR, configured.MIN_KEEP)
    try:
        return PruneSettings.model_validate(given).policy
    except ValidationError as error:
        problems = structure_problems(error, PruneSettings.model_fields, ())
        raise session.refuse(" ".join(_said(problem.path, problem) for problem in problems)) from None


def _said(path: tuple[str | int, ...], problem: Any) -> str:
    option = f"--{str(path[0]).lower().replace('_', '-')}: " if path else ""
    return f"{option}{problem.message} {problem.hint or ''}".strip()


def _last_day(project: Project, session: Session) -> date | None:
    text = session.options["until"]
    try:
        return None if text is None else project.upkeep.last_day(text)
    except ValueError as error:
        raise session.refuse(f"--until: {error} Nothing was changed.") from None
