"""What a database holds beside tables: views, routines, triggers, events; as statements that make them again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django_snapshots.connectors._mysql_definers import with_definer
from django_snapshots.connectors._mysql_names import own_libraries, unqualified_trigger
from django_snapshots.connectors._mysql_server import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from django_snapshots.connectors._mysql_server import Session

__all__ = [
    "COLLATED",
    "OWN_COLLATION",
    "OWN_SETTINGS",
    "Objects",
    "drops",
    "events_of_others",
    "find_objects",
    "libraries",
    "routine_statements",
    "statements_of",
]

_ROUTINES = ("LIBRARY", "PACKAGE", "PACKAGE BODY", "FUNCTION", "PROCEDURE")
"""In the order that they can be made. Libraries are MySQL's alone, packages MariaDB's."""

_OF_DOCUMENTS = re.compile(r"CREATE ALGORITHM=\w+ DEFINER=CURRENT_USER SQL SECURITY \w+ JSON RELATIONAL DUALITY VIEW ")

COLLATED = "-- collation_connection: "
"""Begins the last line of a view's statement."""

OWN_COLLATION = "SET NAMES utf8mb4"
_OWN_SQL_MODE = "SET sql_mode = ''"
"""Not the server's, in which a backslash in a view may mean something else."""

OWN_SETTINGS = (OWN_COLLATION, _OWN_SQL_MODE)
"""What SHOW CREATE VIEW is to be read by; a client that loads a dump by hand has settings of its own."""

_LIBRARIES_SINCE = (9, 2)
"""The version of MySQL (dev.mysql.com/doc/refman/9.7/en/create-library.html)."""


@dataclass(frozen=True, slots=True)
class Objects:
    """Names of what is in one database.

    Attributes:
        tables: Base tables and sequences.
        views: Views.
        routines: Kind and name of each.
        triggers: In the order they act.
        events: Events.
        not_transactional: Tables of engines that a consistent read does not hold for.
        versioned: Tables that keep their history.
    """

    tables: tuple[str, ...]
    views: tuple[str, ...]
    routines: tuple[tuple[str, str], ...]
    triggers: tuple[str, ...]
    events: tuple[str, ...]
    not_transactional: tuple[str, ...]
    versioned: tuple[str, ...]

    def without_routines(self, kept: Collection[tuple[str, str]]) -> Objects:
        """Return all but the routines `kept`."""
        return replace(self, routines=tuple(routine for routine in self.routines if routine not in kept))

    def only_triggers(self) -> Objects:
        """Return the triggers alone."""
        return Objects((), (), (), self.triggers, (), (), ())


def find_objects(session: Session, schema: str) -> Objects:
    """Return what `schema` holds, as far as the role may see it."""
    tables = session.rows(
        "SELECT table_name, table_type, engine FROM information_schema.tables WHERE table_schema = %s ORDER BY 1",
        [schema],
    )
    routines = session.rows(
        "SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = %s ORDER BY 2",
        [schema],
    )
    routines += [("LIBRARY", name) for name, _, _ in libraries(session, schema)]
    triggers = session.rows(
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s"
        " ORDER BY event_object_table, action_timing, event_manipulation, action_order",
        [schema],
    )
    events = session.rows(
        "SELECT event_name FROM information_schema.events WHERE event_schema = %s ORDER BY 1", [schema]
    )
    base = [row for row in tables if row[1] not in {"VIEW", "SYSTEM VIEW"}]
    consistent = {"innodb", "rocksdb", "tokudb", "sequence"}
    return Objects(
        tables=tuple(row[0] for row in base),
        views=tuple(row[0] for row in tables if row[1] == "VIEW"),
        routines=tuple(sorted(((kind, name) for kind, name in routines), key=_routine_order)),
        triggers=tuple(row[0] for row in triggers),
        events=tuple(row[0] for row in events),
        not_transactional=tuple(row[0] for row in base if str(row[2]).lower() not in consistent),
        versioned=tuple(row[0] for row in base if row[1] == "SYSTEM VERSIONED"),
    )


def events_of_others(session: Session) -> tuple[str, ...]:
    """Return the events of the session's database that MySQL may keep from its role: those of other accounts.

    It refuses to drop what acts in the name of an account with SYSTEM_USER, and does not say which accounts that are.
    """
    if session.is_mariadb:
        return ()
    found = session.rows(
        "SELECT event_name FROM information_schema.events WHERE event_schema = DATABASE()"
        " AND definer <> CURRENT_USER() ORDER BY 1"
    )
    return tuple(name for (name,) in found)


def libraries(session: Session, schema: str) -> list[tuple[str, str, str]]:
    """Return name, comment and creator of each library in `schema`."""
    if session.is_mariadb or session.version < _LIBRARIES_SINCE:
        return []
    found = session.rows(
        "SELECT library_name, COALESCE(library_comment, ''), creator FROM information_schema.libraries"
        " WHERE library_schema = %s ORDER BY 1",
        [schema],
    )
    return [(name, comment, creator) for name, comment, creator in found]


def _routine_order(routine: tuple[str, str]) -> tuple[int, str]:
    return _ROUTINES.index(routine[0]), routine[1]


def statements_of(session: Session, found: Objects) -> Iterator[str]:
    """Yield the statements that make all of it in an empty database with the same tables.

    Views come twice: first as stand-ins with the right columns, so that each may use the others and the functions.
    Those of JSON documents come once, as MySQL lets no other view use one, and puts none in the place of a stand-in.

    Raises:
        SnapshotConnectorError: The role may not see the text of one.
    """
    views = {view: _shown(session, "VIEW", view) for view in found.views}
    for view, shown in views.items():
        if not _OF_DOCUMENTS.match(with_definer(str(shown["Create View"]), "CURRENT_USER")):
            yield _stand_in(session, view)
    for kind, name in found.routines:
        yield from routine_statements(session, kind, name)
    for shown in views.values():
        # By hand, SET gives the texts in it their collation; a restore, which puts views in another order, has it with
        # the view.
        yield f"SET collation_connection = {shown['collation_connection']}"
        statement = str(shown["Create View"]).replace("CREATE ", "CREATE OR REPLACE ", 1)
        yield f"{statement}\n{COLLATED}{shown['collation_connection']}"
        yield OWN_COLLATION
    for trigger in found.triggers:
        yield from _created(session, "TRIGGER", trigger, unqualified_trigger)
    for event in found.events:
        yield from _created(session, "EVENT", event)


def routine_statements(session: Session, kind: str, name: str) -> Iterator[str]:
    """Yield what makes a routine; the third statement makes it in the settings of the first two.

    Raises:
        SnapshotConnectorError: The role may not see its text.
    """
    return _created(session, kind, name, lambda text: own_libraries(text, session.database.name))


def _stand_in(session: Session, view: str) -> str:
    columns = session.rows(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position",
        [view],
    )
    selected = ", ".join(f"1 AS {quoted(column)}" for (column,) in columns) or "1 AS `1`"
    return f"CREATE VIEW {quoted(view)} AS SELECT {selected}"


def _shown(session: Session, kind: str, name: str) -> dict[str, Any]:
    return session.records(f"SHOW CREATE {kind} {quoted(name)}")[0]


def _created(session: Session, kind: str, name: str, fit: Callable[[str], str] = str) -> Iterator[str]:
    """Yield the settings that were in force when it was made, and then the statement."""
    shown = _shown(session, kind, name)
    label = "SQL Original Statement" if kind == "TRIGGER" else f"Create {kind.title()}"
    statement = next((value for key, value in shown.items() if key.lower() == label.lower()), None)
    if not statement:
        database = session.database
        raise database.error(
            f"The role may not see the text of {kind.lower()} {name} in {database}. No dump was made. Grant it to the "
            "role: `mysql`.`proc` is to be readable (MariaDB), SHOW CREATE ROUTINE (MariaDB from 11.3), SHOW_ROUTINE "
            "(MySQL)."
        )
    yield f"SET sql_mode = '{shown['sql_mode']}'"
    if shown.get("collation_connection"):
        yield f"SET collation_connection = {shown['collation_connection']}"
    if kind == "EVENT":
        yield f"SET time_zone = '{shown['time_zone']}'"
    yield fit(str(statement))
    if kind == "EVENT":
        yield "SET time_zone = DEFAULT"
    yield _OWN_SQL_MODE
    yield OWN_COLLATION


def drops(found: Objects) -> Iterator[str]:
    """Yield the statements that remove all of it but the tables."""
    for event in found.events:
        yield f"DROP EVENT IF EXISTS {quoted(event)}"
    for trigger in found.triggers:
        yield f"DROP TRIGGER IF EXISTS {quoted(trigger)}"
    for view in found.views:
        yield f"DROP VIEW IF EXISTS {quoted(view)}"
    for kind, name in reversed(found.routines):
        yield f"DROP {kind} IF EXISTS {quoted(name)}"
