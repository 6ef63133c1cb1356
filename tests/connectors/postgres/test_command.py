"""The whole way, as people go it: `manage.py snapshots` on a project whose database is PostgreSQL."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.connectors.postgres.awkward import AWKWARD, LATER
from tests.damage import flip
from tests.servers.postgres import PASSWORD
from tests.site import Site, make_site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connectors.postgres.databases import Database


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    return make_site(tmp_path / "site", f"DATABASES = {{'default': {database.settings()!r}}}")


def test_backup_and_restore_bring_the_database_back(site: Site, database: Database) -> None:
    database.sql(AWKWARD)
    before = database.state()

    site.run("backup", "database", "--name", "first")
    database.sql(LATER.replace("CURRENT", database.name))
    plan = site.json("restore", "first", "--dry-run")
    refused = site.run("restore", "first", "--noinput", exit_code=1)
    site.run("restore", "first", "--noinput", "--no-safety-snapshot")

    assert plan["replaces"][0]["target"].startswith(f"database default (postgresql {database.name} at ")
    assert database.schema().splitlines() == before[0].splitlines()
    assert database.digests() == before[1]
    assert "What is there now could not be saved: pg_dump ended" in refused.stderr, "a table is closed to its owner"
    assert (site.snapshots / "first" / "database" / "default.pgdump.zst").is_file()


def test_a_restore_is_undone_by_what_it_says(site: Site, database: Database) -> None:
    database.sql("CREATE TABLE word AS SELECT 'then' AS text")
    site.run("backup", "database", "--name", "first")
    database.sql("UPDATE word SET text = 'now'; CREATE TABLE later AS SELECT 1 AS id")

    undo = site.json("restore", "first", "--noinput")["undo"]
    assert database.sql("SELECT text FROM word") == "then"
    site.run(*undo.split()[2:], "--noinput")

    assert database.sql("SELECT text FROM word, later") == "now"


def test_the_file_in_the_storage_is_one_that_the_raw_tools_restore(
    site: Site, database: Database, tmp_path: Path
) -> None:
    database.sql("CREATE TABLE word AS SELECT 'then' AS text")
    site.run("backup", "database", "--name", "first")
    database.sql("DROP TABLE word")

    stored = site.snapshots / "first" / "database" / "default.pgdump.zst"
    subprocess.run(["zstd", "-q", "-d", str(stored), "-o", str(tmp_path / "dump")], check=True)
    database.server.run("pg_restore", "-d", database.name, "--single-transaction", str(tmp_path / "dump"), role="app")

    assert database.sql("SELECT text FROM word") == "then"


def test_a_flipped_byte_changes_nothing(site: Site, database: Database) -> None:
    database.sql("CREATE TABLE word AS SELECT 'then' AS text")
    site.run("backup", "database", "--name", "first")
    database.sql("UPDATE word SET text = 'now'")
    flip(site.snapshots / "first" / "database" / "default.pgdump.zst")

    failed = site.run("restore", "first", "--noinput", exit_code=1)

    assert "has digest" in failed.stderr
    assert database.sql("SELECT text FROM word") == "now"


def test_the_password_is_in_nothing_that_is_said_or_stored(site: Site, database: Database) -> None:
    database.sql("CREATE TABLE word AS SELECT 'then' AS text")

    said = [site.run("backup", "database", "--name", "first", "--verbosity", "3")]
    said.append(site.run("config"))
    said.append(site.run("restore", "first", "--noinput", "--verbosity", "3"))
    database.server.sql("postgres", f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
    said.append(site.run("backup", "database", exit_code=1))
    database.server.sql("postgres", f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")

    stored = (site.snapshots / "first" / "manifest.json").read_text()
    assert [text for done in said for text in (done.stdout, done.stderr, stored) if PASSWORD in text] == []
    assert "is not currently accepting connections" in said[-1].stderr


def test_a_stopped_server_is_told_in_a_sentence(site: Site, tmp_path: Path, database: Database) -> None:
    settings = {**database.settings(), "HOST": str(tmp_path)}
    stranded = make_site(tmp_path / "stranded", f"DATABASES = {{'default': {settings!r}}}")

    failed = stranded.run("backup", "database", exit_code=1)

    assert "Database 'default' cannot be dumped: the connection failed" in failed.stderr
