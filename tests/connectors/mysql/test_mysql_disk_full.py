"""A server whose disk fills up in the middle of a restore."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.databases import alias_of
from tests.connectors.mysql.house import House
from tests.connectors.small_disk import small_disk
from tests.servers.mysql import DatabaseServer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker

MIB = 1024 * 1024


@pytest.fixture
def disk(family: str, tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, 200 if family == "mariadb" else 400) as folder:
        yield folder


@pytest.fixture
def cramped(family: str, disk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseServer]:
    """A server on the small disk."""
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    with serving(family, "--character-set-server=utf8mb4") as server:
        server.sql("CREATE DATABASE h")
        server.make_role("h", "ALL ON `h`.*", "ALL ON `h\\_snapshot\\_%`.*")
        yield server


def test_a_disk_that_is_full_leaves_everything_as_it_was(
    cramped: DatabaseServer, disk: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock(), alias_of("house", cramped.settings("h", "h")) as alias:
        house = House(cramped, alias, "h")
        house.sql("CREATE TABLE big (id INT PRIMARY KEY, text VARCHAR(600))")
        house.sql(f"INSERT INTO big SELECT seq, REPEAT('row ', 120) FROM {cramped.numbers(40000)}")
        content, facts = house.dump()
        house.sql("UPDATE big SET text = 'now' WHERE id = 7")
        before = house.state()
        space = os.statvfs(disk)
        (disk / "filler").write_bytes(bytes(space.f_bavail * space.f_frsize - 10 * MIB))

        with pytest.raises(SnapshotConnectorError) as caught:
            house.restore(content, facts)

        assert "The table 'big' is full" in str(caught.value)
        assert "A restore needs room for the old and the new tables. Nothing was changed." in str(caught.value)
        assert "row row" not in str(caught.value)
        assert house.state() == before
        assert house.scratch() == ""
        (disk / "filler").unlink()
        house.restore(content, facts)
        assert house.sql("SELECT COUNT(*) FROM big WHERE text = 'now'") == "0"
