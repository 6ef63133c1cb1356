"""Reading what pg_dump writes: where statements end, what rows are, and what is never obeyed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from django_snapshots.connectors._postgres_script import ScriptError, ScriptReader, is_copy

if TYPE_CHECKING:
    from collections.abc import Callable

END = b"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict key\n\n"
SCRIPT = (
    rb"""--
-- PostgreSQL database dump; not a statement
--
\restrict key
SET x = 1;
CREATE FUNCTION f() RETURNS text LANGUAGE sql
BEGIN ATOMIC SELECT CASE WHEN true THEN 'a;' ELSE E'\';' END; SELECT 2; END;
CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC END;
CREATE FUNCTION g() AS $_$ begin; $$ COPY x FROM stdin; $_$ ;
CREATE RULE r AS ON INSERT TO "a;""b" DO ( SELECT 1; SELECT 2);
/* a /* ; */ ; */ SELECT a$b$c;
COMMENT ON x IS 'it''s; -- no
\! touch /tmp/never';
COPY t (a, b) FROM stdin;
1	x;\\.
\\.
 \.
;'
\.


COPY empty FROM stdin;
\.
SELECT 1;
"""
    + END
)
EXPECTED = [
    b"SET x = 1;",
    rb"""CREATE FUNCTION f() RETURNS text LANGUAGE sql
BEGIN ATOMIC SELECT CASE WHEN true THEN 'a;' ELSE E'\';' END; SELECT 2; END;""",
    b"CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC END;",
    b"CREATE FUNCTION g() AS $_$ begin; $$ COPY x FROM stdin; $_$ ;",
    b'CREATE RULE r AS ON INSERT TO "a;""b" DO ( SELECT 1; SELECT 2);',
    b"/* a /* ; */ ; */ SELECT a$b$c;",
    b"COMMENT ON x IS 'it''s; -- no\n\\! touch /tmp/never';",
    b"COPY t (a, b) FROM stdin;",
    b"1\tx;\\\\.\n\\\\.\n \\.\n;'\n",
    b"COPY empty FROM stdin;",
    b"",
    b"SELECT 1;",
]


def pieces(script: bytes, size: int) -> Callable[[], bytes]:
    source = io.BytesIO(script)
    return lambda: source.read(size)


def read(script: bytes, size: int = 1 << 20) -> tuple[list[bytes], bool]:
    """Return statements and, after each COPY, its rows; and whether the mark at the end was seen."""
    reader = ScriptReader(pieces(script, size))
    found = []
    for statement in reader.statements():
        found.append(statement)
        if is_copy(statement):
            found.append(b"".join(reader.rows()))
    return found, reader.complete


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1 << 20])
def test_statements_and_rows_are_told_apart_however_the_text_is_cut(size: int) -> None:
    assert read(SCRIPT, size) == (EXPECTED, True)


def test_a_script_without_the_mark_at_its_end_is_not_complete() -> None:
    assert read(SCRIPT.removesuffix(END))[1] is False


def test_a_statement_behind_the_mark_takes_it_back() -> None:
    assert read(SCRIPT + b"SELECT 2;\n")[1] is False


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (rb"SELECT 1; \! touch /tmp/never", "it holds a command of psql"),
        (b"\\copy t from '/etc/passwd'\n", "it holds a command of psql"),
        (b"\\connectx\n", "it holds a command of psql"),
        (b"SELECT 'open", "it ends inside quotes or a comment"),
        (b'SELECT "open', "it ends inside quotes or a comment"),
        (b"SELECT $a$ open $b$", "it ends inside quotes or a comment"),
        (b"/* open /* */", "it ends inside quotes or a comment"),
        (b"SELECT 1", "it ends inside a statement"),
        (b"COPY t FROM stdin;\n1\t2\n", "it ends inside the rows of a table"),
        (b"COPY t FROM stdin; 1\n", "rows do not begin on a line of their own"),
    ],
)
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_what_pg_dump_does_not_write_is_refused(script: bytes, reason: str, size: int) -> None:
    with pytest.raises(ScriptError, match=reason):
        read(script, size)


def test_rows_come_in_pieces_and_not_all_at_once() -> None:
    rows = b"".join(b"%d\tsome text\n" % number for number in range(100_000))
    reader = ScriptReader(pieces(b"COPY t FROM stdin;\n" + rows + b"\\.\n", 65536))
    next(reader.statements())

    chunks = list(reader.rows())

    assert b"".join(chunks) == rows
    assert max(map(len, chunks)) <= 65536 + 8
