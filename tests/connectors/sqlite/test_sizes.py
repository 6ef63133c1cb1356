"""A database of many tables, one of them with many rows, as the engine's own dump tells it."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

from django_snapshots.connectors import SQLiteConnector
from tests.connectors.sqlite.files import execute
from tests.programs import require_program
from tests.soak import sized

if TYPE_CHECKING:
    from pathlib import Path


def digest_of_dump(path: Path) -> str:
    """Return a digest of what `.dump` writes: the schema, and all rows in the order of their keys."""
    digest = hashlib.sha256()
    with subprocess.Popen([require_program("sqlite3"), str(path), ".dump"], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        while chunk := program.stdout.read(1 << 20):
            digest.update(chunk)
    assert program.returncode == 0
    return digest.hexdigest()


def test_five_hundred_tables_and_many_rows_come_back(tmp_path: Path, live: Path) -> None:
    rows = sized(50_000, 5_000_000)
    execute(
        live,
        "BEGIN",
        "CREATE TABLE many (id INTEGER PRIMARY KEY, text TEXT, amount DECIMAL, at DATETIME)",
        f"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO many "
        "SELECT i, hex(i * 7919), i * 1.37 % 1000, datetime(1704067200 + i, 'unixepoch') FROM n",
        *(f"CREATE TABLE table_{number} (id INTEGER PRIMARY KEY, name TEXT UNIQUE)" for number in range(500)),
        *(f"INSERT INTO table_{number} (name) VALUES ('x')" for number in range(500)),
        "COMMIT",
    )
    before = digest_of_dump(live)
    with (tmp_path / "dump").open("wb") as sink:
        facts = SQLiteConnector().dump("live", sink)
    execute(live, "UPDATE many SET text = 'changed' WHERE id % 7 = 0", "DROP TABLE table_499")
    assert digest_of_dump(live) != before

    with (tmp_path / "dump").open("rb") as source:
        SQLiteConnector().restore("live", source, facts)

    assert digest_of_dump(live) == before
