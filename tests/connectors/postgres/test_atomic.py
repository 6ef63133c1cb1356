"""A restore that is cut off at a random moment: the database is exactly as before, or exactly the snapshot's."""

from __future__ import annotations

import io
import json
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.connectors.postgres import PostgresConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.postgres.awkward import AWKWARD, LATER
from tests.connectors.postgres.databases import ALIAS, dump, restore
from tests.connectors.programs_at_work import KillingSource, kill
from tests.connectors.small_disk import small_disk
from tests.docs.pages import ROOT
from tests.servers.postgres import serving_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.connectors.postgres.databases import Database

ROUNDS = 10

SCHEMA = """
CREATE TABLE owner (id integer PRIMARY KEY, name text);
INSERT INTO owner VALUES (1, 'first');
CREATE TABLE bulk AS SELECT i AS id, 1 AS owner, repeat(md5(i::text), 5) AS text FROM generate_series(1, 30000) i;
ALTER TABLE bulk ADD PRIMARY KEY (id);
ALTER TABLE bulk ADD FOREIGN KEY (owner) REFERENCES owner;
CREATE INDEX ON bulk (text);
CREATE SEQUENCE ticket;
CREATE MATERIALIZED VIEW total AS SELECT count(*) FROM bulk;
SELECT lo_from_bytea(70001, 'snapshot');
"""
CHANGE = """
CREATE TABLE later (id integer REFERENCES owner);
UPDATE owner SET name = 'changed';
DELETE FROM bulk WHERE id > 100;
ALTER TABLE bulk ADD COLUMN later text;
SELECT lo_unlink(70001), lo_from_bytea(70002, 'later');
SELECT setval('ticket', 77);
"""


class Job:
    """A database that differs from its dump, and a process that restores it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        database.sql(SCHEMA)
        self.snapshot = database.state()
        data, facts = dump(PostgresConnector())
        self.dumped = (data, facts)
        (folder / "dump").write_bytes(data)
        self.file = folder / "job.json"
        self.file.write_text(
            json.dumps({"database": database.settings(), "facts": facts, "dump": str(folder / "dump")})
        )
        self.before = ("", "")
        self.session = 0
        started = time.monotonic()
        process = self.start()
        process.communicate(timeout=120)
        assert process.returncode == 0
        self.seconds = time.monotonic() - started - self.start_up_seconds

    def change(self) -> None:
        self.database.sql(CHANGE)
        self.before = self.database.state()
        self.database.sql("CHECKPOINT", role="postgres")  # or recovery moves sequences on by up to 32

    def start(self) -> subprocess.Popen[str]:
        """Start the restore and wait until it begins."""
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.connectors.postgres.restorer", str(self.file)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        self.start_up_seconds = time.monotonic() - started
        return process

    def interrupted(self, interrupt: Callable[[subprocess.Popen[str]], None]) -> str:
        """Restore, interrupt at a random moment, and say what the database is then: "before" or "snapshot"."""
        if self.database.state() != self.before:
            self.change()
        process = self.start()
        self._wait(process, random.uniform(0, 1.05) * self.seconds)
        interrupt(process)
        process.communicate(timeout=120)
        self.session = process.pid
        after = self.settled_state()
        assert after in {self.before, self.snapshot}, "neither as before nor the snapshot's"
        if process.returncode == 0:
            assert after == self.snapshot
        return "snapshot" if after == self.snapshot else "before"

    def _wait(self, process: subprocess.Popen[str], seconds: float) -> None:
        """Wait so long, or until the restore ends; a little longer next time, unless it was too fast."""
        started = time.monotonic()
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.seconds *= 1.05
        else:
            self.seconds = time.monotonic() - started

    def programs(self) -> list[str]:
        """Return the command lines of what the last restore started and what still runs."""
        command = ["ps", "-o", "args=", "--sid", str(self.session)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()

    def settled_state(self) -> tuple[str, str]:
        """Return the state once the server has noticed that the other side is gone."""
        for _ in range(200):
            others = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if self.database.sql(others, role="postgres") == "0":
                break
            time.sleep(0.05)
        return self.database.state()


@pytest.fixture
def job(live: Database, tmp_path: Path) -> Job:
    return Job(live, tmp_path)


def test_a_restore_killed_at_any_moment_is_all_or_nothing(job: Job) -> None:
    outcomes = [job.interrupted(lambda process: process.kill()) for _ in range(ROUNDS)]

    assert "before" in outcomes


def test_a_restore_terminated_at_any_moment_is_all_or_nothing_and_leaves_no_program(job: Job) -> None:
    def terminate(process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGINT)

    for _ in range(3):
        assert job.interrupted(terminate) in {"before", "snapshot"}

        end = time.monotonic() + 30
        while programs := job.programs():
            assert time.monotonic() < end, programs
            time.sleep(0.05)


def test_a_connection_cut_at_any_moment_is_all_or_nothing(job: Job) -> None:
    def cut(_process: subprocess.Popen[str]) -> None:
        job.database.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            role="postgres",
        )

    outcomes = [job.interrupted(cut) for _ in range(ROUNDS)]

    assert "before" in outcomes


def test_a_server_killed_at_any_moment_is_all_or_nothing(job: Job) -> None:
    server = job.database.server

    def crash(_process: subprocess.Popen[str]) -> None:
        server.kill()
        server.start()

    outcomes = [job.interrupted(crash) for _ in range(ROUNDS)]

    assert "before" in outcomes


def test_a_program_that_is_killed_at_any_moment_of_the_load_changes_nothing(job: Job) -> None:
    data, facts = job.dumped
    job.change()

    for _ in range(ROUNDS):
        with pytest.raises(SnapshotConnectorError, match="pg_restore ended by signal 9"):
            PostgresConnector().restore(ALIAS, KillingSource(data, "pg_restore"), facts)

        assert job.database.state() == job.before


def test_a_dump_program_that_is_killed_fails_the_backup(job: Job) -> None:
    class Sink(io.BytesIO):
        def write(self, piece: Any, /) -> int:
            kill("pg_dump")
            return super().write(piece)

    with pytest.raises(SnapshotConnectorError, match="pg_dump ended by signal 9"):
        PostgresConnector().dump(ALIAS, Sink())


def test_a_commit_whose_answer_is_lost_is_looked_up(live: Database) -> None:
    live.sql("CREATE TABLE word AS SELECT 'then' AS text")
    data, facts = dump(PostgresConnector())
    live.sql("UPDATE word SET text = 'now'")

    staged = PostgresConnector().stage(ALIAS, io.BytesIO(data), facts)
    live.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND datname = current_database()",
        role="postgres",
    )

    with pytest.raises(SnapshotConnectorError, match="It was not committed: the database is as before"):
        staged.commit()

    assert live.sql("SELECT text FROM word") == "now"


def test_a_restore_that_is_discarded_leaves_everything_as_it_was(live: Database) -> None:

    live.sql(AWKWARD)
    data, facts = dump(PostgresConnector())
    live.sql(LATER.replace("CURRENT", live.name))
    before = live.state()

    PostgresConnector().stage(ALIAS, io.BytesIO(data), facts).discard()

    assert live.state() == before


def test_a_source_that_fails_leaves_everything_as_it_was(live: Database) -> None:

    class FailingSource(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            piece = super().read(1000)
            if self.tell() > 50_000:
                raise OSError("the storage went away")
            return piece

    live.sql(AWKWARD)
    data, facts = dump(PostgresConnector())
    before = live.state()

    with pytest.raises(OSError, match="the storage went away"):
        PostgresConnector().stage(ALIAS, FailingSource(data), facts)

    assert live.state() == before


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, 40) as folder:
        yield folder


def test_a_disk_that_is_full_leaves_everything_as_it_was(
    live: Database, register: Callable[..., str], disk: Path
) -> None:
    with serving_postgres(settings={"wal_level": "minimal", "max_wal_senders": "0"}) as server:
        server.sql("postgres", "CREATE DATABASE live")
        target = type(live)(server, "live", "postgres")
        register(**target.settings())
        target.sql("CREATE TABLE big AS SELECT repeat('x', 500) AS text FROM generate_series(1, 40000)")
        data, facts = dump(PostgresConnector())
        (disk / "space").mkdir()
        if server.user is not None:
            subprocess.run(["chown", server.user, str(disk / "space")], check=True)
        target.sql(f"CREATE TABLESPACE small LOCATION '{disk / 'space'}'")
        server.sql("postgres", "ALTER DATABASE live SET TABLESPACE small")
        target.sql("UPDATE big SET text = 'now' WHERE ctid = '(0,1)'")
        before = target.state()

        with pytest.raises(SnapshotConnectorError) as caught:
            restore(PostgresConnector(), (data, facts))

        assert "No space left on device" in str(caught.value)
        assert "A restore needs room for the old and the new data." in str(caught.value)
        assert target.state() == before
        register(**live.settings())
