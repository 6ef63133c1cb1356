"""What MySQL keeps from a role: objects in the name of an account that has SYSTEM_USER, as root has."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from django_snapshots.connectors import MySQLConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.databases import alias_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.connectors.mysql.house import House

of_mysql = pytest.mark.parametrize("family", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)
pytestmark = of_mysql

DEFINERS = """
    SELECT table_name, definer FROM information_schema.views WHERE table_schema = DATABASE()
    UNION ALL SELECT event_name, definer FROM information_schema.events WHERE event_schema = DATABASE()
    UNION ALL SELECT trigger_name, definer FROM information_schema.triggers WHERE trigger_schema = DATABASE()
"""


@pytest.fixture
def neighbour(house: House) -> Iterator[str]:
    """Another account with all rights on the database, and no more."""
    name = f"{house.name}_n"
    house.server.make_role(name, f"ALL ON `{house.name}`.*")
    yield f"`{name}`@`localhost`"
    house.server.sql(f"DROP USER `{name}`@`localhost`")


def test_views_and_triggers_of_root_are_replaced(house: House) -> None:
    house.sql("CREATE TABLE t (i INT); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT i FROM t")
    content, facts = house.dump()
    house.sql("""
        INSERT INTO t VALUES (2); CREATE OR REPLACE VIEW v AS SELECT 5 AS i; CREATE VIEW later AS SELECT 1 AS one;
        CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.i = 3;
    """)

    house.restore(content, facts)

    assert house.sql("SELECT * FROM v") == "1"
    assert house.sql(DEFINERS) == f"v\t{house.name}@localhost"
    assert house.scratch() == ""


def test_a_view_of_json_documents_of_root_is_replaced(house: House) -> None:
    house.sql("CREATE TABLE t (i INT PRIMARY KEY); INSERT INTO t VALUES (1)")
    content, facts = house.dump()
    house.sql("CREATE JSON RELATIONAL DUALITY VIEW `a``d` AS SELECT JSON_DUALITY_OBJECT('_id': i) FROM t")

    house.restore(content, facts)

    assert house.sql("SHOW TABLES") == "t"
    assert house.scratch() == ""


def test_a_library_of_root_refuses_a_restore_before_anything_is_changed(house: House) -> None:
    house.sql("CREATE TABLE t (i INT)")
    content, facts = house.dump()
    house.sql("CREATE LIBRARY `l``1%s` COMMENT 'it''s ü' LANGUAGE JAVASCRIPT AS 'x'; INSERT INTO t VALUES (1)")
    before = house.state()

    with pytest.raises(
        SnapshotConnectorError, match=r"^library l`1%s in .* name of root@localhost.* Nothing was changed"
    ):
        house.restore(content, facts)

    assert house.state() == before
    house.may_handle_roots()
    assert house.sql("SELECT library_comment FROM information_schema.libraries") == "it's ü"
    house.restore(content, facts)
    assert house.sql("SELECT COUNT(*) FROM information_schema.libraries") == "0"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("CREATE PROCEDURE p() SELECT 1", "procedure p"),
        ("CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1", "function f"),
    ],
)
def test_a_routine_of_root_refuses_a_restore_before_anything_is_changed(house: House, made: str, told: str) -> None:
    house.sql("CREATE TABLE t (i INT)")
    content, facts = house.dump()
    house.sql(f"INSERT INTO t VALUES (1); {made}")
    before = house.state()

    with pytest.raises(SnapshotConnectorError) as caught:
        MySQLConnector().restore(house.alias, io.BytesIO(content), facts)

    message = str(caught.value)
    assert message.startswith(f"{told} in database 'house' ({house.name} on ")
    assert "cannot be replaced: made in the name of root@localhost." in message
    assert f"GRANT SYSTEM_USER ON *.* TO `{house.name}`@`localhost`, or drop it" in message
    assert house.state() == before
    assert house.scratch() == ""
    house.server.sql(f"GRANT SYSTEM_USER ON *.* TO `{house.name}`@`localhost`")
    house.restore(content, facts)
    assert house.sql("SHOW TABLE STATUS").split()[:2] == ["t", "InnoDB"]
    assert house.sql("SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = DATABASE()") == "0"


@pytest.mark.parametrize("made", ["PROCEDURE p() SELECT 1", "LIBRARY l LANGUAGE JAVASCRIPT AS 'x'"])
def test_a_role_that_may_not_drop_routines_of_others_changes_nothing(house: House, neighbour: str, made: str) -> None:
    account = f"`{house.name}`@`localhost`"
    house.sql("CREATE TABLE t (i INT)")
    content, facts = house.dump()
    definer = f"DEFINER = {neighbour} " if "PROCEDURE" in made else ""
    house.sql(
        f"INSERT INTO t VALUES (1); CREATE {definer}{made}; REVOKE ALTER ROUTINE ON `{house.name}`.* FROM {account}"
    )

    with pytest.raises(SnapshotConnectorError, match="Nothing was changed") as caught:
        house.restore(content, facts)

    assert f"GRANT ALTER ROUTINE ON `{house.name}`.* TO {account}" in str(caught.value)
    assert house.sql("SELECT * FROM t") == "1"
    assert house.scratch() == ""


def test_an_event_of_root_refuses_a_restore_and_all_is_as_before(house: House, neighbour: str) -> None:
    house.sql("CREATE TABLE t (i INT)")
    content, facts = house.dump()
    house.sql(f"""
        INSERT INTO t VALUES (1); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.i = 3;
        CREATE DEFINER = {neighbour} EVENT a_first ON SCHEDULE EVERY 1 DAY DO SELECT 'EVENT';
        CREATE EVENT of_root ON SCHEDULE EVERY 1 DAY DO SELECT 1;
    """)

    with pytest.raises(SnapshotConnectorError, match="The database is as before") as caught:
        house.restore(content, facts)

    assert f"GRANT SYSTEM_USER ON *.* TO `{house.name}`@`localhost`" in str(caught.value)
    assert house.sql("SELECT * FROM t") == "1"
    assert house.sql("SHOW TRIGGERS").startswith("tr\t")
    assert sorted(line.split("\t")[0] for line in house.sql(DEFINERS).splitlines()) == ["a_first", "of_root", "tr"]
    assert house.scratch() == ""


def test_what_other_accounts_made_is_replaced(house: House, neighbour: str) -> None:
    house.sql(f"""
        CREATE TABLE t (i INT); CREATE DEFINER = {neighbour} VIEW v AS SELECT i FROM t;
        CREATE DEFINER = {neighbour} PROCEDURE p() SELECT 1;
        CREATE DEFINER = {neighbour} EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;
    """)
    house.server.sql(f"GRANT SHOW_ROUTINE ON *.* TO `{house.name}`@`localhost`")
    content, facts = house.dump()
    house.sql(f"DROP VIEW v; CREATE DEFINER = {neighbour} EVENT later ON SCHEDULE EVERY 1 DAY DO SELECT 1")

    house.restore(content, facts)

    own = f"{house.name}@localhost"
    assert house.sql(DEFINERS).splitlines() == [f"v\t{own}", f"e\t{own}"]
    house.sql("CALL p()")


def test_events_of_others_are_there_again_when_the_tables_cannot_be_had(
    house: House, neighbour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_snapshots.connectors._mysql_staged._PATIENCE_S", 1)
    house.sql("CREATE TABLE t (i INT)")
    content, facts = house.dump()
    house.sql(f"CREATE DEFINER = {neighbour} EVENT `an EVENT` ON SCHEDULE EVERY 1 DAY COMMENT 'EVENT' DO SELECT 1")
    settings = house.server.settings(house.name, house.name)
    with alias_of("other", settings) as other:
        from django.db import connections

        with connections[other].cursor() as cursor:
            cursor.execute("SET autocommit = 0")
            cursor.execute("SELECT COUNT(*) FROM t")

            with pytest.raises(SnapshotConnectorError, match="The database is as before"):
                house.restore(content, facts)

    found = "SELECT event_name, event_comment FROM information_schema.events WHERE event_schema = DATABASE()"
    assert house.sql(found) == "an EVENT\tEVENT"
