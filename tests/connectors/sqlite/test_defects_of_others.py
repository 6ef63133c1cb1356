"""What published backup tools for Django lose, break or cost on SQLite: each defect as a test of ours."""

from __future__ import annotations

import io
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.connectors import SQLiteConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.sqlite.files import execute, make_notes, notes
from tests.connectors.sqlite.visitor import Visitor

if TYPE_CHECKING:
    from pathlib import Path


def dump() -> tuple[bytes, dict[str, Any]]:
    sink = io.BytesIO()
    facts = SQLiteConnector().dump("live", sink)
    return sink.getvalue(), facts


def restore(dumped: tuple[bytes, dict[str, Any]]) -> None:
    SQLiteConnector().restore("live", io.BytesIO(dumped[0]), dumped[1])


@pytest.mark.parametrize(
    ("setup", "query", "answer"),
    [
        (("CREATE TABLE t (v)", "INSERT INTO t VALUES (CAST(x'610062' AS TEXT))"), "SELECT hex(v) FROM t", "610062"),
        (
            ("CREATE TABLE t (v)", "INSERT INTO t VALUES (CAST(x'0d0a0d0a' AS TEXT))"),
            "SELECT hex(v) FROM t",
            "0D0A0D0A",
        ),
        (
            ("CREATE TABLE t (v)", "INSERT INTO t VALUES (CAST(x'ff' AS TEXT))"),
            "SELECT typeof(v)||hex(v) FROM t",
            "textFF",
        ),
        (("CREATE TABLE t (v)", "INSERT INTO t VALUES (9e999)"), "SELECT v FROM t", float("inf")),
        (("CREATE TABLE t (v)", "INSERT INTO t VALUES (-9e999)"), "SELECT v FROM t", float("-inf")),
        (('CREATE TABLE "Mixed ""Case" ("The Key")',), 'SELECT count("The Key") FROM "Mixed ""Case"', 0),
        (
            ("CREATE VIRTUAL TABLE t USING fts5 (body)", "INSERT INTO t VALUES ('an owl')"),
            "SELECT body FROM t WHERE t MATCH 'owl'",
            "an owl",
        ),
        (
            ("CREATE VIRTUAL TABLE t USING rtree (id, a, b)", "INSERT INTO t VALUES (7, 1, 2)"),
            "SELECT id FROM t WHERE a > 0",
            7,
        ),
        (("CREATE TABLE t (a, b AS (a + 1) STORED)", "INSERT INTO t VALUES (1)"), "SELECT b FROM t", 2),
        (("PRAGMA user_version=7", "CREATE TABLE t (a)"), "PRAGMA user_version", 7),
        (("PRAGMA application_id=8", "CREATE TABLE t (a)"), "PRAGMA application_id", 8),
        (("PRAGMA page_size=16384", "CREATE TABLE t (a)"), "PRAGMA page_size", 16384),
        (("PRAGMA auto_vacuum=incremental", "CREATE TABLE t (a)"), "PRAGMA auto_vacuum", 2),
    ],
    ids=[
        "text with NUL",
        "CR LF",
        "text that is not UTF-8",
        "infinity",
        "negative infinity",
        "quoted mixed-case names",
        "FTS5",
        "R-tree",
        "generated column",
        "user_version",
        "application_id",
        "page_size",
        "auto_vacuum",
    ],
)
def test_what_a_text_dump_loses_comes_back(live: Path, setup: tuple[str, ...], query: str, answer: object) -> None:
    execute(live, *setup)
    dumped = dump()
    live.unlink()
    make_notes(live)

    restore(dumped)

    with closing(sqlite3.connect(live)) as connection:
        assert connection.execute(query).fetchone()[0] == answer


def test_a_database_with_a_view_is_restored_over_itself(live: Path) -> None:
    make_notes(live)
    execute(live, "CREATE VIEW loud AS SELECT upper(text) AS text FROM note")
    dumped = dump()

    restore(dumped)

    with closing(sqlite3.connect(live)) as connection:
        assert connection.execute("SELECT DISTINCT text FROM loud").fetchall() == [("OLD",)]


def test_a_view_made_after_the_snapshot_does_not_survive(live: Path) -> None:
    make_notes(live)
    dumped = dump()
    execute(live, "CREATE VIEW later AS SELECT 1")

    restore(dumped)

    with closing(sqlite3.connect(live)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("note",)]


def test_rows_in_a_live_wal_do_not_survive_nor_spoil_the_restored_database(live: Path) -> None:
    make_notes(live, 3, "PRAGMA journal_mode=wal")
    dumped = dump()
    with Visitor(live) as other:
        other.ask("PRAGMA wal_autocheckpoint=0")
        for _ in range(50):
            other.ask("INSERT INTO note (text) VALUES (hex(randomblob(2000)))")

        restore(dumped)

        assert other.ask("SELECT text, count(*) FROM note GROUP BY 1") == [["old", 3]]
        assert other.ask("PRAGMA integrity_check") == [["ok"]]
    assert notes(live) == {"old": 3}


def test_a_truncated_dump_is_not_put_over_the_live_database(live: Path) -> None:
    make_notes(live, 5000)
    data, facts = dump()

    with pytest.raises(SnapshotConnectorError):
        restore((data[: len(data) // 3], facts))

    assert notes(live) == {"old": 5000}


_MEASURE = """
import resource, sys
import django
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}})
django.setup()
from django_snapshots.connectors import SQLiteConnector

with open(sys.argv[2], "wb") as sink:
    facts = SQLiteConnector().dump("default", sink)
with open(sys.argv[2], "rb") as source:
    SQLiteConnector().restore("default", source, facts)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_memory_does_not_grow_with_the_database(live: Path, tmp_path: Path, journal_mode: str) -> None:
    peaks_kib = []
    for megabytes in (5, 100):
        live.unlink(missing_ok=True)
        execute(
            live,
            f"PRAGMA journal_mode={journal_mode}",
            "CREATE TABLE blob (data)",
            f"""WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < {megabytes})
            INSERT INTO blob SELECT randomblob(1000000) FROM counter""",
        )
        command = [sys.executable, "-c", _MEASURE, str(live), str(tmp_path / "dump")]
        peaks_kib.append(int(subprocess.run(command, capture_output=True, check=True).stdout))

    assert peaks_kib[1] - peaks_kib[0] < 20 * 1024
