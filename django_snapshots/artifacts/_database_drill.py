"""What is said of a database that was restored in a drill: the engine's own findings, and the code's migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from django_snapshots.errors import SnapshotConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from django_snapshots.connectors.contract import Connector

__all__ = ["drill_database"]

_SHOWN_MAX = 5


def drill_database(
    connector: Connector, alias: str, source: BinaryIO, facts: Mapping[str, Any]
) -> dict[str, list[str]] | None:
    """Restore a dump into a database of its own; return `problems` and `notes`, None where the connector has no such.

    Raises:
        SnapshotError: There can be no such database here, or the dump does not fit it.
    """
    scratch_database: Callable[[str], AbstractContextManager[str] | None] | None
    scratch_database = getattr(connector, "scratch_database", None)
    making = None if scratch_database is None else scratch_database(alias)
    if making is None:
        return None
    with making as scratch:
        plan: Callable[[str, Mapping[str, Any]], object] | None = getattr(connector, "plan", None)
        if plan is not None:
            plan(scratch, facts)  # what does not fit this code or this server is no damage
        try:
            connector.restore(scratch, source, facts)
        except SnapshotConnectorError as error:
            return {"problems": [f"It could not be restored in a drill: {error}"], "notes": []}
        inspect: Callable[[str, Mapping[str, Any]], list[str]] | None = getattr(connector, "inspect", None)
        problems = [] if inspect is None else inspect(scratch, facts)
        return {"problems": problems, "notes": _migration_notes(scratch) if facts.get("migrations") else []}


def _migration_notes(alias: str) -> list[str]:
    """Return what `migrate --check` would say."""
    try:
        executor = MigrationExecutor(connections[alias])
        executor.loader.check_consistent_history(connections[alias])
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Exception as error:  # noqa: BLE001 - a project's migrations raise what they like; the dump is whole all the same
        return [f"`migrate --check` fails on it: {type(error).__name__}: {error}"]
    names = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    if not names:
        return []
    more = f" and {len(names) - _SHOWN_MAX} more" if len(names) > _SHOWN_MAX else ""
    return [f"After a restore, run `manage.py migrate`: it lacks {', '.join(names[:_SHOWN_MAX])}{more} of this code."]
