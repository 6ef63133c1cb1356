"""Sequences in the defaults of columns, where MariaDB writes the name of the database, whatever was typed.

A dump holds them without it. A restored table has the scratch database's name there, which is put right by a statement
after the tables have moved.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from django_snapshots.connectors._mysql_server import quoted

if TYPE_CHECKING:
    from django_snapshots.connectors._mysql_server import Session

__all__ = ["WithoutDatabase", "default_statements", "has_sequence_defaults"]

_COLUMN_LINE = b"  `"
"""Begins a column in what a dump program writes. Rows begin otherwise, and line breaks in them are escaped."""

_TEXTS = rb"'(?:[^'\\]|\\.|'')*'"
_FUNCTIONS = rb"(?P<call>\b(?:nextval|lastval|setval)\()"


class _Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


def has_sequence_defaults(session: Session, schema: str) -> bool:
    """Say whether a column's default asks a sequence of `schema`."""
    return bool(_defaults(session, schema, schema))


def default_statements(session: Session, schema: str, *names: str) -> list[str]:
    """Return what lets the defaults of the tables in `schema` ask the sequences of the database they are in.

    Args:
        session: Connected to the server.
        schema: Where the tables are now.
        names: Databases whose sequences are meant, where a default names one.
    """
    found = [row for name in names for row in _defaults(session, schema, name)]
    altered = [
        f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column)} SET DEFAULT {default}"
        for table, column, default in found
    ]
    # Of a table that keeps its history nothing may be changed without it.
    return ["SET system_versioning_alter_history = KEEP", *_spent_sequences(session, schema), *altered] if found else []


def _spent_sequences(session: Session, schema: str) -> list[str]:
    """Return what makes sequences without a number left in the place of those in `schema`.

    A default is changed only where the sequence that it asks is there, and no row may get a number before.
    """
    found = session.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'SEQUENCE'", [schema]
    )
    names = [quoted(schema, name) for (name,) in found]
    made = [f"CREATE OR REPLACE SEQUENCE {name} START WITH 2 MINVALUE 1 MAXVALUE 2 NOCACHE" for name in names]
    return [*made, *(f"DO NEXTVAL({name})" for name in names)]


def _defaults(session: Session, schema: str, name: str) -> list[tuple[str, str, str]]:
    rows = session.rows(
        "SELECT table_name, column_name, column_default FROM information_schema.columns"
        " WHERE table_schema = %s AND LOCATE(%s, column_default) ORDER BY 1, 2",
        [schema, f"val({quoted(name)}."],
    )
    bare = [(table, column, text, _without(text.encode(), name).decode()) for table, column, text in rows]
    return [(table, column, stripped) for table, column, text, stripped in bare if stripped != text]


def _without(text: bytes, name: str) -> bytes:
    place = re.compile(_TEXTS + b"|" + _FUNCTIONS + re.escape(f"{quoted(name)}.".encode()), re.DOTALL)
    return place.sub(lambda found: found["call"] or found[0], text)


class WithoutDatabase:
    """Passes on what a dump program writes, with the sequences in defaults called without their database."""

    def __init__(self, sink: _Sink, name: str) -> None:
        """Write to `sink` the dump of the database `name`."""
        self._sink = sink
        self._name = name
        self._pending = b""
        self._is_begun = False

    def write(self, chunk: bytes) -> None:
        """Pass on a piece; the begin of a column's line waits for its end."""
        *lines, rest = (self._pending + chunk).split(b"\n")
        whole = [self._line(line) for line in lines]
        waits = not self._is_begun and rest.startswith(_COLUMN_LINE[: len(rest)])
        self._pending = rest if waits else b""
        self._is_begun = not waits
        self._sink.write(b"\n".join([*whole, rest[: 0 if waits else None]]))

    def _line(self, line: bytes) -> bytes:
        is_rest, self._is_begun = self._is_begun, False
        return line if is_rest or not line.startswith(_COLUMN_LINE) else _without(line, self._name)
