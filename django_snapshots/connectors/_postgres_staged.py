"""A restore that waits for its COMMIT: the open transaction, who is in its way, and what became of it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from django_snapshots.connectors._postgres_aside import drop_aside
from django_snapshots.connectors._postgres_session import connection_of, open_session, refuse_in_transaction
from django_snapshots.errors import SnapshotConnectorError

if TYPE_CHECKING:
    from django_snapshots.connectors._postgres_session import Session

__all__ = ["StagedPostgres", "begin", "name_blockers"]

_RECOVERY_S = 60.0
"""A server that went away during COMMIT may take this long to come back and tell what became of it."""

_HOLDERS = """
SELECT a.pid, coalesce(a.usename::text, '?'), a.application_name, coalesce(a.state, '?'),
    coalesce(date_trunc('second', now() - a.xact_start)::text, '?')
FROM pg_catalog.pg_stat_activity a WHERE a.pid <> pg_catalog.pg_backend_pid() AND EXISTS (
    SELECT FROM pg_catalog.pg_locks l
    WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation' AND l.relation >= 16384
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
)
ORDER BY a.xact_start
"""


def begin(session: Session, *, lock_timeout_s: float) -> None:
    """Open the transaction, which waits for a lock no longer than that, and never gives up for another reason."""
    session.execute(
        f"SET client_min_messages = warning; SET lock_timeout = {max(1, round(lock_timeout_s * 1000))};"
        # Committed must mean that it survives a crash, whatever is usual for this role.
        "SELECT pg_catalog.set_config('synchronous_commit', 'on', false) "
        "WHERE pg_catalog.current_setting('synchronous_commit') = 'off'"
    )
    if session.rows("SELECT FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout'"):
        session.execute("SET transaction_timeout = 0")
    session.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")


def name_blockers(session: Session, error: SnapshotConnectorError) -> SnapshotConnectorError:
    """Return the error of a lock that was not given, with the connections that hold one; ends the transaction."""
    session.execute("ROLLBACK")
    holders = session.rows(_HOLDERS)
    named = "; ".join(
        f"process {pid} (role {role}{f', application {application}' if application else ''}, {state}, "
        f"in a transaction for {duration})"
        for pid, role, application, state, duration in holders
    )
    if not named:
        return session.error(f"{error} Other connections were using its tables. Nothing was changed. Try again.")
    return session.error(
        f"Database '{session.alias}' could not be restored: its tables are in use by {named}. Nothing was changed. "
        f"Stop what uses the database, or end that connection (SELECT pg_terminate_backend({holders[0][0]});), "
        "and try again."
    )


class StagedPostgres:
    """Everything is loaded, in a transaction that only has to be committed."""

    def __init__(self, session: Session) -> None:
        """Take over the session and its transaction.

        Raises:
            SnapshotConnectorError: A constraint that was deferred does not hold.
        """
        session.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self._transaction = str(session.value("SELECT pg_catalog.pg_current_xact_id()"))
        self._session = session

    def commit(self) -> None:
        """Commit; Django's connection of this thread is closed and will see the new data.

        Raises:
            SnapshotConnectorError: It was not committed, and the database is as before; or the server was lost and
                cannot be asked, and the database is wholly as before or wholly the snapshot's.
        """
        alias = self._session.alias
        try:
            refuse_in_transaction(alias)
            self._session.execute("COMMIT")
        except SnapshotConnectorError as error:
            if not self._session.is_lost:
                raise
            if not self._was_committed(error):
                raise self._session.error(f"{error} It was not committed: the database is as before.") from error
        else:
            with suppress(SnapshotConnectorError):  # the restore is committed; the next run drops what is left aside
                drop_aside(self._session)
        finally:
            self.discard()
        connection_of(alias).close()

    def discard(self) -> None:
        """End the transaction, if it is still open, without a trace."""
        self._session.close()

    def _was_committed(self, error: SnapshotConnectorError) -> bool:
        """Ask the server, which may have to come back first, what became of the transaction."""
        end = time.monotonic() + _RECOVERY_S
        while True:
            try:
                asking = open_session(self._session.alias, doing="be asked for the outcome of the restore")
                status = asking.value("SELECT pg_catalog.pg_xact_status(%s::xid8)", [self._transaction])
                asking.close()
            except SnapshotConnectorError:
                status = None
            if status in {"committed", "aborted"}:
                return bool(status == "committed")
            if time.monotonic() > end:
                raise self._session.error(
                    f"{error} Whether the restore was committed is not known: database '{self._session.alias}' is "
                    "wholly as before or wholly the snapshot's. Look when the server is back, or run the same restore "
                    "again."
                ) from error
            time.sleep(0.5)
