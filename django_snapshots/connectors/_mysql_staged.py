"""Puts loaded tables into the place of the live ones: all by one RENAME TABLE, then what stands beside tables.

The steps are written down in the scratch database before the first, in a table that the same RENAME TABLE renames.
So whoever finds that table later knows whether the tables were replaced, and can go back or forward (`recover`).
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import Error, connections

from django_snapshots.connectors._mysql_definers import fit_definers
from django_snapshots.connectors._mysql_making import (
    label,
    make_objects,
    remove_objects,
    replacing,
    routine_of,
    unchanged_routines,
    unless_there,
)
from django_snapshots.connectors._mysql_objects import drops, events_of_others, find_objects, statements_of
from django_snapshots.connectors._mysql_rights import system_user_advice
from django_snapshots.connectors._mysql_scratch import ARMED, SWAPPED
from django_snapshots.connectors._mysql_server import NEEDS_A_RIGHT, code_of, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from django_snapshots.connectors._mysql_objects import Objects
    from django_snapshots.connectors._mysql_scratch import Scratch

__all__ = ["StagedMySQL", "recover", "refuse_interrupted"]

_PATIENCE_S = 30
"""How long the tables are waited for that others use."""

_ASIDE = "django_snapshots_replaced_"
"""Begins the names of views that a new table takes the name of."""

_SHOWN_MAX = 5

_BACK = ("trigger", "back", "event", "event back")
"""What is written down for the way back: names of triggers and what makes them, and the same of events."""

_AS_BEFORE = "The database is as before."
_WAY_OUT = (
    "Remove the cause and run the same restore again, which finishes this one first, or restore another snapshot, "
    "which replaces all of it. Until then no backup is made of it."
)
_UNKNOWN = (
    "Its tables are all as before or all the snapshot's; views, routines, triggers and events may be missing. "
    "Run the same restore again, which puts that right first."
)


class _UnmadeError(Exception):
    """Objects that could not be made, while all others were."""


class StagedMySQL:
    """A dump that was loaded into the scratch database."""

    def __init__(self, scratch: Scratch, statements: Sequence[str], recovery: str = "") -> None:
        """Take over the scratch databases, which `commit` and `discard` remove.

        Args:
            scratch: Where the tables are.
            statements: What makes everything beside tables.
            recovery: What `recover` said.
        """
        self._scratch: Scratch | None = scratch
        self._statements = statements
        self._as_before = f"{_AS_BEFORE} {recovery}".rstrip()

    def commit(self) -> None:
        """Replace the live tables, and then the views, routines, triggers and events.

        Raises:
            SnapshotConnectorError: With what is as before, and how to finish where something is not.
        """
        scratch, self._scratch = self._scratch, None
        if scratch is None:
            return
        try:
            if not _is_locked(scratch):
                raise scratch.database.error(
                    f"The connection to {scratch.database} was lost while the dump was ready to replace it. "
                    f"{self._as_before} Run the restore again."
                )
            connections[scratch.database.alias].close()
            _replace(scratch, self._statements, self._as_before)
        finally:
            scratch.remove()

    def discard(self) -> None:
        """Remove what was loaded."""
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            scratch.remove()


def recover(scratch: Scratch) -> str:
    """Undo, and finish, what restores left half done, as far as that can be done.

    What cannot stays written down until the next restore has replaced the tables, for which it makes no difference.

    Returns:
        What was done, and what could not be, in sentences; "" where there was nothing to do.
    """
    said = []
    scratch.session.run(f"SET lock_wait_timeout = {_PATIENCE_S}")  # for all that follows; the server's own is a day
    if scratch.has(ARMED):
        said.append(_told(scratch, _undo, "What an interrupted restore had dropped is there again."))
    if scratch.has(SWAPPED):
        said.append(_told(scratch, _finish, "An interrupted restore was finished: all is its snapshot's now."))
    return " ".join(said)


def _told(scratch: Scratch, step: Callable[[Scratch], None], done: str) -> str:
    try:
        step(scratch)
    except (Error, _UnmadeError) as error:
        text = " ".join(str(error).split()).removesuffix(".")
        with suppress(Error):  # the connection may be what was lost
            scratch.session.settle()
        return (
            f"An earlier restore of {scratch.database} is still half done, and could not be put right: {text}. Its "
            f"tables are whole; views, routines, triggers and events may be missing. {_WAY_OUT}"
        )
    return done


def refuse_interrupted(scratch: Scratch) -> None:
    """Raise when a restore was interrupted while it replaced the live database.

    Raises:
        SnapshotConnectorError: One was.
    """
    if scratch.has(SWAPPED) or scratch.has(ARMED):
        raise scratch.database.error(
            f"A restore of {scratch.database} ended while it replaced views, routines, triggers and events; some may "
            "be missing. Run the same restore again, which finishes it first, or restore another snapshot, which "
            "replaces all of it. No dump was made."
        )


def _is_locked(scratch: Scratch) -> bool:
    with suppress(Error):
        return scratch.is_locked
    return False


def _replace(scratch: Scratch, statements: Sequence[str], as_before: str) -> None:
    database, session = scratch.database, scratch.session
    with _translated(scratch, as_before):
        live = find_objects(session, database.name)
        _refuse_references(scratch)
        _write_steps(scratch, live, statements)
    with _translated(scratch, as_before):
        try:
            _drop_first(scratch, live)
            _rename(scratch, live)
        except Error as error:
            with _translated(scratch, f"{_UNKNOWN} It began with: {error}"):
                _undo(scratch)
            raise
    with _translated(
        scratch, f"The tables are the snapshot's; views, routines, triggers and events may be missing. {_WAY_OUT}"
    ):
        _finish_or_tell(scratch)


def _finish_or_tell(scratch: Scratch) -> None:
    try:
        _finish(scratch)
    except _UnmadeError as error:
        raise scratch.database.error(
            f"The tables of {scratch.database} are the snapshot's, and so is all beside them that could be made. These "
            f"could not, and are missing or as they were: {error}. {_WAY_OUT}"
        ) from error


def _write_steps(scratch: Scratch, live: Objects, statements: Sequence[str]) -> None:
    steps = [*_steps_back(scratch, live), *(("forward", statement) for statement in statements)]
    table = quoted(scratch.new, ARMED)
    # Made under another name, so that a table of the right name has all its rows.
    draft = quoted(scratch.new, f"{ARMED}_draft")
    scratch.session.run(
        f"CREATE TABLE {draft} (number INT PRIMARY KEY, direction VARCHAR(10) NOT NULL, statement LONGTEXT NOT NULL)"
        " CHARACTER SET utf8mb4 ENGINE InnoDB"
    )
    for number, (direction, statement) in enumerate(steps):
        scratch.session.run(f"INSERT INTO {draft} VALUES (%s, %s, %s)", [number, direction, statement])  # noqa: S608
    aside = f"{table} TO {quoted(scratch.old, ARMED)}, " if scratch.has(ARMED) else ""
    scratch.session.run(f"RENAME TABLE {aside}{draft} TO {table}")


def _steps_back(scratch: Scratch, live: Objects) -> list[tuple[str, str]]:
    if scratch.has(ARMED):  # it knows triggers that are not there any more
        kept = {direction: _steps(scratch, ARMED, direction) for direction in _BACK}
    else:
        events = replace(live.only_triggers(), triggers=(), events=events_of_others(scratch.session))
        triggers_back, events_back = (
            fit_definers(scratch, statements_of(scratch.session, each)) for each in (live.only_triggers(), events)
        )
        names = [*live.triggers], triggers_back, [*events.events], [*map(unless_there, events_back)]
        kept = dict(zip(_BACK, names, strict=True))
    return [(direction, statement) for direction, statements in kept.items() for statement in statements]


def _steps(scratch: Scratch, table: str, direction: str) -> list[str]:
    query = f"SELECT statement FROM {quoted(scratch.new, table)} WHERE direction = %s ORDER BY number"  # noqa: S608
    return [str(statement) for (statement,) in scratch.session.rows(query, [direction])]


def _drop_first(scratch: Scratch, live: Objects) -> None:
    # MySQL may refuse the events, which it is to do while all is there.
    for event in _steps(scratch, ARMED, "event"):
        scratch.session.run(f"DROP EVENT IF EXISTS {quoted(scratch.database.name, event)}")
    # A table with triggers cannot be renamed into another database. The lock is waited for before the first of them
    # is gone; it ends before the RENAME, which MariaDB refuses while tables are locked.
    if not live.triggers:
        return
    session = scratch.session
    locked = ", ".join(f"{quoted(scratch.database.name, table)} WRITE" for table in live.tables)
    session.run(f"LOCK TABLES {locked}")
    try:
        for statement in drops(live.only_triggers()):
            session.run(statement)
    finally:
        session.run("UNLOCK TABLES")


def _rename(scratch: Scratch, live: Objects) -> None:
    name, loaded = scratch.database.name, scratch.loaded_tables()
    pairs = [(quoted(name, table), quoted(scratch.old, table)) for table in live.tables]
    # A view of a new table's name is in its way. It cannot leave its database; `_finish` drops it with the others.
    in_the_way = [view for view in live.views if view in loaded]
    pairs += [(quoted(name, view), quoted(name, f"{_ASIDE}{number}")) for number, view in enumerate(in_the_way)]
    pairs += [(quoted(scratch.new, table), quoted(name, table)) for table in loaded]
    if scratch.has(SWAPPED):  # of an earlier restore, which this one supersedes
        pairs.append((quoted(scratch.new, SWAPPED), quoted(scratch.old, SWAPPED)))
    pairs.append((quoted(scratch.new, ARMED), quoted(scratch.new, SWAPPED)))
    scratch.session.run("RENAME TABLE " + ", ".join(f"{source} TO {target}" for source, target in pairs))


def _undo(scratch: Scratch) -> None:
    present = find_objects(scratch.session, scratch.database.name)
    triggers, triggers_back, events, events_back = (_steps(scratch, ARMED, direction) for direction in _BACK)
    # All triggers or none, so that they act in their order again; while none is missing nothing needs a lock.
    if not set(triggers) <= set(present.triggers):
        scratch.run_in(scratch.database.name, [*drops(present.only_triggers()), *triggers_back])
    if not set(events) <= set(present.events):
        scratch.run_in(scratch.database.name, events_back)
    scratch.session.run(f"DROP TABLE {quoted(scratch.new, ARMED)}")


def _finish(scratch: Scratch) -> None:
    """Make what stands beside the tables.

    Raises:
        _UnmadeError: Some of it could not be made; what it is stays written down.
        django.db.Error: The server failed.
    """
    name, forward = scratch.database.name, _steps(scratch, SWAPPED, "forward")
    present = find_objects(scratch.session, name)
    if scratch.session.is_mariadb:
        present = present.without_routines({routine for text in forward if (routine := routine_of(text))})
        forward = [*map(replacing, forward)]
    else:
        kept = unchanged_routines(scratch, present, forward)
        present = present.without_routines(kept)
        forward = [text for text in forward if routine_of(text) not in kept]
    failed = remove_objects(scratch, name, present)
    failed += make_objects(scratch, name, forward).failed
    if failed:
        raise _UnmadeError(_listed(failed))
    scratch.session.run(f"DROP TABLE {quoted(scratch.new, SWAPPED)}")


def _listed(failed: list[tuple[str, Error]]) -> str:
    texts = {label(statement): " ".join(str(error).split()) for statement, error in reversed(failed)}
    told = [f"{name}: {text}" for name, text in reversed(texts.items())]
    more = [f"and {len(told) - _SHOWN_MAX} more"] if len(told) > _SHOWN_MAX else []
    return "; ".join([*told[:_SHOWN_MAX], *more])


def _refuse_references(scratch: Scratch) -> None:
    """Raise when a foreign key of another database points here: it would follow the replaced tables."""
    found = scratch.session.rows(
        "SELECT constraint_schema, table_name FROM information_schema.referential_constraints"
        " WHERE unique_constraint_schema = %s AND constraint_schema NOT IN (%s, %s, %s) LIMIT 1",
        [scratch.database.name, scratch.database.name, scratch.new, scratch.old],
    )
    if found:
        raise scratch.database.error(
            f"Table {found[0][1]} of the database {found[0][0]} has a foreign key to {scratch.database}, which cannot "
            "be replaced under it. Drop that foreign key, restore, and make it again. The database is as before."
        )


@contextmanager
def _translated(scratch: Scratch, consequence: str) -> Iterator[None]:
    try:
        yield
    except Error as error:
        text = " ".join(str(error).split())
        holders = _holders(scratch) if "1205" in text else ""
        if code_of(error) == NEEDS_A_RIGHT and "SYSTEM_USER" in text:
            holders = f"{system_user_advice(scratch.session)} "
        raise scratch.database.error(
            f"{scratch.database} could not be replaced: {text}. {holders}{consequence}"
        ) from error


def _holders(scratch: Scratch) -> str:
    """Return who is connected to the live database, when its tables could not be had."""
    with suppress(Error):
        found = scratch.session.rows(
            "SELECT id, user, host, command, time FROM information_schema.processlist"
            " WHERE db = %s AND id <> CONNECTION_ID() ORDER BY time DESC",
            [scratch.database.name],
        )
        listed = "; ".join(f"{row[0]} ({row[1]} at {row[2]}, {row[3]} for {row[4]} s)" for row in found[:_SHOWN_MAX])
        return f"Others held on to its tables for {_PATIENCE_S} s; connected are: {listed}. " if listed else ""
    return ""
