"""SQLite files for the connector's tests: one with everything in it, and what to compare."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.connectors.planes import PLANES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["content", "execute", "make_museum", "make_notes", "notes", "pragma", "raw_pages", "sidecars"]

_PRAGMAS = ("user_version", "application_id", "page_size", "auto_vacuum", "encoding", "journal_mode")

_MUSEUM = """
CREATE TABLE "Author" (id INTEGER PRIMARY KEY AUTOINCREMENT, "Full Name" TEXT NOT NULL, born REAL);
CREATE TABLE book (
    id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES "Author" (id) DEFERRABLE INITIALLY DEFERRED,
    title TEXT, price DECIMAL, data TEXT CHECK (json_valid(data)), cover BLOB,
    double_price REAL GENERATED ALWAYS AS (price * 2) VIRTUAL, title_length INTEGER AS (length(title)) STORED
);
CREATE INDEX book_author ON book (author_id);
CREATE UNIQUE INDEX "Mixed Case Index" ON book (title COLLATE NOCASE, id) WHERE price > 1;
CREATE INDEX book_expression ON book (lower(title));
CREATE TABLE pair (a TEXT, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE typed (n INTEGER, r REAL, t TEXT, b BLOB, x ANY) STRICT;
CREATE VIEW "Cheap Books" AS SELECT title FROM book WHERE price < 10;
CREATE TABLE audit (what TEXT);
CREATE TRIGGER book_audit AFTER INSERT ON book BEGIN INSERT INTO audit VALUES ('book ' || new.id); END;
CREATE TRIGGER view_insert INSTEAD OF INSERT ON "Cheap Books" BEGIN SELECT raise(ABORT, 'no'); END;
CREATE VIRTUAL TABLE search USING fts5 (body, tokenize = 'porter');
CREATE VIRTUAL TABLE area USING rtree (id, x1, x2, y1, y2);
"""


def make_museum(path: Path, *setup: str) -> None:
    """Make a database with every kind of object and value; `setup` are pragmas that come before the first table."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in setup:
            connection.execute(statement)
        connection.executescript(_MUSEUM)
        connection.execute("PRAGMA user_version=42")
        connection.execute("PRAGMA application_id=-559038737")
        connection.execute("BEGIN")
        _fill(connection)
        connection.execute("COMMIT")
        connection.execute("ANALYZE")


def _fill(connection: sqlite3.Connection) -> None:
    authors = [("Ada\0Lovelace", 1815.0), ("line\r\nbreaks\rall kinds\n", float("inf")), ("Ünïcödé 🦉", float("-inf"))]
    connection.executemany('INSERT INTO "Author" ("Full Name", born) VALUES (?, ?)', authors)
    connection.execute("""INSERT INTO "Author" ("Full Name") VALUES (CAST(x'ff00fe41c3' AS TEXT))""")
    connection.executemany('INSERT INTO "Author" ("Full Name") VALUES (?)', [(text,) for text in PLANES])
    books = [
        (number % 4 + 1, f"Title {number} 'quoted'", number / 3, '{"n": [1, null]}', bytes([number % 256]) * number)
        for number in range(1, 300)
    ]
    connection.executemany("INSERT INTO book (author_id, title, price, data, cover) VALUES (?, ?, ?, ?, ?)", books)
    connection.execute("INSERT INTO book (author_id, data, cover) VALUES (1, '{}', zeroblob(3000000))")
    connection.executemany("INSERT INTO pair VALUES (?, ?)", [("a", 2**63 - 1), ("a", -(2**63)), ("b", 0)])
    connection.execute("INSERT INTO typed VALUES (1, 1.5, 'text', x'00ff', 7), (NULL, 1e308, '', x'', 'any')")
    connection.executemany("INSERT INTO search VALUES (?)", [("swimming owls",), ("the owl swims",)])
    connection.execute("INSERT INTO area VALUES (1, 0, 10, 0, 10), (2, 5, 6, -1e30, 1e30)")
    connection.execute("DELETE FROM book WHERE id % 7 = 0")


def make_notes(path: Path, rows: int = 3, *setup: str, text: str = "old") -> None:
    """Make a small database: table note (id, text), with `rows` rows of the same text."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in setup:
            connection.execute(statement)
        connection.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO note (text) VALUES (?)", [(text,)] * rows)
        connection.execute("COMMIT")


def notes(path: Path) -> dict[str, int]:
    """Return how many rows of the table note have which text."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT text, count(*) FROM note GROUP BY text").fetchall())


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def pragma(path: Path, name: str) -> Any:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def content(path: Path) -> dict[str, Any]:
    """Return all that a user can see of a database: pragmas, schema text, the exact value and type of each cell."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
        tables = [name.decode() for kind, name, _, _ in schema if kind == b"table"]
        return {
            "pragmas": {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _PRAGMAS},
            "schema": schema,
            "rows": {table: _rows(connection, table) for table in tables},
            "integrity": connection.execute("PRAGMA integrity_check").fetchall(),
        }


def _rows(connection: sqlite3.Connection, table: str) -> list[Any]:
    columns = [row[1].decode() for row in connection.execute(f'PRAGMA table_xinfo("{table}")')]
    cells = ", ".join(f'typeof("{column}"), "{column}"' for column in columns)
    return sorted(connection.execute(f'SELECT {cells} FROM "{table}"').fetchall(), key=repr)


def raw_pages(path: Path) -> bytes:
    """Return the file without the counters of its header that change with every commit.

    They are the change counter, the schema cookie, version-valid-for and the version of the library
    (sqlite.org/fileformat.html, 1.3).
    """
    data = bytearray(path.read_bytes())
    for start, end in ((24, 28), (40, 44), (92, 100)):
        data[start:end] = bytes(end - start)
    return bytes(data)


def sidecars(path: Path) -> list[str]:
    """Return the names of all files beside the database, which should be none."""
    return sorted(other.name for other in path.parent.iterdir() if other != path)
