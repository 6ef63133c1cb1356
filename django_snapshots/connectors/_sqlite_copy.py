"""The backup API with an end to its patience, and SQLite's errors in words."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django_snapshots.cancellation import raise_if_cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.connectors._sqlite_location import SQLiteDatabase

__all__ = ["copy_pages", "is_locked", "read_pages", "retry_while_locked", "translated"]

_STEP_BYTES = 16 * 1024 * 1024
"""Copied between two looks at signals and cancellations; its size does not change the speed (from 16 KiB to all)."""

_PAUSE_S = 0.05
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY_CODE = 0xFF

_REASONS = {
    sqlite3.SQLITE_BUSY: "another connection or process holds a lock on it; stop it and try again",
    sqlite3.SQLITE_LOCKED: "another connection or process holds a lock on it; stop it and try again",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database, or it is encrypted",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; `sqlite3 FILE .recover` may save what is left",
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again",
    sqlite3.SQLITE_IOERR: "the disk is full or failed; see the system's log, free some space and try again",
    sqlite3.SQLITE_READONLY: "this user may not change the file, or its directory",
    sqlite3.SQLITE_PERM: "this user may not open the file",
    sqlite3.SQLITE_CANTOPEN: "this user may not open the file, or make a journal beside it",
}


def copy_pages(
    source: sqlite3.Connection, target: sqlite3.Connection, *, patience_s: float, whole: bool = False
) -> None:
    """Copy the whole database of `source` over that of `target`, in one transaction of the target.

    The target's transaction ends with the last page: before that an error, or the death of the process, leaves
    it as it was. Consistent when the source is in a read transaction or changed by nobody, or with `whole`.

    Args:
        source: What is copied.
        target: What is replaced; not in a transaction.
        patience_s: Seconds to wait for locks before sqlite3.OperationalError; CPython alone would wait for ever.
        whole: Copy in one step, which holds the source's lock from the first page to the last.
    """
    page_size: int = source.execute("PRAGMA page_size").fetchone()[0]
    blocked_since: float | None = None

    def watch(status: int, _remaining: int, _total: int) -> None:
        nonlocal blocked_since
        raise_if_cancelled()
        if status & _PRIMARY_CODE not in _LOCKED:
            blocked_since = None
        elif blocked_since is None:
            blocked_since = time.monotonic()
        elif time.monotonic() - blocked_since > patience_s:
            raise _locked_error()

    pages = -1 if whole else max(_STEP_BYTES // page_size, 1)
    source.backup(target, pages=pages, progress=watch, sleep=_PAUSE_S)


def read_pages(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how many pages a database has, and the bytes of each."""
    # In this order: the size of a page is known only after something was read.
    pages, page_size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return pages, page_size


def retry_while_locked(connection: sqlite3.Connection, statement: str, *, patience_s: float) -> object:
    """Execute `statement` until no lock is in its way, and return the first value of its first row.

    Raises:
        sqlite3.OperationalError: It failed, or the lock was held for longer than `patience_s`.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            row = connection.execute(statement).fetchone()
        except sqlite3.OperationalError as error:
            if not is_locked(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            return row[0] if row else None


def is_locked(error: sqlite3.Error) -> bool:
    """Say whether a lock of somebody else was the reason."""
    return _primary_code(error) in _LOCKED


@contextmanager
def translated(database: SQLiteDatabase, doing: str, outcome: str) -> Iterator[None]:
    """Raise SQLite's errors inside the block as SnapshotConnectorError.

    Args:
        database: The database it is about.
        doing: What could not be done, as in "dumped".
        outcome: What that means for the user's data, one sentence.
    """
    try:
        yield
    except sqlite3.Error as error:
        reason = _REASONS.get(_primary_code(error), "SQLite refused")
        place = str(database)
        raise database.error(
            f"{place[:1].upper()}{place[1:]} could not be {doing}: {reason} ({error}). {outcome}"
        ) from error


def _locked_error() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def _primary_code(error: sqlite3.Error) -> int:
    # Errors of the Python module itself, such as a closed connection, carry no code.
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
