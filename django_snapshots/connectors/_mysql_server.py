"""The MariaDB or MySQL server of an alias: connections of our own to it, and what it says of itself."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import Error, connections
from django.utils.connection import ConnectionDoesNotExist

from django_snapshots.connectors._program import parse_version
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["MAY_NOT_ALTER", "NEEDS_A_RIGHT", "MySQLDatabase", "Session", "code_of", "locate", "quoted", "session"]

NEEDS_A_RIGHT = 1227
"""ER_SPECIFIC_ACCESS_DENIED_ERROR."""

MAY_NOT_ALTER = 1370
"""ER_PROCACCESS_DENIED_ERROR."""

_NAME_CHARS_MAX = 64
_SESSION = (
    "SET NAMES utf8mb4",
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
    "SET SESSION wait_timeout = 604800",  # it is idle while a client program loads a dump
)
_REAL_SIZES = "SET SESSION information_schema_stats_expiry = 0"
"""MySQL's are a day old otherwise."""

_ANY_FOREIGN_KEY = "SET SESSION restrict_fk_on_non_standard_key = OFF"
"""A table of MySQL moves with its foreign keys, also those that it no longer lets anybody make."""


@dataclass(frozen=True, slots=True)
class MySQLDatabase:
    """The database of one alias.

    Attributes:
        alias: The key in DATABASES.
        name: The database's name on its server.
        parameters: What Django connects with: keyword arguments of the driver. Holds the password.
        driver: The module that Django connects by: "MySQLdb", "pymysql" under that name, "" for unknown.
    """

    alias: str
    name: str
    parameters: dict[str, Any]
    driver: str

    def __str__(self) -> str:
        return f"database '{self.alias}' ({self.name} on {self.server})"

    def __repr__(self) -> str:
        return f"<MySQLDatabase {self}>"

    @property
    def server(self) -> str:
        """Where the server is, for people."""
        socket = self.parameters.get("unix_socket")
        if socket:
            return str(socket)
        return f"{self.parameters.get('host') or 'localhost'}:{self.parameters.get('port') or 3306}"

    @property
    def password(self) -> str:
        """The password in the settings, "" for none there."""
        return str(self.parameters.get("password") or self.parameters.get("passwd") or "")

    @property
    def artifact(self) -> str:
        """The name of its artifact."""
        return f"database/{self.alias}"

    @property
    def scratch_names(self) -> tuple[str, str]:
        """The databases that a restore works in: for the new tables, and for those that were replaced."""
        stem = f"{self.name}_snapshot"
        if len(stem) > _NAME_CHARS_MAX - 4:
            digest = hashlib.sha256(self.name.encode()).hexdigest()[:8]
            stem = f"{self.name[: _NAME_CHARS_MAX - 22]}_{digest}_snapshot"
        return f"{stem}_new", f"{stem}_old"

    def error(self, message: str) -> SnapshotConnectorError:
        """Return an error about this database."""
        return SnapshotConnectorError(message, artifact=self.artifact)


def locate(alias: str) -> MySQLDatabase:
    """Return the database of `alias`; nothing is connected to.

    Raises:
        SnapshotConnectorError: There is no such alias, it is of another engine, or it has no NAME.
    """
    try:
        connection = connections[alias]
    except ConnectionDoesNotExist as error:
        guess = nearest(alias, connections.settings)
        hint = f"Did you mean '{guess[0]}'?" if guess else f"There are: {', '.join(sorted(connections.settings))}."
        raise SnapshotConnectorError(
            f"DATABASES has no alias '{alias}'. {hint}", artifact=f"database/{alias}"
        ) from error
    settings = connection.settings_dict
    if connection.vendor != "mysql":
        raise SnapshotConnectorError(
            f"Database '{alias}' is neither MariaDB nor MySQL, its engine is {settings['ENGINE']}. "
            f"Take MySQLConnector away from SNAPSHOTS['DATABASE_CONNECTORS']['{alias}'].",
            artifact=f"database/{alias}",
        )
    parameters = dict(connection.get_connection_params())
    name = parameters.get("database") or parameters.get("db")
    if not name:
        raise SnapshotConnectorError(f"DATABASES['{alias}'] has no NAME.", artifact=f"database/{alias}")
    driver = getattr(connection, "Database", None)
    return MySQLDatabase(alias, str(name), parameters, driver=getattr(driver, "__name__", ""))


class Session:
    """A connection of our own, beside Django's.

    Attributes:
        database: What it is connected to.
        takes_any_foreign_key: It is MySQL from 8.4, and lets them lead to columns without a unique key.
    """

    def __init__(self, database: MySQLDatabase) -> None:
        """Connect.

        Raises:
            django.db.Error: The server cannot be reached, or refuses.
        """
        self.database = database
        wrapper: BaseDatabaseWrapper = connections[database.alias].copy()
        wrapper.inc_thread_sharing()  # a restore may be staged by one thread and committed by another
        # The programs do not run it, and what a role sees by it they would leave out of a dump without a word.
        wrapper.settings_dict["OPTIONS"].pop("init_command", None)
        self._wrapper = wrapper
        self.settle()
        is_mysql = not self.is_mariadb
        if is_mysql:
            self._took(_REAL_SIZES)
        self.takes_any_foreign_key = is_mysql and self._took(_ANY_FOREIGN_KEY)

    def settle(self) -> None:
        """Take our settings, also after statements that brought others and failed before they took them back."""
        for statement in _SESSION:
            self.run(statement)

    def run(self, statement: str, parameters: Sequence[str | int] | None = None) -> None:
        """Execute a statement."""
        with self._wrapper.cursor() as cursor:
            cursor.execute(statement, parameters)

    def rows(self, statement: str, parameters: Sequence[str | int] | None = None) -> list[tuple[Any, ...]]:
        """Return all rows of a short query."""
        with self._wrapper.cursor() as cursor:
            cursor.execute(statement, parameters)
            return [tuple(map(_text, row)) for row in cursor.fetchall()]

    def records(self, statement: str) -> list[dict[str, Any]]:
        """Return all rows of a short query, by the names of their columns."""
        with self._wrapper.cursor() as cursor:
            cursor.execute(statement)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, map(_text, row), strict=True)) for row in cursor.fetchall()]

    def value(self, statement: str, parameters: Sequence[str | int] | None = None) -> Any:
        """Return the first column of the first row."""
        return self.rows(statement, parameters)[0][0]

    @property
    def role(self) -> str:
        """Whom the server takes us for, such as "shop@localhost"."""
        return str(self.value("SELECT CURRENT_USER()"))

    @property
    def account(self) -> str:
        """The same as an identifier: "`shop`@`localhost`"."""
        user, _, host = self.role.rpartition("@")
        return f"{quoted(user)}@{quoted(host)}"

    def _took(self, statement: str) -> bool:
        """Execute what not every version knows and say whether this one did."""
        with suppress(Error):
            self.run(statement)
            return True
        return False

    @property
    def server_version(self) -> str:
        """What the server calls its version, such as "10.11.6-MariaDB-0+deb12u1"."""
        return str(self.value("SELECT VERSION()"))

    @property
    def is_mariadb(self) -> bool:
        """Say whether the server is of MariaDB's family."""
        return "mariadb" in self.server_version.lower()

    @property
    def version(self) -> tuple[int, ...]:
        """The version in numbers."""
        return parse_version(self.server_version)

    @property
    def is_connected(self) -> bool:
        """Say whether the connection is still there."""
        with suppress(Error):
            self.run("DO 0")
            return True
        return False

    def close(self) -> None:
        """Disconnect; never raises."""
        with suppress(Exception):  # the server may have gone first
            self._wrapper.close()


@contextmanager
def session(database: MySQLDatabase, action: str, consequence: str) -> Iterator[Session]:
    """Give a session, and turn what the driver raises into SnapshotConnectorError.

    Args:
        database: What to connect to.
        action: What is going on, as in "dumped".
        consequence: What a failure means, as in "No dump was made."
    """
    opened = None
    try:
        opened = Session(database)
        yield opened
    except Error as error:
        text = " ".join(str(error).split())
        raise database.error(f"{database} could not be {action}: {text}. {consequence}") from error
    finally:
        if opened is not None:
            opened.close()


def code_of(error: Error) -> int | None:
    """Return the server's number of an error."""
    code = error.args[0] if error.args else None
    return code if isinstance(code, int) else None


def quoted(*names: str) -> str:
    """Return names as an identifier: "`a`.`b`"."""
    return ".".join(f"`{name.replace('`', '``')}`" for name in names)


def _text(value: object) -> object:
    # Some drivers give the text of SHOW statements as bytes.
    return value.decode() if isinstance(value, (bytes, bytearray)) else value
