"""Backup and restore of PostgreSQL killed at random moments: what is listed is whole, the database is old or new."""

from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_killed import whole_snapshots
from tests.cli.test_killed_anywhere import ATTEMPTS, Killer
from tests.site import make_site
from tests.soak import sized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.connectors.postgres.databases import Database

KILLS = sized(44, 220)
SCHEMA = """
CREATE TABLE mark AS SELECT i AS id, 0 AS number, md5(i::text) || md5(random()::text) AS filler
    FROM generate_series(1, 20000) i;
ALTER TABLE mark ADD PRIMARY KEY (id);
CREATE INDEX ON mark (filler);
"""
CHANGE = """
UPDATE mark SET number = {number};
DROP TABLE IF EXISTS only_1, only_2;
CREATE TABLE only_{number} AS SELECT id, filler FROM mark LIMIT 1000;
"""
LOOK = """
SELECT DISTINCT 'number ' || number FROM mark
UNION ALL SELECT 'rows ' || count(*) FROM mark
UNION ALL SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
UNION ALL SELECT relname FROM pg_class JOIN pg_index ON indexrelid = oid AND indisvalid
    WHERE relnamespace = 'public'::regnamespace
"""
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
"""Sessions of what was killed, whose transaction the server has not ended yet."""


@pytest.fixture
def killer(database: Database, tmp_path: Path) -> Iterator[Killer]:
    killer = Killer(make_site(tmp_path / "site", f"DATABASES = {{'default': {database.settings()!r}}}"))
    database.sql(SCHEMA)
    yield killer
    killer.close()


def look(database: Database) -> int:
    """Return the number that the whole database holds, once the server has noticed that the other side is gone."""
    end = time.monotonic() + 30
    while database.sql(OTHERS, role="postgres") != "0":
        assert time.monotonic() < end, "the session of a killed run does not end"
        time.sleep(0.02)
    found = set(database.sql(LOOK).splitlines())
    [number] = [number for number in (1, 2) if f"number {number}" in found] or [0]
    assert found == {
        *(f"number {number}", "rows 20000", "mark", f"only_{number}", "mark_pkey", "mark_filler_idx"),
    }, "neither old nor new"
    return number


def test_killed_at_any_moment_backup_and_restore_leave_old_or_new_and_the_next_run_works(
    killer: Killer, database: Database
) -> None:
    site, killed = killer.site, 0
    for number in (1, 2):
        database.sql(CHANGE.format(number=number))
        assert killer.run("backup", "database", "--name", f"s{number}") == 0
    assert killer.run("restore", "s1", "--noinput") == 0

    for attempt in range(ATTEMPTS * KILLS):
        before, wanted = look(database), attempt % 2 + 1
        verb = random.choice(["backup", "restore", "restore"])
        arguments = ["database", "--name", f"k{attempt}"] if verb == "backup" else [f"s{wanted}", "--noinput"]

        code = killer.run(verb, *arguments, kill_after_s=random.uniform(0, 1.05) * killer.seconds[verb])

        killed += code == -signal.SIGKILL
        assert code in {0, -signal.SIGKILL}, f"{verb} after a kill ended with {code}"
        assert {"s1", "s2"} <= set(whole_snapshots(site)), "what is listed is whole"
        after = look(database)
        assert after in ({before, wanted} if verb == "restore" else {before})
        assert code != 0 or verb == "backup" or after == wanted
        if killed == KILLS:
            break

    assert killed == KILLS, "the kills came too late to prove anything"
    assert killer.run("restore", "s2", "--noinput") == 0
    assert look(database) == 2
    assert killer.run("backup", "database", "--name", "last") == 0
    assert killer.run("verify", "--all") == 0
