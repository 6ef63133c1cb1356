"""What is restored is what was dumped: schema, rows, sequences, large objects, grants, settings; and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from django_snapshots.connectors._postgres_aside import ASIDE
from django_snapshots.connectors.postgres import PostgresConnector
from tests.connectors.postgres.awkward import AWKWARD, LATER
from tests.connectors.postgres.databases import ALIAS, dump, restore
from tests.soak import sized

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.postgres.databases import Database


def test_an_awkward_database_comes_back_as_it_was(live: Database) -> None:
    live.sql(AWKWARD)
    before = live.state()
    dumped = dump(PostgresConnector())
    live.sql(LATER.replace("CURRENT", live.name))
    assert live.state() != before

    restore(PostgresConnector(), dumped)

    assert live.schema().splitlines() == before[0].splitlines()
    assert live.digests().splitlines() == before[1].splitlines()


def test_an_awkward_database_goes_into_an_empty_one_of_another_name(
    live: Database, make_database: Callable[..., Database], register: Callable[..., str]
) -> None:
    source = make_database(name='it\'s "another"; \\! one')
    source.sql(AWKWARD)
    register(**source.settings())
    dumped = dump(PostgresConnector())
    register(**live.settings())

    restore(PostgresConnector(), dumped)

    assert live.digests() == source.digests()
    assert live.schema().splitlines() == source.schema().splitlines()


def test_many_tables_are_set_aside_and_then_dropped(live: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_snapshots.connectors._postgres_aside._TABLES_MAX", 0)
    live.sql(AWKWARD)
    before = live.state()
    dumped = dump(PostgresConnector())
    live.sql(LATER.replace("CURRENT", live.name))

    restore(PostgresConnector(), dumped)

    assert live.schema().splitlines() == before[0].splitlines()
    assert live.digests().splitlines() == before[1].splitlines()


def test_tables_that_a_killed_restore_left_aside_are_in_no_dump_and_dropped_by_the_next_restore(live: Database) -> None:
    live.sql("CREATE TABLE t AS SELECT 1 AS one")
    before = live.state()
    live.sql(f"CREATE SCHEMA {ASIDE}1; CREATE TABLE {ASIDE}1.old (id integer)")

    dumped = dump(PostgresConnector())

    assert ASIDE not in str(dumped)
    restore(PostgresConnector(), dumped)
    assert live.state() == before


def test_a_table_that_came_later_with_a_foreign_key_to_an_old_one_is_gone(live: Database) -> None:
    live.sql("CREATE TABLE old (id integer PRIMARY KEY); INSERT INTO old VALUES (1)")
    dumped = dump(PostgresConnector())
    live.sql(
        "CREATE TABLE new (id integer REFERENCES old); INSERT INTO new VALUES (1); DELETE FROM new; DELETE FROM old"
    )

    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == "old"
    assert live.sql("SELECT id FROM old") == "1"


def test_a_table_that_came_later_without_a_foreign_key_is_gone(live: Database) -> None:
    dumped = dump(PostgresConnector())
    live.sql("CREATE TABLE new (id integer)")

    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"


def test_settings_of_the_database_come_back_and_later_ones_are_gone(live: Database) -> None:
    live.sql(f"ALTER DATABASE {live.name} SET work_mem = '7MB'; ALTER ROLE app IN DATABASE {live.name} SET jit = off")
    dumped = dump(PostgresConnector())
    live.sql(f"ALTER DATABASE {live.name} SET work_mem = '9MB'; ALTER DATABASE {live.name} SET statement_timeout = 30")

    restore(PostgresConnector(), dumped)

    settings = "SELECT array_to_string(setconfig, ',') FROM pg_db_role_setting s, pg_database d "
    assert live.sql(f"{settings} WHERE d.oid = setdatabase AND datname = '{live.name}' ORDER BY 1").split() == [
        "jit=off",
        "work_mem=7MB",
    ]


def test_settings_of_the_database_stay_where_they_are_not_asked_for(live: Database) -> None:
    dumped = dump(PostgresConnector())
    live.sql(f"ALTER DATABASE {live.name} SET work_mem = '9MB'")

    restore(PostgresConnector(database_settings=False), dumped)

    assert live.sql("SHOW work_mem") == "9MB"


def options_of(database: Database) -> str:
    query = f"SELECT datconnlimit, datistemplate FROM pg_database WHERE datname = '{database.name}'"
    return database.server.sql("postgres", query)


def alter(database: Database, options: str) -> None:
    quoted = '"' + database.name.replace('"', '""') + '"'
    database.server.sql("postgres", f"ALTER DATABASE {quoted} {options}")


def test_a_restore_into_another_database_leaves_the_dumped_one_alone(
    live: Database, make_database: Callable[..., Database], register: Callable[..., str]
) -> None:
    source = make_database(name='the "source" SET of it')
    source.sql("CREATE TABLE t AS SELECT 1 AS one")
    alter(source, "CONNECTION LIMIT 50 IS_TEMPLATE true")
    register(**source.settings())
    dumped = dump(PostgresConnector())
    alter(source, "CONNECTION LIMIT 7 IS_TEMPLATE false")
    register(**live.settings())

    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT one FROM t") == "1"
    assert options_of(source) == "7|f"
    assert options_of(live) == "-1|f"


def test_a_dump_with_a_connection_limit_goes_where_the_dumped_database_is_gone(
    live: Database, make_database: Callable[..., Database], register: Callable[..., str]
) -> None:
    source = make_database()
    source.sql("CREATE TABLE t AS SELECT 1 AS one")
    alter(source, "CONNECTION LIMIT 50")
    register(**source.settings())
    dumped = dump(PostgresConnector())
    register(**live.settings())
    source.server.sql("postgres", f"DROP DATABASE {source.name}")

    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT one FROM t") == "1"


def test_a_restore_into_the_same_database_keeps_its_connection_limit(live: Database) -> None:
    alter(live, "CONNECTION LIMIT 50")
    dumped = dump(PostgresConnector())
    alter(live, "CONNECTION LIMIT 7")

    restore(PostgresConnector(), dumped)

    assert options_of(live) == "7|f"


def test_the_schema_public_is_gone_where_the_snapshot_has_none(live: Database) -> None:
    live.sql("DROP SCHEMA public; CREATE SCHEMA mine; CREATE TABLE mine.t AS SELECT 1 AS one")
    dumped = dump(PostgresConnector())
    before = live.state()
    live.sql("CREATE SCHEMA public; CREATE TABLE public.t (id integer)")

    restore(PostgresConnector(), dumped)

    assert live.state() == before


def test_the_schema_public_is_made_where_the_target_has_none(live: Database) -> None:
    live.sql("CREATE TABLE t AS SELECT 1 AS one")
    dumped = dump(PostgresConnector())
    before = live.state()
    live.sql("DROP SCHEMA public CASCADE")

    restore(PostgresConnector(), dumped)

    assert live.state() == before


def test_an_extension_that_the_role_may_not_create_is_kept_with_its_schema(live: Database) -> None:
    live.sql("CREATE SCHEMA extensions; CREATE EXTENSION pageinspect SCHEMA extensions", role="postgres")
    live.sql("CREATE TABLE t AS SELECT 1 AS one")
    dumped = dump(PostgresConnector())
    before = live.state()
    live.sql("DROP TABLE t; CREATE TABLE later (id integer)")

    restore(PostgresConnector(), dumped)

    assert live.state() == before


def test_an_extension_that_came_later_is_gone_where_the_role_owns_it(live: Database) -> None:
    dumped = dump(PostgresConnector())
    live.sql("CREATE EXTENSION citext; CREATE TABLE t (name citext)")

    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT extname FROM pg_extension") == "plpgsql"


def test_rows_of_an_extension_s_own_tables_come_back(live: Database) -> None:
    live.sql("CREATE EXTENSION hstore; CREATE TABLE config (k text PRIMARY KEY, built_in boolean)", role="postgres")
    live.sql("ALTER EXTENSION hstore ADD TABLE config; INSERT INTO config VALUES ('a', true)", role="postgres")
    live.sql(
        "UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid], "
        "extcondition = ARRAY['WHERE NOT built_in'] WHERE extname = 'hstore'; "
        "INSERT INTO config VALUES ('mine', false); GRANT ALL ON config TO app",
        role="postgres",
    )
    dumped = dump(PostgresConnector())
    live.sql("UPDATE config SET k = 'changed' WHERE k = 'mine'; INSERT INTO config VALUES ('later', false)")

    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT string_agg(k, ',' ORDER BY k) FROM config") == "a,mine"


def test_an_extension_s_own_table_that_the_role_may_not_write_is_no_obstacle_while_it_has_no_rows(
    live: Database,
) -> None:
    live.sql(
        "CREATE EXTENSION hstore; CREATE TABLE config (k text); ALTER EXTENSION hstore ADD TABLE config;"
        "UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid], extcondition = ARRAY[''] "
        "WHERE extname = 'hstore'; GRANT SELECT ON config TO PUBLIC",
        role="postgres",
    )
    live.sql("CREATE TABLE t AS SELECT 1 AS one")
    dumped = dump(PostgresConnector())
    live.sql("DROP TABLE t")

    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT one FROM t") == "1"


def test_owners_come_back_for_a_role_that_is_a_member_of_them(
    make_database: Callable[..., Database], register: Callable[..., str]
) -> None:
    database = make_database(role="postgres")
    register(**database.settings())
    database.sql("CREATE TABLE a AS SELECT 1 AS one; CREATE SCHEMA s; ALTER TABLE a OWNER TO other")
    dumped = dump(PostgresConnector())
    before = database.state()
    database.sql("ALTER TABLE a OWNER TO app")

    restore(PostgresConnector(), dumped)

    assert database.state() == before


def test_everything_belongs_to_the_restoring_role_where_owners_are_not_asked_for(
    make_database: Callable[..., Database], register: Callable[..., str]
) -> None:
    source = make_database(role="postgres")
    source.sql("CREATE TABLE a AS SELECT 1 AS one; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';")
    source.sql("GRANT SELECT ON a TO other; ALTER TABLE a OWNER TO other")
    register(**source.settings())
    dumped = dump(PostgresConnector())
    target = make_database()
    register(**target.settings())

    restore(PostgresConnector(owners=False, grants=False), dumped)

    assert target.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'a'") == "app"
    assert target.sql("SELECT relacl IS NULL FROM pg_class WHERE relname = 'a'") == "t"


def test_a_plain_dump_is_sql_and_comes_back(live: Database) -> None:
    live.sql(AWKWARD)
    before = live.state()
    connector = PostgresConnector(format="plain")

    dumped = dump(connector)
    live.sql(LATER.replace("CURRENT", live.name).replace("ALTER DATABASE", "-- "))
    restore(connector, dumped)

    assert connector.suffix == "sql"
    assert b"CREATE TABLE public.egg" in dumped[0]
    assert live.state() == before


def test_a_plain_dump_says_that_settings_of_the_database_are_not_in_it(live: Database) -> None:
    live.sql(f"ALTER DATABASE {live.name} SET work_mem = '9MB'")

    _, facts = dump(PostgresConnector(format="plain"))

    assert facts["notes"] == ["A plain dump does not hold the settings of the database (ALTER DATABASE … SET)."]


def test_rows_that_are_left_out_leave_an_empty_table_and_a_note(live: Database) -> None:
    live.sql("CREATE TABLE session AS SELECT 1 AS one; CREATE TABLE kept AS SELECT 2 AS two")
    connector = PostgresConnector(exclude_table_data=("public.sess*",))

    data, facts = dump(connector)
    restore(connector, (data, facts))

    assert facts["notes"] == ["The rows of tables like 'public.sess*' were left out."]
    assert live.sql("SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM kept)") == "0|1"


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_comes_back(live: Database, register: Callable[..., str], encoding: str) -> None:
    name = f"encoded_{encoding.lower()}"
    live.server.sql("postgres", f"CREATE DATABASE {name} OWNER app TEMPLATE template0 ENCODING '{encoding}'")
    database = type(live)(live.server, name, "app")
    register(**database.settings())
    database.sql("CREATE TABLE t (a text); INSERT INTO t VALUES (convert_from('\\xe92f', getdatabaseencoding()))")
    data, facts = dump(PostgresConnector())
    before = database.digests()
    database.sql("DROP TABLE t")

    restore(PostgresConnector(), (data, facts))

    assert database.digests() == before
    assert facts["encoding"] == encoding


def test_django_s_connection_sees_the_restored_rows(live: Database) -> None:
    live.sql("CREATE TABLE t AS SELECT 'then' AS word")
    dumped = dump(PostgresConnector())
    live.sql("UPDATE t SET word = 'now'")

    def word() -> Any:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT word FROM t")
            return cursor.fetchone()[0]

    assert word() == "now"

    restore(PostgresConnector(), dumped)

    assert word() == "then"


def test_five_hundred_tables_come_back(live: Database) -> None:
    live.sql(
        "".join(
            f"CREATE TABLE table_{number} (id serial PRIMARY KEY, name text UNIQUE, "
            f"before integer {f'REFERENCES table_{number - 1}' if number else ''});"
            f"INSERT INTO table_{number} (name) VALUES ('x');"
            for number in range(500)
        )
    )
    dumped = dump(PostgresConnector())
    before = live.state()
    live.sql("DROP TABLE table_499; UPDATE table_3 SET name = 'y'")

    restore(PostgresConnector(), dumped)

    assert live.state() == before


def test_a_table_of_many_rows_comes_back(live: Database) -> None:
    rows = sized(50_000, 5_000_000)
    live.sql(
        "CREATE TABLE many (id bigint PRIMARY KEY, text text, amount numeric(12, 2), at timestamptz);"
        "INSERT INTO many SELECT i, md5(i::text), i * 1.37 % 1000, timestamptz '2024-01-01' + i * interval '1 second' "
        f"FROM generate_series(1, {rows}) i"
    )
    before = live.digests()
    dumped = dump(PostgresConnector())
    live.sql("UPDATE many SET text = 'changed' WHERE id % 7 = 0; DELETE FROM many WHERE id % 11 = 0")

    restore(PostgresConnector(), dumped)

    assert live.digests() == before
