"""A restore that is killed, or runs into a full disk, in the middle of replacing the live database."""

from __future__ import annotations

import io
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import pytest

from django_snapshots.connectors import SQLiteConnector
from tests.connectors.sqlite.files import execute, make_notes, notes, pragma, sidecars
from tests.connectors.sqlite.visitor import Visitor

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 4000
TEXT = "x" * 2000

# Restores argv[2] with the facts argv[3] over the database argv[1]; says "commit" when it begins to replace.
RESTORE = """
import json, sys
import django
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}})
django.setup()
from django_snapshots.connectors import SQLiteConnector
from django_snapshots.errors import SnapshotConnectorError

with open(sys.argv[2], "rb") as source:
    staged = SQLiteConnector().stage("default", source, json.loads(sys.argv[3]))
print("commit", flush=True)
try:
    staged.commit()
except SnapshotConnectorError as error:
    print(error, flush=True)
    sys.exit(1)
print("done", flush=True)
"""


@pytest.fixture(params=["delete", "wal"])
def command(request: pytest.FixtureRequest, live: Path, tmp_path: Path) -> list[str]:
    """The command that restores; the live database has rows "old…", the dump "new…"."""
    setup = f"PRAGMA journal_mode={request.param}"
    make_notes(live, ROWS, setup, text="new" + TEXT)
    sink = io.BytesIO()
    facts = SQLiteConnector().dump("live", sink)
    (tmp_path / "dump").write_bytes(sink.getvalue())
    live.unlink()
    make_notes(live, ROWS // 2, setup, text="old" + TEXT)
    return [sys.executable, "-c", RESTORE, str(live), str(tmp_path / "dump"), json.dumps(facts)]


def state(live: Path) -> str:
    """Return "old" or "new", or what else is in the database."""
    found = {text[:3]: count for text, count in notes(live).items()}
    return {str({"old": ROWS // 2}): "old", str({"new": ROWS}): "new"}.get(str(found), f"mixed: {found}")


def back_to_old(live: Path) -> None:
    execute(live, "DELETE FROM note")
    execute(
        live,
        f"""
        WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < {ROWS // 2})
        INSERT INTO note (text) SELECT 'old{TEXT}' FROM counter
    """,
    )


def commit_duration_s(command: list[str]) -> float:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "commit\n"
        started = time.monotonic()
        assert process.stdout.readline() == "done\n"
        return time.monotonic() - started


def test_a_restore_killed_at_any_moment_leaves_the_old_database_or_the_new_one(live: Path, command: list[str]) -> None:
    duration_s = commit_duration_s(command)
    generator = random.Random()
    states: list[str] = []
    journals = 0

    for _ in range(15):
        back_to_old(live)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "commit\n"
            time.sleep(generator.uniform(0, duration_s))
            process.send_signal(signal.SIGKILL)
        journals += any(live.with_name(live.name + suffix).exists() for suffix in ("-journal", "-wal"))
        states.append(state(live))
        assert pragma(live, "integrity_check") == "ok"

    assert set(states) <= {"old", "new"}
    assert journals >= 5, f"too few were killed while they wrote: {journals} of 15, {states}"


def test_a_restore_killed_while_another_process_is_connected_leaves_old_or_new(live: Path, command: list[str]) -> None:
    duration_s = commit_duration_s(command)
    back_to_old(live)
    with Visitor(live) as other:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "commit\n"
            time.sleep(duration_s / 2)
            process.send_signal(signal.SIGKILL)

        seen = other.ask("SELECT substr(text, 1, 3), count(*) FROM note GROUP BY 1")
        assert seen in ([["old", ROWS // 2]], [["new", ROWS]])
        assert other.ask("PRAGMA integrity_check") == [["ok"]]


def test_the_copy_of_a_killed_restore_is_removed_by_the_next(live: Path, command: list[str]) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "commit\n"
        process.send_signal(signal.SIGKILL)
    assert any(name.startswith(".django-snapshots-") for name in sidecars(live))

    commit_duration_s(command)

    assert sidecars(live) == []
    assert state(live) == "new"


def test_a_dump_onto_a_full_disk_says_where_its_copy_is_made(live: Path, command: list[str]) -> None:
    program = RESTORE.partition("with open")[0] + (
        "import io\ntry:\n    SQLiteConnector().dump('default', io.BytesIO())\n"
        "except SnapshotConnectorError as error:\n    print(error)\n    sys.exit(1)\n"
    )
    limit_bytes = live.stat().st_size // 2

    def limit_file_size() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    arguments = [sys.executable, "-c", program, str(live)]
    done = subprocess.run(arguments, capture_output=True, text=True, preexec_fn=limit_file_size, check=False)

    assert done.returncode == 1, done.stdout + done.stderr
    place = tempfile.gettempdir()
    assert f"Database 'default' ({live}) could not be copied to {place}: the disk is full" in done.stdout
    assert "No dump was made." in done.stdout
    assert state(live) == "old"


def test_a_disk_that_is_full_in_the_middle_of_the_replacement_changes_nothing(live: Path, command: list[str]) -> None:
    # Room for the copy, but not for the journal or the WAL, which hold the same pages with a few bytes for each.
    size_bytes = json.loads(command[-1])["size_bytes"]
    limit_bytes = size_bytes + 8192

    def limit_file_size() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    execute(live, "CREATE TABLE filler (data)", f"INSERT INTO filler VALUES (zeroblob({size_bytes}))")
    before = state(live)
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit_file_size, check=False)

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Database 'default' ({live}) could not be replaced: the disk is full" in done.stdout
    assert "The database is as before." in done.stdout
    assert before == state(live) == "old"
    assert pragma(live, "integrity_check") == "ok"
    assert sidecars(live) == []
