"""One connection of our own to the database of an alias, beside Django's, through whichever psycopg Django uses.

Opened from Django's own wrapper, so that everything DATABASES says of the connection holds here too. Statements are
sent as bytes, several in one message where that is asked for; server errors are told once, here.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections
from django.utils.connection import ConnectionDoesNotExist

from django_snapshots.conf.masking import is_secret_name, scrub
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["LOCK_STATES", "Session", "connection_of", "open_session", "refuse_in_transaction", "sql_state"]

LOCK_STATES = frozenset({"55P03", "40P01"})
"""SQLSTATEs of a lock that was not given in time, and of a deadlock."""

_ADVICE = {
    "42501": "Restore as a role that may, or have an administrator do that step.",
    "53100": "Its disk is full: free some space on the server. A restore needs room for the old and the new data.",
    "53200": "Raise max_locks_per_transaction on the server (each object takes a lock) and restart it, or give it "
    "more memory.",
}
_OURS_ALONE = ("pool", "cursor_factory", "server_side_binding", "prepare_threshold")
"""OPTIONS that would share the connection, or let psycopg wrap what we send."""


def connection_of(alias: str) -> BaseDatabaseWrapper:
    """Return Django's connection of `alias` in this thread.

    Raises:
        SnapshotConnectorError: There is no such alias, or it is no PostgreSQL database.
    """
    artifact = f"database/{alias}"
    try:
        connection = connections[alias]
    except ConnectionDoesNotExist as error:
        guess = nearest(alias, connections.settings)
        hint = f"Did you mean '{guess[0]}'?" if guess else f"There are: {', '.join(sorted(connections.settings))}."
        raise SnapshotConnectorError(f"DATABASES has no alias '{alias}'. {hint}", artifact=artifact) from error
    except ImproperlyConfigured as error:  # psycopg is not installed
        raise SnapshotConnectorError(f"Database '{alias}' cannot be used: {error}", artifact=artifact) from error
    if connection.vendor != "postgresql":
        raise SnapshotConnectorError(
            f"Database '{alias}' is no PostgreSQL database, its engine is {connection.settings_dict['ENGINE']}. "
            f"Take PostgresConnector away from SNAPSHOTS['DATABASE_CONNECTORS']['{alias}'].",
            artifact=artifact,
        )
    return connection


def refuse_in_transaction(alias: str) -> None:
    """Raise when this thread is inside transaction.atomic() on the database: we would wait for its locks for ever.

    Raises:
        SnapshotConnectorError: It is.
    """
    if connection_of(alias).in_atomic_block:
        raise SnapshotConnectorError(
            f"A restore cannot run inside transaction.atomic() on database '{alias}'. Call it outside the block.",
            artifact=f"database/{alias}",
        )


def open_session(alias: str, *, doing: str) -> Session:
    """Connect to the database of `alias`.

    Args:
        alias: A key of DATABASES.
        doing: What it is for, as in "be dumped", for messages.

    Raises:
        SnapshotConnectorError: There is no such alias, or the server does not let us in.
    """
    wrapper: Any = connection_of(alias).copy(alias)
    options = wrapper.settings_dict["OPTIONS"]
    for name in _OURS_ALONE:
        options.pop(name, None)
    secrets = _secrets(wrapper.settings_dict)
    try:
        wrapper.connect()
        wrapper.connection.autocommit = True
        with wrapper.connection.cursor() as cursor:  # what is meant for web requests would end long work
            cursor.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
    except (Error, wrapper.Database.Error, ImproperlyConfigured) as error:
        with suppress(Exception):  # the connection may be there, what Django does first in it may have failed
            wrapper.close()
        raise SnapshotConnectorError(
            f"Database '{alias}' cannot {doing}: the connection failed: {scrub(str(error), secrets).strip()}",
            artifact=f"database/{alias}",
        ) from error
    return Session(alias, wrapper, doing, secrets)


def _secrets(settings: dict[str, Any]) -> frozenset[str]:
    options = settings["OPTIONS"]
    texts = {str(value) for name, value in options.items() if is_secret_name(name)}
    return frozenset(texts | {str(settings["PASSWORD"] or "")}) - {""}


class Session:
    """An open connection in autocommit mode: a transaction begins and ends by statements.

    Attributes:
        alias: The key in DATABASES.
        doing: What it is for, for messages.
        secrets: Texts that must not be shown.
    """

    def __init__(self, alias: str, wrapper: Any, doing: str, secrets: frozenset[str]) -> None:
        """Take over Django's wrapper, which nobody else has."""
        self.alias = alias
        self.doing = doing
        self.secrets = secrets
        self._driver_error: type[Exception] = wrapper.Database.Error
        self._connection: Any = wrapper.connection

    @property
    def info(self) -> Any:
        """What psycopg knows of the connection: `host`, `port`, `password` and so on."""
        return self._connection.info

    @property
    def is_lost(self) -> bool:
        """Say whether the server is gone, or has ended the connection."""
        return bool(self._connection.closed)

    def parameters(self) -> dict[str, str]:
        """Return every parameter of the connection as libpq settled it, service, files and environment included."""
        low_level: Any = getattr(self._connection, "pgconn", None)
        if not hasattr(low_level, "info"):  # psycopg 2
            return dict(self._connection.info.dsn_parameters)
        return {option.keyword.decode(): option.val.decode() for option in low_level.info if option.val is not None}

    def execute(self, statements: str | bytes) -> None:
        """Run one or more statements.

        Raises:
            SnapshotConnectorError: The server refused, or is gone.
        """
        with self._told(), self._connection.cursor() as cursor:
            cursor.execute(statements)

    def rows(self, query: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._told(), self._connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return list(cursor.fetchall())

    def value(self, query: str, parameters: Sequence[object] | None = None) -> Any:
        """Return the one value of a query that has one."""
        return self.rows(query, parameters)[0][0]

    def copy_in(self, statement: bytes, chunks: Iterator[bytes]) -> None:
        """Run a COPY … FROM stdin with these bytes."""
        with self._told(), self._connection.cursor() as cursor:
            if not hasattr(cursor, "copy"):  # psycopg 2
                cursor.copy_expert(statement, _ChunkFile(chunks), size=1)
                return
            with cursor.copy(statement) as copy:
                for chunk in chunks:
                    copy.write(chunk)

    def cancel(self) -> None:
        """End the statement that another thread is waiting for, if any."""
        with suppress(self._driver_error):
            self._connection.cancel()

    def close(self) -> None:
        """Close the connection; the server rolls back what was not committed."""
        with suppress(self._driver_error):
            self._connection.close()

    def error(self, message: str) -> SnapshotConnectorError:
        """Return an error about this database, without its secrets."""
        return SnapshotConnectorError(scrub(message, self.secrets), artifact=f"database/{self.alias}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._driver_error as error:
            raise self.error(f"Database '{self.alias}' could not {self.doing}: {self._explain(error)}") from error

    def _explain(self, error: Exception) -> str:
        if self.is_lost:
            return f"the connection to the server was lost: {str(error).strip()}"
        said = getattr(error, "diag", None)
        parts = [getattr(said, "message_primary", None) or str(error).strip()]
        for name in ("message_detail", "message_hint"):
            parts += filter(None, [getattr(said, name, None)])
        where = getattr(said, "context", None)
        if where:
            parts.append(f"({where.splitlines()[0]})")
        parts += filter(None, [_ADVICE.get(sql_state(error) or "")])
        return " ".join(part if part.endswith((".", ")")) else f"{part}." for part in parts)


class _ChunkFile:
    """Chunks as the file that psycopg 2 reads; it takes whatever size a read gives."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, _size: int = -1) -> bytes:
        return next(self._chunks, b"")


def sql_state(error: BaseException | None) -> str | None:
    """Return the SQLSTATE of an error of psycopg 3 or 2, or of the one that caused it; None where there is none."""
    while error is not None:
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if state:
            return str(state)
        error = error.__cause__
    return None
