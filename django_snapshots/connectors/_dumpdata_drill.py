"""A drill with rows: a scratch database of the alias's engine, with the tables that this code's models want.

The tables are made from the models and not by `migrate`: a data migration that forgets which database it is for would
write into the live one.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connections, models, router
from django.db.migrations.recorder import MigrationRecorder

from django_snapshots.connectors import _mysql_drill, _postgres_drill, _sqlite_drill
from django_snapshots.connectors._drill_rows import other_rows
from django_snapshots.connectors._dumpdata_models import models_of
from django_snapshots.connectors._dumpdata_session import translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

__all__ = ["inspect_rows", "scratch_tables"]

_SCRATCH = {
    "sqlite": _sqlite_drill.scratch_file,
    "postgresql": _postgres_drill.scratch_database,
    "mysql": _mysql_drill.scratch_database,
}


def scratch_tables(alias: str) -> AbstractContextManager[str] | None:
    """Give the alias of a database with the tables of the live one, empty; None on an engine without scratch databases.

    Raises:
        SnapshotConnectorError: There can be no such database, or a table cannot be made in it.
    """
    scratch_database = _SCRATCH.get(connections[alias].vendor)
    return None if scratch_database is None else _with_tables(alias, scratch_database(alias))


@contextmanager
def _with_tables(alias: str, scratch_database: AbstractContextManager[str]) -> Iterator[str]:
    with scratch_database as scratch, _routed_as(alias, scratch):
        with translated(alias, "copied for a drill", "It was not restored."):
            with connections[scratch].schema_editor() as editor:
                for model in models_of(scratch):
                    if not model._meta.auto_created:  # made with the model whose field it is
                        editor.create_model(model)
            _copy_migrations(alias, scratch)
        yield scratch


@contextmanager
def _routed_as(alias: str, scratch: str) -> Iterator[None]:
    """Let the project's routers answer for the scratch database what they answer for the live one."""
    routers: list[Any] = router.routers
    same = _SameAnswers(alias, scratch)
    routers.insert(0, same)
    try:
        yield
    finally:
        routers.remove(same)


class _SameAnswers:
    """A database router that passes a question about one alias on as one about another."""

    def __init__(self, alias: str, scratch: str) -> None:
        self._alias = alias
        self._scratch = scratch

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return router.allow_migrate(self._alias, app_label, **hints) if db == self._scratch else None


def _copy_migrations(alias: str, scratch: str) -> None:
    live, copy = MigrationRecorder(connections[alias]), MigrationRecorder(connections[scratch])
    if live.has_table():
        copy.ensure_schema()
        applied = live.migration_qs.order_by("id").values_list("app", "name")
        copy.migration_qs.bulk_create(copy.Migration(app=app, name=name) for app, name in applied)


def inspect_rows(alias: str, facts: Mapping[str, Any]) -> list[str]:
    """Return which models have other rows than the facts say."""
    with translated(alias, "counted", "The drill ended there."):
        found = {model._meta.label_lower: models.QuerySet(model, using=alias).count() for model in models_of(alias)}
    return other_rows(found, facts)
