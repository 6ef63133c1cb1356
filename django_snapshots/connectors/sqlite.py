"""SQLite: one consistent copy through the backup API, and back into the live database the same way."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS

from django_snapshots.connectors._sqlite_copy import copy_pages, read_pages, retry_while_locked, translated
from django_snapshots.connectors._sqlite_drill import inspect_database, scratch_file
from django_snapshots.connectors._sqlite_location import connection_of, locate
from django_snapshots.connectors._sqlite_private import NamedCopy, UnnamedCopy
from django_snapshots.connectors._sqlite_rows import count_rows
from django_snapshots.connectors._sqlite_staged import StagedSQLite
from django_snapshots.connectors._sqlite_target import (
    locate_target,
    refuse_damaged,
    refuse_in_transaction,
    refuse_unwritable,
    require_restore_space,
    restore_bytes,
    staging_parent,
)
from django_snapshots.connectors._sqlite_verify import verify_dump
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.scratch import free_space, require_space

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from pydantic import JsonValue

    from django_snapshots.connectors._sqlite_location import SQLiteDatabase
    from django_snapshots.connectors._sqlite_private import SQLiteCopy

__all__ = ["SQLiteConnector"]

_NO_DUMP = "No dump was made."


class SQLiteConnector:
    """Dumps and restores SQLite databases; the dump is a SQLite file, byte for byte what the backup API gives."""

    suffix = "sqlite3"

    def dump(self, alias: str, sink: BinaryIO) -> dict[str, JsonValue]:
        """Write one consistent copy of the database to `sink`.

        Writers are held off while the copy is made (about 500 MB a second), in WAL mode they are not. The copy is
        made in the temporary directory (TMPDIR), which needs room for the whole database, as a file without a name.

        Raises:
            SnapshotConnectorError: The file is missing, damaged, or locked for too long.
            SnapshotSpaceError: The temporary directory is too small.
        """
        database = locate(alias)
        _refuse_missing(database)
        with UnnamedCopy(f"database/{alias}") as copy, copy.reading() as connection:
            with translated(database, "dumped", _NO_DUMP):
                _copy_out(database, copy)
                facts = _facts(copy, connection)
            with ThreadPoolExecutor(1, "snapshots-rows") as beside:
                counting = beside.submit(count_rows, connection)
                copy.write_to(sink)
                with translated(database, "dumped", _NO_DUMP):
                    rows: dict[str, JsonValue] = {**counting.result()}
        return {**facts, "rows": rows}

    def restore(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        """Check the dump in `source` and replace the content of the database by it; see `stage`."""
        self.stage(alias, source, facts).commit()

    def stage(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> StagedSQLite:
        """Write the dump beside the live database and check it there.

        Args:
            alias: The database to be replaced; its file need not exist.
            source: The dump, read to its end.
            facts: What `dump` returned; `engine` must be "sqlite".

        Raises:
            SnapshotConnectorError: The dump is of another engine, damaged or no database, or the live database
                could not be written to. Nothing was changed.
            SnapshotSpaceError: Too little space for the copy and the journal of the replacement.
        """
        database = locate_target(alias, facts)
        refuse_in_transaction(database)
        refuse_unwritable(database)
        copy = _empty_copy(database)
        try:
            require_restore_space(database, copy.directory, facts)
            copy.fill(source)
            refuse_damaged(database, copy, facts)
        except BaseException:
            copy.close()
            raise
        return StagedSQLite(database, copy)

    def verify(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with the dump in `source`, looked at in a copy in the temporary directory.

        Raises:
            SnapshotConnectorError: No copy could be made.
            SnapshotSpaceError: The temporary directory is too small.
        """
        return verify_dump(alias, source, facts)

    def scratch_database(self, alias: str) -> AbstractContextManager[str]:
        """Give the alias of a new file in the temporary directory, which goes at the end, for a drill.

        Raises:
            SnapshotConnectorError: The alias is no SQLite database.
        """
        return scratch_file(alias)

    def inspect(self, alias: str, facts: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with a restored database: `PRAGMA integrity_check`, and the rows of each table."""
        return inspect_database(alias, facts)

    def size_hint(self, alias: str) -> int | None:
        """Return the bytes of the database file, roughly those of its dump; None where there is no file."""
        return locate(alias).size_bytes()

    def obstacle(self, alias: str) -> str | None:
        """Return why the file cannot be written to, or is no database that could be; None where it can."""
        try:
            refuse_unwritable(locate(alias))
        except SnapshotConnectorError as error:
            return str(error)
        return None

    def plan(self, alias: str, facts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Return what a restore would replace: `target`, its `current_size_bytes` (None where there is no file), and
        the space that a restore needs and has beside it.

        Raises:
            SnapshotConnectorError: The dump is of another engine, or the alias is no SQLite database.
        """
        database = locate_target(alias, facts)
        place = "in memory" if database.path is None else str(database.path)
        return {
            "target": f"database {alias} (sqlite {place})",
            "current_size_bytes": database.size_bytes(),
            "needs_bytes": restore_bytes(database, facts),
            "free_bytes": free_space(staging_parent(database)),
        }


def _empty_copy(database: SQLiteDatabase) -> SQLiteCopy:
    if database.path is None:
        return UnnamedCopy(f"database/{database.alias}")
    try:
        return NamedCopy(staging_parent(database), f"database/{database.alias}")
    except OSError as error:
        raise database.error(f"No copy can be made beside {database}: {error}.") from error


def _copy_out(database: SQLiteDatabase, copy: UnnamedCopy) -> None:
    if database.path is None:
        connection = connection_of(database.alias)
        connection.ensure_connection()
        _copy_held(database, connection.connection, copy, whole=True)
        return
    with closing(database.connect("ro" if database.read_only else "rw")) as live:
        # A read transaction of our own: the copy may be made in steps and is still of this one moment.
        live.execute("BEGIN")
        retry_while_locked(live, "SELECT count(*) FROM sqlite_master", patience_s=database.patience_s)
        _copy_held(database, live, copy, whole=False)


def _copy_held(database: SQLiteDatabase, source: sqlite3.Connection, copy: UnnamedCopy, *, whole: bool) -> None:
    pages, page_size = read_pages(source)
    require_space(copy.directory, pages * page_size, f"a consistent copy of {database}")
    with translated(database, f"copied to {copy.directory}", _NO_DUMP):
        copy_pages(source, copy.writer, patience_s=database.patience_s, whole=whole)
        copy.seal()


def _facts(copy: UnnamedCopy, connection: sqlite3.Connection) -> dict[str, JsonValue]:
    names = ("user_version", "application_id", "page_size")  # the last is known only after something was read
    pragmas = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}
    return {
        "engine": "sqlite",
        "server_version": sqlite3.sqlite_version,
        "client_version": None,
        "journal_mode": "wal" if copy.is_wal else "delete",
        **pragmas,
        "size_bytes": copy.size_bytes,
        "notes": [],
    }


def _refuse_missing(database: SQLiteDatabase) -> None:
    if database.path is not None and not database.path.is_file():
        # Without --database Django migrates the default alone.
        option = "" if database.alias == DEFAULT_DB_ALIAS else f" --database {database.alias}"
        raise database.error(
            f"There is no database file at {database.path}. Correct DATABASES['{database.alias}']['NAME'], "
            f"or run `manage.py migrate{option}` to make one."
        )
