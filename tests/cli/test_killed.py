"""The backup process killed at random moments: what `list` shows is whole, what was there stays as it was."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from django_snapshots.codecs import Zstd
from django_snapshots.digests import digest_of
from django_snapshots.engine.catalog import list_snapshots
from django_snapshots.engine.restore import plan_restore, verify_stored
from django_snapshots.storage import LocalFileSystemBackend
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import BytesArtifact
from tests.site import Site, make_site
from tests.trees import tree_digest

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 50
ATTEMPTS = 4
"""How many runs to start for each kill that is wanted, at the most: some end before they are killed."""

TRIED = (b"", b"blat")
"""What is in the file that Python's tempfile makes and removes at once, to see whether it may use a directory."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = make_site(tmp_path_factory.mktemp("killed") / "site")
    site.execute(
        "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<60000) "
        "SELECT i, hex(randomblob(200)) AS text FROM n"
    )
    for number in range(300):
        (site.media / f"{number}.bin").write_bytes(os.urandom(50_000))
    return site


def stored(site: Site) -> dict[str, str]:
    """Return the listed snapshots with a digest of all files of each."""
    digests = {}
    for snapshot in list_snapshots(GuardedStorage(LocalFileSystemBackend(site.snapshots))):
        folder, archive = site.snapshots / snapshot.name, site.snapshots / f"{snapshot.name}.tar"
        digests[snapshot.name] = digest_of(archive.read_bytes()) if archive.exists() else tree_digest(folder)
    return digests


def whole_snapshots(site: Site) -> list[str]:
    """Return the names of the listed snapshots after proving every byte of each."""
    storage = GuardedStorage(LocalFileSystemBackend(site.snapshots))
    names = []
    for snapshot in list_snapshots(storage):
        artifacts = {record.name: BytesArtifact(b"") for record in snapshot.require_manifest().artifacts}
        verify_stored(storage, plan_restore(snapshot, artifacts, codecs=[Zstd()]))
        assert snapshot.status == "complete"
        names.append(snapshot.name)
    return names


def backup_seconds(site: Site) -> float:
    started = time.monotonic()
    site.run("backup", "--name", "first")
    return time.monotonic() - started


def kill_after(process: subprocess.Popen[str], seconds: float) -> float | None:
    """Kill a process after so long, and return None; or how long it took, where it came to its end before."""
    started = time.monotonic()
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    lasted_s = time.monotonic() - started
    process.communicate()
    return lasted_s if process.returncode == 0 else None


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
def test_a_backup_killed_at_any_moment_shows_nothing_that_is_not_whole(
    site: Site, tmp_path: Path, snapshot_format: str
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    duration = backup_seconds(site) if not (site.snapshots / "first").exists() else 1.5
    killed = 0
    for attempt in range(ATTEMPTS * KILLS // 2):
        earlier = stored(site)
        name = f"{snapshot_format}-{attempt}"
        process = site.start("backup", "--name", name, "--format", snapshot_format, env={"TMPDIR": str(temporary)})
        ended_after = kill_after(process, random.uniform(0.15, 1.0) * duration)
        killed += ended_after is None
        # A little later each time, so that one run that was too fast does not make all later kills come early.
        duration = ended_after or 1.05 * duration

        assert process.returncode == (-signal.SIGKILL if ended_after is None else 0)
        assert {"first", *earlier} <= set(whole_snapshots(site))
        assert earlier.items() <= stored(site).items(), "earlier snapshots are byte-identical"
        if killed == KILLS // 2:
            break

    assert killed == KILLS // 2, "the kills came too late to prove anything"
    site.run("backup", "--name", f"{snapshot_format}-last", "--format", snapshot_format, env={"TMPDIR": str(temporary)})
    assert f"{snapshot_format}-last" in whole_snapshots(site)
    # One killed within the microsecond before its lock exists leaves an empty folder, which is swept a minute later.
    left = [path for path in temporary.rglob("*") if path.is_file() and path.name != ".lock.new"]
    left = [path for path in left if path.parent != temporary or path.read_bytes() not in TRIED]
    assert left == [], "the next run sweeps what killed ones left in the temporary directory"


def test_an_overwrite_killed_at_any_moment_leaves_the_old_snapshot_or_the_new(site: Site) -> None:
    duration = 1.2
    site.run("backup", "--name", "same", "--overwrite")
    for _ in range(10):
        process = site.start("backup", "--name", "same", "--overwrite")
        time.sleep(random.uniform(0.3, 1.0) * duration)
        process.kill()
        process.communicate()

        assert "same" in whole_snapshots(site)
    site.run("backup", "--name", "same", "--overwrite")
    assert sorted(path.name for path in (site.snapshots / "same").iterdir() if path.is_file())[1:2] == ["manifest.json"]
