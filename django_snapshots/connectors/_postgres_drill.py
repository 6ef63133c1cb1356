"""A drill with a PostgreSQL dump: a database of its own on the same server, dropped at the end.

Its name is locked (an advisory lock of the live database) by a connection that stays open for the whole drill. A
database whose name nobody has locked is what a killed drill left behind, and the next drill drops it.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django_snapshots.connectors._drill_alias import drill_alias
from django_snapshots.connectors._postgres_facts import server_major
from django_snapshots.connectors._postgres_session import open_session
from django_snapshots.errors import SnapshotConnectorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.connectors._postgres_session import Session

__all__ = ["inspect_database", "scratch_database"]

_DOING = "be restored in a drill"
_ICU_SINCE, _ICU_RENAMED, _IDLE_ENDED_SINCE = 15, 17, 14

_LOCALE = """
SELECT pg_catalog.pg_encoding_to_char(encoding), datcollate::text, datctype::text
FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
"""
_ICU = "SELECT {} FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database() AND datlocprovider = 'i'"

_OWN_NUMBER = "SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"

_INVALID = """
SELECT pg_catalog.format('Index %s is not valid.', indexrelid::regclass)
FROM pg_catalog.pg_index WHERE NOT indisvalid OR NOT indisready
"""


@contextmanager
def scratch_database(alias: str) -> Iterator[str]:
    """Give the alias of an empty database with the encoding and the locale of the live one.

    Raises:
        SnapshotConnectorError: The role may not make one.
    """
    session = open_session(alias, doing=_DOING)
    try:
        if server_major(session) >= _IDLE_ENDED_SINCE:
            session.execute("SET idle_session_timeout = 0")  # it holds the lock, and is idle during the drill
        name = _locked_name(session)
        _create(session, name)
        try:
            with drill_alias(alias, name) as added:
                yield added
        finally:
            _drop(session, alias, name)
    finally:
        session.close()


def _locked_name(session: Session) -> str:
    """Return the name of a database that nobody has, locked; drop those that killed drills of this database left."""
    prefix = f"snapshots_drill_{session.value(_OWN_NUMBER)}_"
    for (name,) in session.rows(
        "SELECT datname::text FROM pg_catalog.pg_database WHERE datname ~ %s", [f"^{prefix}[0-9a-f]{{12}}$"]
    ):
        _drop_abandoned(session, name)
    name = prefix + secrets.token_hex(6)
    session.rows("SELECT pg_catalog.pg_advisory_lock(%s)", [_lock_key(name)])
    return name


def _drop_abandoned(session: Session, name: str) -> None:
    if not session.value("SELECT pg_catalog.pg_try_advisory_lock(%s)", [_lock_key(name)]):
        return
    try:
        # Without FORCE: a database that somebody is connected to is in use, whatever the lock says.
        with suppress(SnapshotConnectorError):
            session.execute(f'DROP DATABASE IF EXISTS "{name}"')
    finally:
        session.rows("SELECT pg_catalog.pg_advisory_unlock(%s)", [_lock_key(name)])


def _lock_key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def _create(session: Session, name: str) -> None:
    encoding, collate, ctype = session.rows(_LOCALE)[0]
    options = f"ENCODING {_literal(encoding)} LC_COLLATE {_literal(collate)} LC_CTYPE {_literal(ctype)}"
    if server_major(session) >= _ICU_SINCE:
        column = "datlocale" if server_major(session) >= _ICU_RENAMED else "daticulocale"
        for (locale,) in session.rows(_ICU.format(column)):
            options += f" LOCALE_PROVIDER icu ICU_LOCALE {_literal(locale)}"
    try:
        session.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 {options}')
    except SnapshotConnectorError as error:
        role = session.value("SELECT current_user::text")
        raise session.error(
            f"{error} A drill needs a database of its own: have an administrator run ALTER ROLE {role} CREATEDB;, "
            "or verify without --deep."
        ) from error


def _drop(session: Session, alias: str, name: str) -> None:
    # The session may have ended with the server, or with the drill that lost its connection.
    with suppress(SnapshotConnectorError):
        session.execute(f'DROP DATABASE IF EXISTS "{name}"')
        return
    with suppress(SnapshotConnectorError):
        again = open_session(alias, doing=_DOING)
        try:
            again.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            again.close()


def inspect_database(alias: str) -> list[str]:
    """Return which indexes of the restored database cannot be used."""
    session = open_session(alias, doing=_DOING)
    try:
        return [text for (text,) in session.rows(_INVALID)]
    finally:
        session.close()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
