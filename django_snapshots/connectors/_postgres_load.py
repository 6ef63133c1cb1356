"""Puts a dump into an open transaction: pg_restore turns it into SQL, which is run statement by statement.

This thread feeds pg_restore, where the stream and its errors live; another one runs what comes out of it. Either
side's failure, and an interrupt, ends the other.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from django_snapshots.connectors._postgres_script import ScriptError, ScriptReader, is_copy
from django_snapshots.connectors._program import running
from django_snapshots.digests import CHUNK_SIZE

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from django_snapshots.connectors._postgres_rules import Rules
    from django_snapshots.connectors._postgres_session import Session
    from django_snapshots.connectors._program import Command, RunningProgram

__all__ = ["load_archive", "load_directory", "load_script"]

_BATCH_BYTES = 64 * 1024
"""Statements are sent together up to this size: a schema of 500 tables is thousands of them."""


def load_archive(session: Session, command: Command, source: BinaryIO, rules: Rules) -> None:
    """Run what pg_restore makes of an archive.

    Args:
        session: In a transaction, which stays open.
        command: pg_restore, told to read its input and to write SQL.
        source: The archive.
        rules: What is run of it.

    Raises:
        SnapshotConnectorError: pg_restore failed, or the server refused a statement.
    """
    with running(command, stdin=True, stdout=True) as program:
        worker = _Worker(session, program, rules)
        try:
            program.feed(source)
            worker.join()
        except BaseException:
            program.terminate()
            worker.stop()
            raise
        if worker.failure is not None and not isinstance(worker.failure, ScriptError):
            raise worker.failure
        program.finish()
        if worker.failure is not None:
            raise _unreadable(session, worker.failure) from worker.failure


def load_directory(session: Session, command: Command, folder: Path, rules: Rules) -> None:
    """Run what pg_restore makes of a dump in directory format.

    Args:
        session: In a transaction, which stays open.
        command: pg_restore, told to write SQL; gets the folder as its last argument.
        folder: The dump.
        rules: What is run of it.

    Raises:
        SnapshotConnectorError: pg_restore failed, or the server refused a statement.
    """
    command = replace(command, arguments=(*command.arguments, str(folder)))
    with running(command, stdout=True) as program:
        try:
            _run(session, ScriptReader(program.read_chunk), rules)
        except ScriptError as error:
            program.finish()
            raise _unreadable(session, error) from error
        program.finish()


def load_script(session: Session, source: BinaryIO, rules: Rules) -> None:
    """Run a dump that is SQL already.

    Raises:
        SnapshotConnectorError: The server refused a statement, or the script is not what pg_dump writes.
    """
    try:
        _run(session, ScriptReader(lambda: source.read(CHUNK_SIZE)), rules)
    except ScriptError as error:
        raise _unreadable(session, error) from error


def _unreadable(session: Session, error: BaseException) -> Exception:
    return session.error(
        f"The dump for database '{session.alias}' is not whole: {error}. Nothing was changed. Restore another snapshot."
    )


class _Worker:
    """The thread that runs the statements.

    Attributes:
        failure: What it failed with, None while it runs and when all went well.
    """

    def __init__(self, session: Session, program: RunningProgram, rules: Rules) -> None:
        self.failure: BaseException | None = None
        self._session = session
        self._program = program
        self._rules = rules
        self._thread = threading.Thread(target=self._work, name="snapshots-postgres", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def stop(self) -> None:
        """End it: its statement is cancelled, and each that it may still begin."""
        while self._thread.is_alive():
            self._session.cancel()
            self._thread.join(0.1)

    def _work(self) -> None:
        try:
            _run(self._session, ScriptReader(self._program.read_chunk), self._rules)
        except BaseException as error:  # noqa: BLE001 - handed to the other thread, which raises it
            self.failure = error
            if not isinstance(error, ScriptError):
                self._program.terminate()


def _run(session: Session, reader: ScriptReader, rules: Rules) -> None:
    batch = _Batch(session)
    for statement in reader.statements():
        if is_copy(statement):
            batch.send()
            _copy(session, statement, reader, rules)
            continue
        wanted = rules.rewrite(statement)
        if wanted is not None:
            batch.add(wanted)
    batch.send()
    if not reader.complete:
        raise ScriptError("the mark at its end is missing")


def _copy(session: Session, statement: bytes, reader: ScriptReader, rules: Rules) -> None:
    if not rules.refuses_rows(statement):
        session.copy_in(statement, reader.rows())
        return
    if any(reader.rows()):
        raise session.error(
            f"The snapshot has rows of a table that belongs to an extension, and this role may not write there: "
            f"{statement.decode(errors='replace')} Nothing was changed. Restore as the extension's owner."
        )


class _Batch:
    """Statements that are sent in one message, which is one round trip; they fail as one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._statements: list[bytes] = []
        self._size_bytes = 0

    def add(self, statement: bytes) -> None:
        """Take a statement, and send what was gathered when it is enough."""
        self._statements.append(statement)
        self._size_bytes += len(statement)
        # SET decides how the server reads what follows, and a message is read as a whole before any of it runs.
        if self._size_bytes >= _BATCH_BYTES or statement.startswith(b"SET "):
            self.send()

    def send(self) -> None:
        """Run what was gathered."""
        statements, self._statements, self._size_bytes = self._statements, [], 0
        if statements:
            self._session.execute(b"\n".join(statements))
