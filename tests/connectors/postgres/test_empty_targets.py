"""What counts as an empty target: only a database from which a restore could take nothing away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.artifacts import DatabaseArtifact
from django_snapshots.connectors import PostgresConnector
from tests.connectors.postgres.databases import ALIAS
from tests.site import make_site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.connectors.postgres.databases import Database

HELD = {
    "a table of a schema beside the search path": "CREATE SCHEMA crm; CREATE TABLE crm.customers (id integer)",
    "a schema": "CREATE SCHEMA crm",
    "a large object": "SELECT lo_from_bytea(0, 'precious')",
    "a function": "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "a sequence": "CREATE SEQUENCE invoice_no START 5000",
    "a type": "CREATE TYPE mood AS ENUM ('fine')",
    "an extension": "CREATE EXTENSION citext",
    "default privileges": "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO other",
    "settings of the database": "ALTER DATABASE CURRENT SET work_mem = '7MB'",
}
TWO = """
DATABASES = {{"default": {source!r}, "target": {target!r}}}
SNAPSHOTS = {{"DEFAULT_ARTIFACTS": ["database/default"]}}
"""


@pytest.mark.parametrize("script", HELD.values(), ids=HELD)
def test_a_database_with_anything_in_it_is_not_empty(live: Database, script: str) -> None:
    artifact = DatabaseArtifact(ALIAS, PostgresConnector())
    before = artifact.content()

    live.sql(script.replace("CURRENT", live.name))

    assert (before, artifact.content()) == ("empty", "filled")
    assert artifact.plan({"engine": "postgresql"})["content"] == "filled"


def test_settings_that_a_restore_leaves_alone_are_nothing_that_it_takes_away(live: Database) -> None:
    live.sql(f"ALTER DATABASE {live.name} SET work_mem = '7MB'")

    assert not PostgresConnector(database_settings=False).holds_anything(ALIAS)


def test_an_extension_that_the_role_may_not_drop_is_nothing_that_it_takes_away(live: Database) -> None:
    live.sql("CREATE EXTENSION pageinspect", role="postgres")

    assert not PostgresConnector().holds_anything(ALIAS)


def test_a_database_that_does_not_answer_is_not_called_empty(live: Database, register: Callable[..., Any]) -> None:
    register(**live.settings() | {"NAME": "nobody_has_this"})

    assert DatabaseArtifact(ALIAS, PostgresConnector()).content() == "unreadable"


def test_rows_beside_the_search_path_are_saved_before_they_are_replaced(
    make_database: Callable[..., Database], tmp_path: Path
) -> None:
    source, target = make_database(), make_database()
    source.sql("CREATE TABLE t AS SELECT 1 AS one")
    target.sql("CREATE SCHEMA crm; CREATE TABLE crm.customers AS SELECT generate_series(1, 1000) AS id")
    site = make_site(tmp_path / "site", TWO.format(source=source.settings(), target=target.settings()))
    site.run("backup", "--name", "one")

    restored = site.json("restore", "one", "--database", "default=target", "--noinput")

    assert target.sql("SELECT to_regclass('crm.customers') IS NULL, one FROM t") == "t|1"
    site.run(*restored["undo"].split()[2:], "--noinput")
    assert target.sql("SELECT count(*) FROM crm.customers") == "1000"
