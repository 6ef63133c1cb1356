"""A dump of an awkward database: parsed without a server, and restored in a drill beside the live one."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from django_snapshots.artifacts import DatabaseArtifact
from django_snapshots.connectors import PostgresConnector
from tests.connectors.drills import end, start
from tests.connectors.postgres.awkward import AWKWARD
from tests.connectors.postgres.databases import ALIAS, Database, dump

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
DRILLS = "SELECT datname FROM pg_database WHERE datname LIKE 'snapshots_drill%'"


@pytest.fixture
def maker(live: Database) -> Iterator[Database]:
    """The awkward database; its role may make others."""
    live.sql(AWKWARD)
    live.server.sql("postgres", f"ALTER ROLE {live.role} CREATEDB")
    yield live
    live.server.sql("postgres", f"ALTER ROLE {live.role} NOCREATEDB")


@pytest.mark.parametrize("form", ["custom", "plain"])
def test_a_dump_of_an_awkward_database_parses(live: Database, form: str) -> None:
    live.sql(AWKWARD)
    connector = PostgresConnector(format=form)  # type: ignore[arg-type]
    dumped, facts = dump(connector)

    assert connector.verify(ALIAS, io.BytesIO(dumped), facts) == []
    assert connector.verify(ALIAS, io.BytesIO(dumped[:-1000]), facts) != []


def test_an_awkward_database_comes_back_whole_beside_the_live_one(maker: Database) -> None:
    connector = PostgresConnector()
    dumped, facts = dump(connector)
    before = maker.state()

    with connector.scratch_database(ALIAS) as scratch:
        connector.restore(scratch, io.BytesIO(dumped), facts)
        restored = Database(maker.server, connections.settings[scratch]["NAME"], maker.role)
        assert restored.digests() == before[1]
        assert connector.inspect(scratch, facts) == []

    assert maker.state() == before
    assert maker.server.sql("postgres", DRILLS) == ""


def test_a_drill_with_half_a_dump_is_a_problem_and_leaves_no_database(maker: Database) -> None:
    connector = PostgresConnector()
    dumped, facts = dump(connector)

    found = DatabaseArtifact(ALIAS, connector).drill(io.BytesIO(dumped[: len(dumped) // 2]), facts)

    assert found is not None
    assert "could not be restored in a drill" in found["problems"][0]
    assert maker.server.sql("postgres", DRILLS) == ""


DRILL = """
import json, sys, time, django
from django.conf import settings
settings.configure(DATABASES={"default": json.load(sys.stdin)})
django.setup()
from django_snapshots.cli.session import ending_on_signals
from django_snapshots.connectors import PostgresConnector
with ending_on_signals(), PostgresConnector().scratch_database("default"):
    print("made", flush=True)
    time.sleep(60)
"""


def start_drill(maker: Database, temporary: Path) -> subprocess.Popen[str]:
    """Return a process that has made its scratch database and then waits."""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    process = start(DRILL, database=maker.settings(), stderr=subprocess.DEVNULL, env=environment)
    assert maker.server.sql("postgres", DRILLS) != ""
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drill_that_is_told_to_end_leaves_no_database(
    maker: Database, tmp_path: Path, number: signal.Signals
) -> None:
    process = start_drill(maker, tmp_path)

    end(process, number)

    assert maker.server.sql("postgres", DRILLS) == ""


def test_the_next_drill_drops_what_a_killed_one_left_and_nothing_of_one_at_work(
    maker: Database, tmp_path: Path
) -> None:
    similar = ("snapshots_drill_1_0123456789ab", "snapshots_drill_mine")
    for name in similar:
        maker.server.sql("postgres", f"CREATE DATABASE {name} OWNER {maker.role}")
    killed, at_work = start_drill(maker, tmp_path), start_drill(maker, tmp_path)
    before = set(maker.server.sql("postgres", DRILLS).splitlines()) - {*similar}
    end(killed, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while maker.server.sql("postgres", LOCKS) != "1":  # the server notices in its own time
        assert time.monotonic() < deadline

    with PostgresConnector().scratch_database(ALIAS) as scratch:
        own = connections.settings[scratch]["NAME"]
        during = set(maker.server.sql("postgres", DRILLS).splitlines())

    after = set(maker.server.sql("postgres", DRILLS).splitlines())
    end(at_work, signal.SIGTERM)
    assert len(before) == 2
    assert during == after | {own}
    assert len(after & before) == 1
    assert after - before == {*similar}
    assert set(maker.server.sql("postgres", DRILLS).splitlines()) == {*similar}
    for name in similar:
        maker.server.sql("postgres", f"DROP DATABASE {name}")
