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
