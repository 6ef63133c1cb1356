"""What is granted on a database's objects is there after a restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_snapshots.connectors import MySQLConnector
from django_snapshots.connectors._mysql_making import replacing, routine_of
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.mysql.test_mysql import without_definers

if TYPE_CHECKING:
    from tests.connectors.mysql.house import House


def test_what_is_granted_survives_a_restore_but_on_routines_of_mysql(house: House) -> None:
    app = f"{house.name}_app"
    house.sql("""
        CREATE TABLE t (i INT); CREATE VIEW v AS SELECT i FROM t;
        CREATE FUNCTION `f``n`() RETURNS INT DETERMINISTIC RETURN 1;
        CREATE FUNCTION same() RETURNS INT DETERMINISTIC RETURN 2; SET sql_mode = 'ANSI_QUOTES';
        CREATE PROCEDURE "odd name"() SELECT 1;
    """)
    house.may_handle_roots()
    house.server.make_role(app)
    for right in ("SELECT ON t", "SELECT (i) ON v", "EXECUTE ON FUNCTION `f``n`", "EXECUTE ON FUNCTION same"):
        house.sql(f"GRANT {right} TO `{app}`@`localhost`")
    house.sql(f"GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE `odd name` TO `{app}`@`localhost` WITH GRANT OPTION")
    granted = house.server.sql(f"SHOW GRANTS FOR `{app}`@`localhost`")
    content, facts = house.dump()
    snapshot = house.state()
    house.sql("DROP VIEW v; CREATE VIEW v AS SELECT 5 AS i; CREATE FUNCTION later() RETURNS INT DETERMINISTIC RETURN 6")
    if house.server.is_mariadb:
        house.sql("CREATE OR REPLACE FUNCTION `f``n`() RETURNS INT DETERMINISTIC RETURN 5")

    house.restore(content, facts)

    kept = [line for line in granted.splitlines() if house.server.is_mariadb or "EXECUTE" not in line]
    assert house.server.sql(f"SHOW GRANTS FOR `{app}`@`localhost`").splitlines() == kept
    assert house.sql("SELECT `f``n`(), same()").split() == ["1", "2"]
    assert len([line for line in house.state()[0] if "FUNCTION" in line]) == len(
        [line for line in snapshot[0] if "FUNCTION" in line]
    )
    house.server.sql(f"DROP USER `{app}`@`localhost`")


@pytest.mark.mysql
@pytest.mark.parametrize("family", ["mysql"], indirect=True)
def test_what_is_granted_on_routines_of_mysql_that_did_not_change_survives_a_restore(house: House) -> None:
    app, own = f"`{house.name}_app`@`localhost`", f"DEFINER = `{house.name}`@`localhost`"
    house.sql(f"""
        CREATE {own} FUNCTION `same``%s`() RETURNS VARCHAR(9) DETERMINISTIC RETURN 'ä\\n';
        CREATE {own} PROCEDURE text() SELECT 1; CREATE {own} PROCEDURE mode() SELECT 1;
        CREATE {own} PROCEDURE secure() SELECT 1; CREATE {own} PROCEDURE collated(a CHAR(9)) SELECT a;
        CREATE LIBRARY l LANGUAGE JAVASCRIPT AS 'x'; CREATE DEFINER = `root`@`localhost` PROCEDURE roots() DO 0;
        CREATE {own} PROCEDURE uses() LANGUAGE JAVASCRIPT USING (l) AS $$ 1 $$; CREATE VIEW v AS SELECT 1 AS one;
    """)
    house.server.make_role(f"{house.name}_app")
    house.may_handle_roots()
    content, facts = house.dump()
    snapshot = house.state()
    house.restore(content, facts)  # roots() is ours now
    house.sql(f"""
        DROP PROCEDURE text; DROP PROCEDURE mode; DROP PROCEDURE collated;
        CREATE {own} PROCEDURE text() SELECT 2; SET sql_mode = ''; CREATE {own} PROCEDURE mode() SELECT 1;
        SET sql_mode = DEFAULT; ALTER PROCEDURE secure SQL SECURITY INVOKER;
        ALTER DATABASE CHARACTER SET latin1; CREATE {own} PROCEDURE collated(a CHAR(9)) SELECT a;
    """)
    for name in ("text", "mode", "secure", "collated", "uses", "roots"):
        house.sql(f"GRANT EXECUTE ON PROCEDURE {name} TO {app}")
    house.sql(f"GRANT EXECUTE ON FUNCTION `same``%s` TO {app}")

    house.restore(content, facts)

    granted = house.server.sql(f"SHOW GRANTS FOR {app}").splitlines()[1:]
    name = f"`{house.name}`"
    assert sorted(line.removeprefix("GRANT EXECUTE ON ").partition(" TO ")[0] for line in granted) == [
        f"FUNCTION {name}.`same``%s`",
        f"PROCEDURE {name}.`roots`",
        f"PROCEDURE {name}.`uses`",
    ]
    assert without_definers(house.state()) == without_definers(snapshot)
    house.server.sql(f"DROP USER {app}")


def test_a_plan_says_that_mysql_takes_away_what_is_granted_on_routines(house: House) -> None:
    facts = {"engine": house.server.engine}
    assert "lost_grants" not in MySQLConnector().plan(house.alias, facts)
    house.sql("CREATE PROCEDURE p() SELECT 1")

    plan = MySQLConnector().plan(house.alias, facts)

    assert ("what is granted on routines" in str(plan.get("lost_grants"))) == (not house.server.is_mariadb)


def test_a_grant_on_a_pattern_beside_one_on_the_database_gives_nothing(house: House) -> None:
    account = f"`{house.name}`@`localhost`"
    house.sql("CREATE TABLE t (i INT); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.i = 3")
    house.server.sql(f"REVOKE ALL ON `{house.name}`.* FROM {account}")
    house.server.sql(f"GRANT SELECT, SHOW VIEW, EVENT, EXECUTE ON `{house.name}`.* TO {account}")
    house.server.sql(f"GRANT ALL ON `{house.name[:-1]}%`.* TO {account}")
    assert house.as_role("SHOW TRIGGERS") == "()"

    with pytest.raises(SnapshotConnectorError, match="triggers would be missing") as caught:
        house.dump()

    assert f"GRANT TRIGGER ON `{house.name}`.* TO {account}" in str(caught.value)


def test_what_a_grant_on_a_pattern_lacks_is_to_be_granted_on_that_pattern(house: House) -> None:
    account, pattern = f"`{house.name}`@`localhost`", f"`{house.name[:-1]}%`.*"
    house.server.sql(f"GRANT ALL ON {pattern} TO {account}; REVOKE ALL ON `{house.name}`.* FROM {account}")
    house.dump()
    house.server.sql(f"REVOKE EVENT ON {pattern} FROM {account}")

    with pytest.raises(SnapshotConnectorError) as caught:
        house.dump()

    advice = f"GRANT EVENT ON {pattern} TO {account}"
    assert advice in str(caught.value)
    house.server.sql(advice)
    house.dump()


@pytest.mark.parametrize(
    ("statement", "routine"),
    [
        ("CREATE DEFINER=`a b`@`%` PROCEDURE `p``q`() SELECT 1", ("PROCEDURE", "p`q")),
        ('CREATE DEFINER="r"@"h" FUNCTION "f n"() RETURNS INT DETERMINISTIC RETURN 1', ("FUNCTION", "f n")),
        ("CREATE DEFINER=`r`@`h` AGGREGATE FUNCTION `f`() RETURNS INT DETERMINISTIC RETURN 1", ("FUNCTION", "f")),
        ("CREATE DEFINER=`r`@`h` PACKAGE BODY `k` AS END", ("PACKAGE BODY", "k")),
        ("CREATE DEFINER=`r`@`h` trigger t before insert on x for each row set @procedure = 1", None),
        ("SET sql_mode = DEFAULT", None),
    ],
)
def test_a_routine_is_told_and_replaced(statement: str, routine: tuple[str, str] | None) -> None:
    assert routine_of(statement) == routine
    assert replacing(statement).startswith("CREATE OR REPLACE ") == (routine is not None)
