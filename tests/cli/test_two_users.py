"""A storage that belongs to the site's user, and a command that was run as root once."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.permissions import let_others_enter
from tests.site import Site, make_site

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; CI runs as root")

NOBODY = 65534
WARM_UP = ("backup media --name warm-up", "verify", "pin warm-up", "unpin warm-up", "prune --keep 9", "list")
"""Run as root first: what they import may be readable by root only."""
AS_NOBODY = """
from django.core.management import call_command
for line in {warm_up!r}:
    call_command("snapshots", *line.split(), verbosity=0)
call_command("snapshots", "delete", "warm-up", interactive=False, verbosity=0)
os.setgid(65534); os.setuid(65534)
for line in {lines!r}:
    call_command("snapshots", *line.split(), verbosity=0)
"""
CLOSE = "os.chown({folder!r}, 0, 0); os.chmod({folder!r}, {mode})"


@pytest.fixture
def site() -> Iterator[Site]:
    # Not in pytest's folder: each run of pytest closes that to other users when it begins.
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder) / "site")
        let_others_enter(site.folder)
        site.snapshots.mkdir(mode=0o700)
        os.chown(site.snapshots, NOBODY, NOBODY)
        yield site


def as_nobody(site: Site, *lines: str) -> None:
    """Run verbs of the command as the user that has the storage."""
    site.python(AS_NOBODY.format(warm_up=WARM_UP, lines=lines))


def owners(folder: Path) -> set[tuple[int, int]]:
    return {(found.stat().st_uid, found.stat().st_gid) for found in folder.rglob("*")}


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
def test_what_root_stores_belongs_to_the_owner_of_the_storage_who_can_use_it(site: Site, snapshot_format: str) -> None:
    site.run("backup", "media", "--name", "by-root", "--format", snapshot_format)
    site.run("pin", "by-root")

    assert owners(site.snapshots) == {(NOBODY, NOBODY)}
    as_nobody(site, "list", "verify --all", "unpin by-root", "backup media --name by-nobody", "prune --keep 1")
    assert site.names() == ["by-nobody"]


def test_a_storage_that_root_makes_belongs_to_the_owner_of_the_folder_above(site: Site) -> None:
    site.snapshots.rmdir()
    os.chown(site.folder, NOBODY, NOBODY)

    site.run("backup", "media", "--name", "by-root")

    assert {(site.snapshots.stat().st_uid, site.snapshots.stat().st_gid), *owners(site.snapshots)} == {(NOBODY, NOBODY)}


@pytest.mark.parametrize("verb", ["list", "backup media --name by-root --overwrite", "delete by-root --noinput"])
def test_a_file_of_another_user_is_told_with_its_owner_and_what_to_type(site: Site, verb: str) -> None:
    site.run("backup", "media", "--name", "by-root")
    os.chown(site.snapshots / "by-root", 0, 0)

    with pytest.raises(AssertionError) as refused:
        as_nobody(site, verb)

    assert f"{site.snapshots}/by-root cannot be " in str(refused.value)
    assert (
        "Permission denied. It belongs to root (uid 0) with mode 0700, and this command runs as nobody (uid 65534). "
        "Give the whole storage to that user, and run every command as it: "
        f"sudo chown -R nobody {site.snapshots}"
    ) in str(refused.value)


def test_the_storage_of_another_user_is_not_given_away(site: Site) -> None:
    os.chown(site.snapshots, 1, 1)

    with pytest.raises(AssertionError) as refused:
        as_nobody(site, "list")

    assert f"{site.snapshots} cannot be read: Permission denied. It belongs to daemon (uid 1)" in str(refused.value)
    assert "Run the command as daemon (sudo -u daemon …)." in str(refused.value)
    assert "chown" not in str(refused.value)


def test_the_storage_of_root_may_be_given_to_the_user_of_the_command(site: Site) -> None:
    os.chown(site.snapshots, 0, 0)

    with pytest.raises(AssertionError) as refused:
        as_nobody(site, "list")

    assert (
        f"Run the command as root (sudo -u root …), or give the folder away: sudo chown -R nobody {site.snapshots}"
    ) in str(refused.value)


def test_a_missing_storage_is_to_be_made_and_the_folder_above_it_left_alone(site: Site) -> None:
    refused = as_nobody_without_the_storage(site, "backup media")

    assert f"{site.folder} cannot be changed: Permission denied. It belongs to root (uid 0)" in refused
    assert f"Make the folder for it: sudo install -d -m 700 -o nobody {site.snapshots}" in refused
    assert "chown" not in refused


def test_a_folder_that_the_user_may_not_enter_is_left_alone(site: Site) -> None:
    refused = as_nobody_without_the_storage(site, "list", mode_above=0o700)

    assert f"{site.folder} cannot be read: Permission denied. It belongs to root (uid 0) with mode 0700" in refused
    assert "Choose a location that nobody can reach, or let that user enter this folder." in refused
    assert "install" not in refused


def as_nobody_without_the_storage(site: Site, verb: str, *, mode_above: int = 0o755) -> str:
    """Run a verb that is refused, where there is no storage yet; return what it says."""
    script = AS_NOBODY.replace("os.setgid", f"os.rmdir({str(site.snapshots)!r})\n{CLOSE}\nos.setgid", 1)
    with pytest.raises(AssertionError) as refused:
        site.python(script.format(warm_up=WARM_UP, lines=(verb,), folder=str(site.folder), mode=mode_above))
    return str(refused.value)
