"""What a killed drill leaves on the server, and who removes it."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

from django.db import connections

from django_snapshots.connectors import MySQLConnector
from tests.connectors.drills import end, start
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.connectors.mysql.house import House

DRILL = """
import json, sys, time, django, pymysql
from django.conf import settings
pymysql.install_as_MySQLdb()
settings.configure(DATABASES={"default": json.load(sys.stdin)})
django.setup()
from django_snapshots.cli.session import ending_on_signals
from django_snapshots.connectors import MySQLConnector
with ending_on_signals(), MySQLConnector().scratch_database("default") as alias:
    if len(sys.argv) > 1:
        with open(sys.argv[1], "rb") as source, open(sys.argv[2]) as facts:
            staged = MySQLConnector().stage(alias, source, json.load(facts))
    print("made", flush=True)
    time.sleep(60)
"""
LOCKS = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{}'"


def start_drill(house: House, *arguments: str) -> subprocess.Popen[str]:
    """Return a process that has made its scratch database, restored into it what it is given, and then waits."""
    return start(DRILL, *arguments, database=house.server.settings(house.name, house.name), cwd=ROOT)


def drills(house: House) -> set[str]:
    return set(house.server.sql(f"SHOW DATABASES LIKE '{house.name}\\_snapshot\\_%'").splitlines())


def test_the_next_drill_drops_what_a_killed_one_left_and_nothing_of_one_at_work(house: House, tmp_path: Path) -> None:
    house.sql("CREATE TABLE word AS SELECT 'then' AS text")
    content, facts = house.dump()
    (tmp_path / "dump").write_bytes(content)
    (tmp_path / "facts").write_text(json.dumps(facts))
    similar = f"{house.name}_snapshot_drill_mine"
    house.server.sql(f"CREATE DATABASE {similar}")
    at_work = start_drill(house)
    kept = drills(house)
    connected = house.server.sql(LOCKS.format(house.name))
    killed = start_drill(house, str(tmp_path / "dump"), str(tmp_path / "facts"))
    left = drills(house) - kept
    end(killed, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while house.server.sql(LOCKS.format(house.name)) != connected:  # the server notices in its own time
        assert time.monotonic() < deadline

    with MySQLConnector().scratch_database(house.alias) as scratch:
        own = connections.settings[scratch]["NAME"]
        during = drills(house)

    after = drills(house)
    end(at_work, signal.SIGTERM)
    assert len(left) == 3, left  # the drill's own, and the two that its restore worked in
    assert during == kept | {own}
    assert after == kept
    assert len(kept) == 2
    assert drills(house) == {similar}
    house.server.sql(f"DROP DATABASE {similar}")
