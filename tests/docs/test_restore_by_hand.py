"""how-to/restore-by-hand.md, with the real tools: no Django and none of our code touches the snapshot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.damage import flip
from tests.docs.garden import COVER
from tests.docs.pages import Fence, fences_of
from tests.docs.terminal import Terminal, commands_of
from tests.programs import require_program
from tests.trees import tree_digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.garden import Garden

PAGE = "how-to/restore-by-hand.md"

KILLED_WHILE_IT_WRITES = """
import os, signal, sqlite3
database = sqlite3.connect("db.sqlite3", isolation_level=None)
database.execute("DELETE FROM ledger WHERE id % 3")
database.execute("VACUUM")
database.execute("PRAGMA cache_size = 5")
database.execute("BEGIN")
database.execute("UPDATE ledger SET note = zeroblob(150)")
os.kill(os.getpid(), signal.SIGKILL)
"""
"""A process of the site that dies in a transaction: it leaves a rollback journal, which the next reader plays back."""


def blocks(heading: str) -> list[Fence]:
    found = [fence for fence in fences_of(PAGE) if fence.heading == heading and fence.language == "console"]
    assert found, heading
    return found


@pytest.fixture
def tools() -> None:
    for program in ("zstd", "gzip", "tar", "sqlite3"):
        require_program(program)


@pytest.fixture
def garden(planted_garden: Garden, tmp_path: Path) -> Garden:
    garden = planted_garden.copy(tmp_path)
    location = tmp_path / "snapshots"
    garden.append(
        "settings.py",
        'SNAPSHOTS = {"STORAGE": {"BACKEND": "django_snapshots.storage.LocalFileSystemBackend", '
        f'"OPTIONS": {{"location": "{location}"}}}}}}\n',
    )
    return garden


@pytest.fixture
def terminal(garden: Garden, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, {"/var/backups": str(tmp_path), "/srv/site": str(garden.folder)})


def restore_by_hand(garden: Garden, terminal: Terminal, get_files: Fence) -> None:
    """Type the page from getting the files to the end, for a snapshot compressed with zstd."""
    sqlite = blocks("A SQLite database")[0]
    media = blocks("Media, or another folder")
    for fence in [get_files, *blocks("Prove them"), sqlite, *media, *blocks("The environment")]:
        terminal.run(fence)


@pytest.mark.usefixtures("tools")
def test_a_snapshot_in_directory_format_is_restored_by_hand(garden: Garden, terminal: Terminal) -> None:
    garden.manage("snapshots", "backup", "--name", "nightly-14")
    before, tree = garden.state(), tree_digest(garden.folder / "media")
    garden.destroy()

    restore_by_hand(garden, terminal, blocks("Get the files")[0])

    assert garden.state() == before
    assert tree_digest(garden.folder / "media") == tree
    assert (garden.folder / "cover.jpg").read_text() == COVER


@pytest.mark.usefixtures("tools")
def test_the_database_gets_the_owner_and_the_mode_of_the_old_one(garden: Garden, terminal: Terminal) -> None:
    garden.manage("snapshots", "backup", "--name", "nightly-14")
    database = garden.folder / "db.sqlite3"
    database.chmod(0o660)
    if os.geteuid() == 0:
        os.chown(database, 12345, 23456)
    before = database.stat()

    terminal.run(blocks("Get the files")[0])
    terminal.run(blocks("A SQLite database")[0])

    after = database.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


@pytest.mark.usefixtures("tools")
def test_a_snapshot_in_archive_format_is_restored_by_hand(garden: Garden, terminal: Terminal) -> None:
    garden.manage("snapshots", "backup", "--name", "nightly-15", "--format", "archive")
    before, tree = garden.state(), tree_digest(garden.folder / "media")
    garden.destroy()

    restore_by_hand(garden, terminal, blocks("Get the files")[1])

    assert garden.state() == before
    assert tree_digest(garden.folder / "media") == tree


@pytest.mark.usefixtures("tools")
def test_a_database_compressed_with_gzip_is_restored_by_hand(garden: Garden, terminal: Terminal) -> None:
    garden.append("settings.py", 'SNAPSHOTS["COMPRESSION"] = {"BACKEND": "django_snapshots.codecs.Gzip"}\n')
    garden.manage("snapshots", "backup", "--name", "nightly-14")
    users = garden.state()["users"]
    garden.destroy()
    zstd, gzip, wal = blocks("A SQLite database")

    terminal.run(blocks("Get the files")[0])
    terminal.run(gzip)
    for command, _ in commands_of(zstd)[1:]:
        terminal.type(command)
    terminal.run(wal)

    assert garden.state()["users"] == users


@pytest.mark.usefixtures("tools")
def test_the_journal_of_a_killed_process_does_not_reach_the_restored_database(
    garden: Garden, terminal: Terminal
) -> None:
    rows = ((number, f"note {number} " * 8) for number in range(5_000))
    with garden.database() as database:
        database.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY, note TEXT)")
        database.executemany("INSERT INTO ledger VALUES (?, ?)", rows)
    garden.manage("snapshots", "backup", "--name", "nightly-14")
    before = garden.state()
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_IT_WRITES], cwd=garden.folder, check=False)
    assert killed.returncode == -signal.SIGKILL
    journal = (garden.folder / "db.sqlite3-journal").read_bytes()
    assert len(journal) > 100_000

    restore_by_hand(garden, terminal, blocks("Get the files")[0])

    with garden.database() as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM ledger").fetchone() == (5_000,)
    assert garden.state() == before
    assert (garden.folder / "db.old/db.sqlite3-journal").read_bytes() == journal


@pytest.mark.usefixtures("tools")
def test_proving_by_hand_finds_a_flipped_bit(garden: Garden, terminal: Terminal, tmp_path: Path) -> None:
    garden.manage("snapshots", "backup", "--name", "nightly-14")
    flip(tmp_path / "snapshots/nightly-14/media.tar.zst")
    terminal.run(blocks("Get the files")[0])

    with pytest.raises(AssertionError, match=r"media\.tar\.zst: FAILED"):
        terminal.run(blocks("Prove them")[0])
