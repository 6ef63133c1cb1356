"""check --database: whether the installed dump program is as new as the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_snapshots.connectors import MySQLConnector
from django_snapshots.errors import SnapshotConnectorError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connectors.mysql.house import House


OLD = {
    "mariadb": "mysqldump  Ver 10.16 Distrib 10.1.48-MariaDB, for Linux (x86_64)",
    "mysql": "mysqldump  Ver 5.7.44 for Linux on x86_64 (MySQL Community Server (GPL))",
}


def install(folder: Path, name: str, version_line: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{version_line}'\n")
    program.chmod(0o755)


def test_a_dump_program_of_the_servers_version_is_no_problem(house: House) -> None:
    assert MySQLConnector().check_server(house.alias) == []


def test_a_dump_program_older_than_the_server_is_told(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = house.server
    install(tmp_path, server.dumper, OLD[server.engine])
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    (problem,) = MySQLConnector().check_server(house.alias)

    assert problem.id == "snapshots.W008"
    version = "10.1.48" if server.is_mariadb else "5.7.44"
    assert f"{tmp_path}/{server.dumper} has version {version}, older than the server's " in problem.message
    assert problem.hint == "Install the client programs of the server's version."


def test_a_program_of_the_other_family_has_versions_of_its_own(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "mysqldump", OLD["mysql" if house.server.is_mariadb else "mariadb"])
    monkeypatch.setenv("PATH", str(tmp_path))

    assert MySQLConnector().check_server(house.alias) == []


def test_without_any_program_there_is_nothing_to_compare(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(SnapshotConnectorError, match="is not on PATH"):
        MySQLConnector().check_server(house.alias)
