"""Dumps and restores the rows of Django's models, on any engine that Django can speak to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django_snapshots.connectors._dumpdata_models import (
    applied_migrations,
    differences,
    missing_tables,
    models_of,
    stored_fields,
    unmanaged,
)
from django_snapshots.connectors._dumpdata_rows import count_rows, encoded_rows
from django_snapshots.connectors._dumpdata_session import (
    connection_of,
    connector_error,
    is_consistent,
    reading,
    translated,
)
from django_snapshots.connectors._dumpdata_staged import load_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from django.db.backends.base.base import BaseDatabaseWrapper
    from pydantic import JsonValue

    from django_snapshots.connectors._dumpdata_models import Model
    from django_snapshots.connectors._dumpdata_staged import StagedRows

__all__ = ["DumpDataConnector"]


class DumpDataConnector:
    """The rows of all models as JSON lines, which restore into another engine too; schema and views stay out."""

    suffix = "jsonl"

    def dump(self, alias: str, sink: BinaryIO) -> dict[str, JsonValue]:
        """Write every row of every model with a table in the database, all of one moment where the engine can.

        Raises:
            SnapshotConnectorError: The database cannot be read, or lacks a model's table.
        """
        connection = connection_of(alias)
        with translated(alias, "dumped", "No dump was made."):
            models_here = _models(alias)
            with reading(alias):
                migrations = applied_migrations(alias)
                rows: dict[str, JsonValue] = {
                    model._meta.label_lower: _dump(alias, model, sink) for model in models_here
                }
            server_version = _server_version(connection)
        return {
            "engine": "dumpdata",
            "source_engine": connection.vendor,
            "server_version": server_version,
            "client_version": None,
            "models": {
                model._meta.label_lower: [field.name for field in stored_fields(model)] for model in models_here
            },
            "rows": rows,
            "migrations": dict(migrations),
            "notes": [*_notes(alias)],
        }

    def restore(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        """Replace all rows by those of the dump, in one transaction; see `stage`."""
        self.stage(alias, source, facts).commit()

    def stage(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> StagedRows:
        """Load the rows into the live tables, in a transaction that only `commit` makes visible.

        Others read the old rows until then, and wait when they write.

        Args:
            alias: The database to be replaced; its tables must be there.
            source: The dump, read to its end.
            facts: What `dump` returned.

        Raises:
            SnapshotConnectorError: The models or migrations differ, or the rows do not fit. Nothing was changed.
        """
        connection_of(alias)
        with translated(alias, "restored", "Nothing was changed."):
            self.plan(alias, facts)
            return load_rows(alias, source, facts)

    def verify(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> list[str]:  # noqa: ARG002
        """Return what is wrong with the dump in `source`: each line must be a row, of each model as many as counted."""
        try:
            counts = count_rows(source)
        except ValueError as error:
            return [str(error)]
        recorded: Mapping[str, int] = facts.get("rows") or {}
        return [
            f"It has {counts.get(label, 0)} rows of {label}, the manifest says {recorded.get(label, 0)}."
            for label in {**recorded, **counts}
            if recorded.get(label, 0) != counts.get(label, 0)
        ]

    def scratch_database(self, alias: str) -> AbstractContextManager[str] | None:
        """Give the alias of a database for a drill, with empty tables, on the engine of the live one.

        Returns:
            None where that is neither SQLite, PostgreSQL, MariaDB nor MySQL.

        Raises:
            SnapshotConnectorError: The role may not make one, or a table cannot be made in it.
        """
        from django_snapshots.connectors._dumpdata_drill import scratch_tables  # noqa: PLC0415 - brings every engine's

        return scratch_tables(alias)

    def inspect(self, alias: str, facts: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with a restored database: the rows of each model."""
        from django_snapshots.connectors._dumpdata_drill import inspect_rows  # noqa: PLC0415 - brings every engine's

        return inspect_rows(alias, facts)

    def plan(self, alias: str, facts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Return what a restore would replace.

        Raises:
            SnapshotConnectorError: The dump was made by another connector, or of other models.
        """
        connection = connection_of(alias)
        if facts.get("engine") != "dumpdata":
            raise connector_error(
                alias,
                f"The dump is of engine {facts.get('engine')!r}; DumpDataConnector reads its own dumps only. "
                f"Take it away from SNAPSHOTS['DATABASE_CONNECTORS']['{alias}'] for this restore.",
            )
        with translated(alias, "compared with the snapshot", "Nothing was changed."):
            models_here = _models(alias)
            found = differences(alias, models_here, facts)
        if found:
            raise connector_error(
                alias,
                f"The models of the snapshot and of this code differ: {'; '.join(found)}. Check out the code of the "
                f"snapshot and migrate the database to it (`manage.py migrate --database {alias} APP MIGRATION`), "
                "restore, and migrate forward again.",
            )
        target = f"database {alias} ({connection.vendor}), all rows of {len(models_here)} models"
        return {"target": target}


def _models(alias: str) -> list[Model]:
    models_here = models_of(alias)
    if missing := missing_tables(alias, models_here):
        raise connector_error(
            alias,
            f"Database '{alias}' has no table {missing[0]}"
            f"{f' ({len(missing)} tables are missing)' if len(missing) > 1 else ''}. "
            f"Run `manage.py migrate --database {alias}` first.",
        )
    return models_here


def _dump(alias: str, model: Model, sink: BinaryIO) -> int:
    total = 0
    for lines, count in _readable(alias, model):
        sink.write(lines)
        total += count
    return total


def _readable(alias: str, model: Model) -> Iterator[tuple[bytes, int]]:
    try:
        yield from encoded_rows(alias, model)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise connector_error(
            alias,
            f"A row of {model._meta.label_lower} cannot be read: {type(error).__name__}: {error}. No dump was made. "
            "Correct the value in the database.",
        ) from error


def _server_version(connection: BaseDatabaseWrapper) -> str | None:
    with suppress(NotImplementedError):
        return ".".join(map(str, connection.get_database_version()))
    return None


def _notes(alias: str) -> list[str]:
    notes = []
    if labels := unmanaged(alias):
        notes.append(f"Models with managed = False were left out: {', '.join(labels)}.")
    if not is_consistent(alias):
        notes.append("The engine has no transaction that reads everything as of one moment; tables may differ in time.")
    return notes
