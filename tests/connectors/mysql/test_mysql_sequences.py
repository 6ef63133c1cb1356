"""A default that asks a sequence asks the one of the database it was restored into."""

from __future__ import annotations

import io
import subprocess
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from django_snapshots.artifacts import DatabaseArtifact
from django_snapshots.connectors import MySQLConnector
from django_snapshots.connectors._mysql_sequences import WithoutDatabase
from tests.connectors.databases import alias_of

if TYPE_CHECKING:
    from tests.connectors.mysql.house import House

of_mariadb = pytest.mark.parametrize("family", ["mariadb"], indirect=True)
"""MySQL has no sequences."""

TABLES = """
    CREATE SEQUENCE sq START WITH 100;
    CREATE TABLE t (id BIGINT DEFAULT NEXTVAL(sq) PRIMARY KEY, v INT,
        w BIGINT DEFAULT (NEXTVAL(sq) + 1000) COMMENT 'NEXTVAL(`shop`.`sq`)', l BIGINT NOT NULL DEFAULT LASTVAL(sq));
    CREATE TABLE kept (id BIGINT DEFAULT NEXTVAL(sq)) WITH SYSTEM VERSIONING;
    INSERT INTO t (v) VALUES (1);
"""


@of_mariadb
def test_defaults_ask_the_sequence_of_an_emptied_database_again(house: House) -> None:
    house.sql(TABLES)
    before = house.state()
    content, facts = house.dump()
    house.server.sql(f"DROP DATABASE {house.name}; CREATE DATABASE {house.name}")
    connections[house.alias].close()

    house.restore(content, facts)

    assert house.state() == before
    house.sql("INSERT INTO t (v) VALUES (2); INSERT INTO kept VALUES ()")
    assert house.sql("SELECT COUNT(*), MIN(id) FROM t").split() == ["2", "100"]


@of_mariadb
def test_defaults_ask_the_sequence_of_another_database_after_a_restore_into_it(house: House) -> None:
    house.sql(TABLES)
    content, facts = house.dump()
    before = house.state()
    name = f"{house.name}_2"
    house.server.sql(f"CREATE DATABASE {name}")
    with alias_of("other", house.server.settings(name)) as other:
        MySQLConnector().restore(other, io.BytesIO(content), facts)
        drilled = DatabaseArtifact(house.alias, MySQLConnector()).drill(io.BytesIO(content), facts)

    house.server.sql("INSERT INTO t (v) VALUES (2)", name)
    made = house.server.sql("SHOW CREATE TABLE t", name)
    house.server.sql(f"DROP DATABASE {name}")
    assert drilled == {"problems": [], "notes": []}
    assert f"nextval(`{name}`.`sq`)" in made
    assert house.name + "`" not in made
    assert house.state() == before


@of_mariadb
def test_the_dump_loads_by_hand_into_a_database_of_another_name(house: House) -> None:
    house.sql(TABLES)
    content, _ = house.dump()
    name = f"{house.name}_2"
    house.server.sql(f"DROP DATABASE {house.name}; CREATE DATABASE {house.name}; CREATE DATABASE {name}")

    done = subprocess.run(
        [house.server.program(house.server.client), *house.server.connect, name],
        input=content,
        capture_output=True,
        check=False,
    )

    assert done.stderr == b""
    house.server.sql("INSERT INTO t (v) VALUES (2)", name)
    assert house.server.sql("SELECT COUNT(*) FROM t", name) == "2"
    house.server.sql(f"DROP DATABASE {name}")


@of_mariadb
def test_a_dump_that_names_the_database_leads_to_the_one_it_is_restored_into(house: House) -> None:
    house.sql(TABLES)
    content, facts = house.dump()
    named = content.replace(b"nextval(`sq`)", f"nextval(`{house.name}`.`sq`)".encode())
    assert named != content
    name = f"{house.name}_2"
    house.server.sql(f"CREATE DATABASE {name}")
    with alias_of("other", house.server.settings(name)) as other:
        MySQLConnector().restore(other, io.BytesIO(named), facts)

    made = house.server.sql("SHOW CREATE TABLE t", name)
    house.server.sql(f"DROP DATABASE {name}")
    assert f"`{house.name}`" not in made


LINES = b"""CREATE TABLE `t` (
  `id` bigint(20) NOT NULL DEFAULT nextval(`shop`.`sq`),
  `w` bigint(20) DEFAULT (nextval(`shop`.`sq`) + lastval(`far`.`sq`)) COMMENT 'it''s nextval(`shop`.`sq`)',
) ENGINE=InnoDB;
INSERT INTO `t` VALUES (1,'  `x` nextval(`shop`.`sq`)\\n  `y` nextval(`shop`.`sq`)'),
(2,'nextval(`shop`.`sq`)');
"""


@pytest.mark.parametrize("size", [*range(1, 20), 1000])
def test_only_columns_lose_the_database_however_the_pieces_are_cut(size: int) -> None:
    sink = io.BytesIO()
    writer = WithoutDatabase(sink, "shop")

    for begin in range(0, len(LINES), size):
        writer.write(LINES[begin : begin + size])

    expected = LINES.replace(b"NULL DEFAULT nextval(`shop`.`sq`)", b"NULL DEFAULT nextval(`sq`)")
    assert sink.getvalue() == expected.replace(b"(nextval(`shop`.`sq`) +", b"(nextval(`sq`) +")
