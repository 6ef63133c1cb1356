"""A drill with a SQLite dump: restored into a file of its own, checked there more thoroughly than a restore would."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from django_snapshots.connectors._drill_alias import drill_alias
from django_snapshots.connectors._drill_rows import other_rows
from django_snapshots.connectors._sqlite_check import find_damage
from django_snapshots.connectors._sqlite_location import connect_copy, connection_of, locate
from django_snapshots.connectors._sqlite_rows import count_rows
from django_snapshots.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["inspect_database", "scratch_file"]


@contextmanager
def scratch_file(alias: str) -> Iterator[str]:
    """Give the alias of a file in the temporary directory that is not there yet."""
    locate(alias)
    with scratch_directory() as scratch, drill_alias(alias, str(scratch / "drill.sqlite3")) as added:
        yield added


def inspect_database(alias: str, facts: Mapping[str, Any]) -> list[str]:
    """Return what `PRAGMA integrity_check` finds, and which tables have other rows than the facts say."""
    connection_of(alias).close()
    path = locate(alias).path
    if path is None:
        return []
    try:
        with closing(connect_copy(path)) as connection:
            found = count_rows(connection)
            damage = [f"PRAGMA integrity_check: {line}" for line in find_damage(connection, thorough=True)]
    except sqlite3.DatabaseError as error:
        return [f"It cannot be read: {error}."]
    return damage + other_rows(found, facts, noun="Table ")
