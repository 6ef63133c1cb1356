"""Databases of many tables, and tables of many rows, come back exactly."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

from django_snapshots.connectors import MySQLConnector
from tests.soak import sized

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connectors.mysql.house import House


def digest_of_ordered_rows(house: House, table: str) -> str:
    """Return a digest of all rows as the client prints them, in the order of their keys."""
    command = [house.server.program(house.server.client), *house.server.connect]
    query = f"SELECT * FROM `{table}` ORDER BY id"
    digest = hashlib.sha256()
    with subprocess.Popen(
        [*command, "--batch", "--quick", "--skip-column-names", "--execute", query, house.name], stdout=subprocess.PIPE
    ) as client:
        assert client.stdout is not None
        while chunk := client.stdout.read(1 << 20):
            digest.update(chunk)
    assert client.returncode == 0
    return digest.hexdigest()


def test_many_tables_with_foreign_keys_come_back(house: House) -> None:
    tables = sized(100, 500)  # each is files of its own, which a busy disk is slow to make
    house.sql(
        "".join(
            f"CREATE TABLE table_{number} (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) UNIQUE, earlier INT"
            f"{f', FOREIGN KEY (earlier) REFERENCES table_{number - 1} (id)' if number else ''});"
            f"INSERT INTO table_{number} (name) VALUES ('x');"
            for number in range(tables)
        )
    )
    before = house.state()
    content, facts = house.dump()
    house.sql(f"DROP TABLE table_{tables - 1}; UPDATE table_3 SET name = 'y'; CREATE TABLE later (id INT)")

    house.restore(content, facts)

    assert house.state() == before
    assert house.scratch() == ""


def test_a_table_of_many_rows_comes_back(house: House, tmp_path: Path) -> None:
    rows = sized(50_000, 5_000_000)
    house.sql(
        "CREATE TABLE many (id BIGINT PRIMARY KEY, text CHAR(32), amount DECIMAL(12, 2), at DATETIME);"
        "INSERT INTO many SELECT seq, LEFT(SHA2(seq, 256), 32), seq * 1.37 % 1000, '2024-01-01' + INTERVAL seq SECOND "
        f"FROM {house.server.numbers(rows)}"
    )
    before = digest_of_ordered_rows(house, "many")
    with (tmp_path / "dump").open("wb") as sink:
        facts = MySQLConnector().dump(house.alias, sink)
    house.sql("UPDATE many SET text = 'changed' WHERE id % 7 = 0; DELETE FROM many WHERE id % 11 = 0")
    assert digest_of_ordered_rows(house, "many") != before

    with (tmp_path / "dump").open("rb") as source:
        MySQLConnector().restore(house.alias, source, facts)

    assert digest_of_ordered_rows(house, "many") == before
