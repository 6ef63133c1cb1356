"""What is refused when a dump is staged, before the live database is touched; and what is not refused."""

from __future__ import annotations

import io
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.connectors import SQLiteConnector
from django_snapshots.errors import SnapshotConnectorError, SnapshotSpaceError
from tests.connectors.sqlite.files import content, execute, make_museum, make_notes, notes, sidecars

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connectors.sqlite.conftest import Register

FACTS = {"engine": "sqlite"}


def stage(data: bytes, facts: dict[str, Any] | None = None) -> None:
    SQLiteConnector().stage("live", io.BytesIO(data), facts or FACTS).discard()


def dump() -> tuple[bytes, dict[str, Any]]:
    sink = io.BytesIO()
    facts = SQLiteConnector().dump("live", sink)
    return sink.getvalue(), facts


@pytest.fixture
def museum(live: Path) -> bytes:
    """The dump of a museum; the live database holds one note."""
    make_museum(live)
    data, _ = dump()
    live.unlink()
    make_notes(live, 1, text="live")
    return data


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda data: b"", "it is empty"),
        (lambda data: b"-- PostgreSQL dump" + bytes(10_000), "the file is no SQLite database, or it is encrypted"),
        (lambda data: data[: len(data) // 2], "the file is damaged"),
        (lambda data: data[:8192] + b"\x99" * 4096 + data[12288:], "is no sound SQLite database: "),
        (lambda data: data[:-4096] + b"\x99" * 4096, "is no sound SQLite database: "),
        (lambda data: data[:100] + bytes(200) + data[300:], "damaged|is no sound"),
    ],
    ids=["empty", "other format", "truncated", "third page overwritten", "last page overwritten", "schema overwritten"],
)
def test_a_damaged_dump_is_refused_and_nothing_is_changed(live: Path, museum: bytes, damage: Any, text: str) -> None:
    with pytest.raises(SnapshotConnectorError, match=text) as caught:
        stage(damage(museum))

    assert "Restore another snapshot." in str(caught.value)
    assert caught.value.artifact == "database/live"
    assert notes(live) == {"live": 1}
    assert sidecars(live) == []


def test_the_refusal_quotes_the_first_lines_of_quick_check(live: Path, museum: bytes) -> None:
    pages = len(museum) // 4096
    broken = bytearray(museum)
    for page in range(3, pages, 5):
        broken[page * 4096 : page * 4096 + 8] = b"\x99" * 8

    with pytest.raises(SnapshotConnectorError) as caught:
        stage(bytes(broken))

    quoted = str(caught.value).partition("SQLite database: ")[2]
    assert 1 <= len(quoted.split("; ")) <= 3
    assert "Tree" in quoted or "page" in quoted.lower()


def test_a_dump_of_another_engine_is_refused_before_it_is_read(live: Path) -> None:
    make_notes(live, 1, text="live")

    with pytest.raises(SnapshotConnectorError) as caught:
        SQLiteConnector().plan("live", {"engine": "postgresql"})
    with pytest.raises(SnapshotConnectorError):
        stage(b"never read", {"engine": "postgresql"})

    assert str(caught.value) == (
        f"The dump is of engine 'postgresql', database 'live' ({live}) is SQLite: it cannot be loaded there. "
        "Nothing was changed. Point DATABASES['live'] to a database of that engine; or, to change the engine, make a "
        "snapshot there with SNAPSHOTS['DATABASE_CONNECTORS']['live'] = 'dumpdata' "
        "(SNAPSHOTS_DATABASE_CONNECTORS__LIVE=dumpdata), which can be restored into every engine."
    )


def test_a_dump_for_a_database_that_is_not_sqlite_is_refused(register: Register) -> None:
    register(ENGINE="django.db.backends.dummy", NAME="x")

    with pytest.raises(SnapshotConnectorError, match=r"its engine is django\.db\.backends\.dummy"):
        SQLiteConnector().plan("live", FACTS)


def test_a_dump_with_other_pages_than_its_facts_say_is_refused(museum: bytes) -> None:
    with pytest.raises(SnapshotConnectorError, match="its pages have 4096 bytes, those of the database .* had 512"):
        stage(museum, {"engine": "sqlite", "page_size": 512})


@pytest.mark.usefixtures("with_database")
def test_a_dump_with_other_pages_than_a_database_in_memory_is_refused(museum: bytes, register: Register) -> None:
    register(NAME=":memory:", OPTIONS={"init_command": "PRAGMA page_size=1024; CREATE TABLE first (id)"})

    with pytest.raises(SnapshotConnectorError, match="have 1024 bytes, those of the dump 4096.*Restore into a file"):
        stage(museum)


def test_too_little_space_for_copy_and_journal_is_an_error_before_anything_is_written(
    live: Path, museum: bytes
) -> None:
    size_bytes = 10**15
    with pytest.raises(SnapshotSpaceError, match="The checked copy and the journal of database 'live'") as caught:
        stage(museum, {"engine": "sqlite", "size_bytes": size_bytes})

    assert caught.value.needed_bytes == 3 * size_bytes - live.stat().st_size
    assert sidecars(live) == []


def test_a_live_file_that_is_no_database_is_not_overwritten(live: Path, museum: bytes) -> None:
    live.write_text("my diary, mistaken for a database" * 100)

    with pytest.raises(SnapshotConnectorError) as caught:
        stage(museum)

    assert str(caught.value) == (
        f"The file {live} is damaged or no SQLite database (file is not a database): nothing can be put into it. "
        "Move it away, together with its -wal, -shm and -journal if there are any, and run the same command again: "
        "a missing file is created."
    )
    assert live.read_text().startswith("my diary")


def test_a_live_database_that_was_cut_short_is_refused_with_the_way_out(live: Path, museum: bytes) -> None:
    live.unlink()
    make_museum(live)
    os.truncate(live, live.stat().st_size // 2)

    with pytest.raises(SnapshotConnectorError, match="Move it away, together with its -wal"):
        stage(museum)
    live.rename(live.with_name("moved away"))
    SQLiteConnector().restore("live", io.BytesIO(museum), FACTS)

    assert content(live)["integrity"] == [(b"ok",)]


def test_a_live_database_with_a_damaged_schema_is_refused_with_the_way_out(live: Path, museum: bytes) -> None:
    live.write_bytes(museum[:100] + b"\x99" * 300 + museum[400:])

    with pytest.raises(SnapshotConnectorError, match="Move it away, together with its -wal"):
        stage(museum)


def test_a_live_database_with_damaged_pages_takes_the_snapshot(live: Path, museum: bytes) -> None:
    live.unlink()
    make_museum(live)
    with live.open("r+b") as file:
        file.seek(4096)
        file.write(b"\x99" * 8192)

    SQLiteConnector().restore("live", io.BytesIO(museum), FACTS)

    assert content(live)["integrity"] == [(b"ok",)]


def test_a_name_with_mode_ro_is_refused(live: Path, museum: bytes, register: Register) -> None:
    register(NAME=f"file:{live}?mode=ro")

    with pytest.raises(SnapshotConnectorError, match=r"has mode=ro\. Take that away to restore\."):
        stage(museum)


def test_a_missing_directory_is_refused(museum: bytes, tmp_path: Path, register: Register) -> None:
    register(NAME=str(tmp_path / "nowhere" / "db.sqlite3"))

    with pytest.raises(SnapshotConnectorError, match=r"The directory .*nowhere of database 'live' .* does not exist"):
        stage(museum)


def test_an_error_of_the_source_passes_through_and_leaves_no_copy(live: Path) -> None:
    make_notes(live)

    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise ConnectionResetError("the storage hung up")

    with pytest.raises(ConnectionResetError, match="the storage hung up"):
        SQLiteConnector().stage("live", Broken(), FACTS)

    assert sidecars(live) == []


def test_rows_that_break_their_own_constraints_are_data_and_come_back(live: Path) -> None:
    execute(
        live,
        "CREATE TABLE grown (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER CHECK (b > 0))",
        "INSERT INTO grown (a, b) VALUES (NULL, 1)",
        "PRAGMA ignore_check_constraints=ON",
        "INSERT INTO grown (a, b) VALUES (1, -1)",
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'a INTEGER', 'a INTEGER NOT NULL') WHERE name = 'grown'",
    )
    with closing(sqlite3.connect(live)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchall() != [("ok",)]
    before = content(live)
    data, facts = dump()
    execute(live, "DELETE FROM grown")

    SQLiteConnector().restore("live", io.BytesIO(data), facts)

    assert content(live) == before


def test_functions_and_collations_that_only_the_project_knows_do_not_stop_a_restore(live: Path) -> None:
    with closing(sqlite3.connect(live, isolation_level=None)) as project:
        project.create_function("slug", 1, lambda text: text.lower(), deterministic=True)
        project.create_function("regexp", 2, lambda pattern, text: pattern in text, deterministic=True)
        project.create_collation("german", lambda one, other: (one < other) - (one > other))
        project.execute("CREATE TABLE page (title TEXT CHECK (title REGEXP 'T'), slug TEXT NOT NULL AS (slug(title)))")
        project.execute("CREATE INDEX page_slug ON page (slug(title))")
        project.execute("CREATE TABLE word (word TEXT COLLATE german PRIMARY KEY) WITHOUT ROWID")
        project.execute("INSERT INTO page (title) VALUES ('Title'), ('Two')")
        project.execute("INSERT INTO word VALUES ('a'), ('b'), ('c')")
        data, facts = dump()
        project.execute("DELETE FROM page")

        SQLiteConnector().restore("live", io.BytesIO(data), facts)

        assert project.execute("SELECT slug FROM page ORDER BY slug").fetchall() == [("title",), ("two",)]
        assert project.execute("SELECT word FROM word ORDER BY word").fetchall() == [("c",), ("b",), ("a",)]
        assert project.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_damage_is_found_in_a_database_with_functions_that_only_the_project_knows(live: Path) -> None:
    with closing(sqlite3.connect(live, isolation_level=None)) as project:
        project.create_function("slug", 1, lambda text: text, deterministic=True)
        project.execute("CREATE TABLE page (title TEXT, slug TEXT AS (slug(title)))")
        project.executemany("INSERT INTO page VALUES (?)", [("x" * 3000,)] * 100)
    data, _ = dump()

    with pytest.raises(SnapshotConnectorError, match="is no sound SQLite database"):
        stage(data[:-4096] + b"\x99" * 4096)
