"""Every verb killed at random moments: what is listed is whole, each target is old or new, the next run works."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_killed import whole_snapshots
from tests.docs.pages import ROOT
from tests.site import Site, make_site
from tests.soak import sized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLS = sized(160, 800)
ATTEMPTS = 2
"""How many runs to start for each kill that is wanted, at the most: some end before they are killed."""
WEIGHTS = {"restore": 4, "backup": 2, "verify": 1, "prune": 1, "delete": 1}


class Killer:
    """A project, and the process that runs its verbs.

    Attributes:
        seconds: How long each verb takes, by the last run that came to its end; a little more with each kill since, so
            that a run that was too fast does not make all later kills come early.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.seconds: dict[str, float] = {}
        self.runner = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.killable", str(site.folder)],
            cwd=ROOT,
            env=site.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, kill_after_s: float | None = None) -> int:
        """Run a verb, kill it after so long, and return how it ended: a negative number when it was killed."""
        assert self.runner.stdin is not None
        assert self.runner.stdout is not None
        self.runner.stdin.write(json.dumps([kill_after_s, *arguments]) + "\n")
        self.runner.stdin.flush()
        code, seconds = self.runner.stdout.readline().split()
        if int(code) == 0:
            self.seconds[arguments[0]] = float(seconds)
        elif int(code) == -signal.SIGKILL:
            self.seconds[arguments[0]] *= 1.05
        return int(code)

    def close(self) -> None:
        assert self.runner.stdin is not None
        self.runner.stdin.close()
        self.runner.wait(timeout=60)
        assert self.runner.stdout is not None
        self.runner.stdout.close()


@pytest.fixture
def killer(tmp_path: Path) -> Iterator[Killer]:
    site = make_site(tmp_path / "site")
    site.execute("CREATE TABLE mark (number INTEGER, filler TEXT)")
    site.execute(
        "INSERT INTO mark WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 4000) "
        "SELECT 0, hex(randomblob(100)) FROM n"
    )
    for number in range(50):
        (site.media / f"{number}.bin").write_bytes(os.urandom(10_000))
    killer = Killer(site)
    yield killer
    killer.close()


def change(site: Site, number: int) -> None:
    site.execute(f"UPDATE mark SET number = {number}")
    for path in range(50):
        (site.media / f"{path}.txt").write_text(str(number))


def look(site: Site) -> tuple[int, int]:
    """Return the number that the whole database holds, and that the whole folder holds."""
    with closing(sqlite3.connect(site.database)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT DISTINCT number FROM mark").fetchall()
    texts = {(site.media / f"{path}.txt").read_text() for path in range(50)}
    assert (len(rows), len(texts)) == (1, 1), "neither old nor new"
    return rows[0][0], int(texts.pop())


def test_killed_at_any_moment_each_verb_leaves_old_or_new_and_the_next_run_works(killer: Killer) -> None:
    site, killed, names = killer.site, 0, {}
    for number in (1, 2):
        change(site, number)
        names[f"s{number}"] = number
        assert killer.run("backup", "--name", f"s{number}") == 0
        assert killer.run("pin", f"s{number}") == 0
    assert killer.run("restore", "s1", "--noinput") == 0
    assert killer.run("verify", "s1") == 0
    assert killer.run("prune", "--keep", "1") == 0
    killer.run("backup", "environment", "--name", "gone")
    assert killer.run("delete", "gone", "--noinput") == 0

    for attempt in range(ATTEMPTS * KILLS):
        verb = random.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
        before, wanted = look(site), attempt % 2 + 1
        arguments = {
            "restore": ["s1" if wanted == 1 else "s2", "--noinput"],
            "backup": ["--name", f"k{attempt}"],
            "verify": ["s1"],
            "prune": ["--keep", "1"],
            "delete": [*([*set(whole_snapshots(site)) - set(names)] or ["none"]), "--noinput"],
        }[verb]

        code = killer.run(verb, *arguments, kill_after_s=random.uniform(0, 1.05) * killer.seconds[verb])

        killed += code == -signal.SIGKILL
        assert code in {0, -signal.SIGKILL} or "none" in arguments, f"{verb} after a kill ended with {code}"
        assert set(names) <= set(whole_snapshots(site)), "what is pinned stays, and what is listed is whole"
        after = look(site)
        if verb == "restore":
            assert all(now in {old, wanted} for now, old in zip(after, before, strict=True))
            assert code != 0 or after == (wanted, wanted)
        else:
            assert after == before
        if killed == KILLS:
            break

    assert killed == KILLS, "the kills came too late to prove anything"
    assert killer.run("restore", "s2", "--noinput") == 0
    assert look(site) == (2, 2)
    assert killer.run("verify", "--all") == 0
