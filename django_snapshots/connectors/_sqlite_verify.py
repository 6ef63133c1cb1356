"""Is a stored dump a sound SQLite database? Looked at in a copy without a name; the live database is not asked."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from django_snapshots.connectors._sqlite_check import find_damage
from django_snapshots.connectors._sqlite_copy import read_pages
from django_snapshots.connectors._sqlite_private import UnnamedCopy
from django_snapshots.scratch import require_space

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

__all__ = ["verify_dump"]


def verify_dump(alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the dump: the first lines of `PRAGMA quick_check`, or another page size.

    Raises:
        SnapshotConnectorError: The temporary directory could not be written to.
        SnapshotSpaceError: It has too little space for a copy.
    """
    size_bytes = facts.get("size_bytes")
    with UnnamedCopy(f"database/{alias}") as copy:
        if isinstance(size_bytes, int):
            require_space(copy.directory, size_bytes, "a copy of the dump to be checked")
        copy.fill(source)
        try:
            with copy.reading() as connection:
                return _damage(connection, facts)
        except sqlite3.DatabaseError as error:
            return [f"It is no sound SQLite database: {error}."]


def _damage(connection: sqlite3.Connection, facts: Mapping[str, Any]) -> list[str]:
    pages, page_size = read_pages(connection)
    if not pages:
        return ["It is empty."]
    found = [f"PRAGMA quick_check: {line}" for line in find_damage(connection)]
    if page_size != facts.get("page_size", page_size):
        found.append(f"Its pages have {page_size} bytes, the manifest says {facts['page_size']}.")
    return found
