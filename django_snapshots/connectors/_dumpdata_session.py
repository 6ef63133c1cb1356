"""One transaction for a whole dump or restore: begun as each engine wants it, its errors translated."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import Error, connections, transaction
from django.utils.connection import ConnectionDoesNotExist

from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["connection_of", "connector_error", "is_consistent", "reading", "translated", "writing"]

_PATIENCE_S = 30

_BEFORE = {"mysql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"}
"""What an engine must hear before its transaction begins. On MySQL it makes a DELETE hold off inserts as well."""

_TO_READ = {
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}
_TO_WRITE = {"postgresql": f"SET LOCAL lock_timeout = '{_PATIENCE_S}s'"}
"""The first statement inside. Without it PostgreSQL waits for the locks of others for ever."""

_ONE_INSTANT = {"sqlite", "mysql", *_TO_READ}


def is_consistent(alias: str) -> bool:
    """Say whether everything read in `reading` is of one moment on this engine."""
    return connections[alias].vendor in _ONE_INSTANT


def connection_of(alias: str) -> BaseDatabaseWrapper:
    """Return Django's connection of `alias` in this thread, outside of any transaction.

    Raises:
        SnapshotConnectorError: There is no such alias, or the thread is inside transaction.atomic() on it.
    """
    try:
        connection = connections[alias]
    except ConnectionDoesNotExist as error:
        guess = nearest(alias, connections.settings)
        hint = f"Did you mean '{guess[0]}'?" if guess else f"There are: {', '.join(sorted(connections.settings))}."
        raise connector_error(alias, f"DATABASES has no alias '{alias}'. {hint}") from error
    if connection.in_atomic_block:
        raise connector_error(
            alias,
            f"Database '{alias}' cannot be dumped or restored inside transaction.atomic(): the connector needs a "
            "transaction of its own. Call it outside the block.",
        )
    return connection


@contextmanager
def reading(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """Give the connection inside a transaction that sees one moment, where the engine has such."""
    with _transaction(alias, _TO_READ) as connection:
        yield connection


@contextmanager
def writing(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """Give the connection inside the transaction that replaces everything."""
    with _transaction(alias, _TO_WRITE) as connection:
        yield connection


@contextmanager
def _transaction(alias: str, first: dict[str, str]) -> Iterator[BaseDatabaseWrapper]:
    connection = connection_of(alias)
    if before := _BEFORE.get(connection.vendor):
        with connection.cursor() as cursor:
            cursor.execute(before)
    with transaction.atomic(using=alias, durable=True):
        if statement := first.get(connection.vendor):
            with connection.cursor() as cursor:
                cursor.execute(statement)
        yield connection


@contextmanager
def translated(alias: str, action: str, consequence: str) -> Iterator[None]:
    """Turn what Django and the driver raise into SnapshotConnectorError.

    Args:
        alias: The database.
        action: What was going on, as in "dumped".
        consequence: What that means, as in "Nothing was changed."
    """
    try:
        yield
    except Error as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise connector_error(alias, f"Database '{alias}' could not be {action}: {text}. {consequence}") from error


def connector_error(alias: str, message: str) -> SnapshotConnectorError:
    """Return an error about the database of `alias`."""
    return SnapshotConnectorError(message, artifact=f"database/{alias}")
