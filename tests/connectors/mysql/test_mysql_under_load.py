"""What goes on beside a backup: others write, and others look at our processes."""

from __future__ import annotations

import io
import logging
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from django_snapshots.connectors import MySQLConnector
from django_snapshots.connectors._mysql_programs import CLIENTS, Program, find_program, write_option_file
from django_snapshots.connectors._mysql_server import MySQLDatabase, locate
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.databases import alias_of
from tests.connectors.programs_at_work import children
from tests.servers.mysql import PASSWORD

if TYPE_CHECKING:
    from tests.connectors.mysql.house import House

ACCOUNTS = 200
SKIP = "skip-ssl-verify-server-cert"
VERIFY = "ssl-verify-server-cert"
PUBLIC_KEY = "loose-get-server-public-key"


def test_money_that_moves_during_the_backup_adds_up_twenty_of_twenty(house: House) -> None:
    house.sql(f"""
        CREATE TABLE a_first (id INT PRIMARY KEY, money INT); CREATE TABLE z_last LIKE a_first;
        INSERT INTO a_first SELECT seq, 1000 FROM {house.server.numbers(ACCOUNTS)};
        INSERT INTO z_last SELECT * FROM a_first;
        CREATE TABLE middle (id INT PRIMARY KEY, filler LONGTEXT);
        INSERT INTO middle SELECT seq, REPEAT('x', 30000) FROM {house.server.numbers(100)};
    """)
    done = threading.Event()
    moved = 0

    def move() -> None:
        nonlocal moved
        connection = connections["mover"]
        connection.inc_thread_sharing()
        with connection.cursor() as cursor:
            while not done.is_set():
                account = moved % ACCOUNTS + 1
                cursor.execute("SET autocommit = 0")
                cursor.execute("UPDATE a_first SET money = money - 1 WHERE id = %s", [account])
                cursor.execute("UPDATE z_last SET money = money + 1 WHERE id = %s", [account])
                cursor.execute("COMMIT")
                moved += 1
        connection.close()

    with alias_of("mover", house.server.settings(house.name, house.name)):
        mover = threading.Thread(target=move)
        mover.start()
        try:
            dumps = [house.dump() for _ in range(20)]
        finally:
            done.set()
            mover.join()

    assert moved > 20
    total = "SELECT (SELECT SUM(money) FROM a_first) + (SELECT SUM(money) FROM z_last)"
    sums = []
    for content, facts in dumps:
        house.restore(content, facts)
        sums.append(house.sql(total))
    assert sums == [str(2 * ACCOUNTS * 1000)] * 20


def test_a_writer_does_not_wait_for_the_backup(house: House) -> None:
    house.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, x LONGTEXT);"
        f"INSERT INTO t SELECT seq, 'x' FROM {house.server.numbers(1000)}"
    )
    written: list[int] = []

    class Sink(io.BytesIO):
        def write(self, data: Any, /) -> int:
            if not written:
                house.sql("SET lock_wait_timeout = 1; SET innodb_lock_wait_timeout = 1; UPDATE t SET x = 'y'")
                written.append(1)
            return super().write(data)

    MySQLConnector().dump(house.alias, Sink())

    assert written == [1]


def test_the_password_is_nowhere_to_be_seen(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MYSQL_PWD", PASSWORD)
    house.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, x LONGTEXT);"
        f"INSERT INTO t SELECT seq, REPEAT('x', 80) FROM {house.server.numbers(50000)}"
    )
    seen: list[bytes] = []

    def look() -> None:
        for process in children():
            with suppress(ProcessLookupError, FileNotFoundError):  # it has just ended
                seen.append((process / "cmdline").read_bytes() + (process / "environ").read_bytes())

    class Sink(io.BytesIO):
        def write(self, data: Any, /) -> int:
            look()
            return super().write(data)

    sink = Sink()
    facts = MySQLConnector().dump(house.alias, sink)

    class Source(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            look()
            return super().read(size)

    MySQLConnector().restore(house.alias, Source(sink.getvalue()), facts)
    house.server.sql(f"ALTER USER `{house.name}`@`localhost` ACCOUNT LOCK")
    with pytest.raises(SnapshotConnectorError) as caught:
        house.dump()

    everything = b"\n".join(seen)
    assert house.server.dumper.encode() in everything
    assert b"--binary-mode" in everything
    assert PASSWORD.encode() not in everything
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(locate(house.alias))


def test_the_option_file_is_ours_alone_and_is_gone_afterwards(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = find_program(CLIENTS, prefer_mysql=not house.server.is_mariadb, artifact="x")

    path = write_option_file(locate(house.alias), program, tmp_path)

    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path.unlink()
    house.dump()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("password", ["", "simple word"])
def test_a_project_that_connects_by_an_option_file_is_dumped(house: House, tmp_path: Path, password: str) -> None:
    settings = house.server.settings(house.name, house.name)
    file = tmp_path / "project.cnf"
    file.write_text(
        f"[mysqldump]\nno-data\n[site]\nsocket={house.server.socket}\nuser={house.name}\nno-such-option=1\n"
    )
    file.write_text(file.read_text() + f'password="{password}"\n' * bool(password))
    house.server.sql(f"ALTER USER `{house.name}`@`localhost` IDENTIFIED BY '{password}'")
    options = {"read_default_file": str(file), "read_default_group": "site"}
    by_file = {**settings, "USER": "", "PASSWORD": "", "HOST": "", "OPTIONS": options}
    house.sql("CREATE TABLE t (id INT); INSERT INTO t VALUES (42)")
    sink = io.BytesIO()

    with alias_of("by_file", by_file) as alias:
        MySQLConnector().dump(alias, sink)

    assert b"(42)" in sink.getvalue()


@pytest.mark.parametrize(
    ("parameters", "lines", "of_mariadb", "of_mysql"),
    [
        ({}, [], [SKIP], []),
        (
            {"ssl": {"cert": "/c", "key": "/k"}},
            ['ssl-cert="/c"', 'ssl-key="/k"'],
            ["ssl", SKIP],
            ['ssl-mode="REQUIRED"'],
        ),
        ({"unix_socket": "/s"}, ['socket="/s"', 'protocol="socket"'], [], []),
        ({"host": "db", "port": 3307}, ['host="db"', 'protocol="tcp"', 'port="3307"'], [], []),
        ({"passwd": 'a"b\\c#'}, ['password="a\\"b\\\\c#"'], [], []),
    ],
)
def test_what_django_connects_with_reaches_the_programs(
    house: House,
    tmp_path: Path,
    parameters: dict[str, Any],
    lines: list[str],
    of_mariadb: list[str],
    of_mysql: list[str],
) -> None:
    database = locate(house.alias)
    database.parameters.clear()
    database.parameters.update(parameters)
    program = find_program(CLIENTS, prefer_mysql=not house.server.is_mariadb, artifact="x")

    written = write_option_file(database, program, tmp_path).read_text().splitlines()

    assert written[0] == "[client]"
    assert {*lines, *(of_mariadb if house.server.is_mariadb else of_mysql)} <= set(written)


@pytest.mark.parametrize(
    ("driver", "parameters", "of_mariadb", "of_mysql"),
    [
        ("pymysql", {}, [SKIP], [PUBLIC_KEY]),
        ("MySQLdb", {}, [SKIP], []),
        ("pymysql", {"ssl": {"cert": "/c"}}, ["ssl", SKIP], ['ssl-mode="REQUIRED"']),
        ("pymysql", {"ssl": {"ca": "/ca"}}, ["ssl", VERIFY], ['ssl-mode="VERIFY_IDENTITY"']),
        ("pymysql", {"ssl": {"capath": "/ca", "check_hostname": False}}, ["ssl"], ['ssl-mode="VERIFY_CA"']),
        ("pymysql", {"ssl": ssl.create_default_context()}, ["ssl", SKIP], ['ssl-mode="REQUIRED"']),
        ("pymysql", {"ssl_ca": "/ca"}, ["ssl"], ['ssl-mode="VERIFY_CA"']),
        ("pymysql", {"ssl_verify_cert": True}, ["ssl", VERIFY], ['ssl-mode="VERIFY_CA"']),
        ("pymysql", {"ssl_ca": "/ca", "ssl_verify_identity": True}, ["ssl", VERIFY], ['ssl-mode="VERIFY_IDENTITY"']),
        ("pymysql", {"ssl_disabled": True}, ["skip-ssl", SKIP], ['ssl-mode="DISABLED"', PUBLIC_KEY]),
        ("MySQLdb", {"ssl": {"ca": "/ca"}}, ["ssl"], ['ssl-mode="VERIFY_CA"']),
        ("MySQLdb", {"ssl": True}, ["ssl", SKIP], ['ssl-mode="REQUIRED"']),
        ("MySQLdb", {"ssl_mode": "REQUIRED"}, ["ssl", SKIP], ['ssl-mode="REQUIRED"']),
        ("MySQLdb", {"ssl_mode": "preferred"}, [SKIP], ['ssl-mode="PREFERRED"']),
        ("MySQLdb", {"ssl_mode": "VERIFY_CA"}, ["ssl", VERIFY], ['ssl-mode="VERIFY_CA"']),
        ("MySQLdb", {"ssl_mode": "DISABLED"}, ["skip-ssl", SKIP], ['ssl-mode="DISABLED"']),
    ],
)
def test_the_programs_verify_what_the_driver_verifies(
    tmp_path: Path, driver: str, parameters: dict[str, Any], of_mariadb: list[str], of_mysql: list[str]
) -> None:
    database = MySQLDatabase("default", "shop", parameters, driver)

    for family, expected in (("10.11.6-MariaDB", of_mariadb), ("Ver 8.0.36", of_mysql)):
        program = Program(Path(f"/usr/bin/{family.partition(' ')[0]}"), family)
        written = write_option_file(database, program, tmp_path).read_text().splitlines()
        assert [line for line in written[1:] if not line.startswith(("ssl-ca", "ssl-cert"))] == expected


def test_missing_programs_are_a_warning_of_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MySQLConnector().check() == []
    monkeypatch.setenv("PATH", "/nowhere")

    problems = MySQLConnector().check()

    assert [(problem.id, problem.message) for problem in problems] == [
        ("snapshots.W007", "The program mariadb-dump or mysqldump is not on PATH."),
        ("snapshots.W007", "The program mariadb or mysql is not on PATH."),
    ]
