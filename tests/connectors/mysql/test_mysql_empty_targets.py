"""What counts as an empty target: only a database from which a restore could take nothing away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_snapshots.artifacts import DatabaseArtifact
from django_snapshots.connectors import MySQLConnector

if TYPE_CHECKING:
    from tests.connectors.mysql.house import House

HELD = {
    "a table": "CREATE TABLE t (id INTEGER)",
    "a view": "CREATE VIEW v AS SELECT 1 AS one",
    "a procedure": "CREATE PROCEDURE p() SELECT 1",
    "a function": "CREATE FUNCTION f() RETURNS INTEGER DETERMINISTIC RETURN 1",
    "an event": "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
}
OF_ONE_FAMILY = {"mariadb": "CREATE SEQUENCE s", "mysql": "CREATE LIBRARY l LANGUAGE JAVASCRIPT AS 'x'"}


@pytest.mark.parametrize("script", HELD.values(), ids=HELD)
def test_a_database_with_anything_in_it_is_not_empty(house: House, script: str) -> None:
    artifact = DatabaseArtifact(house.alias, MySQLConnector())
    before = artifact.content()

    house.sql(script)

    assert (before, artifact.content()) == ("empty", "filled")


def test_a_database_with_what_its_family_alone_has_is_not_empty(house: House) -> None:
    house.sql(OF_ONE_FAMILY[house.server.engine])

    assert DatabaseArtifact(house.alias, MySQLConnector()).content() == "filled"
