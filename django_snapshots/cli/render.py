"""Text for people: results, plans, notes, ages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django_snapshots.scratch import format_size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django_snapshots.engine.create import CreatedSnapshot
    from django_snapshots.engine.incomplete import Leftover
    from django_snapshots.engine.replicas import Copied
    from django_snapshots.engine.upkeep import Pruned
    from django_snapshots.manifest import Manifest
    from django_snapshots.retention import Decision

__all__ = ["age_text", "copied_text", "count_text", "created_text", "moment_text", "notes_lines", "pruned_text"]


def created_text(created: CreatedSnapshot) -> str:
    """Return what `backup` says at its end."""
    manifest = created.snapshot.require_manifest()
    lines = [
        f"  {record.name:<20} {format_size(record.stored_size):>10} stored, {format_size(record.plain_size)} plain"
        for record in manifest.artifacts
    ]
    lines += notes_lines(manifest)
    size = format_size(manifest.stored_size_bytes)
    if created.problems:
        lines.append(f"Snapshot '{manifest.name}' is stored ({size}), but not all went well:")
        lines += [f"  {problem}" for problem in created.problems]
    else:
        lines.append(f"Snapshot '{manifest.name}' is complete: {size} stored.")
    lines += [copied_text(created.copies)] if created.copies else []
    if created.pruned is not None:
        lines.append(pruned_text(created.pruned, dry_run=False))
    return "\n".join(lines)


def pruned_text(pruned: Pruned, *, dry_run: bool) -> str:
    """Return what `prune` says at its end: every decision of a dry run, else what was deleted."""
    lines = [_pruned_text(pruned, dry_run=dry_run)]
    for each in pruned.replicas:
        lines += [f"On {each.replica}:", _pruned_text(each.pruned, dry_run=dry_run)] if each.pruned else []
    return "\n".join(lines)


def copied_text(copies: Iterable[Copied]) -> str:
    """Return what `copy` says at its end."""
    lines = []
    for each in copies:
        lines += [f"Copied '{name}' to {each.replica}." for name in each.copied]
        if each.present:
            were = "was" if len(each.present) == 1 else "were"
            lines.append(f"{count_text(len(each.present), 'snapshot')} {were} there already on {each.replica}.")
    return "\n".join(lines) or "Nothing was copied."


def _pruned_text(pruned: Pruned, *, dry_run: bool) -> str:
    shown = [decision for decision in pruned.decisions if dry_run or decision.name in set(pruned.deleted)]
    width = max((len(decision.name) for decision in shown), default=0)
    lines = [f"{_verb(decision):<8}{decision.name:<{width}}  {'; '.join(decision.reasons)}" for decision in shown]
    lines += [_leftover_line(leftover, "Would remove" if dry_run else "Removed") for leftover in pruned.leftovers]
    going = sum(decision.action == "delete" for decision in pruned.decisions)
    count = f"{going} of {len(pruned.decisions)} snapshots"
    if going:
        lines.append(f"Would delete {count}. Nothing was changed (--dry-run)." if dry_run else f"Deleted {count}.")
    elif pruned.decisions:
        kept = len(pruned.decisions)
        lines.append(f"All {kept} snapshots are kept." if kept > 1 else "The only snapshot is kept.")
    return "\n".join(lines) or "Nothing to remove."


def _verb(decision: Decision) -> str:
    return "DELETE" if decision.action == "delete" else "keep"


def _leftover_line(leftover: Leftover, verb: str) -> str:
    left = f"{verb} {count_text(len(leftover.paths), 'file')} of '{leftover.name}', "
    if leftover.begun_at is None:
        return f"{left}whose deletion was interrupted."
    return f"{left}a backup that began at {moment_text(leftover.begun_at)} and never completed."


def notes_lines(manifest: Manifest) -> list[str]:
    """Return what the artifacts' plugins noted at the backup, a line each."""
    lines = []
    for record in manifest.artifacts:
        notes = record.facts.get("notes")
        lines += [f"  note on {record.name}: {note}" for note in (notes if isinstance(notes, list) else [])]
    return lines


def count_text(count: int, noun: str) -> str:
    """Return a number of things, such as "1 file" or "2 files"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def moment_text(moment: datetime) -> str:
    """Return a moment to the second, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def age_text(moment: datetime, now: datetime) -> str:
    """Return how long ago it was in its largest unit, such as "3 hours"."""
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count = seconds // length
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "0 seconds"
