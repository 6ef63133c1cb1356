"""Text for people on a restore: what it will replace by what, and what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.cli.render import age_text, count_text, moment_text
from django_snapshots.scratch import format_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django_snapshots.engine.restore import PlannedArtifact, RestoredSnapshot, RestorePlan

__all__ = ["plan_text", "restored_text", "tried_text"]

_MOST_NAMES = 8
_SAID = {
    *("target", "content", "database", "current_size_bytes", "size_bytes", "files", "merge"),
    *("server", "snapshot_server", "migrations", "needs_bytes", "free_bytes"),
}
"""What has a line of its own; other facts are said as they are called."""


def plan_text(
    plan: RestorePlan,
    *,
    now: datetime,
    safety_snapshot: bool,
    absent: Iterable[str] = (),
    obstacles: Iterable[str] = (),
) -> str:
    """Return what a restore will replace by what, and whether it saves that first.

    Args:
        plan: What it will do.
        now: The present, aware.
        safety_snapshot: Whether what is there is saved.
        absent: Lines on what the snapshot does not hold.
        obstacles: Texts on what keeps it from being carried out.
    """
    manifest = plan.manifest
    made = f"{moment_text(manifest.created_at)} ({age_text(manifest.created_at, now)} ago)"
    lines = [f"Snapshot '{manifest.name}' of {made}, made on {manifest.hostname}."]
    replaced = [planned for planned in plan.artifacts if planned.replaces]
    compared = [planned for planned in plan.artifacts if not planned.replaces]
    lines += ["Restoring it replaces:" if replaced else "Restoring it replaces nothing."]
    for planned in replaced:
        lines.append(f"  {_title(planned)}: {planned.facts['target']}")
        lines += [f"    {line}" for line in _lines(planned)]
    for planned in compared:
        differences = "; ".join(_fact(key, value) for key, value in planned.facts.items() if key != "target")
        lines += [f"It only compares {planned.record.name}:", f"  {differences or planned.facts['target']}"]
    lines += absent
    if replaced:
        lines.append(_safety_line(replaced, safety_snapshot=safety_snapshot))
    lines += [f"NOT POSSIBLE: {text}" for text in obstacles]
    return "\n".join(lines)


def _title(planned: PlannedArtifact) -> str:
    name, target = planned.record.name, planned.target_name
    return name if name == target else f"{name}, into {target}"


def _lines(planned: PlannedArtifact) -> Iterator[str]:
    facts = planned.facts
    yield f"now {_now(planned)}; then {_then(planned)}"
    if planned.record.lacks:
        yield f"NOT ALL OF IT is in the snapshot: {planned.record.lacks}"
    if facts.get("merge"):
        yield "files that the snapshot does not have are kept (--merge)"
    if facts.get("snapshot_server"):
        here = f", here is {facts['server']}" if facts.get("server") else ""
        yield f"made by version {facts['snapshot_server']} of the server{here}"
    yield from _migration_lines(facts.get("migrations"))
    needed, free = facts.get("needs_bytes"), facts.get("free_bytes")
    if isinstance(needed, int) and isinstance(free, int):
        yield f"needs {format_size(needed)} of the {format_size(free)} that are free there"
    more = [_fact(key, value) for key, value in facts.items() if key not in _SAID and value is not None]
    if more:
        yield "; ".join(more)


def _now(planned: PlannedArtifact) -> str:
    size = planned.facts.get("current_size_bytes")
    content = planned.facts.get("content")
    if content == "unreadable":
        return "it cannot be read"
    if content == "empty":
        return "it is empty or missing"
    return format_size(size) if isinstance(size, int) else "not known"


def _then(planned: PlannedArtifact) -> str:
    files = planned.facts.get("files")
    return format_size(planned.record.plain_size) + (
        f" with {count_text(files, 'file')}" if isinstance(files, int) else ""
    )


def _migration_lines(migrations: object) -> Iterator[str]:
    if not isinstance(migrations, dict):
        return
    if ahead := migrations.get("only_in_code"):
        yield f"older than this code: run `migrate` afterwards, for {_names(ahead)}"
    if missing := migrations.get("only_in_snapshot"):
        yield f"newer than this code: deploy the code that has {_names(missing)}"


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _fact(key: str, value: object) -> str:
    words = key.removesuffix("_bytes").replace("_", " ")
    if key.endswith("size_bytes") and isinstance(value, int):
        return f"{words} {format_size(value)}"
    if isinstance(value, list):
        return f"{words}: {_names([str(item) for item in value]) or 'none'}"
    return f"{words}: {value}"


def _safety_line(replaced: list[PlannedArtifact], *, safety_snapshot: bool) -> str:
    names = [planned.target_name for planned in replaced if planned.facts.get("content") != "empty"]
    if not names:
        return "There is nothing there yet, so nothing is saved before."
    if not safety_snapshot:
        return f"What is there now is NOT saved before (--no-safety-snapshot): {', '.join(names)}."
    return f"What is there now is saved before, as a snapshot 'pre-restore-…': {', '.join(names)}."


def tried_text(*, possible: bool) -> str:
    """Return what `restore --dry-run` says at its end."""
    way_out = "" if possible else " What makes the restore NOT POSSIBLE is said above; mend it first."
    return f"All files are as the manifest says.{way_out} Nothing was changed (--dry-run)."


def restored_text(restored: RestoredSnapshot, undo: str | None) -> str:
    """Return what `restore` says at its end."""
    lines = [f"Restored from snapshot '{restored.plan.manifest.name}'."]
    if undo:
        saved = f"What was there before is snapshot '{restored.safety_snapshot}'."
        lines += [f"{saved} To undo this restore:", f"  python {undo}"]
    return "\n".join(lines)
