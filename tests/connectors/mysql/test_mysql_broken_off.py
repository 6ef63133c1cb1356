"""A restore that ends at any moment leaves the database exactly as before, or exactly the snapshot's."""

from __future__ import annotations

import gc
import io
import json
import random
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

import pytest
from django.db import OperationalError, connections

from django_snapshots.connectors import MySQLConnector
from django_snapshots.connectors._mysql_scratch import SWAPPED, Scratch
from django_snapshots.connectors._mysql_server import Session, locate
from django_snapshots.connectors._mysql_staged import recover
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.databases import alias_of
from tests.connectors.mysql.house import House
from tests.connectors.programs_at_work import KillingSource, kill
from tests.servers.mysql import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker

pytestmark = pytest.mark.filterwarnings("ignore:unclosed .*socket:ResourceWarning")
"""PyMySQL drops the socket of a lost connection without closing it."""

ROUNDS = 10

TABLES = """
    CREATE TABLE parent (id INT PRIMARY KEY, note VARCHAR(200));
    CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id));
    INSERT INTO parent SELECT seq, REPEAT('x', 200) FROM {numbers_5000};
    INSERT INTO child SELECT seq, seq FROM {numbers_2000};
    CREATE TRIGGER keeps BEFORE INSERT ON child FOR EACH ROW SET NEW.id = NEW.id + 1;
    CREATE TRIGGER counts BEFORE INSERT ON parent FOR EACH ROW SET NEW.note = 'n';
    CREATE VIEW both_of AS SELECT c.id, p.note FROM child c JOIN parent p ON p.id = c.parent;
    CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 02:00:00' DO DELETE FROM child;
"""
LATER = """
    DELETE FROM child WHERE id > 1000; CREATE TABLE later (id INT PRIMARY KEY); INSERT INTO later VALUES (1);
    DROP TRIGGER counts; CREATE TRIGGER newer BEFORE INSERT ON later FOR EACH ROW SET NEW.id = 3;
    CREATE VIEW newer_view AS SELECT 1 AS one; DROP EVENT nightly;
"""


@pytest.fixture(autouse=True)
def _dropped_sockets_are_collected_here() -> Iterator[None]:
    yield
    gc.collect()


def build(house: House) -> tuple[bytes, dict[str, Any], Any, Any]:
    """Return a dump with its facts, the state it is of, and the present state, which differs."""
    numbers = {f"numbers_{count}": house.server.numbers(count) for count in (2000, 5000)}
    for statement in filter(str.strip, TABLES.format_map(numbers).split(";")):
        house.as_role(statement)
    content, facts = house.dump()
    snapshot = house.state()
    for statement in filter(str.strip, LATER.split(";")):
        house.as_role(statement)
    present = house.state()
    assert present != snapshot
    return content, facts, snapshot, present


def recovered(house: House) -> None:
    """Do what the next restore does first."""
    session = Session(locate(house.alias))
    scratch = Scratch(session)
    try:
        recover(scratch)
    finally:
        scratch.remove()


@contextmanager
def restoring(
    house: House, content: bytes, facts: dict[str, Any], folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Restore in a process of its own; give it and what it writes when staged ("s") and committed ("c")."""
    (folder / "dump").write_bytes(content)
    (folder / "facts").write_text(json.dumps(facts))
    settings = json.dumps(house.server.settings(house.name, house.name))
    arguments = [settings, str(folder / "dump"), str(folder / "facts")]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.connectors.mysql.killed", *arguments], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout


def wait_for_the_lock(house: House) -> None:
    """Wait until the server has noticed that the killed process is gone."""
    session = Session(locate(house.alias))
    scratch = Scratch.of(session)
    end = time.monotonic() + 30
    name = f"django-snapshots:{scratch.new[-40:]}"
    while session.value("SELECT IS_USED_LOCK(%s) IS NOT NULL", [name]):
        assert time.monotonic() < end
        time.sleep(0.02)
    session.close()


def test_a_process_killed_at_any_moment_leaves_one_of_two_states(house: House, tmp_path: Path) -> None:
    content, facts, snapshot, _ = build(house)
    with restoring(house, content, facts, tmp_path) as (process, output):
        output.read(1)
        began = time.monotonic()
        assert output.read(1) == b"c"
        commit_s = time.monotonic() - began
        assert process.wait(60) == 0
    assert house.state() == snapshot
    source = random.Random()

    for number in range(ROUNDS):
        for statement in ("DROP VIEW IF EXISTS mark", "CREATE VIEW mark AS SELECT 1 AS one"):
            house.as_role(statement)
        before = house.state()
        with restoring(house, content, facts, tmp_path) as (process, output):
            if number % 4:
                output.read(1)
                time.sleep(source.random() * commit_s * 1.1)
            else:
                time.sleep(0.5 + source.random())
            process.kill()
        connections[house.alias].close()
        wait_for_the_lock(house)
        recovered(house)

        after = house.state()
        assert after in (before, snapshot)
        assert house.left_over() == ""  # an empty database may stay: an administrator's looks no other


@pytest.mark.parametrize("step", range(1, 9))
def test_a_process_killed_at_each_step_of_making_the_databases_leaves_no_table_behind(
    house: House, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    house.as_role("CREATE TABLE word (id INT PRIMARY KEY)")
    content, facts = house.dump()
    snapshot = house.state()
    house.as_role("INSERT INTO word VALUES (1)")
    real, calls = Session.run, 0

    class KilledError(BaseException):
        """Nothing of ours runs after it, as after SIGKILL: the connection is gone."""

    def run(self: Session, statement: str, parameters: Any = None) -> None:
        nonlocal calls
        calls += "DATABASE" in statement or "django_snapshots_scratch" in statement
        if calls == step:
            self._wrapper.close()
            self._wrapper.connect = dead  # type: ignore[method-assign]
            raise KilledError
        real(self, statement, parameters)

    def dead() -> None:
        raise OperationalError("killed")

    monkeypatch.setattr(Session, "run", run)
    for _ in range(2):  # the second finds what the first left
        calls = 0
        with suppress(KilledError, SnapshotConnectorError):
            house.restore(content, facts)
    monkeypatch.setattr(Session, "run", real)

    wait_for_the_lock(house)
    house.restore(content, facts)

    assert house.state() == snapshot
    assert house.left_over() == ""


@pytest.mark.parametrize("moment", range(12))
def test_a_connection_cut_at_each_step_leaves_one_of_two_states(house: House, moment: int) -> None:
    content, facts, snapshot, present = build(house)
    staged = MySQLConnector().stage(house.alias, io.BytesIO(content), facts)
    scratch = staged._scratch
    assert scratch is not None
    session = scratch.session
    real, calls = session.run, 0

    def run(statement: str, parameters: Any = None) -> None:
        nonlocal calls
        if calls == moment * 3:
            house.server.sql(f"KILL {session.value('SELECT CONNECTION_ID()')}")
        calls += 1
        real(statement, parameters)

    session.run = run  # type: ignore[method-assign]
    try:
        staged.commit()
        words = "it had ended before"
    except SnapshotConnectorError as error:
        words = str(error)

    recovered(house)
    after = house.state()
    assert after in (present, snapshot)
    if "The database is as before." in words:
        assert after == present
    if "The tables are the snapshot's" in words or "ended before" in words:
        assert after == snapshot
    assert house.scratch() == ""


def test_an_interrupted_replacement_refuses_a_backup_and_ends_with_the_next_restore(house: House) -> None:
    content, facts, snapshot, _ = build(house)
    staged = MySQLConnector().stage(house.alias, io.BytesIO(content), facts)
    assert staged._scratch is not None
    session, real = staged._scratch.session, staged._scratch.session.run

    def run(statement: str, parameters: Any = None) -> None:
        if statement.startswith("CREATE EVENT") or " EVENT `nightly`" in statement:
            house.server.sql(f"KILL {session.value('SELECT CONNECTION_ID()')}")
        real(statement, parameters)

    session.run = run  # type: ignore[method-assign]
    with pytest.raises(SnapshotConnectorError, match="The tables are the snapshot's; .* run the same restore again"):
        staged.commit()

    assert SWAPPED in house.server.sql(f"SHOW TABLES FROM {house.scratch_names[0]}")
    with pytest.raises(SnapshotConnectorError, match="ended while it replaced views.* No dump was made"):
        house.dump()
    house.restore(content, facts)
    assert house.state() == snapshot
    assert house.scratch() == ""


def test_a_table_held_by_others_is_waited_for_and_the_holder_is_named(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, facts, _, present = build(house)
    monkeypatch.setattr("django_snapshots.connectors._mysql_staged._PATIENCE_S", 1)
    settings = house.server.settings(house.name, house.name)
    with alias_of("other", settings) as other, connections[other].cursor() as cursor:
        cursor.execute("SET autocommit = 0")
        cursor.execute("SELECT COUNT(*) FROM child")
        cursor.execute("SELECT CONNECTION_ID()")
        holder = cursor.fetchone()[0]

        with pytest.raises(SnapshotConnectorError) as caught:
            house.restore(content, facts)

    assert f"connected are: {holder} ({house.name} at localhost" in str(caught.value)
    assert "The database is as before." in str(caught.value)
    assert house.state() == present
    assert house.scratch() == ""


def test_two_restores_at_once_do_not_meet(house: House) -> None:
    content, facts, snapshot, _ = build(house)
    first = MySQLConnector().stage(house.alias, io.BytesIO(content), facts)

    with pytest.raises(SnapshotConnectorError, match="Another restore of .* is at work"):
        house.restore(content, facts)

    first.commit()
    assert house.state() == snapshot


def test_a_dump_program_that_is_killed_fails_the_backup(house: House) -> None:
    build(house)

    class Sink(io.BytesIO):
        def write(self, data: Any, /) -> int:
            kill(house.server.dumper)
            return super().write(data)

    with pytest.raises(SnapshotConnectorError, match=f"{house.server.dumper} ended by signal 9"):
        MySQLConnector().dump(house.alias, Sink())


def test_a_program_that_is_killed_at_any_moment_of_the_load_changes_nothing(house: House) -> None:
    content, facts, _, present = build(house)

    for _ in range(ROUNDS):
        with pytest.raises(SnapshotConnectorError, match=f"{house.server.client} ended by signal 9"):
            MySQLConnector().restore(house.alias, KillingSource(content, house.server.client), facts)

        assert house.state() == present
        assert house.scratch() == ""


def test_rows_of_a_statement_that_the_server_refuses_are_in_no_error(house: House) -> None:
    house.sql("CREATE TABLE person (id INT, name TEXT); INSERT INTO person VALUES (1, 'Ada Lovelace')")
    content, facts = house.dump()
    before = house.state()

    with pytest.raises(SnapshotConnectorError, match="ERROR 1136 .*Column count") as caught:
        house.restore(re.sub(rb"VALUES\s\(1,", b"VALUES (1,2,", content), facts)

    assert "Lovelace" not in str(caught.value)
    assert house.state() == before


@pytest.fixture
def fragile(family: str, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """A database on a server that a test may kill."""
    with serving(family, "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=1") as server:
        server.sql("CREATE DATABASE h")
        server.make_role("h", "ALL ON `h`.*", "ALL ON `h\\_snapshot\\_%`.*")
        with django_db_blocker.unblock(), alias_of("house", server.settings("h", "h")) as alias:
            yield House(server, alias, "h")


def test_a_server_killed_at_any_moment_leaves_one_of_two_states(fragile: House) -> None:
    content, facts, snapshot, _ = build(fragile)
    source = random.Random()

    for _ in range(ROUNDS):
        for statement in ("DROP VIEW IF EXISTS mark", "CREATE VIEW mark AS SELECT 1 AS one"):
            fragile.as_role(statement)
        before = fragile.state()
        killer = threading.Timer(0.1 + source.random() * 1.2, fragile.server.kill)
        killer.start()
        try:
            fragile.restore(content, facts)
            ended = None
        except SnapshotConnectorError as error:
            ended = error
        killer.join()
        fragile.server.start()
        connections[fragile.alias].close()
        recovered(fragile)

        assert fragile.state() in (before, snapshot)
        if ended is None:
            assert fragile.state() == snapshot
