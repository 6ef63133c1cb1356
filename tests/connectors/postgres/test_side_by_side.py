"""A project with SQLite, PostgreSQL and media, dumped side by side: all of it, or nothing."""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.servers.postgres import PASSWORD
from tests.site import Site, make_site
from tests.trees import tree_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.postgres.databases import Database

SETTINGS = """
DATABASES["first"] = {first!r}
DATABASES["second"] = {second!r}
SNAPSHOTS = {{"JOBS": 4}}
"""
ARTIFACTS = ["database/default", "database/first", "database/second", "media"]
WORDS = "CREATE TABLE word AS SELECT i, md5(i::text) AS text FROM generate_series(1, 30000) i"


@pytest.fixture
def databases(make_database: Callable[..., Database]) -> list[Database]:
    made = [make_database(), make_database()]
    for database in made:
        database.sql(WORDS)
    return made


@pytest.fixture
def site(databases: list[Database], tmp_path: Path) -> Site:
    first, second = (database.settings() for database in databases)
    site = make_site(tmp_path / "site", SETTINGS.format(first=first, second=second))
    for number in range(30):
        (site.media / f"{number}.bin").write_bytes(os.urandom(100_000))
    return site


def locked(database: Database) -> psycopg.Connection[Any]:
    """Return a connection that holds the table, so that a dump waits."""
    connection = psycopg.connect(
        dbname=database.name,
        user=database.role,
        password=PASSWORD,
        host=database.server.socket_directory,
        port=database.server.port,
    )
    connection.execute("LOCK TABLE word IN ACCESS EXCLUSIVE MODE")
    return connection


def dumps_of(databases: list[Database]) -> list[str]:
    """Return the command line of each pg_dump at work on one of the databases."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "pg_dump" in command and any(database.name in command for database in databases):
            found.append(command)
    return found


def wait_for(condition: Callable[[], object], within_s: float = 30) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_everything_comes_back_that_was_dumped_side_by_side(site: Site, databases: list[Database]) -> None:
    states, media, rows = [database.state() for database in databases], tree_digest(site.media), site.rows()

    site.run("backup", "database", "media", "--name", "first")
    for database in databases:
        database.sql("DELETE FROM word WHERE i > 10; CREATE TABLE later (i int)")
    site.execute("DELETE FROM note")
    (site.media / "3.bin").unlink()
    site.run("restore", "first", "--noinput")

    assert [artifact["name"] for artifact in site.json("info", "first")["artifacts"]] == ARTIFACTS
    assert [database.state() for database in databases] == states
    assert (tree_digest(site.media), site.rows()) == (media, rows)


def test_both_databases_are_dumped_at_the_same_time(site: Site, databases: list[Database]) -> None:
    with closing(locked(databases[0])), closing(locked(databases[1])):
        process = site.start("backup", "database", "--name", "first")
        wait_for(lambda: len(dumps_of(databases)) == 2)
    process.communicate(timeout=60)

    assert process.returncode == 0


def test_one_that_fails_ends_the_others_and_nothing_is_published(site: Site, databases: list[Database]) -> None:
    site.run("backup", "--name", "earlier")
    before = tree_digest(site.snapshots)
    databases[1].sql("CREATE TABLE theirs (i int)", role="postgres")  # the role may not read it
    started = time.monotonic()

    with closing(locked(databases[0])):  # waits, until it is told to end
        failed = site.run("backup", "--name", "next", exit_code=1)

    assert time.monotonic() - started < 20, "the lock would have been waited for for 30 seconds"
    assert "permission denied for table theirs" in failed.stderr
    assert "No snapshot was made" in failed.stderr
    assert dumps_of(databases) == []
    assert site.names() == ["earlier"]
    assert tree_digest(site.snapshots) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_backup_that_is_ended_leaves_no_program_and_no_snapshot(
    site: Site, databases: list[Database], number: signal.Signals, tmp_path: Path
) -> None:
    site.run("backup", "--name", "earlier")
    before = tree_digest(site.snapshots / "earlier")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with closing(locked(databases[0])):
        process = site.start("backup", "--name", "next", env={"TMPDIR": str(temporary)})
        wait_for(lambda: dumps_of(databases[:1]))
        process.send_signal(number)
        _, err = process.communicate(timeout=20)

    assert process.returncode == (128 + number if number == signal.SIGTERM else -number), err
    wait_for(lambda: dumps_of(databases) == [])  # a killed one's loses its pipe, and with the lock it goes on
    assert site.names() == ["earlier"]
    assert tree_digest(site.snapshots / "earlier") == before
    if number == signal.SIGTERM:
        assert list(temporary.iterdir()) == []
    site.run("backup", "--name", "after")


def test_in_a_transaction_all_is_dumped_by_the_thread_that_holds_it(site: Site) -> None:
    """Where dumpdata would otherwise not see, nor refuse, what is not committed."""
    script = (
        "from django.db import connection, transaction\n"
        "from django_snapshots import create_snapshot\n"
        "try:\n"
        "    with transaction.atomic():\n"
        "        create_snapshot(['database/default', 'media'], name='inside')\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    settings = site.folder / "site_settings.py"
    settings.write_text(settings.read_text() + 'SNAPSHOTS["DATABASE_CONNECTORS"] = {"default": "dumpdata"}\n')

    said = site.python(script)

    assert "cannot be dumped or restored inside transaction.atomic()" in said
