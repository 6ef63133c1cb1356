"""The dump of a SQLite database: one consistent copy, or an error in words."""

from __future__ import annotations

import errno
import io
import os
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from django.db import connections

from django_snapshots.connectors import SQLiteConnector, StageableConnector
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotConnectorError, SnapshotSpaceError
from django_snapshots.scratch import SCRATCH_PREFIX
from tests.connectors.sqlite.bookkeeper import broken_invariants, make_ledger
from tests.connectors.sqlite.files import content, execute, make_museum, make_notes, notes, raw_pages, sidecars
from tests.connectors.sqlite.visitor import Visitor
from tests.programs import require_program
from tests.site import make_site

if TYPE_CHECKING:
    from typing import BinaryIO

    from tests.connectors.sqlite.conftest import Register


def dump(path: Path, alias: str = "live") -> dict[str, Any]:
    with path.open("wb") as sink:
        return SQLiteConnector().dump(alias, sink)


def scratch_left() -> list[str]:
    return [path.name for path in Path(tempfile.gettempdir()).glob(f"{SCRATCH_PREFIX}*")]


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


def test_the_connector_can_stage() -> None:
    assert isinstance(SQLiteConnector(), StageableConnector)


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_the_dump_is_the_database_page_for_page(live: Path, tmp_path: Path, journal_mode: str) -> None:
    make_museum(live, f"PRAGMA journal_mode={journal_mode}")

    dump(tmp_path / "dump")

    assert content(tmp_path / "dump") == content(live)
    assert raw_pages(tmp_path / "dump") == raw_pages(live)


def test_the_sqlite_program_opens_the_dump(live: Path, tmp_path: Path) -> None:
    make_museum(live)
    dump(tmp_path / "dump")

    command = [require_program("sqlite3"), str(tmp_path / "dump"), "SELECT count(*) FROM book"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)

    assert done.stdout.strip() == "258"


def test_facts_tell_engine_versions_and_what_the_file_header_says(live: Path, tmp_path: Path) -> None:
    make_museum(live, "PRAGMA page_size=8192", "PRAGMA journal_mode=wal")

    facts = dump(tmp_path / "dump")

    assert facts.pop("rows") == {"Author": 21, "audit": 300, "book": 258, "pair": 3, "typed": 2}
    assert facts == {
        "engine": "sqlite",
        "server_version": sqlite3.sqlite_version,
        "client_version": None,
        "journal_mode": "wal",
        "page_size": 8192,
        "user_version": 42,
        "application_id": -559038737,
        "size_bytes": (tmp_path / "dump").stat().st_size,
        "notes": [],
    }


def test_rows_that_are_still_in_the_wal_are_dumped(live: Path, tmp_path: Path) -> None:
    make_notes(live, 3, "PRAGMA journal_mode=wal")
    with Visitor(live) as other:
        other.ask("INSERT INTO note (text) VALUES ('in the wal')")

        dump(tmp_path / "dump")

    assert notes(tmp_path / "dump") == {"old": 3, "in the wal": 1}


def test_rows_of_an_open_transaction_of_another_process_are_not_dumped(live: Path, tmp_path: Path) -> None:
    make_notes(live, 3, "PRAGMA journal_mode=wal")
    with Visitor(live) as other:
        other.ask("BEGIN")
        other.ask("INSERT INTO note (text) VALUES ('not committed')")

        dump(tmp_path / "dump")

    assert notes(tmp_path / "dump") == {"old": 3}


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_a_dump_leaves_nothing_beside_the_database_nor_in_the_temporary_directory(
    live: Path, tmp_path: Path, journal_mode: str
) -> None:
    make_notes(live, 3, f"PRAGMA journal_mode={journal_mode}")

    dump(tmp_path / "dump")

    assert sidecars(live) == []
    assert scratch_left() == []


def wait_for_more_than(live: Path, last_transfer: int) -> None:
    """Wait until the writer has written once more: while a dump is made it may wait, and need not be the next."""
    end = time.monotonic() + 60
    found = last_transfer
    while found == last_transfer:
        assert time.monotonic() < end, "the writer does not write"
        time.sleep(0.01)
        with closing(sqlite3.connect(live, timeout=30)) as connection:
            found = connection.execute("SELECT max(id) FROM transfer").fetchone()[0]


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_a_dump_under_a_writer_keeps_what_each_transaction_keeps_20_of_20(
    live: Path, tmp_path: Path, register: Register, journal_mode: str
) -> None:
    register(NAME=str(live), OPTIONS={"timeout": 30})
    make_ledger(live, journal_mode)
    command = [sys.executable, "-m", "tests.connectors.sqlite.bookkeeper", str(live)]
    broken = []
    last_transfers = []

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"working\n"
        for _ in range(20):
            dump(tmp_path / "dump")
            broken.append(broken_invariants(tmp_path / "dump"))
            with closing(sqlite3.connect(tmp_path / "dump")) as copy:
                last_transfers.append(copy.execute("SELECT max(id) FROM transfer").fetchone()[0])
            wait_for_more_than(live, last_transfers[-1])
        assert writer.poll() is None

    assert broken == [[]] * 20
    assert len(set(last_transfers)) == 20, "the writer did not write between the dumps"


def test_a_missing_file_is_an_error_and_is_not_created(live: Path, tmp_path: Path) -> None:
    with pytest.raises(SnapshotConnectorError) as caught:
        dump(tmp_path / "dump")

    assert str(caught.value) == (
        f"There is no database file at {live}. Correct DATABASES['live']['NAME'], or run "
        "`manage.py migrate --database live` to make one."
    )
    assert caught.value.artifact == "database/live"
    assert not live.exists()


def test_a_missing_file_of_the_default_alias_is_made_by_a_plain_migrate(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    site.database.unlink()

    failed = site.run("backup", "database", exit_code=1)

    assert "or run `manage.py migrate` to make one." in failed.stderr


def test_a_file_that_is_no_database_is_an_error(live: Path, tmp_path: Path) -> None:
    live.write_text("id,name\n1,this is a table of another kind\n" * 100)

    with pytest.raises(SnapshotConnectorError, match="the file is no SQLite database, or it is encrypted") as caught:
        dump(tmp_path / "dump")

    assert f"Database 'live' ({live}) could not be dumped" in str(caught.value)
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)
    assert scratch_left() == []


def test_a_file_that_was_cut_short_is_an_error(live: Path, tmp_path: Path) -> None:
    make_museum(live)
    os.truncate(live, live.stat().st_size // 2)

    with pytest.raises(SnapshotConnectorError, match=r"the file is damaged; `sqlite3 FILE \.recover` may save"):
        dump(tmp_path / "dump")


def test_a_lock_that_stays_ends_in_an_error_and_not_in_waiting_for_ever(live: Path, tmp_path: Path) -> None:
    make_notes(live)
    with Visitor(live) as other:
        other.ask("BEGIN EXCLUSIVE")
        started = time.monotonic()

        with pytest.raises(SnapshotConnectorError, match="holds a lock on it; stop it and try again") as caught:
            dump(tmp_path / "dump")

        assert time.monotonic() - started < 10
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)


def test_a_lock_that_goes_away_is_waited_for(live: Path, tmp_path: Path, register: Register) -> None:
    register(NAME=str(live), OPTIONS={"timeout": 20})
    make_notes(live)
    holder = f"""
import sqlite3, time
connection = sqlite3.connect({str(live)!r}, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(1.5)
"""
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()

        dump(tmp_path / "dump")

    assert notes(tmp_path / "dump") == {"old": 3}


def test_an_empty_file_is_an_empty_database(live: Path, tmp_path: Path) -> None:
    live.touch()

    facts = dump(tmp_path / "dump")

    assert content(tmp_path / "dump")["schema"] == []
    assert facts["size_bytes"] == (tmp_path / "dump").stat().st_size > 0


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("with space, ? and # and % and é.db", "{path}"),
        ("plain.db", "file:{path}"),
        ("plain.db", "file://{path}?cache=shared"),
        ("plain.db", "file:{path}?mode=ro"),
        ("with space.db", "file:{folder}/with%20space.db?psow=0"),
    ],
)
def test_every_way_of_naming_a_file_reaches_it(
    folder: Path, tmp_path: Path, register: Register, file_name: str, name: str
) -> None:
    make_notes(folder / file_name)
    register(NAME=name.format(path=folder / file_name, folder=folder))

    dump(tmp_path / "dump")

    assert notes(tmp_path / "dump") == {"old": 3}


def test_a_path_object_and_a_relative_name_reach_the_file(
    folder: Path, tmp_path: Path, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    make_notes(folder / "db")
    for name in (folder / "db", "db", "file:db"):
        register(NAME=name)

        dump(tmp_path / "dump")

        assert notes(tmp_path / "dump") == {"old": 3}


@pytest.mark.parametrize("name", [":memory:", "file:dumped_in_memory?mode=memory&cache=shared", "file::memory:"])
@pytest.mark.usefixtures("with_database")
def test_a_database_in_memory_is_dumped_through_djangos_connection(
    tmp_path: Path, register: Register, name: str
) -> None:
    register(NAME=name)
    with connections["live"].cursor() as cursor:
        cursor.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
        cursor.execute("INSERT INTO note (text) VALUES ('in memory')")

    facts = dump(tmp_path / "dump")

    assert notes(tmp_path / "dump") == {"in memory": 1}
    assert facts["journal_mode"] == "delete"


def test_an_alias_that_does_not_exist_is_an_error_that_names_the_nearest(live: Path, tmp_path: Path) -> None:
    with pytest.raises(SnapshotConnectorError) as caught:
        dump(tmp_path / "dump", alias="lvie")

    assert str(caught.value) == "DATABASES has no alias 'lvie'. Did you mean 'live'?"


def test_a_database_of_another_engine_is_an_error_that_names_the_setting(tmp_path: Path, register: Register) -> None:
    register(ENGINE="django.db.backends.dummy", NAME="x")

    with pytest.raises(SnapshotConnectorError) as caught:
        dump(tmp_path / "dump")

    assert str(caught.value) == (
        "Database 'live' is no SQLite database, its engine is django.db.backends.dummy. "
        "Take SQLiteConnector away from SNAPSHOTS['DATABASE_CONNECTORS']['live']."
    )


def test_a_database_without_a_name_is_an_error(tmp_path: Path, register: Register) -> None:
    register(NAME="")

    with pytest.raises(SnapshotConnectorError, match=r"DATABASES\['live'\] has no NAME"):
        dump(tmp_path / "dump")


def test_a_database_larger_than_the_temporary_directory_is_an_error_before_it_is_copied(
    live: Path, tmp_path: Path
) -> None:
    make_notes(live)
    pages = 2**30  # 4 TiB, as a file with holes
    with live.open("r+b") as file:
        file.truncate(pages * 4096)
        file.seek(28)  # the size of the database in pages (sqlite.org/fileformat.html, 1.3)
        file.write(struct.pack(">I", pages))

    with pytest.raises(SnapshotSpaceError, match="A consistent copy of database 'live' .* needs 4.0 TiB in") as caught:
        dump(tmp_path / "dump")

    assert caught.value.needed_bytes == pages * 4096
    assert scratch_left() == []


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_a_dump_is_verified_whatever_its_journal_mode_and_its_damage_is_found(
    live: Path, tmp_path: Path, journal_mode: str
) -> None:
    make_museum(live, f"PRAGMA journal_mode={journal_mode}")
    facts = dump(tmp_path / "dump")
    data = (tmp_path / "dump").read_bytes()
    page_size = facts["page_size"]

    whole = SQLiteConnector().verify("live", io.BytesIO(data), facts)
    damaged = SQLiteConnector().verify("live", io.BytesIO(data[:page_size] + bytes(page_size) * 3), facts)

    assert facts["journal_mode"] == journal_mode
    assert whole == []
    assert damaged == ["It is no sound SQLite database: database disk image is malformed."]
    assert scratch_left() == []


KILLED = """
import os, signal, sys
import django
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}})
django.setup()
from django_snapshots.connectors import SQLiteConnector

class Killing:
    def write(self, data):
        os.kill(os.getpid(), signal.SIGKILL)

SQLiteConnector().dump("default", Killing())
"""


def test_a_killed_dump_leaves_nothing_in_the_temporary_directory(live: Path) -> None:
    make_museum(live)
    environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}

    done = subprocess.run([sys.executable, "-c", KILLED, str(live)], env=environment, check=False)

    assert done.returncode == -signal.SIGKILL
    assert scratch_left() == []


def test_a_dump_where_an_open_file_cannot_be_unlinked_says_what_to_do(
    live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_notes(live)

    def refuse(path: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        with pytest.raises(SnapshotConnectorError) as caught:
            SQLiteConnector().dump("live", io.BytesIO())

    directory = tempfile.gettempdir()
    assert f"No file without a name can be made in the temporary directory {directory}: [Errno 16]" in str(caught.value)
    assert "Set TMPDIR to a directory on a file system of this host" in str(caught.value)


def test_an_error_of_the_sink_passes_through_and_the_copy_is_removed(live: Path) -> None:
    make_notes(live)

    class Broken:
        def write(self, _data: bytes) -> int:
            raise BrokenPipeError("the storage hung up")

    with pytest.raises(BrokenPipeError, match="the storage hung up"):
        SQLiteConnector().dump("live", cast("BinaryIO", Broken()))

    assert scratch_left() == []


def test_the_dump_is_written_in_chunks_of_a_mebibyte(live: Path) -> None:
    make_museum(live)
    sizes: list[int] = []

    class Measuring(io.BytesIO):
        def write(self, data: Any, /) -> int:
            sizes.append(len(data))
            return len(data)

    facts = SQLiteConnector().dump("live", Measuring())

    assert max(sizes) == CHUNK_SIZE
    assert sum(sizes) == facts["size_bytes"]


@pytest.mark.usefixtures("with_database")
def test_a_dump_has_no_uncommitted_rows_of_a_connection_that_shares_its_cache(
    live: Path, tmp_path: Path, register: Register
) -> None:
    make_notes(live, 3, "PRAGMA journal_mode=wal")
    register(NAME=f"file:{live}?cache=shared", OPTIONS={"timeout": 1})
    with connections["live"].cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO note (text) VALUES ('not committed')")

        dump(tmp_path / "dump")

        cursor.execute("ROLLBACK")
    assert notes(tmp_path / "dump") == {"old": 3}


def test_a_dump_does_not_drop_the_locks_of_djangos_connection(live: Path, tmp_path: Path) -> None:
    make_notes(live)
    with closing(sqlite3.connect(live, isolation_level=None)) as own, Visitor(live) as other:
        own.execute("BEGIN")
        own.execute("SELECT * FROM note").fetchall()

        dump(tmp_path / "dump")
        other.ask("PRAGMA busy_timeout=0")

        assert other.ask("BEGIN EXCLUSIVE") == "database is locked"


def test_the_size_hint_is_the_size_of_the_file(live: Path) -> None:
    connector = SQLiteConnector()
    missing = connector.size_hint("live")
    make_notes(live)
    execute(live, "VACUUM")

    assert missing is None
    assert connector.size_hint("live") == live.stat().st_size
