"""Rows loaded into the live tables in a transaction that is still open: committing it is the whole replacement."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections
from django.db.models.sql import InsertQuery

from django_snapshots.connectors._dumpdata_models import models_of
from django_snapshots.connectors._dumpdata_rows import RowReader, lines_of
from django_snapshots.connectors._dumpdata_sequences import advance_sequences
from django_snapshots.connectors._dumpdata_session import connector_error, translated, writing
from django_snapshots.digests import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import SimpleNamespace
    from typing import BinaryIO

    from django.db.backends.base.base import BaseDatabaseWrapper

    from django_snapshots.connectors._dumpdata_models import Model

__all__ = ["StagedRows", "load_rows"]

_ROWS_MAX = 1000


class StagedRows:
    """The open transaction."""

    def __init__(self, alias: str, stack: ExitStack) -> None:
        """Take over the stack that holds the transaction."""
        self._alias = alias
        self._stack: ExitStack | None = stack

    def commit(self) -> None:
        """Commit: everybody sees the snapshot's rows from now on.

        Raises:
            SnapshotConnectorError: The engine refused. The database is as before.
        """
        stack, self._stack = self._stack, None
        if stack is not None:
            with translated(self._alias, "replaced", "The database is as before."):
                stack.close()

    def discard(self) -> None:
        """Roll back."""
        stack, self._stack = self._stack, None
        if stack is not None:
            roll_back(self._alias, stack)


def roll_back(alias: str, stack: ExitStack) -> None:
    """Leave the transaction without its changes; a connection that cannot even do that is closed."""
    connection = connections[alias]
    with suppress(Exception):  # whatever it is, another error is on its way, and the transaction ends with it
        connection.set_rollback(True)
        stack.close()
        return
    with suppress(Exception):
        connection.close()


def load_rows(alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> StagedRows:
    """Replace all rows by those of the stream, and leave the transaction open.

    Raises:
        SnapshotConnectorError: A row does not fit, a constraint is broken, or rows are missing. Nothing was changed.
    """
    models_here = models_of(alias)
    with ExitStack() as stack:
        with translated(alias, "restored", "Nothing was changed."):
            connection = stack.enter_context(writing(alias))
            try:
                with connection.constraint_checks_disabled():
                    _delete_rows(connection, models_here)
                    counts = _Loader(alias, connection, models_here).load(source)
                _refuse_missing_rows(alias, counts, facts)
                _check_constraints(alias, connection, models_here)
                advance_sequences(connection, models_here)
            except BaseException:
                connection.set_rollback(True)
                raise
        return StagedRows(alias, stack.pop_all())


def _delete_rows(connection: BaseDatabaseWrapper, models_here: list[Model]) -> None:
    # DELETE, because TRUNCATE ends the transaction on MySQL and Oracle.
    with connection.cursor() as cursor:
        for model in reversed(models_here):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608 - quoted


def _check_constraints(alias: str, connection: BaseDatabaseWrapper, models_here: list[Model]) -> None:
    try:
        connection.check_constraints(table_names=[model._meta.db_table for model in models_here])
    except IntegrityError as error:
        raise connector_error(
            alias, f"The rows of the snapshot break a constraint: {error} Nothing was changed."
        ) from error


def _refuse_missing_rows(alias: str, counts: Mapping[str, int], facts: Mapping[str, Any]) -> None:
    recorded: Mapping[str, int] = facts.get("rows") or {}
    for label in {**recorded, **counts}:
        expected, found = recorded.get(label, 0), counts.get(label, 0)
        if expected != found:
            raise connector_error(
                alias,
                f"The dump for database '{alias}' has {found} rows of {label}, its facts say {expected}: it is cut or "
                "of another snapshot. Nothing was changed. Restore another snapshot.",
            )


class _Loader:
    """Inserts rows in batches: as they are, without `save()`, signals, `auto_now`, or the model's own code."""

    def __init__(self, alias: str, connection: BaseDatabaseWrapper, models_here: list[Model]) -> None:
        self._alias = alias
        self._connection = connection
        self._reader = RowReader(models_here)
        self._counts: dict[str, int] = {}
        self._label = ""
        self._rows: list[SimpleNamespace] = []
        self._pending_bytes = 0

    def load(self, source: BinaryIO) -> dict[str, int]:
        """Insert all rows and return how many there were of each model."""
        for number, line in enumerate(lines_of(source), start=1):
            try:
                label, row = self._reader.read(line)
            except (ValueError, TypeError, LookupError, ArithmeticError, ValidationError) as error:
                raise self._bad_line(number, error) from error
            if label != self._label or len(self._rows) >= _ROWS_MAX or self._pending_bytes >= CHUNK_SIZE:
                self._insert()
                self._label = label
            self._rows.append(row)
            self._pending_bytes += len(line)
        self._insert()
        return self._counts

    def _bad_line(self, number: int, error: Exception) -> Exception:
        return connector_error(
            self._alias,
            f"Line {number} of the dump is no row of this project's models: {type(error).__name__}: {error}. "
            "Nothing was changed. Restore another snapshot.",
        )

    def _insert(self) -> None:
        rows, self._rows, self._pending_bytes = self._rows, [], 0
        if not rows:
            return
        model, fields = self._reader.models[self._label], self._reader.fields[self._label]
        step = max(1, self._connection.ops.bulk_batch_size(fields, rows))
        for start in range(0, len(rows), step):
            self._insert_at_once(model, fields, rows[start : start + step])
        self._counts[self._label] = self._counts.get(self._label, 0) + len(rows)

    def _insert_at_once(self, model: Model, fields: list[Any], rows: list[Any]) -> None:
        # Plain rows instead of instances: making those would send signals and open image files.
        query = InsertQuery(model)
        query.insert_values(fields, rows, raw=True)
        try:
            query.get_compiler(connection=self._connection).execute_sql()
        except (ValueError, TypeError, ArithmeticError) as error:
            raise connector_error(
                self._alias,
                f"A row of {model._meta.label_lower} cannot be stored by {self._connection.display_name}: {error} "
                "Nothing was changed.",
            ) from error
