"""MySQL servers that are set up as many are: with a binary log, with keys asked for, without TLS, with roles."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from django_snapshots.connectors._mysql_programs import CLIENTS, find_program, write_option_file
from django_snapshots.connectors._mysql_server import locate
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.databases import alias_of
from tests.connectors.mysql.house import House
from tests.servers.mysql import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker

    from tests.servers.mysql import DatabaseServer

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.parametrize("family", ["mysql"], indirect=True),
]

LOGGING = (
    "--log-bin=log",
    "--server-id=1",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--log-bin-trust-function-creators=OFF",
    "--sql-require-primary-key=ON",
    "--sql-generate-invisible-primary-key=OFF",
    "--tls-version=",
)


@pytest.fixture(scope="module")
def strict_server(family: str) -> Iterator[DatabaseServer]:
    """A server with a binary log, that takes no table without a key, and knows no TLS."""
    with serving(family, *LOGGING, listening=True) as server:
        server.sql("CREATE DATABASE h")
        server.make_role("h", "ALL ON `h`.*", "ALL ON `h\\_snapshot\\_%`.*")
        yield server


@pytest.fixture
def strict(strict_server: DatabaseServer, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    strict_server.sql("DROP DATABASE h; CREATE DATABASE h")
    with django_db_blocker.unblock(), alias_of("house", strict_server.settings("h", "h")) as alias:
        yield House(strict_server, alias, "h")


def test_a_server_with_a_binary_log_and_without_tls_is_dumped_and_restored(strict: House) -> None:
    strict.sql("CREATE TABLE t (i INT PRIMARY KEY); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT i FROM t")
    content, facts = strict.dump()
    strict.sql("INSERT INTO t VALUES (2); DROP VIEW v; CREATE TABLE later (i INT PRIMARY KEY)")
    strict.server.sql("FLUSH PRIVILEGES")  # the server forgets whom it has let in before

    strict.restore(content, facts)

    assert strict.sql("SELECT * FROM v") == "1"
    assert strict.scratch() == ""


def test_a_trigger_that_the_binary_log_does_not_allow_refuses_a_restore_before_anything_changes(strict: House) -> None:
    strict.sql("CREATE TABLE t (i INT PRIMARY KEY); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.i = 3")
    content, facts = strict.dump()
    strict.sql("INSERT INTO t VALUES (2)")

    with pytest.raises(SnapshotConnectorError, match="`tr` of the dump cannot be made.*log_bin_trust.* Nothing"):
        strict.restore(content, facts)

    assert strict.sql("SELECT * FROM t") == "3"
    strict.server.sql("SET GLOBAL log_bin_trust_function_creators = ON")
    strict.restore(content, facts)
    strict.server.sql("SET GLOBAL log_bin_trust_function_creators = OFF")
    assert strict.sql("SELECT * FROM t") == ""
    assert strict.sql("SHOW TRIGGERS").startswith("tr")


def test_a_server_without_tls_lets_the_programs_in_that_it_has_never_met(strict: House, tmp_path: Path) -> None:
    database = locate(strict.alias)
    strict.as_role("SELECT 1")
    program = find_program(CLIENTS, prefer_mysql=True, artifact="x")
    command = program.command(database, write_option_file(database, program, tmp_path), ["--execute=SELECT 42"])
    strict.server.sql("FLUSH PRIVILEGES")

    done = subprocess.run(command.arguments, env=dict(command.environment), capture_output=True, text=True, check=False)

    assert (done.stdout.split(), done.stderr) == (["42", "42"], "")


@contextmanager
def rights_by_a_role(house: House, *, active: bool) -> Iterator[None]:
    """Give the house's own account its rights by a role instead."""
    server, account, role = house.server, f"`{house.name}`@`localhost`", f"`{house.name}r`"
    server.sql(f"""
        CREATE ROLE {role}; GRANT ALL ON `{house.name}`.* TO {role}; GRANT {role} TO {account};
        REVOKE ALL ON `{house.name}`.* FROM {account}; SET DEFAULT ROLE {"ALL" if active else "NONE"} TO {account};
    """)
    yield
    server.sql(f"DROP ROLE {role}")


def test_rights_that_a_role_gives_are_enough(house: House) -> None:
    house.sql("CREATE TABLE t (i INT); CREATE VIEW v AS SELECT 1 AS one")
    with rights_by_a_role(house, active=True):
        content, facts = house.dump()
        house.sql("DROP TABLE t")

        house.restore(content, facts)

        assert house.sql("SHOW TABLES").split() == ["t", "v"]


def test_a_role_that_is_not_active_gives_none(house: House) -> None:
    with rights_by_a_role(house, active=False), pytest.raises(SnapshotConnectorError, match="denied"):
        house.dump()


def test_rights_on_all_but_this_database_are_not_enough(house: House) -> None:
    server, account = house.server, f"`{house.name}`@`localhost`"
    house.sql("CREATE TABLE t (i INT); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.i = 3")
    server.sql("SET GLOBAL partial_revokes = ON")
    server.sql(f"REVOKE ALL ON `{house.name}`.* FROM {account}")
    server.sql(f"GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE, CREATE ON *.* TO {account}")
    server.sql(f"REVOKE TRIGGER, EVENT ON `{house.name}`.* FROM {account}")
    try:
        with pytest.raises(SnapshotConnectorError) as caught:
            house.dump()
    finally:
        server.sql(f"REVOKE ALL, GRANT OPTION FROM {account}")
        server.sql("SET GLOBAL partial_revokes = OFF")

    assert f"GRANT TRIGGER, EVENT ON `{house.name}`.* TO {account}" in str(caught.value)


def test_a_pattern_is_the_name_of_one_database_where_rights_can_be_revoked_in_part(house: House) -> None:
    server, account = house.server, f"`{house.name}`@`localhost`"
    house.sql("CREATE TABLE t (i INT); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.i = 3")
    server.sql(f"REVOKE ALL ON `{house.name}`.* FROM {account}")
    server.sql(f"GRANT SELECT, SHOW VIEW, EVENT, EXECUTE ON *.* TO {account}")
    server.sql(f"GRANT ALL ON `{house.name[:-1]}_`.* TO {account}")
    house.dump()
    server.sql("SET GLOBAL partial_revokes = ON")
    try:
        with pytest.raises(SnapshotConnectorError) as caught:
            house.dump()
    finally:
        server.sql("SET GLOBAL partial_revokes = OFF")

    assert f"GRANT TRIGGER ON `{house.name}`.* TO {account}" in str(caught.value)
