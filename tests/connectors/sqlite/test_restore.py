"""The restore of a SQLite database: what is equal afterwards, and who may keep it open meanwhile."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import stat
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections, transaction

from django_snapshots.connectors import SQLiteConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.sqlite.files import (
    content,
    execute,
    make_museum,
    make_notes,
    notes,
    pragma,
    raw_pages,
    sidecars,
)
from tests.connectors.sqlite.visitor import Visitor

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connectors.sqlite.conftest import Register

LATER_OBJECTS = (
    'CREATE TABLE later (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES "Author" (id))',
    "CREATE VIEW later_view AS SELECT * FROM later",
    "CREATE TRIGGER later_trigger AFTER DELETE ON book BEGIN SELECT raise(ABORT, 'no'); END",
    "CREATE VIRTUAL TABLE later_search USING fts5 (body)",
    "CREATE INDEX later_index ON book (price)",
    'DROP VIEW "Cheap Books"',
    "DELETE FROM pair",
    "PRAGMA user_version=43",
    "PRAGMA application_id=1",
)


class Dump:
    """A dump in memory, with its facts."""

    def __init__(self, alias: str = "live") -> None:
        sink = io.BytesIO()
        self.facts: dict[str, Any] = SQLiteConnector().dump(alias, sink)
        self.data = sink.getvalue()

    def restore(self, alias: str = "live") -> None:
        SQLiteConnector().restore(alias, io.BytesIO(self.data), self.facts)


def make_both(live: Path, *setup: str, rows: int = 3) -> Dump:
    """Make a dump of rows "snapshot", then fill the live database with rows "live"; return the dump."""
    make_notes(live, rows, *setup, text="snapshot")
    dump = Dump()
    execute(live, "DELETE FROM note", "INSERT INTO note (text) VALUES ('live')")
    return dump


@pytest.mark.parametrize(
    "setup",
    [
        ("PRAGMA journal_mode=delete",),
        ("PRAGMA journal_mode=wal",),
        ("PRAGMA page_size=1024",),
        ("PRAGMA page_size=65536", "PRAGMA journal_mode=wal"),
        ("PRAGMA auto_vacuum=full",),
        ("PRAGMA auto_vacuum=incremental",),
        ("PRAGMA encoding='UTF-16le'",),
    ],
    ids=lambda setup: "-".join(statement.partition("=")[2] for statement in setup),
)
@pytest.mark.parametrize("changed_meanwhile", [True, False])
def test_a_restored_database_is_the_one_that_was_dumped(
    live: Path, setup: tuple[str, ...], changed_meanwhile: bool
) -> None:
    make_museum(live, *setup)
    before, pages_before = content(live), raw_pages(live)
    dump = Dump()
    if changed_meanwhile:
        execute(live, *LATER_OBJECTS)
        assert content(live) != before
    else:
        live.unlink()

    dump.restore()

    assert content(live) == before
    assert raw_pages(live) == pages_before
    assert before["integrity"] == [(b"ok",)]
    assert sidecars(live) == []


def test_objects_made_after_the_snapshot_are_gone(live: Path) -> None:
    make_museum(live)
    dump = Dump()
    execute(live, *LATER_OBJECTS)

    dump.restore()

    with closing(sqlite3.connect(live)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'later%'").fetchall() == []


@pytest.mark.parametrize("mode_of_live", ["delete", "wal"])
@pytest.mark.parametrize("mode_of_snapshot", ["delete", "wal"])
@pytest.mark.parametrize("page_size_of_live", [4096, 1024])
@pytest.mark.parametrize("auto_vacuum_of_live", ["none", "full"])
def test_the_header_of_the_snapshot_wins_over_that_of_the_live_database(
    live: Path, mode_of_live: str, mode_of_snapshot: str, page_size_of_live: int, auto_vacuum_of_live: str
) -> None:
    make_museum(live, f"PRAGMA journal_mode={mode_of_snapshot}")
    dump, before = Dump(), content(live)
    live.unlink()
    make_notes(
        live,
        5000,
        f"PRAGMA page_size={page_size_of_live}",
        f"PRAGMA auto_vacuum={auto_vacuum_of_live}",
        f"PRAGMA journal_mode={mode_of_live}",
    )

    dump.restore()

    assert content(live) == before
    assert before["pragmas"]["journal_mode"] == mode_of_snapshot.encode()


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_another_process_that_has_the_database_open_sees_the_snapshot(live: Path, journal_mode: str) -> None:
    dump = make_both(live, f"PRAGMA journal_mode={journal_mode}")
    with Visitor(live) as other:
        assert other.ask("SELECT DISTINCT text FROM note") == [["live"]]
        other.ask("CREATE TABLE later (id)")

        dump.restore()

        assert other.ask("SELECT DISTINCT text FROM note") == [["snapshot"]]
        assert other.ask("SELECT * FROM later") == "no such table: later"
        assert other.ask("INSERT INTO note (text) VALUES ('after')") == []
        assert other.ask("PRAGMA integrity_check") == [["ok"]]
        assert other.ask("PRAGMA journal_mode") == [[journal_mode]]
    assert notes(live) == {"snapshot": 3, "after": 1}


def test_a_reader_in_the_middle_of_a_transaction_keeps_what_it_sees_in_wal_mode(live: Path) -> None:
    dump = make_both(live, "PRAGMA journal_mode=wal")
    with Visitor(live) as other:
        other.ask("BEGIN")
        other.ask("SELECT * FROM note")

        dump.restore()

        assert other.ask("SELECT DISTINCT text FROM note") == [["live"]]
        other.ask("COMMIT")
        assert other.ask("SELECT DISTINCT text FROM note") == [["snapshot"]]


@pytest.mark.parametrize("mode_of_snapshot", ["delete", "wal"])
def test_another_process_follows_into_the_journal_mode_of_the_snapshot_where_it_can(
    live: Path, mode_of_snapshot: str
) -> None:
    make_notes(live, 3, f"PRAGMA journal_mode={mode_of_snapshot}", text="snapshot")
    dump = Dump()
    execute(live, "DELETE FROM note", f"PRAGMA journal_mode={'wal' if mode_of_snapshot == 'delete' else 'delete'}")

    with Visitor(live) as other:
        dump.restore()

        # SQLite leaves WAL mode only while nobody else is connected: then the content counts.
        assert other.ask("SELECT DISTINCT text FROM note") == [["snapshot"]]
        assert other.ask("PRAGMA journal_mode") == [["wal"]]
        assert other.ask("PRAGMA integrity_check") == [["ok"]]


def test_a_wal_as_large_as_the_database_does_not_stay(live: Path) -> None:
    dump = make_both(live, "PRAGMA journal_mode=wal", rows=100_000)
    wal = live.with_name(live.name + "-wal")
    with Visitor(live) as other:
        dump.restore()

        assert other.ask("SELECT count(*) FROM note") == [[100_000]]
        assert wal.stat().st_size == 0


def test_the_file_keeps_its_identity_mode_and_owner(live: Path) -> None:
    dump = make_both(live)
    live.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(live, 12345, 23456)
    before = live.stat()

    dump.restore()

    after = live.stat()
    assert (after.st_ino, after.st_mode, after.st_uid, after.st_gid) == (
        before.st_ino,
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave files that the application cannot open")
def test_root_leaves_no_file_that_the_owner_of_a_wal_database_could_not_open(live: Path) -> None:
    dump = make_both(live, "PRAGMA journal_mode=wal")
    os.chown(live, 12345, 23456)
    owners: set[int] = set()

    with closing(sqlite3.connect(live)) as keeps_them:
        dump.restore()
        Dump()
        keeps_them.execute("SELECT * FROM note").fetchall()
        owners = {path.stat().st_uid for path in live.parent.iterdir()}
        assert sidecars(live) == ["db.sqlite3-shm", "db.sqlite3-wal"]

    assert owners == {12345}


def test_a_missing_file_is_created_with_the_mode_that_sqlite_gives(live: Path) -> None:
    dump = make_both(live)
    live.unlink()

    dump.restore()

    assert notes(live) == {"snapshot": 3}
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(live.stat().st_mode) == 0o644 & ~umask


def test_the_journal_and_wal_of_a_database_that_was_removed_do_no_harm(live: Path) -> None:
    dump = make_both(live)
    live.unlink()
    for suffix in ("-journal", "-wal", "-shm"):
        live.with_name(live.name + suffix).write_bytes(b"left over from another life" * 4000)

    dump.restore()

    assert notes(live) == {"snapshot": 3}
    assert pragma(live, "integrity_check") == "ok"


@pytest.mark.usefixtures("with_database")
def test_djangos_own_connection_sees_the_snapshot(live: Path) -> None:
    dump = make_both(live)
    with connections["live"].cursor() as cursor:
        cursor.execute("SELECT text FROM note")
        assert cursor.fetchall() == [("live",)]

    dump.restore()

    with connections["live"].cursor() as cursor:
        cursor.execute("SELECT DISTINCT text FROM note")
        assert cursor.fetchall() == [("snapshot",)]


@pytest.mark.usefixtures("with_database")
def test_djangos_own_idle_connection_does_not_keep_the_journal_mode_from_changing(live: Path) -> None:
    dump = make_both(live, "PRAGMA page_size=1024")
    live.unlink()
    make_notes(live, 3, "PRAGMA journal_mode=wal")
    with connections["live"].cursor() as cursor:
        cursor.execute("SELECT text FROM note")
        cursor.fetchall()

    dump.restore()

    assert notes(live) == {"snapshot": 3}
    assert (pragma(live, "journal_mode"), pragma(live, "page_size")) == ("delete", 1024)


@pytest.mark.usefixtures("with_database")
def test_a_restore_inside_a_transaction_is_refused(live: Path) -> None:
    dump = make_both(live)

    with (
        transaction.atomic(using="live"),
        pytest.raises(SnapshotConnectorError, match=r"inside transaction\.atomic\(\) on database 'live'"),
    ):
        dump.restore()

    assert notes(live) == {"live": 1}


@pytest.mark.parametrize("name", [":memory:", "file:restored_in_memory?mode=memory&cache=shared"])
@pytest.mark.usefixtures("with_database")
def test_a_database_in_memory_is_restored_through_djangos_connection(register: Register, name: str) -> None:
    register(NAME=name)
    with connections["live"].cursor() as cursor:
        cursor.execute("CREATE TABLE note (text)")
        cursor.execute("INSERT INTO note VALUES ('snapshot')")
        dump = Dump()
        cursor.execute("UPDATE note SET text = 'live'")
        cursor.execute("CREATE TABLE later (text)")

    dump.restore()

    with connections["live"].cursor() as cursor:
        assert cursor.execute("SELECT text FROM note").fetchall() == [("snapshot",)]
        assert cursor.execute("SELECT name FROM sqlite_master").fetchall() == [("note",)]


@pytest.mark.parametrize("statement", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"])
@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_a_lock_that_stays_ends_in_an_error_and_changes_nothing(live: Path, statement: str, journal_mode: str) -> None:
    dump = make_both(live, f"PRAGMA journal_mode={journal_mode}")
    with Visitor(live) as other:
        other.ask(statement)
        started = time.monotonic()

        with pytest.raises(SnapshotConnectorError) as caught:
            dump.restore()

        assert time.monotonic() - started < 10
        other.ask("COMMIT")
    assert str(caught.value) == (
        f"Database 'live' ({live}) could not be replaced: another connection or process holds a lock on it; "
        "stop it and try again (database is locked). The database is as before."
    )
    assert caught.value.artifact == "database/live"
    assert notes(live) == {"live": 1}
    assert sidecars(live) == []


def test_a_reader_that_stays_ends_in_an_error_in_rollback_mode(live: Path) -> None:
    dump = make_both(live)
    with Visitor(live) as other:
        other.ask("BEGIN")
        other.ask("SELECT * FROM note")

        with pytest.raises(SnapshotConnectorError, match=r"holds a lock on it.*The database is as before\."):
            dump.restore()

        assert other.ask("SELECT text FROM note") == [["live"]]
    assert notes(live) == {"live": 1}


def test_other_pages_in_wal_mode_with_others_connected_end_in_an_error_that_says_so(live: Path) -> None:
    make_notes(live, 3, "PRAGMA page_size=1024", text="snapshot")
    dump = Dump()
    live.unlink()
    make_notes(live, 1, "PRAGMA journal_mode=wal", text="live")
    with Visitor(live) as other:
        with pytest.raises(SnapshotConnectorError) as caught:
            dump.restore()

        assert other.ask("SELECT text FROM note") == [["live"]]
    assert str(caught.value) == (
        f"The pages of database 'live' ({live}) have 4096 bytes, those of the snapshot 1024. In WAL mode that can be "
        "changed only while no other connection or process has it open, and one has. The database is as before. "
        "Stop it and try again."
    )
    assert pragma(live, "journal_mode") == "wal"


def test_a_created_file_does_not_stay_when_the_restore_fails(live: Path) -> None:
    dump = make_both(live)
    live.unlink()
    staged = SQLiteConnector().stage("live", io.BytesIO(dump.data), dump.facts)
    (copy,) = live.parent.glob(".django-snapshots-*/copy.sqlite3")
    copy.write_bytes(b"damaged after it was checked" * 1000)

    with pytest.raises(SnapshotConnectorError, match="could not be replaced"):
        staged.commit()

    assert list(live.parent.iterdir()) == []


def test_what_is_staged_leaves_the_live_database_alone_until_it_is_committed(live: Path) -> None:
    dump = make_both(live)

    staged = SQLiteConnector().stage("live", io.BytesIO(dump.data), dump.facts)

    assert notes(live) == {"live": 1}
    staged.commit()
    assert notes(live) == {"snapshot": 3}


def test_what_is_staged_lies_in_a_private_directory_beside_the_database(live: Path) -> None:
    dump = make_both(live)

    staged = SQLiteConnector().stage("live", io.BytesIO(dump.data), dump.facts)

    (scratch,) = live.parent.glob(".django-snapshots-*")
    assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
    staged.discard()
    assert sidecars(live) == []


def test_discarding_twice_does_nothing_more(live: Path) -> None:
    dump = make_both(live)
    staged = SQLiteConnector().stage("live", io.BytesIO(dump.data), dump.facts)

    staged.discard()
    staged.discard()

    assert notes(live) == {"live": 1}
    assert sidecars(live) == []


def test_the_plan_tells_the_target_its_size_and_the_space_there(live: Path) -> None:
    dump = make_both(live)

    plan = SQLiteConnector().plan("live", dump.facts)

    assert plan["target"] == f"database live (sqlite {live})"
    assert plan["current_size_bytes"] == live.stat().st_size
    assert int(str(plan["needs_bytes"])) >= len(dump.data)
    assert 0 < int(str(plan["free_bytes"])) <= shutil.disk_usage(live.parent).total


def test_the_plan_for_a_missing_file_creates_nothing(live: Path) -> None:
    plan = SQLiteConnector().plan("live", {"engine": "sqlite"})

    assert (plan["target"], plan["current_size_bytes"]) == (f"database live (sqlite {live})", None)
    assert not live.exists()
