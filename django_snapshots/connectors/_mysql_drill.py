"""A drill with a MariaDB or MySQL dump: a database of its own on the same server, dropped at the end.

Its name is locked (GET_LOCK) by a connection that stays open for the whole drill. A database whose name nobody has
locked is what a killed drill left behind, and the next drill of the same live database drops it.
"""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from django_snapshots.connectors._drill_alias import drill_alias
from django_snapshots.connectors._mysql_objects import find_objects
from django_snapshots.connectors._mysql_server import locate, quoted, session
from django_snapshots.errors import SnapshotConnectorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.connectors._mysql_server import MySQLDatabase, Session

__all__ = ["inspect_database", "scratch_database"]

_STEM_CHARS_MAX = 53
"""A name has 64 characters at most."""


@contextmanager
def scratch_database(alias: str) -> Iterator[str]:
    """Give the alias of an empty database.

    Raises:
        SnapshotConnectorError: The role may not make one.
    """
    database = locate(alias)
    # Of the same pattern as the databases a restore works in, so that the rights for those are enough.
    stem = database.scratch_names[0].removesuffix("_new")
    prefix = f"{stem[:_STEM_CHARS_MAX]}_drill_"
    pattern = f"{stem}_".replace("_", r"\_")
    advice = (
        "A drill needs a database of its own. Have an administrator allow what a restore needs too "
        f"(GRANT ALL PRIVILEGES ON `{pattern}%`.* TO the role), or verify without --deep."
    )
    with session(database, "restored in a drill", advice) as connection:
        name = _locked_name(connection, prefix)
        connection.run(f"CREATE DATABASE {quoted(name)}")
        try:
            with drill_alias(alias, name) as added:
                yield added
        finally:
            _drop(database, name)


def _locked_name(connection: Session, prefix: str) -> str:
    """Return the name of a database that nobody has, locked; drop those that killed drills of this database left."""
    for (name,) in connection.rows("SELECT schema_name FROM information_schema.schemata"):
        if re.fullmatch(f"{re.escape(prefix)}[0-9a-f]{{4}}", name) and _lock(connection, name):
            _drop(connection.database, name)
            connection.rows("SELECT RELEASE_LOCK(%s)", [_lock_name(name)])
    while True:
        name = prefix + secrets.token_hex(2)
        if _lock(connection, name):
            return name


def _lock(connection: Session, name: str) -> bool:
    return bool(connection.value("SELECT GET_LOCK(%s, 0)", [_lock_name(name)]) == 1)


def _lock_name(name: str) -> str:
    return f"django-snapshots:{name[-40:]}"


def _drop(database: MySQLDatabase, name: str) -> None:
    """Drop the database of a drill, and before it those that the restore into it worked in; never raises."""
    with (
        suppress(SnapshotConnectorError),  # the server may have gone first
        session(database, "cleaned up after a drill", f"Drop the database {name}.") as connection,
    ):
        for each in (*replace(database, name=name).scratch_names, name):
            connection.run(f"DROP DATABASE IF EXISTS {quoted(each)}")


def inspect_database(alias: str) -> list[str]:
    """Return what CHECK TABLE finds in the restored tables."""
    database: MySQLDatabase = locate(alias)
    with session(database, "checked", "The drill ended there.") as connection:
        tables = [quoted(database.name, table) for table in find_objects(connection, database.name).tables]
        lines = connection.rows(f"CHECK TABLE {', '.join(tables)}") if tables else []
    return [f"CHECK TABLE {table}: {text}" for table, _, kind, text in lines if kind.lower() == "error"]
