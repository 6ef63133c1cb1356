"""Puts a checked copy into the live database: through the backup API, never by touching the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from django_snapshots.connectors._sqlite_copy import copy_pages, retry_while_locked, translated
from django_snapshots.connectors._sqlite_location import connection_of
from django_snapshots.connectors._sqlite_target import refuse_in_transaction

if TYPE_CHECKING:
    from pathlib import Path

    from django_snapshots.connectors._sqlite_location import SQLiteDatabase
    from django_snapshots.connectors._sqlite_private import SQLiteCopy

__all__ = ["StagedSQLite"]

_CACHE_KIB = 8 * 1024
"""Of pages changed in rollback mode: each time it is full the journal is synced, so that small means many syncs."""

_SETTLE_S = 2.0
"""What the last touches may wait for others; the new content is safe by then."""


class StagedSQLite:
    """A copy that passed its checks."""

    def __init__(self, database: SQLiteDatabase, copy: SQLiteCopy) -> None:
        """Take over the copy, which `commit` and `discard` remove."""
        self._database = database
        self._copy = copy

    def commit(self) -> None:
        """Replace the content of the live database in one transaction; others may keep it open.

        The journal mode becomes that of the snapshot, with one exception that SQLite makes: a database that others
        have open in WAL mode stays in it.

        Raises:
            SnapshotConnectorError: A lock was held for too long, or the disk is full. The database is as before.
        """
        try:
            refuse_in_transaction(self._database)
            with (
                translated(self._database, "replaced", "The database is as before."),
                self._copy.reading() as copy,
            ):
                if self._database.path is None:
                    self._replace_memory(copy)
                else:
                    connection_of(self._database.alias).close()
                    self._replace_file(copy, self._database.path)
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the copy."""
        self._copy.close()

    def _replace_memory(self, copy: sqlite3.Connection) -> None:
        connection = connection_of(self._database.alias)
        connection.ensure_connection()
        copy_pages(copy, connection.connection, patience_s=self._database.patience_s, whole=True)

    def _replace_file(self, copy: sqlite3.Connection, path: Path) -> None:
        existed = path.exists()
        try:
            with closing(self._database.connect("rwc")) as live:
                live.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
                was_wal = self._leave_wal_for_another_page_size(copy, live)
                try:
                    copy_pages(copy, live, patience_s=self._database.patience_s)
                except BaseException:
                    if was_wal:
                        _set_journal_mode(live, "wal")
                    raise
                _settle(live, "wal" if self._copy.is_wal else "delete")
        except BaseException:
            if not existed and not self._database.size_bytes():
                path.unlink(missing_ok=True)
            raise

    def _leave_wal_for_another_page_size(self, copy: sqlite3.Connection, live: sqlite3.Connection) -> bool:
        # In WAL mode SQLite refuses to copy over pages of another size (sqlite.org/c3ref/backup_finish.html).
        mode = retry_while_locked(live, "PRAGMA journal_mode", patience_s=self._database.patience_s)
        sizes = [connection.execute("PRAGMA page_size").fetchone()[0] for connection in (live, copy)]
        if mode != "wal" or sizes[0] == sizes[1]:
            return False
        try:
            retry_while_locked(live, "PRAGMA journal_mode=delete", patience_s=self._database.patience_s)
        except sqlite3.OperationalError as error:
            raise self._database.error(
                f"The pages of {self._database} have {sizes[0]} bytes, those of the snapshot {sizes[1]}. In WAL mode "
                "that can be changed only while no other connection or process has it open, and one has. "
                "The database is as before. Stop it and try again."
            ) from error
        return True


def _settle(live: sqlite3.Connection, journal_mode: str) -> None:
    # The content is committed: nothing here may turn that into a failure. Leaving WAL mode needs the database to
    # ourselves, emptying the WAL the end of every reader; the next to close or checkpoint it does what is left.
    with suppress(sqlite3.Error):
        if journal_mode != live.execute("PRAGMA journal_mode").fetchone()[0]:
            _set_journal_mode(live, journal_mode)
        retry_while_locked(live, "PRAGMA wal_checkpoint(TRUNCATE)", patience_s=_SETTLE_S)


def _set_journal_mode(live: sqlite3.Connection, mode: str) -> None:
    with suppress(sqlite3.OperationalError):
        retry_while_locked(live, f"PRAGMA journal_mode={mode}", patience_s=_SETTLE_S)
