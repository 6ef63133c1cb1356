"""Loads a dump into the scratch database, and tries there what will be made beside its tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import Error

from django_snapshots.connectors._mysql_definers import fit_definers, with_definer
from django_snapshots.connectors._mysql_objects import drops, find_objects
from django_snapshots.connectors._mysql_programs import CLIENTS, find_program, write_option_file
from django_snapshots.connectors._mysql_stream import CutDumpError, DumpReader
from django_snapshots.connectors._program import running
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.scratch import scratch_directory

if TYPE_CHECKING:
    from typing import BinaryIO

    from django_snapshots.connectors._mysql_scratch import Scratch

__all__ = ["load"]

# --binary-mode: text passes as it is, and the program obeys none of its own commands, such as \! and source.
_LOAD = ("--batch", "--binary-mode", "--default-character-set=utf8mb4", "--max-allowed-packet=1G")
# A statement that failed is full of rows, which belong in no log. Programs that never print it do not know the option.
_LOAD_BY_MARIADB = ("--loose-skip-print-query-on-error",)
_DISK_FULL = re.compile(r"^ERROR (?:1021|1114) ", re.MULTILINE)
_DISK_FULL_ADVICE = (
    "The server's disk is full: free some space there. A restore needs room for the old and the new tables. "
    "Nothing was changed."
)


def load(scratch: Scratch, source: BinaryIO) -> list[str]:
    """Load the tables, and return the statements that make everything else, fit for this role.

    Raises:
        SnapshotConnectorError: The dump is cut, or the server does not take it.
        django.db.Error: The server failed.
    """
    database = scratch.database
    reader = DumpReader(source)
    try:
        _load_tables(scratch, reader)
        statements = reader.statements()
    except CutDumpError as error:
        raise database.error(
            f"The dump for {database} is cut: a mark of its end is missing. Nothing was changed. "
            "Restore another snapshot."
        ) from error
    statements = fit_definers(scratch, statements)
    _try_out(scratch, statements)
    return statements


def _load_tables(scratch: Scratch, reader: DumpReader) -> None:
    database = scratch.database
    client = find_program(CLIENTS, prefer_mysql=not scratch.session.is_mariadb, artifact=database.artifact)
    with scratch_directory() as directory:
        options = write_option_file(database, client, directory)
        arguments = [*_LOAD, *(_LOAD_BY_MARIADB if client.is_mariadb else ())]
        command = client.command(database, options, arguments, more=[f"--database={scratch.new}"])
        with running(command, stdin=True) as program:
            whole = program.feed(reader)
            try:
                program.finish()
            except SnapshotConnectorError as error:
                if _DISK_FULL.search(str(error)) is None:
                    raise
                raise database.error(f"{error}\n{_DISK_FULL_ADVICE}") from error
    if not whole:
        raise database.error(f"{client.path.name} stopped reading the dump half-way. Nothing was changed.")


def _try_out(scratch: Scratch, statements: list[str]) -> None:
    """Make the objects beside the loaded tables once, and take them away again.

    Events would run, and what names the live database would reach it: they wait for the commit.
    """
    live = re.compile(rf"(?<![\w$]){re.escape(scratch.database.name)}(?![\w$])")
    tried = [text for text in statements if not _is_event(text)]
    if any(map(live.search, tried)):
        return
    try:
        scratch.run_in(scratch.new, tried)
    except Error as error:
        text = " ".join(str(error).split())
        raise scratch.database.error(
            f"A view, routine or trigger of the dump cannot be made on the server of {scratch.database}: {text}. "
            "Nothing was changed."
        ) from error
    scratch.run_in(scratch.new, drops(find_objects(scratch.session, scratch.new)))


def _is_event(statement: str) -> bool:
    rest = with_definer(statement, "CURRENT_USER").split()
    return rest[:1] == ["CREATE"] and "EVENT" in rest[1:5]
