"""Where the SQLite database of an alias is, and how to open it beside Django's own connection.

Never opens the file itself: POSIX drops all locks of a process on a file when any descriptor of it is closed
(sqlite.org/howtocorrupt.html, 2.2), Django's among them.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from django.db import connections
from django.utils.connection import ConnectionDoesNotExist

from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.names import nearest
from django_snapshots.sqlite_names import sqlite_file

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["BUSY_SLICE_S", "SQLiteDatabase", "connect_copy", "connect_private", "connection_of", "locate"]

BUSY_SLICE_S = 0.5
"""SQLite waits this long for a lock in one go, deaf to signals; longer waits are made of several."""

_PATIENCE_S = 30.0
"""How long a lock is waited for when the database has no OPTIONS['timeout'] of its own."""


@dataclass(frozen=True, slots=True)
class SQLiteDatabase:
    """The database of one alias.

    Attributes:
        alias: The key in DATABASES.
        path: The file, absolute; None for a database in memory, which only Django's own connection reaches.
        query: What a `file:` NAME says beside `mode` and `cache`, such as "vfs=unix-dotfile".
        read_only: The NAME has `mode=ro`.
        patience_s: Seconds to wait for the locks of others.
    """

    alias: str
    path: Path | None
    query: str = ""
    read_only: bool = False
    patience_s: float = _PATIENCE_S

    def __str__(self) -> str:
        return f"database '{self.alias}' ({'in memory' if self.path is None else self.path})"

    @property
    def directory(self) -> Path | None:
        """The directory that holds the file, its journal and its WAL, with symlinks followed as SQLite does."""
        return None if self.path is None else Path(os.path.realpath(self.path)).parent

    def error(self, message: str) -> SnapshotConnectorError:
        """Return an error about this database."""
        return SnapshotConnectorError(message, artifact=f"database/{self.alias}")

    def size_bytes(self) -> int | None:
        """Return the size of the file, without opening it; None where there is none."""
        try:
            return None if self.path is None else self.path.stat().st_size
        except OSError:
            return None

    def connect(self, mode: Literal["ro", "rw", "rwc"]) -> sqlite3.Connection:
        """Open the file with a connection of our own, in autocommit mode; only "rwc" creates it.

        Raises:
            sqlite3.OperationalError: It cannot be opened.
        """
        if self.path is None:
            raise self.error(f"{self} is in memory: only Django's own connection reaches it.")
        return _connect(self.path, "&".join(filter(None, (f"mode={mode}", self.query))))


def connect_copy(path: Path) -> sqlite3.Connection:
    """Open a private copy that nobody changes: without locks, and without making a WAL for it."""
    return _connect(path, "mode=ro&immutable=1")


def connect_private(path: Path, mode: Literal["ro", "rw"]) -> sqlite3.Connection:
    """Open a private file that is empty and still changes: without locks, for any thread."""
    return _connect(path, f"mode={mode}&nolock=1", check_same_thread=False)


def _connect(path: Path, query: str, *, check_same_thread: bool = True) -> sqlite3.Connection:
    uri = f"file:{quote(os.fsencode(path))}?{query}"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=BUSY_SLICE_S, check_same_thread=check_same_thread
    )


def connection_of(alias: str) -> BaseDatabaseWrapper:
    """Return Django's connection of `alias` in this thread.

    Raises:
        SnapshotConnectorError: There is no such alias.
    """
    try:
        return connections[alias]
    except ConnectionDoesNotExist as error:
        guess = nearest(alias, connections.settings)
        hint = f"Did you mean '{guess[0]}'?" if guess else f"There are: {', '.join(sorted(connections.settings))}."
        raise SnapshotConnectorError(
            f"DATABASES has no alias '{alias}'. {hint}", artifact=f"database/{alias}"
        ) from error


def locate(alias: str) -> SQLiteDatabase:
    """Return where the database of `alias` is; nothing is opened.

    Raises:
        SnapshotConnectorError: There is no such alias, it is not SQLite, or it has no NAME.
    """
    connection = connection_of(alias)
    settings: dict[str, Any] = connection.settings_dict
    database = SQLiteDatabase(alias, None, patience_s=_patience_s(settings))
    if connection.vendor != "sqlite":
        raise database.error(
            f"Database '{alias}' is no SQLite database, its engine is {settings['ENGINE']}. "
            f"Take SQLiteConnector away from SNAPSHOTS['DATABASE_CONNECTORS']['{alias}']."
        )
    name = os.fspath(settings["NAME"] or "")
    if not name:
        raise database.error(f"DATABASES['{alias}'] has no NAME. Set it to the path of the SQLite file.")
    path = sqlite_file(name)
    if path is None:
        return database
    return _parse_uri(database, path, name) if name.startswith("file:") else _replace_path(database, path)


def _parse_uri(database: SQLiteDatabase, path: Path, uri: str) -> SQLiteDatabase:
    query = dict(parse_qsl(urlsplit(uri).query, keep_blank_values=True))
    # A shared cache would tie our connection to Django's transaction; the mode is chosen at each opening.
    kept = {key: value for key, value in query.items() if key not in {"mode", "cache"}}
    return _replace_path(database, path, urlencode(kept, quote_via=quote), read_only=query.get("mode") == "ro")


def _replace_path(database: SQLiteDatabase, path: Path, query: str = "", *, read_only: bool = False) -> SQLiteDatabase:
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve() would follow symlinks in the name we show
    return SQLiteDatabase(database.alias, absolute, query, read_only, database.patience_s)


def _patience_s(settings: dict[str, Any]) -> float:
    timeout = (settings.get("OPTIONS") or {}).get("timeout")
    return float(timeout) if isinstance(timeout, int | float) else _PATIENCE_S
