"""Makes what stands beside tables, each object for itself: one that cannot be made keeps no other from being made."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from django.db import Error

from django_snapshots.connectors._mysql_definers import definer_of, with_definer
from django_snapshots.connectors._mysql_objects import COLLATED, OWN_COLLATION, drops, routine_statements
from django_snapshots.connectors._mysql_server import NEEDS_A_RIGHT, code_of
from django_snapshots.errors import SnapshotConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django_snapshots.connectors._mysql_objects import Objects
    from django_snapshots.connectors._mysql_scratch import Scratch

__all__ = [
    "Made",
    "is_event",
    "is_stand_in",
    "is_view",
    "label",
    "make_objects",
    "name_of",
    "remove_objects",
    "replacing",
    "routine_of",
    "unchanged_routines",
    "unless_there",
]

_LABEL = re.compile(
    r"\b(VIEW|FUNCTION|PROCEDURE|LIBRARY|PACKAGE BODY|PACKAGE|TRIGGER|EVENT)\s+(?:IF EXISTS )?(`(?:[^`]|``)*`|\S+)",
    re.IGNORECASE,
)

_COLLATION = re.compile(rf"\n{COLLATED}(\w+)$")

_ROUTINE = re.compile(
    r"CREATE (?:AGGREGATE )?(?:DEFINER\s*=\s*CURRENT_USER )?(?:AGGREGATE )?"
    r"(FUNCTION|PROCEDURE|PACKAGE BODY|PACKAGE) (`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\")",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Made:
    """What came of the statements.

    Attributes:
        done: Those that were executed, in an order in which each finds what it needs.
        failed: The others, and what the server said of each.
    """

    done: list[str] = field(default_factory=list)
    failed: list[tuple[str, Error]] = field(default_factory=list)


def make_objects(
    scratch: Scratch, schema: str, statements: Sequence[str], fit: Callable[[str], str | None] = lambda text: text
) -> Made:
    """Execute statements in a database.

    Args:
        scratch: Holds the session.
        schema: Where the objects are made.
        statements: Those of `statements_of`.
        fit: Returns what is executed in the place of a statement; None for one that is only taken for done.

    Raises:
        django.db.Error: The connection was lost.
    """
    views = [text for text in statements if is_view(text)]
    begin = statements.index(views[0]) if views else len(statements)
    made = Made()

    def make(texts: Sequence[str]) -> list[tuple[str, Error]]:
        failed = []
        for text in texts:
            error = _attempt(scratch, fit(text))
            if error is None:
                made.done.append(text)
            else:
                failed.append((text, error))
        return failed

    with scratch.inside(schema):
        made.failed.extend(make(statements[:begin]))
        made.failed.extend(_make_views(make, views))
        made.failed.extend(make([text for text in statements[begin:] if not is_view(text)]))
    return made


def _make_views(
    make: Callable[[Sequence[str]], list[tuple[str, Error]]], views: Sequence[str]
) -> list[tuple[str, Error]]:
    # A view is made after those it reads. Which those are only the server knows: what fails is tried again as long as
    # that helps.
    waiting, failed = list(views), make(views)
    while failed and len(failed) < len(waiting):
        waiting = [text for text, _ in failed]
        failed = make(waiting)
    return failed


def remove_objects(scratch: Scratch, schema: str, found: Objects) -> list[tuple[str, Error]]:
    """Remove what stands beside the tables of a database, each for itself.

    Returns:
        The statements that the server refused, and what it said of each.

    Raises:
        django.db.Error: The connection was lost.
    """
    with scratch.inside(schema):
        attempted = [(statement, _attempt_removal(scratch, statement)) for statement in drops(found)]
    return [(statement, error) for statement, error in attempted if error is not None]


def _attempt_removal(scratch: Scratch, statement: str) -> Error | None:
    error = _attempt(scratch, statement)
    _, is_view, name = statement.partition("DROP VIEW IF EXISTS ")
    if error is None or not is_view or code_of(error) != NEEDS_A_RIGHT:
        return error
    # MySQL keeps a view whose definer has SYSTEM_USER from being dropped, but not from being replaced by one of its
    # kind; one of JSON documents is made of a table with a key.
    documents = f"SELECT JSON_DUALITY_OBJECT('_id': nothing) FROM {scratch.marker}"  # noqa: S608
    in_our_name = (f"VIEW {name} AS SELECT 1 AS `1`", f"JSON RELATIONAL DUALITY VIEW {name} AS {documents}")
    if all(_attempt(scratch, f"CREATE OR REPLACE DEFINER = CURRENT_USER {view}") for view in in_our_name):
        return error
    return _attempt(scratch, statement)


def _attempt(scratch: Scratch, statement: str | None) -> Error | None:
    if statement is None:
        return None
    collation = _COLLATION.search(statement)
    try:
        if collation:
            scratch.session.run(f"SET collation_connection = {collation[1]}")
        scratch.session.run(statement)
        if collation:
            scratch.session.run(OWN_COLLATION)
    except Error as error:
        if not scratch.session.is_connected:
            raise
        return error
    return None


def is_view(statement: str) -> bool:
    """Say whether a statement makes a view, as `statements_of` has it."""
    return statement.startswith("CREATE OR REPLACE ALGORITHM")


def is_stand_in(statement: str) -> bool:
    """Say whether a statement makes a view's stand-in, which answers with rows that are nobody's."""
    return statement.startswith("CREATE VIEW ")


def is_event(statement: str) -> bool:
    """Say whether a statement makes an event."""
    rest = with_definer(statement, "CURRENT_USER").split()
    return rest[:1] == ["CREATE"] and "EVENT" in rest[1:5]


def name_of(statement: str) -> str:
    """Return the name of what a statement makes, "" where it is not told."""
    found = _LABEL.search(with_definer(statement, "CURRENT_USER"))
    return found[2].strip("`").replace("``", "`") if found else ""


def routine_of(statement: str) -> tuple[str, str] | None:
    """Return kind and name of the routine that a statement makes; None where it makes none."""
    found = _ROUTINE.match(with_definer(statement, "CURRENT_USER"))
    return (found[1].upper(), found[2][1:-1].replace(found[2][0] * 2, found[2][0])) if found else None


def unchanged_routines(scratch: Scratch, found: Objects, statements: Sequence[str]) -> set[tuple[str, str]]:
    """Return the functions and procedures of the live database that are as the statements make them.

    What is granted on a routine goes with it, and MySQL has no CREATE OR REPLACE for one.
    """
    session, name = scratch.session, scratch.database.name
    collation = next((text.rpartition(" ")[2] for text in statements if text.startswith("ALTER DATABASE ")), "")
    of_collation = session.rows(
        "SELECT routine_type, routine_name FROM information_schema.routines"
        " WHERE routine_schema = %s AND database_collation = %s",
        [name, collation],
    )
    account, made = session.account, set(zip(statements, statements[1:], statements[2:], strict=False))
    unchanged = set[tuple[str, str]]()
    for kind, routine in {(kind, routine) for kind, routine in of_collation} & set(found.routines):
        with suppress(Error, SnapshotConnectorError):  # its text cannot be seen
            *settings, statement = islice(routine_statements(session, kind, routine), 3)
            in_our_name = with_definer(statement, "CURRENT_USER") if definer_of(statement) == account else statement
            if any((*settings, text) in made for text in (statement, in_our_name)):
                unchanged.add((kind, routine))
    return unchanged


def replacing(statement: str) -> str:
    """Return a statement that puts a routine in the place of one of its name, which keeps what is granted on it.

    MariaDB alone knows it (mariadb.com/kb/en/create-procedure): DROP takes the grants away.
    """
    return statement.replace("CREATE ", "CREATE OR REPLACE ", 1) if routine_of(statement) else statement


def unless_there(statement: str) -> str:
    """Return a statement that makes an event only where there is none of its name; any other as it is."""
    if not is_event(statement):
        return statement
    definer = definer_of(statement) or ""
    begin = statement.index(definer) + len(definer)
    return statement[:begin] + statement[begin:].replace(" EVENT ", " EVENT IF NOT EXISTS ", 1)


def label(statement: str) -> str:
    """Return what a statement makes, for people, as in "view `totals`"."""
    found = _LABEL.search(with_definer(statement, "CURRENT_USER"))
    return f"{found[1].lower()} {found[2]}" if found else f"statement {statement[:40]!r}"
