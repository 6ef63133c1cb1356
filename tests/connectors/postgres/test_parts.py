"""Dumps of a part of a database: a restore takes nothing away that is not in the dump."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.connectors import PostgresConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.postgres.awkward import AWKWARD
from tests.connectors.postgres.databases import ALIAS, dump, restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.postgres.databases import Database

SHOP = "CREATE SCHEMA shop; CREATE TABLE shop.product AS SELECT 1 AS id; CREATE TABLE log AS SELECT 2 AS id"
ONE_SCHEMA = {"schemas": ("shop",)}
WITHOUT_LOG = {"exclude_tables": ("public.log",)}
LATER = {
    "CREATE SCHEMA later; CREATE TABLE later.orders (id integer)": "schema later, table later.orders",
    "CREATE TABLE shop.later (id integer)": "table shop.later",
    "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'": "function public.f()",
    "CREATE SEQUENCE invoice_no START 5000": "sequence public.invoice_no",
    "CREATE TYPE mood AS ENUM ('fine')": "type public.mood",
    "CREATE EXTENSION citext": "extension citext",
}
BESIDE_SCHEMAS = {
    "SELECT lo_from_bytea(0, 'precious')": "large objects (1)",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO other": "default privileges of app",
}


def refused(database: Database, dumped: tuple[bytes, dict[str, Any]]) -> str:
    """Plan and restore, which must both fail and leave everything as it is, and return in which words."""
    before = database.state()
    with pytest.raises(SnapshotConnectorError) as planned:
        PostgresConnector().plan(ALIAS, dumped[1])
    with pytest.raises(SnapshotConnectorError) as caught:
        restore(PostgresConnector(), dumped)
    assert str(planned.value) == str(caught.value)
    assert database.state() == before
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "script", "words"),
    [
        *((options, *case) for options in (ONE_SCHEMA, WITHOUT_LOG) for case in LATER.items()),
        *((ONE_SCHEMA, *case) for case in BESIDE_SCHEMAS.items()),
    ],
)
def test_what_is_not_in_the_dump_is_not_taken_away(
    live: Database, options: dict[str, Any], script: str, words: str
) -> None:
    live.sql(SHOP)
    dumped = dump(PostgresConnector(**options))
    live.sql(f"DROP TABLE log; {script}")

    text = refused(live, dumped)

    assert f"a part of a database, and database 'live' has what is not in it: {words}. It would be lost" in text
    assert "Nothing was changed. Restore into another, empty database" in text


def test_a_table_that_was_left_out_is_not_taken_away_under_its_new_name(live: Database) -> None:
    live.sql(SHOP)
    dumped = dump(PostgresConnector(exclude_tables=("public.log",)))
    live.sql("ALTER TABLE log RENAME TO audit")

    assert "has what is not in it: table public.audit." in refused(live, dumped)


def test_many_objects_are_counted_and_some_are_named(live: Database) -> None:
    live.sql(SHOP)
    dumped = dump(PostgresConnector(schemas=("shop",)))
    live.sql("".join(f"CREATE TABLE a{number} (id integer);" for number in range(9)))

    assert "table public.a3, table public.a4 and 5 more. It would be lost" in refused(live, dumped)


def make_config(database: Database, schema: str) -> None:
    """Give an extension of the superuser's a table of settings, which "app" may fill and pg_dump treats as data."""
    database.sql(
        f"CREATE EXTENSION hstore SCHEMA {schema}; CREATE TABLE {schema}.config (k text);"
        f"ALTER EXTENSION hstore ADD TABLE {schema}.config; GRANT ALL ON {schema}.config TO app;"
        f"UPDATE pg_extension SET extconfig = ARRAY['{schema}.config'::regclass::oid], "
        "extcondition = ARRAY['WHERE true'] WHERE extname = 'hstore'",
        role="postgres",
    )


def test_rows_of_an_extension_beside_the_dumped_schemas_are_not_taken_away(live: Database) -> None:
    live.sql(SHOP)
    make_config(live, "public")
    dumped = dump(PostgresConnector(schemas=("shop",)))
    live.sql("DROP TABLE log; INSERT INTO config VALUES ('mine')")

    assert "has what is not in it: rows of table public.config." in refused(live, dumped)


def test_rows_of_an_extension_inside_the_dumped_schemas_come_back(live: Database) -> None:
    live.sql(SHOP)
    make_config(live, "shop")
    live.sql("INSERT INTO shop.config VALUES ('then')")
    dumped = dump(PostgresConnector(schemas=("shop",)))
    live.sql("DROP TABLE log; UPDATE shop.config SET k = 'now'")

    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT k FROM shop.config") == "then"


def test_large_objects_are_in_a_dump_without_some_tables(live: Database) -> None:
    live.sql(SHOP)
    live.sql("SELECT lo_from_bytea(7, 'precious')")
    dumped = dump(PostgresConnector(exclude_tables=("public.log",)))
    live.sql("DROP TABLE log; SELECT lo_put(7, 0, 'replaced')")

    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT encode(lo_get(7), 'escape')") == "precious"


def test_a_part_goes_again_and_again_into_a_database_of_its_own(
    live: Database, make_database: Callable[..., Database], register: Callable[..., str]
) -> None:
    live.sql(AWKWARD)
    dumped = dump(PostgresConnector(exclude_tables=("public.empty_one",)))
    other = make_database()
    register(**other.settings())

    restore(PostgresConnector(), dumped)
    once = other.state()
    restore(PostgresConnector(), dumped)

    assert other.state() == once
    assert other.sql("SELECT to_regclass('public.empty_one') IS NULL, count(*) FROM egg") == "t|2"


def test_a_dump_of_some_schemas_leaves_the_settings_of_its_target_alone(live: Database) -> None:
    live.sql(f"{SHOP}; ALTER DATABASE {live.name} SET work_mem = '7MB'")
    dumped = dump(PostgresConnector(schemas=("shop",)))
    live.sql(f"DROP TABLE log; ALTER DATABASE {live.name} SET work_mem = '9MB'")

    restore(PostgresConnector(), dumped)

    assert live.sql("SHOW work_mem") == "9MB"
    assert "the settings of the database (ALTER DATABASE … SET) were left out." in str(dumped[1]["notes"])


def test_a_dump_of_the_whole_database_lists_nothing_and_refuses_nothing(live: Database) -> None:
    live.sql(SHOP)
    dumped = dump(PostgresConnector())
    live.sql("CREATE TABLE later (id integer)")

    restore(PostgresConnector(), dumped)

    assert dumped[1]["contents"] is None
    assert live.sql("SELECT to_regclass('later') IS NULL") == "t"


def test_a_dump_that_tells_only_what_was_left_out_does_not_take_that_away(live: Database) -> None:
    live.sql(SHOP)
    data, facts = dump(PostgresConnector(exclude_tables=("public.log",)))
    del facts["contents"]

    assert "has what is not in it: table public.log." in refused(live, (data, facts))
