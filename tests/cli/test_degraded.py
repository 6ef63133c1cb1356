"""A snapshot that lacks something: it does not take the place of a whole one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.test_command import without_the_rights_of_root
from tests.site import Site, make_site

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site", 'SNAPSHOTS = {"PRUNE": {"KEEP": 1}}')


def back_up_in_part(site: Site, name: str, *options: str, exit_code: int = 3) -> str:
    """Back up while a folder of the media files cannot be read, and return what is said on standard error."""
    folder = site.media / "2026"
    mode = folder.stat().st_mode
    folder.chmod(0)
    try:
        arguments = ("backup", "--name", name, *options)
        return site.run(*arguments, exit_code=exit_code, preexec_fn=without_the_rights_of_root).stderr
    finally:
        folder.chmod(mode)


def test_a_backup_that_could_not_read_everything_does_not_push_out_the_last_whole_one(site: Site) -> None:
    site.run("backup", "--name", "sunday")
    back_up_in_part(site, "monday")

    back_up_in_part(site, "tuesday", "--prune")

    assert site.names() == ["tuesday", "sunday"]
    decisions = site.json("prune", "--dry-run")["decisions"]
    assert decisions[1] == {"name": "sunday", "action": "keep", "reasons": ["newest with all of media"]}


def test_a_backup_that_could_not_read_everything_does_not_replace_a_whole_one(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    before = {path: path.read_bytes() for path in site.snapshots.rglob("*") if path.is_file()}

    said = back_up_in_part(site, "nightly", "--overwrite", exit_code=1)

    assert "media could not be read as a whole: 2026" in said
    assert "Permission denied" in said
    assert "Snapshot 'nightly', which was to be replaced, holds all of it and is still there." in said
    assert "under another name with --name." in said
    assert {path: path.read_bytes() for path in site.snapshots.rglob("*") if path.is_file()} == before


def test_what_could_not_be_read_is_said_wherever_one_looks_at_the_snapshot(site: Site) -> None:
    back_up_in_part(site, "monday")
    missing = "2026 could not be read (Permission denied); it is missing with all it holds"

    info, verified = site.run("info", "monday").stdout, site.run("verify", "monday").stdout
    health, listed = site.run("health", exit_code=1).stdout, site.run("list").stdout

    assert "complete, lacks some" in listed
    assert "monday: some of media could not be read when it was made, see `info`." in listed
    assert f"LACKING    media: {missing}" in info
    assert "monday: whole (level 2" in verified
    assert f"  note: media: Not all of it could be read when it was made: {missing}" in verified
    assert f"content: warning: 'monday' does not hold all of media: {missing}." in health


def test_the_plan_of_a_restore_says_what_the_snapshot_lacks(site: Site) -> None:
    back_up_in_part(site, "monday")

    plan = site.run("restore", "latest", "media", "--dry-run")
    document = site.json("restore", "latest", "--dry-run")

    assert "    NOT ALL OF IT is in the snapshot: 2026 could not be read" in plan.stdout + plan.stderr
    problems = {one["artifact"]: one["problems"] for one in document["replaces"]}
    assert problems["database/default"] == []
    assert problems["media"][0].startswith("2026 could not be read")
