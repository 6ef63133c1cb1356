"""The verb `check`, and what it says: how a snapshot differs from this code, and what to do about it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from django_snapshots.artifacts.environment import installed_distributions
from django_snapshots.cli.documents import check_document
from django_snapshots.cli.render import age_text, moment_text
from django_snapshots.cli.session import EXIT_FAILED
from django_snapshots.engine.compare import compare_snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django_snapshots.cli.session import Session
    from django_snapshots.engine.compare import Comparison
    from django_snapshots.project import Project

__all__ = ["check", "compared_text"]

_SHOWN_MAX = 20


def check(project: Project, session: Session) -> None:
    """Compare a snapshot with this code; with --strict a difference ends it with exit code 1."""
    snapshot = project.find_snapshot(session.options["name"] or "latest")
    found = compare_snapshot(snapshot.require_manifest(), installed_distributions())
    session.finish(check_document(found), lambda: compared_text(found, now=session.now))
    if found.differs and session.options["strict"]:
        raise CommandError(f"Snapshot '{found.manifest.name}' differs from this code.", returncode=EXIT_FAILED)


def compared_text(found: Comparison, *, now: datetime) -> str:
    """Return what `check` says."""
    manifest = found.manifest
    made = f"{moment_text(manifest.created_at)} ({age_text(manifest.created_at, now)} ago)"
    lines = [f"Snapshot '{manifest.name}' of {made}, Python {manifest.python}, Django {manifest.django}."]
    if not found.differs:
        return "\n".join([*lines, "It fits this code: the same packages, the same migrations."])
    return "\n".join([*lines, *_package_lines(found.packages), *_migration_lines(found.migrations)])


def _package_lines(packages: Any) -> list[str]:
    lines = _listed("Packages of the snapshot that are missing here", packages["missing"])
    changed = [f"{one['snapshot']} (here {one['here']})" for one in packages["changed"]]
    lines += _listed("Packages of another version", changed)
    lines += _listed("Packages that only this environment has", packages["extra"])
    wanted = [*packages["missing"], *(one["snapshot"] for one in packages["changed"])]
    if 0 < len(wanted) <= _SHOWN_MAX:
        lines.append(f"  To have those of the snapshot: pip install {shlex.join(wanted)}")
    return lines


def _migration_lines(migrations: Any) -> list[str]:
    lines = []
    for alias, one in migrations.items():
        if one["only_in_snapshot"]:
            lines += _listed(f"Migrations of database {alias} that this code does not have", one["only_in_snapshot"])
            lines.append(
                "  This code is older, or another branch: check out the code of the snapshot before a restore."
            )
        if one["only_in_code"]:
            lines += _listed(
                f"Migrations of this code that database {alias} of the snapshot lacks", one["only_in_code"]
            )
            lines.append(f"  After a restore run: manage.py migrate --database {alias}")
    return lines


def _listed(title: str, texts: Sequence[str]) -> list[str]:
    if not texts:
        return []
    more = [f"  and {len(texts) - _SHOWN_MAX} more"] if len(texts) > _SHOWN_MAX else []
    return [f"{title}:", *(f"  {text}" for text in texts[:_SHOWN_MAX]), *more]
