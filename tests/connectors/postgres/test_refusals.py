"""What a restore refuses before it changes anything, and in which words."""

from __future__ import annotations

import io
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import transaction

from django_snapshots.connectors.postgres import PostgresConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.postgres.databases import ALIAS, dump, restore
from tests.servers.postgres import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.connectors.postgres.databases import Database


def refused(connector: PostgresConnector, dumped: tuple[bytes, dict[str, Any]]) -> str:
    """Restore, which must fail, and return in which words."""
    with pytest.raises(SnapshotConnectorError) as caught:
        restore(connector, dumped)
    assert caught.value.artifact == f"database/{ALIAS}"
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def dumped(live: Database) -> tuple[bytes, dict[str, Any]]:
    """A dump of a database with one table, in which the table has changed since."""
    live.sql("CREATE TABLE word AS SELECT 'then' AS text")
    result = dump(PostgresConnector())
    live.sql("UPDATE word SET text = 'now'")
    return result


def connected(database: Database) -> psycopg.Connection[Any]:
    return psycopg.connect(
        dbname=database.name,
        user=database.role,
        password=PASSWORD,
        host=database.server.socket_directory,
        port=database.server.port,
        application_name="stuck-worker",
    )


def test_a_drill_names_the_right_that_is_missing(live: Database) -> None:
    with (
        pytest.raises(SnapshotConnectorError, match="ALTER ROLE app CREATEDB"),
        PostgresConnector().scratch_database(ALIAS),
    ):
        pass


def test_an_idle_transaction_of_another_connection_is_named_and_not_waited_for_for_ever(
    live: Database, dumped: tuple[bytes, dict[str, Any]]
) -> None:
    with closing(connected(live)) as other:
        other.execute("SELECT * FROM word")
        started = time.monotonic()

        text = refused(PostgresConnector(lock_timeout_s=0.5), dumped)

        assert time.monotonic() - started < 10
        assert f"process {other.info.backend_pid} (role app, application stuck-worker, idle in transaction" in text
    assert "Nothing was changed." in text
    assert "pg_terminate_backend" in text
    assert live.sql("SELECT text FROM word") == "now"


def test_a_dump_waits_for_a_lock_no_longer_than_it_may(live: Database) -> None:
    live.sql("CREATE TABLE word AS SELECT 'then' AS text")
    with closing(connected(live)) as other:
        other.execute("LOCK TABLE word IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(SnapshotConnectorError, match="Query was: LOCK TABLE public.word"):
            dump(PostgresConnector(lock_timeout_s=0.5))


def test_a_restore_inside_a_transaction_of_ours_is_refused(
    live: Database, dumped: tuple[bytes, dict[str, Any]]
) -> None:
    with transaction.atomic(using=ALIAS):
        assert "Call it outside the block." in refused(PostgresConnector(), dumped)


def test_a_role_that_was_granted_something_and_is_gone_is_named_before_anything_is_touched(
    live: Database, dumped: tuple[bytes, dict[str, Any]]
) -> None:
    live.sql("CREATE ROLE gone", role="postgres")
    live.sql("GRANT SELECT ON word TO gone")
    data, facts = dump(PostgresConnector())
    live.sql("REVOKE ALL ON word FROM gone")
    live.sql("DROP ROLE gone", role="postgres")

    text = refused(PostgresConnector(), (data, facts))

    assert "needs the role 'gone'" in text
    assert "CREATE ROLE gone;" in text
    assert live.sql("SELECT text FROM word") == "now"
    restore(PostgresConnector(grants=False), (data, facts))


def test_an_owner_that_the_role_is_no_member_of_is_named(
    live: Database, make_database: Callable[..., Database], register: Callable[..., str]
) -> None:
    source = make_database(role="postgres")
    source.sql("CREATE TABLE theirs (id integer); ALTER TABLE theirs OWNER TO other")
    register(**source.settings())
    theirs = dump(PostgresConnector())
    register(**live.settings())

    text = refused(PostgresConnector(), theirs)

    assert "role 'app' may not give objects to them" in text
    assert "GRANT other TO app;" in text
    assert "OPTIONS {'owners': False}" in text


def test_objects_that_the_role_may_not_replace_are_named(live: Database, dumped: tuple[bytes, dict[str, Any]]) -> None:
    live.sql("CREATE SCHEMA theirs; CREATE TABLE theirs.t (id integer)", role="postgres")

    text = refused(PostgresConnector(), dumped)

    assert "objects that role 'app' may not replace: schema theirs (owner postgres)" in text
    assert live.sql("SELECT text FROM word") == "now"


def test_an_extension_that_only_a_superuser_may_create_is_named(
    live: Database, make_database: Callable[..., Database], register: Callable[..., str]
) -> None:
    live.sql("CREATE EXTENSION pageinspect", role="postgres")
    dumped = dump(PostgresConnector())
    target = make_database()
    register(**target.settings())

    assert 'CREATE EXTENSION "pageinspect";' in refused(PostgresConnector(), dumped)


def test_an_extension_that_the_server_does_not_have_is_named(
    live: Database, dumped: tuple[bytes, dict[str, Any]]
) -> None:
    data, facts = dumped

    text = refused(PostgresConnector(), (data, {**facts, "extensions": {"postgis": "3.4"}}))

    assert "needs the extension 'postgis', which is not installed on the server" in text


def test_a_tablespace_that_the_server_does_not_have_is_named(
    live: Database, dumped: tuple[bytes, dict[str, Any]]
) -> None:
    data, facts = dumped

    assert "needs the tablespace 'fast'" in refused(PostgresConnector(), (data, {**facts, "tablespaces": ["fast"]}))


def test_settings_that_only_the_owner_of_the_database_may_change_are_refused_before(
    live: Database, make_database: Callable[..., Database], register: Callable[..., str]
) -> None:
    database = make_database(owner="postgres", role="app")
    database.sql("GRANT ALL ON SCHEMA public TO app; GRANT CREATE ON DATABASE " + database.name + " TO app", "postgres")
    database.sql("CREATE TABLE word AS SELECT 'then' AS text")
    register(**database.settings())
    dumped = dump(PostgresConnector())
    database.sql(f"ALTER DATABASE {database.name} SET work_mem = '9MB'", role="postgres")

    text = refused(PostgresConnector(), dumped)

    assert "{'database_settings': False}" in text
    restore(PostgresConnector(database_settings=False), dumped)
    assert database.sql("SELECT text FROM word; SHOW work_mem").split() == ["then", "9MB"]


@pytest.mark.parametrize("engine", ["sqlite", None])
def test_a_dump_of_another_engine_is_refused(
    live: Database, dumped: tuple[bytes, dict[str, Any]], engine: str | None
) -> None:
    data, facts = dumped

    text = refused(PostgresConnector(), (data, {**facts, "engine": engine}))

    assert f"The dump is of engine {engine!r}, database 'live' is PostgreSQL" in text
    with pytest.raises(SnapshotConnectorError, match="it cannot be loaded there"):
        PostgresConnector().plan(ALIAS, {**facts, "engine": engine})


def test_a_plan_says_which_database_will_be_replaced(live: Database, dumped: tuple[bytes, dict[str, Any]]) -> None:
    plan = PostgresConnector().plan(ALIAS, dumped[1])

    assert plan["target"] == f"database live (postgresql {live.name} at {live.server.socket_directory})"
    assert isinstance(plan["current_size_bytes"], int)
    assert plan["current_size_bytes"] > 1_000_000


def test_a_plan_names_a_missing_role_too(live: Database, dumped: tuple[bytes, dict[str, Any]]) -> None:
    with pytest.raises(SnapshotConnectorError, match="needs the role 'nobody_here'"):
        PostgresConnector().plan(ALIAS, {**dumped[1], "grantees": ["nobody_here"]})


def test_a_truncated_dump_changes_nothing(live: Database, dumped: tuple[bytes, dict[str, Any]]) -> None:
    data, facts = dumped

    text = refused(PostgresConnector(), (data[: len(data) // 2], facts))

    assert "pg_restore" in text
    assert live.sql("SELECT text FROM word") == "now"


def test_a_truncated_plain_dump_changes_nothing(live: Database, dumped: tuple[bytes, dict[str, Any]]) -> None:
    data, facts = dump(PostgresConnector(format="plain"))
    shorter = data[: data.index(b"-- PostgreSQL database dump complete")]

    text = refused(PostgresConnector(), (shorter, facts))

    assert "is not whole: the mark at its end is missing" in text
    assert live.sql("SELECT text FROM word") == "now"


def test_a_plain_dump_with_a_command_of_psql_runs_nothing(
    live: Database, dumped: tuple[bytes, dict[str, Any]], tmp_path: Path
) -> None:
    data, facts = dump(PostgresConnector(format="plain"))
    trap = tmp_path / "trap"
    tampered = data.replace(b"SET statement_timeout", f"\\! touch {trap}\nSET statement_timeout".encode(), 1)

    text = refused(PostgresConnector(), (tampered, facts))

    assert "it holds a command of psql" in text
    assert not trap.exists()
    assert live.sql("SELECT text FROM word") == "now"


def test_a_statement_that_fails_changes_nothing_and_is_told(
    live: Database, dumped: tuple[bytes, dict[str, Any]]
) -> None:
    data, facts = dump(PostgresConnector(format="plain"))
    broken = data.replace(b"-- PostgreSQL database dump complete", b"SELECT 1/0;\n-- PostgreSQL database dump complete")

    text = refused(PostgresConnector(), (broken, facts))

    assert text == "Database 'live' could not be restored: division by zero."
    assert live.sql("SELECT text FROM word") == "now"


def test_large_objects_and_a_later_failure_leave_no_half_state(
    live: Database, dumped: tuple[bytes, dict[str, Any]]
) -> None:
    live.sql("SELECT lo_from_bytea(70001, 'snapshot')")
    data, facts = dump(PostgresConnector(format="plain"))
    live.sql("SELECT lo_unlink(70001); SELECT lo_from_bytea(70002, 'now')")
    broken = data.replace(b"-- PostgreSQL database dump complete", b"SELECT 1/0;\n-- PostgreSQL database dump complete")
    assert b"\nCOMMIT;\n" in broken

    refused(PostgresConnector(), (broken, facts))

    assert live.sql("SELECT oid FROM pg_largeobject_metadata") == "70002"
    assert live.sql("SELECT text FROM word") == "now"


def test_a_setting_of_a_newer_postgresql_is_passed_over(live: Database, dumped: tuple[bytes, dict[str, Any]]) -> None:
    data, facts = dump(PostgresConnector(format="plain"))
    newer = data.replace(b"SET lock_timeout = 0;", b"SET lock_timeout = 0;\nSET future_timeout = 0;", 1)
    assert newer != data

    restore(PostgresConnector(), (newer, facts))

    assert live.sql("SELECT text FROM word") == "now"


def test_a_wrong_password_is_an_error_without_the_password(live: Database, register: Callable[..., str]) -> None:
    register(**live.settings() | {"PASSWORD": "open sesame"})

    with pytest.raises(SnapshotConnectorError) as caught:
        dump(PostgresConnector())

    assert "password authentication failed" in str(caught.value)
    assert "open sesame" not in str(caught.value)


def test_an_unknown_alias_is_an_error_with_the_nearest(live: Database) -> None:
    with pytest.raises(SnapshotConnectorError, match="DATABASES has no alias 'lve'. Did you mean 'live'?"):
        PostgresConnector().dump("lve", io.BytesIO())


def test_an_alias_of_another_engine_is_an_error(live: Database) -> None:
    with pytest.raises(SnapshotConnectorError, match="'default' is no PostgreSQL database"):
        PostgresConnector().dump("default", io.BytesIO())


def test_missing_programs_are_a_problem_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("django_snapshots.connectors._postgres_programs._LAYOUTS", ())

    problems = PostgresConnector().check()

    assert [problem.id for problem in problems] == ["snapshots.W007", "snapshots.W007"]
    assert "The program pg_dump was not found." in problems[0].message
    assert "postgresql-client" in str(problems[0].hint)


def test_options_that_mean_nothing_are_problems_of_the_configuration(tmp_path: Path) -> None:
    connector = PostgresConnector(bin_directory=str(tmp_path), lock_timeout_s=0)

    assert [(problem.id, problem.path) for problem in connector.check()] == [
        ("snapshots.W007", ("bin_directory",)),
        ("snapshots.W007", ("bin_directory",)),
        ("snapshots.E002", ("lock_timeout_s",)),
    ]


def test_a_connector_that_can_work_has_no_problems() -> None:
    assert PostgresConnector().check() == []
