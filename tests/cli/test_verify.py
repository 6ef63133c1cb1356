"""`verify` as people and cron run it: exit codes, what is said, what `list` and `info` show of it afterwards."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.damage import flip
from tests.site import Site, make_site
from tests.trees import tree_digest

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = "database/default.sqlite3.zst"

AWAY = """\
class Away:
    def read(self, path):
        raise ConnectionError("no route to host")

    def list(self, prefix):
        raise ConnectionError("no route to host")

    def exists(self, path):
        raise ConnectionError("no route to host")

    def write(self, path, content):
        raise ConnectionError("no route to host")

    def delete(self, path):
        raise ConnectionError("no route to host")
"""


def test_a_whole_snapshot_is_said_to_be_and_shown_so_afterwards(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    assert "Verified   never" in site.run("info", "nightly").stdout
    before = (site.database.read_bytes(), tree_digest(site.media))

    said = site.run("verify").stdout

    assert "nightly: whole (level 2, stored bytes proved, decoded and parsed; artifacts: 3)" in said
    assert (site.database.read_bytes(), tree_digest(site.media)) == before
    [listed] = site.json("list")["snapshots"]
    assert listed["verified"] == listed["verification"]["at"]
    assert listed["verification"]["level"] == 2
    assert "ago, level 2" in site.run("list").stdout
    assert ": found whole" in site.run("info", "nightly").stdout


def test_a_drill_restores_everything_and_leaves_everything(site: Site, tmp_path: Path) -> None:
    site.run("backup", "--name", "nightly")
    before = (site.database.read_bytes(), tree_digest(site.media))
    (tmp_path / "scratch").mkdir()

    said = site.run("verify", "--deep", env={"TMPDIR": str(tmp_path / "scratch")}).stdout

    assert "nightly: whole (level 3," in said
    assert (site.database.read_bytes(), tree_digest(site.media)) == before
    assert list((tmp_path / "scratch").iterdir()) == []
    assert site.json("list")["snapshots"][0]["verification"]["level"] == 3


def test_damage_is_all_said_with_exit_4_and_shown_afterwards(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    site.run("backup", "--name", "other", "--format", "archive")
    flip(site.snapshots / "nightly" / DATABASE, at=0.75)
    (site.snapshots / "nightly" / "media.tar.zst").unlink()
    flip(site.snapshots / "other.tar", at=0.75)

    ended = site.run("verify", "--all", exit_code=4)
    document = site.json("verify", "--all", exit_code=4)

    assert "nightly: DAMAGED" in ended.stdout
    assert f"{DATABASE} of 'nightly' has digest" in ended.stdout
    assert "media.tar.zst of 'nightly' is missing" in ended.stdout
    assert "Damaged: other, nightly." in ended.stderr
    assert [(one["name"], one["ok"]) for one in document["snapshots"]] == [("other", False), ("nightly", False)]
    assert [one["artifact"] for one in document["snapshots"][1]["problems"]] == ["database/default", "media"]
    [_, listed] = site.json("list")["snapshots"]
    assert (listed["verified"], listed["verification"]["ok"]) == (None, False)
    assert "FAILED" in site.run("list").stdout
    assert "FAILED, problems: 2" in site.run("info", "nightly").stdout


def test_a_host_that_may_not_restore_may_verify(site: Site) -> None:
    site.run("backup")

    site.run("verify", env={"SNAPSHOTS_ALLOW_RESTORE": "false"})


def test_a_storage_without_snapshots_is_an_error_and_no_success(site: Site) -> None:
    assert "nothing to verify" in site.run("verify", exit_code=1).stderr
    assert "nothing to verify" in site.run("verify", "--all", exit_code=1).stderr


def test_an_unknown_name_is_an_error(site: Site) -> None:
    site.run("backup", "--name", "nightly")

    assert "Did you mean 'nightly'?" in site.run("verify", "nihgtly", exit_code=1).stderr


def test_with_verbosity_0_the_damage_is_said_with_its_place_and_nothing_else(site: Site) -> None:
    site.run("backup", "--name", "whole")
    site.run("backup", "--name", "torn")
    flip(site.snapshots / "torn" / DATABASE)

    done = site.run("verify", "--all", "--verbosity", "0", exit_code=4)

    assert done.stdout == ""
    assert "CommandError: Damaged: torn." in done.stderr
    assert "torn: DAMAGED" in done.stderr
    assert "  database/default: " in done.stderr
    assert "whole: " not in done.stderr


def test_a_storage_that_cannot_be_reached_is_an_error_and_no_damage(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"STORAGE": {"BACKEND": "away.Away", "OPTIONS": {}}}')
    (site.folder / "away.py").write_text(AWAY)

    assert "no route to host" in site.run("verify", "--all", exit_code=1).stderr
    assert site.json("verify", exit_code=1)["error"]["type"] == "SnapshotStorageError"


@pytest.mark.parametrize("share", ["0", "-5", "101", "some"])
def test_a_share_that_is_none_is_wrong_usage(site: Site, share: str) -> None:
    site.run("verify", f"--sample={share}", exit_code=2)


def test_a_script_gets_what_was_found(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    flip(site.snapshots / "nightly" / DATABASE, at=0.75)
    script = (
        "import django; django.setup()\n"
        "from django_snapshots import verify_snapshots\n"
        "[found] = verify_snapshots(['latest'])\n"
        "print(found.recorded, found.verification.ok, [one.artifact for one in found.verification.problems])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=site.folder,
        env=site.environment(DJANGO_SETTINGS_MODULE="site_settings"),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "True False ['database/default']\n"


def test_a_sample_says_what_it_looked_at(site: Site) -> None:
    site.run("backup", "--name", "nightly")

    [found] = site.json("verify", "--sample", "34%")["snapshots"]

    assert (len(found["artifacts"]), found["ok"], found["recorded"]) == (2, True, False)
    assert "artifacts: 1 of 3)" in site.run("verify", "--sample", "1").stdout


def test_a_snapshot_of_a_database_that_is_gone_is_parsed_all_the_same(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    settings = (site.folder / "site_settings.py").read_text()
    shutil.move(site.media, site.folder / "elsewhere")
    (site.folder / "site_settings.py").write_text(
        f"{settings}\nMEDIA_ROOT = ''\nDATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', "
        "'NAME': ':memory:'}}\nSNAPSHOTS = {'DATABASE_CONNECTORS': {'default': 'dumpdata'}}\n"
    )

    [found] = site.json("verify")["snapshots"]

    assert (found["ok"], found["level"], found["notes"]) == (True, 2, [])
