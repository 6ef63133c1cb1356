"""Two runs at once: one works, the other ends with exit code 5 and says who is at work."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.site import Site, make_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = """\
import os

SNAPSHOTS = {
    "STORAGE": {
        "BACKEND": "django_snapshots.storage.LocalFileSystemBackend",
        "OPTIONS": {"location": os.environ.get("STORE", BASE_DIR / "snapshots")},
    },
    "ARTIFACTS": {"gate": {"BACKEND": "gate.Gate"}},
}
"""
GATE = """\
import time
from pathlib import Path

OPEN = Path(__file__).parent / "open"
REACHED = Path(__file__).parent / "reached"


class Gate:
    suffix = "bin"

    def dump(self, sink):
        sink.write(b"gate")
        wait()
        return {}

    def stage(self, source, facts):
        source.read()
        wait()
        return self

    def commit(self):
        pass

    def discard(self):
        pass

    def restore(self, source, facts):
        pass


def wait():
    REACHED.touch()
    while not OPEN.exists():
        time.sleep(0.02)
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = make_site(tmp_path / "site", SETTINGS)
    (site.folder / "gate.py").write_text(GATE)
    (site.folder / "open").touch()
    return site


@contextmanager
def at_the_gate(site: Site, *arguments: str) -> Iterator[None]:
    """Hold a run in its middle for the time of the block; it has to end well afterwards."""
    (site.folder / "open").unlink()
    (site.folder / "reached").unlink(missing_ok=True)
    process = site.start(*arguments)
    while not (site.folder / "reached").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    yield
    (site.folder / "open").touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err


def test_while_a_backup_runs_nothing_else_writes_and_everybody_may_look(site: Site) -> None:
    site.run("backup", "--name", "first")

    with at_the_gate(site, "backup", "gate", "--name", "second"):
        for arguments in (
            ["backup"],
            ["restore", "first", "--noinput"],
            ["delete", "first", "--noinput"],
            ["prune", "--keep", "1"],
        ):
            refused = site.run(*arguments, exit_code=5)
            assert "Busy: the storage is in use by backup (process " in refused.stderr
        assert site.names() == ["first"]
        site.run("info", "first")
        site.run("restore", "first", "--dry-run")
        site.run("prune", "--keep", "1", "--dry-run")
        document = site.json("backup", exit_code=5)
        assert document["error"]["type"] == "SnapshotBusyError"

    assert site.names() == ["second", "first"]
    site.run("delete", "first", "--noinput")


def test_a_restore_keeps_away_runs_that_use_another_storage(site: Site, tmp_path: Path) -> None:
    elsewhere = {"STORE": str(tmp_path / "elsewhere")}
    site.run("backup", "media", "gate", "--name", "here")
    site.run("backup", "--name", "there", env=elsewhere)

    with at_the_gate(site, "restore", "here", "--noinput"):
        for arguments in (["restore", "there", "media", "--noinput"], ["backup", "media"]):
            refused = site.run(*arguments, exit_code=5, env=elsewhere)
            assert "Busy: media is in use by restore (process " in refused.stderr
        site.run("restore", "there", "database", "--noinput", env=elsewhere)

    site.run("restore", "there", "media", "--noinput", env=elsewhere)


def test_of_two_backups_of_one_name_one_is_made_and_the_other_is_busy_or_finds_the_name_taken(site: Site) -> None:
    for attempt in range(3):
        name = f"same-{attempt}"
        processes = [site.start("backup", "--name", name) for _ in range(2)]
        ended = sorted((process.communicate(timeout=60)[1], process.returncode) for process in processes)

        codes = sorted(code for _, code in ended)
        assert codes[0] == 0, ended
        assert codes[1] in {1, 5}, ended
        assert codes[1] == 5 or any("exists already" in text for text, _ in ended)
        site.run("restore", name, "--noinput")


def test_a_killed_backup_does_not_block_the_next_one(site: Site) -> None:
    (site.folder / "open").unlink()
    process = site.start("backup", "gate")
    while not (site.folder / "reached").exists():
        time.sleep(0.02)
    process.kill()
    process.communicate()
    (site.folder / "open").touch()
    assert list((site.snapshots / ".locks").iterdir())

    site.run("backup", "--name", "next")

    assert not (site.snapshots / ".locks").exists()
