"""A server of one family, and the client programs of the other alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.mysql.test_mysql import disarrange, furnish, without_definers
from tests.programs import require_program
from tests.servers.mysql_programs import require

if TYPE_CHECKING:
    from tests.connectors.mysql.house import House


@pytest.fixture
def only_mariadb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mariadb", "mariadb-dump"):
        (tmp_path / name).symlink_to(require_program(name))
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def only_mysql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(require("mysqldump")).parent))


pytestmark = pytest.mark.mysql


@pytest.mark.parametrize("family", ["mysql"], indirect=True)
def test_programs_of_mariadb_dump_and_restore_what_mysql_takes_back(house: House, only_mariadb: None) -> None:
    furnish(house)
    house.sql(
        "ALTER TABLE of_mysql DROP COLUMN v; ALTER TABLE made DROP COLUMN b, DROP COLUMN c; DROP TABLE hides_generated"
    )
    before = house.state()

    content, facts = house.dump()
    disarrange(house)
    house.restore(content, facts)

    assert "mariadb" in str(facts["client"]).lower()
    assert without_definers(house.state()) == without_definers(before)


@pytest.mark.parametrize("family", ["mysql"], indirect=True)
@pytest.mark.parametrize("column", ["a INT AS (id + 1)", "a INT AS (id) STORED INVISIBLE", "a VECTOR(2)"])
def test_programs_of_mariadb_refuse_what_mysql_would_not_take_back(
    house: House, only_mariadb: None, column: str
) -> None:
    house.sql(f"CREATE TABLE t (id INT DEFAULT (1 + 1), {column})")

    with pytest.raises(SnapshotConnectorError) as caught:
        house.dump()

    assert "MySQL does not take back: t.a in database 'house'" in str(caught.value)
    assert "Install the client programs of MySQL, or dump it by SNAPSHOTS" in str(caught.value)


@pytest.mark.parametrize("family", ["mysql"], indirect=True)
def test_programs_of_mariadb_restore_what_those_of_mysql_dumped(house: House, request: pytest.FixtureRequest) -> None:
    furnish(house)
    before = house.state()
    content, facts = house.dump()
    disarrange(house)
    request.getfixturevalue("only_mariadb")

    house.restore(content, facts)

    assert without_definers(house.state()) == without_definers(before)


@pytest.mark.parametrize("family", ["mariadb"], indirect=True)
def test_programs_of_mysql_that_a_mariadb_server_does_not_let_in_are_told(house: House, only_mysql: None) -> None:
    with pytest.raises(SnapshotConnectorError, match="Authentication plugin 'mysql_native_password' cannot be loaded"):
        house.dump()
