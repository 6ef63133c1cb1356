"""Rows of PostgreSQL by dumpdata: its snapshot, its sequences, and the way to SQLite and back."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from django_snapshots.connectors import DumpDataConnector, _dumpdata_session
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.testing import ConnectorContract
from tests.connectors.databases import alias_of, migrate, objects, rows_of, thicket_installed
from tests.connectors.test_dumpdata import plant, uproot
from tests.servers.postgres import PostgresServer, serving_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server with a database that has the tables of the thicket."""
    with serving_postgres() as running:
        running.sql("postgres", "CREATE DATABASE thicket")
        yield running


@pytest.fixture(scope="module")
def planted(server: PostgresServer, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """An alias of that database with its rows."""
    settings = server.settings("thicket")
    with django_db_blocker.unblock(), thicket_installed(), alias_of("thicket", settings) as alias:
        migrate(alias)
        # PostgreSQL's text has no NUL; that of the others has.
        plant(alias, nul="0")
        yield alias


@pytest.fixture
def alias(planted: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The same, where Django's connections may be used."""
    with django_db_blocker.unblock(), thicket_installed():
        yield planted


def dump(alias: str) -> tuple[bytes, dict[str, Any]]:
    sink = io.BytesIO()
    facts = DumpDataConnector().dump(alias, sink)
    return sink.getvalue(), facts


def test_rows_go_from_postgresql_to_sqlite_and_back(alias: str, tmp_path: Path) -> None:
    connector = DumpDataConnector()
    before = rows_of(alias)
    content, facts = dump(alias)
    with alias_of("aside", {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "db.sqlite3"}) as aside:
        migrate(aside)
        connector.restore(aside, io.BytesIO(content), facts)
        back, facts_back = dump(aside)
    uproot(alias)

    connector.restore(alias, io.BytesIO(back), facts_back)

    assert rows_of(alias) == before
    assert (facts["source_engine"], facts_back["source_engine"]) == ("postgresql", "sqlite")


def test_new_keys_begin_above_restored_ones_and_never_go_back(alias: str) -> None:
    content, facts = dump(alias)
    last = objects("Owner", alias).order_by("-pk")[0].pk
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('thicket_owner', 'id'), 1)")
    DumpDataConnector().restore(alias, io.BytesIO(content), facts)
    first = objects("Owner", alias).create(name="first")

    staged = DumpDataConnector().stage(alias, io.BytesIO(content), facts)
    staged.discard()
    second = objects("Owner", alias).create(name="second")

    assert first.pk == last + 1
    assert second.pk == last + 2
    objects("Owner", alias).filter(pk__gt=last).delete()


def test_a_dump_is_of_one_moment_while_others_write(alias: str, server: PostgresServer) -> None:
    class Sink(io.BytesIO):
        wrote = False

        def write(self, data: Any, /) -> int:
            if not self.wrote:
                self.wrote = True
                server.sql("thicket", "INSERT INTO thicket_stamp (text) VALUES ('while it ran')")
            return super().write(data)

    sink = Sink()
    facts: dict[str, Any] = DumpDataConnector().dump(alias, sink)

    assert b"while it ran" not in sink.getvalue()
    assert facts["notes"] == ["Models with managed = False were left out: thicket.view."]
    assert objects("Stamp", alias).filter(text="while it ran").count() == 1
    objects("Stamp", alias).filter(text="while it ran").delete()


def test_a_table_held_by_others_ends_the_restore(
    alias: str, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_dumpdata_session._TO_WRITE, "postgresql", "SET LOCAL lock_timeout = '1s'")
    content, facts = dump(alias)
    before = rows_of(alias)
    with alias_of("other", server.settings("thicket")) as other, connections[other].cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE thicket_owner IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(
            SnapshotConnectorError, match="canceling statement due to lock timeout.*Nothing was changed"
        ):
            DumpDataConnector().restore(alias, io.BytesIO(content), facts)

        cursor.execute("ROLLBACK")
    assert rows_of(alias) == before


class TestDumpDataConnectorOnPostgreSQL(ConnectorContract):
    @pytest.fixture
    def connector(self) -> DumpDataConnector:
        return DumpDataConnector()

    @pytest.fixture
    def alias(self, planted: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
        with django_db_blocker.unblock(), thicket_installed():
            yield planted
