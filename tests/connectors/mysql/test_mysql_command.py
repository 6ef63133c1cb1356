"""The whole way, as people go it: `manage.py snapshots` on a project whose database is MariaDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.damage import flip
from tests.servers.mysql import PASSWORD
from tests.site import Site, make_site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connectors.mysql.house import House

SETTINGS = "import pymysql; pymysql.install_as_MySQLdb(); DATABASES = {{'default': {0!r}}}"


@pytest.fixture
def site(house: House, tmp_path: Path) -> Site:
    house.sql("CREATE TABLE word (text VARCHAR(20)); INSERT INTO word VALUES ('then')")
    return make_site(tmp_path / "site", SETTINGS.format(house.server.settings(house.name, house.name)))


def test_a_restore_is_undone_by_what_it_says(site: Site, house: House) -> None:
    site.run("backup", "database", "--name", "first")
    house.sql("UPDATE word SET text = 'now'; CREATE TABLE later (id INT)")
    before = house.state()

    undo = site.json("restore", "first", "--noinput")["undo"]
    assert house.sql("SELECT text FROM word") == "then"
    assert house.sql("SHOW TABLES") == "word"
    site.run(*undo.split()[2:], "--noinput")

    assert house.state() == before


def test_a_flipped_byte_changes_nothing(site: Site, house: House) -> None:
    site.run("backup", "database", "--name", "first")
    house.sql("UPDATE word SET text = 'now'")
    flip(site.snapshots / "first" / "database" / "default.sql.zst")

    failed = site.run("restore", "first", "--noinput", exit_code=1)

    assert "has digest" in failed.stderr
    assert house.sql("SELECT text FROM word") == "now"


def test_the_password_is_in_nothing_that_is_said_or_stored(site: Site, house: House) -> None:
    said = [site.run("backup", "database", "--name", "first", "--verbosity", "3")]
    said.append(site.run("config"))
    said.append(site.run("info", "first"))
    said.append(site.run("restore", "first", "--noinput", "--verbosity", "3"))
    house.server.sql(f"ALTER USER `{house.name}`@`localhost` ACCOUNT LOCK")
    said.append(site.run("backup", "database", exit_code=1))

    stored = (site.snapshots / "first" / "manifest.json").read_text()
    assert [text for done in said for text in (done.stdout, done.stderr, stored) if PASSWORD in text] == []
    assert "Access denied" in said[-1].stderr
    assert "account is locked" in said[-1].stderr.lower()


def test_a_stopped_server_is_told_in_a_sentence(tmp_path: Path, house: House) -> None:
    settings = {**house.server.settings(house.name, house.name), "HOST": str(tmp_path / "no.sock")}
    stranded = make_site(tmp_path / "stranded", SETTINGS.format(settings))

    failed = stranded.run("backup", "database", exit_code=1)

    assert f"on {tmp_path / 'no.sock'}) could not be dumped: " in failed.stderr
    assert "No dump was made.\nNo snapshot was made; those that were there are as before." in failed.stderr
