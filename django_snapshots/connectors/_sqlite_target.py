"""Can the live database take a restore? Every refusal that is possible before anything is changed."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django_snapshots.connectors._mismatch import ways_out
from django_snapshots.connectors._sqlite_check import find_damage
from django_snapshots.connectors._sqlite_copy import read_pages, translated
from django_snapshots.connectors._sqlite_location import connection_of, locate
from django_snapshots.scratch import require_space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_snapshots.connectors._sqlite_location import SQLiteDatabase
    from django_snapshots.connectors._sqlite_private import SQLiteCopy

__all__ = [
    "locate_target",
    "refuse_damaged",
    "refuse_in_transaction",
    "refuse_unwritable",
    "require_restore_space",
    "restore_bytes",
    "staging_parent",
]


def locate_target(alias: str, facts: Mapping[str, Any]) -> SQLiteDatabase:
    """Return the database that a dump with these facts may replace.

    Raises:
        SnapshotConnectorError: The dump is of another engine, or the alias is no SQLite database.
    """
    database = locate(alias)
    if facts.get("engine") != "sqlite":
        raise database.error(
            f"The dump is of engine {facts.get('engine')!r}, {database} is SQLite: it cannot be loaded there. "
            f"{ways_out(alias)}"
        )
    return database


def refuse_in_transaction(database: SQLiteDatabase) -> None:
    """Raise when this thread is inside transaction.atomic() on the database: it would wait for itself.

    Raises:
        SnapshotConnectorError: It is.
    """
    if connection_of(database.alias).in_atomic_block:
        raise database.error(
            f"A restore cannot run inside transaction.atomic() on {database}. Call it outside the block."
        )


def refuse_unwritable(database: SQLiteDatabase) -> None:
    """Raise when the file cannot be replaced for a reason that will not go away by waiting.

    Raises:
        SnapshotConnectorError: It or its directory is read-only or missing, or it is no SQLite database.
    """
    directory = database.directory
    if database.path is None or directory is None:
        return
    if database.read_only:
        raise database.error(f"{database.path} is opened read-only: its NAME has mode=ro. Take that away to restore.")
    if not directory.is_dir():
        raise database.error(f"The directory {directory} of {database} does not exist. Make it and try again.")
    for path in (database.path, directory):
        if path.exists() and not os.access(path, os.W_OK):
            raise database.error(f"{path} is not writable for this user. Restore as the user who owns it.")
    _refuse_no_database(database)


def _refuse_no_database(database: SQLiteDatabase) -> None:
    if not database.size_bytes():
        return
    try:
        with closing(database.connect("rw")) as live:
            live.execute("PRAGMA journal_mode").fetchone()  # reads header and schema, as the commit will
    except sqlite3.OperationalError:
        return  # a lock, or what the commit will meet and say
    except sqlite3.DatabaseError as error:
        raise database.error(
            f"The file {database.path} is damaged or no SQLite database ({error}): nothing can be put into it. "
            "Move it away, together with its -wal, -shm and -journal if there are any, and run the same command again: "
            "a missing file is created."
        ) from error


def staging_parent(database: SQLiteDatabase) -> Path:
    """Return where the copy to be checked goes: beside the database, which is what has room for it."""
    return Path(tempfile.gettempdir()) if database.directory is None else database.directory


def require_restore_space(database: SQLiteDatabase, scratch: Path, facts: Mapping[str, Any]) -> None:
    """Check the room for the copy and for the replacement, where the facts tell the size.

    Raises:
        SnapshotSpaceError: There is too little.
    """
    needed_bytes = restore_bytes(database, facts)
    if needed_bytes is not None:
        require_space(scratch, needed_bytes, f"the checked copy and the journal of {database}")


def restore_bytes(database: SQLiteDatabase, facts: Mapping[str, Any]) -> int | None:
    """Return the space that a restore needs beside the database; None where the facts do not tell the size."""
    size_bytes = facts.get("size_bytes")
    if not isinstance(size_bytes, int):
        return None
    live_bytes = database.size_bytes() or 0
    # The journal keeps the old pages, or the WAL the new ones, until the replacement is complete.
    journal_bytes = 0 if database.path is None else max(live_bytes, size_bytes) + max(size_bytes - live_bytes, 0)
    return size_bytes + journal_bytes


def refuse_damaged(database: SQLiteDatabase, copy: SQLiteCopy, facts: Mapping[str, Any]) -> None:
    """Raise when the copy is no sound SQLite database, or not the one that the facts describe.

    Raises:
        SnapshotConnectorError: With the first lines of `PRAGMA quick_check`.
    """
    with (
        translated(database, "restored from this dump", "Restore another snapshot."),
        copy.reading() as connection,
    ):
        pages, page_size = read_pages(connection)
        damage = ["it is empty"] if pages == 0 else find_damage(connection)
    recorded = facts.get("page_size", page_size)
    if not damage and page_size != recorded:
        damage = [f"its pages have {page_size} bytes, those of the database that was dumped had {recorded}"]
    if not damage:
        _refuse_other_pages_in_memory(database, page_size)
    if damage:
        raise database.error(
            f"The dump for {database} is no sound SQLite database: {'; '.join(damage)}. Restore another snapshot."
        )


def _refuse_other_pages_in_memory(database: SQLiteDatabase, page_size: int) -> None:
    if database.path is not None:
        return
    connection = connection_of(database.alias)
    connection.ensure_connection()
    own_size = connection.connection.execute("PRAGMA page_size").fetchone()[0]
    if own_size != page_size:
        raise database.error(
            f"The pages of {database} have {own_size} bytes, those of the dump {page_size}. SQLite cannot change that "
            f"in memory. Restore into a file: set DATABASES['{database.alias}']['NAME'] to a path."
        )
