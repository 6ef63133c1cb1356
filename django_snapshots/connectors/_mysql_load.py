"""Loads a dump into the scratch database, and tries there what will be made beside its tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django_snapshots.connectors._mysql_definers import fit_definers, with_definer
from django_snapshots.connectors._mysql_making import is_event, is_stand_in, is_view, label, make_objects, name_of
from django_snapshots.connectors._mysql_names import may_act_on, unqualified_trigger, view_in
from django_snapshots.connectors._mysql_objects import drops, find_objects
from django_snapshots.connectors._mysql_programs import CLIENTS, find_program, write_option_file
from django_snapshots.connectors._mysql_sequences import default_statements
from django_snapshots.connectors._mysql_server import quoted
from django_snapshots.connectors._mysql_stream import CutDumpError, DumpReader
from django_snapshots.connectors._program import running
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.scratch import scratch_directory

if TYPE_CHECKING:
    from typing import BinaryIO

    from django.db import Error

    from django_snapshots.connectors._mysql_scratch import Scratch

__all__ = ["load"]

# --binary-mode: text passes as it is, and the program obeys none of its own commands, such as \! and source.
_LOAD = ("--batch", "--binary-mode", "--default-character-set=utf8mb4", "--max-allowed-packet=1G")
# A statement that failed is full of rows, which belong in no log. Programs that never print it do not know the option.
_LOAD_BY_MARIADB = ("--loose-skip-print-query-on-error",)
_DISK_FULL = re.compile(r"^ERROR (?:1021|1114) ", re.MULTILINE)
_REFUSED_VIEW = re.compile(r"View '([^']+)\.([^'.]+)' references invalid")
_DISK_FULL_ADVICE = (
    "The server's disk is full: free some space there. A restore needs room for the old and the new tables. "
    "Nothing was changed."
)


def load(scratch: Scratch, source: BinaryIO, source_name: str) -> list[str]:
    """Load the tables, and return the statements that make everything else, fit for this role and this database.

    Args:
        scratch: Where the tables are loaded.
        source: The dump, read to its end.
        source_name: The database that the dump was made of.

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
    statements = [*default_statements(scratch.session, scratch.new, scratch.new, source_name), *statements]
    # Views are made in an order that needs no stand-ins: whoever reads a view in between gets an error, no wrong rows.
    statements = [unqualified_trigger(text) for text in statements if not is_stand_in(text)]
    statements = _try_out(scratch, fit_definers(scratch, statements), source_name)
    return _in_two_rounds([view_in(text, source_name, database.name) if is_view(text) else text for text in statements])


def _in_two_rounds(statements: list[str]) -> list[str]:
    """Return statements that make views in the name of this role, and then give them their definers, the last first.

    A view that reads another is refused where that one's definer is gone, or may not read what it names.
    """
    views = [text for text in statements if is_view(text)]
    begin = statements.index(views[0]) if views else len(statements)
    others = [text for text in statements[begin:] if not is_view(text)]
    return [*statements[:begin], *(with_definer(text, "CURRENT_USER") for text in views), *reversed(views), *others]


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


def _try_out(scratch: Scratch, statements: list[str], source: str) -> list[str]:
    """Make the objects beside the loaded tables once, and take them away again.

    Args:
        scratch: Where the tables are.
        statements: What makes the objects.
        source: The database that the dump was made of; its name in a view is replaced by the scratch database's.

    Returns:
        The statements in an order in which each finds what it needs.
    """

    def fit(statement: str) -> str | None:
        # In the name of this role: that others may not read the scratch database is no fault of a view.
        text = with_definer(statement, "CURRENT_USER")
        if is_view(text):
            return view_in(text, source, scratch.new)
        is_for_later = is_event(text) or may_act_on(text, scratch.database.name) or quoted(scratch.new) in text
        return None if is_for_later else text

    made = make_objects(scratch, scratch.new, statements, fit)
    untried = _untriable(scratch, made.failed)
    for text, error in made.failed:
        if text not in untried:
            raise _cannot_be_made(scratch, text, error)
    scratch.run_in(scratch.new, drops(find_objects(scratch.session, scratch.new)))
    return [*made.done, *untried]


def _untriable(scratch: Scratch, failed: list[tuple[str, Error]]) -> list[str]:
    """Return those that read the live database by way of another one, and the views that read such views."""
    found = [text for text, error in failed if _reads_it_from_outside(scratch, error)]
    count = -1
    while count < len(found):
        count = len(found)
        missing = {f"Table '{scratch.new}.{name_of(text)}' doesn't exist" for text in found}
        found += [text for text, error in failed if text not in found and any(map(str(error).__contains__, missing))]
    return found


def _reads_it_from_outside(scratch: Scratch, error: Error) -> bool:
    """Say whether a view was refused for another database's view that itself reads the live database.

    That one can be sound only when the live tables are the snapshot's.
    """
    found = _REFUSED_VIEW.search(str(error))
    return found is not None and bool(
        scratch.session.value(
            "SELECT COUNT(*) FROM information_schema.views WHERE table_schema = %s AND table_name = %s"
            " AND table_schema <> %s AND LOCATE(%s, view_definition)",
            [found[1], found[2], scratch.new, f"{quoted(scratch.database.name)}."],
        )
    )


def _cannot_be_made(scratch: Scratch, statement: str, error: Error) -> SnapshotConnectorError:
    text = " ".join(str(error).split())
    return scratch.database.error(
        f"The {label(statement)} of the dump cannot be made on the server of {scratch.database}: {text}. "
        "Nothing was changed. Bring there what it needs, or restore another snapshot."
    )
