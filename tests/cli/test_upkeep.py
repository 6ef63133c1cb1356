"""prune, pin, unpin and backup --prune as people run them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.site import Site, make_site

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = 'SNAPSHOTS = {"PRUNE": {"KEEP": 2}, "DEFAULT_ARTIFACTS": ["environment"]}'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site", SETTINGS)


def fill(site: Site, *names: str) -> None:
    """Make a snapshot, and copies of it that are a day older each, under the other names."""
    first, *others = names
    site.run("backup", "--name", first)
    text = (site.snapshots / first / "manifest.json").read_text()
    for age, name in enumerate(others, start=1):
        folder = site.snapshots / name
        folder.mkdir()
        (folder / "environment.txt").write_bytes((site.snapshots / first / "environment.txt").read_bytes())
        older = f"{2026 - age:04}-01-01T00:00:00.000000+00:00"
        lines = [line for line in text.splitlines() if '"created_at"' not in line and '"name": "' + first not in line]
        lines[1:1] = [f'  "name": "{name}",', f'  "created_at": "{older}",']
        (folder / "manifest.json").write_text("\n".join(lines))


def test_prune_applies_the_policy_of_the_settings_and_says_why(site: Site) -> None:
    fill(site, "a", "b", "c")

    planned = site.run("prune", "--dry-run").stdout
    document = site.json("prune")

    assert planned.splitlines() == [
        "keep    a  last 1 of 2",
        "keep    b  last 2 of 2",
        "DELETE  c  no rule keeps it",
        "Would delete 1 of 3 snapshots. Nothing was changed (--dry-run).",
    ]
    assert document == {
        "decisions": [
            {"name": "a", "action": "keep", "reasons": ["last 1 of 2"]},
            {"name": "b", "action": "keep", "reasons": ["last 2 of 2"]},
            {"name": "c", "action": "delete", "reasons": ["no rule keeps it"]},
        ],
        "deleted": ["c"],
        "leftovers": [],
        "replicas": [],
    }
    assert site.names() == ["a", "b"]


def test_rules_on_the_command_line_are_all_the_rules_there_are(site: Site) -> None:
    fill(site, "a", "b", "c", "d")

    assert (
        site.run("prune", "--keep", "1", "--keep-within", "1d").stdout.splitlines()[-1] == "Deleted 3 of 4 snapshots."
    )
    assert site.names() == ["a"]


def test_the_floor_of_the_settings_holds_for_rules_of_the_command_line(site: Site) -> None:
    fill(site, "a", "b", "c")
    floor = {"SNAPSHOTS_PRUNE__MIN_KEEP": "2"}

    refused = site.run("prune", "--keep-within", "1d", env=floor, exit_code=1)

    assert "would leave 1, and MIN_KEEP is 2. Nothing was deleted." in refused.stderr
    assert site.json("prune", "--keep-within", "1d", "--min-keep", "1", env=floor)["deleted"] == ["c", "b"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--keep", "0"], "--keep: Input should be greater than or equal to 1."),
        (["--keep-within", "6m"], "--keep-within: Input should be a duration with its unit. Use P30D"),
        (["--max-size", "big"], "--max-size: Could not parse value and unit from byte string."),
        (["--keep", "1", "--min-keep", "3"], "The rules keep at most 1, fewer than MIN_KEEP 3"),
    ],
)
def test_a_wrong_rule_on_the_command_line_is_wrong_usage(site: Site, arguments: list[str], message: str) -> None:
    assert message in site.json("prune", *arguments, exit_code=2)["error"]["message"]


def test_without_a_policy_prune_is_refused_and_nothing_is_removed(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"DEFAULT_ARTIFACTS": ["environment"]}')
    fill(site, "a", "b")

    refused = site.json("prune", exit_code=1)["error"]

    assert refused["type"] == "SnapshotPruneError"
    assert "There is no retention policy: it would keep nothing. Nothing was deleted." in refused["message"]
    assert site.names() == ["a", "b"]


def test_backup_with_prune_does_both(site: Site) -> None:
    fill(site, "a", "b", "c")

    document = site.json("backup", "--name", "new", "--prune")

    assert document["status"] == "complete"
    assert document["prune"]["deleted"] == ["c", "b"]
    assert site.names() == ["new", "a"]


def test_a_prune_that_is_refused_leaves_the_backup_and_makes_it_degraded(site: Site) -> None:
    done = site.json("backup", "--name", "new", "--prune", env={"SNAPSHOTS_PRUNE": "null"}, exit_code=3)

    assert done["status"] == "degraded"
    assert done["prune"] is None
    assert done["problems"][0].startswith("prune: There is no retention policy")
    assert site.names() == ["new"]


def test_a_pin_holds_against_delete_prune_and_overwrite_and_is_shown(site: Site) -> None:
    fill(site, "a", "b", "c")
    printed = site.run("pin", "c", "--until", "2099-12-31", "--reason", "audit of 2024").stdout

    assert printed == "Snapshot 'c' is pinned until 2099-12-31: audit of 2024.\n"
    assert "Take the pin away first" in site.run("delete", "c", "--noinput", exit_code=1).stderr
    assert "It was not replaced" in site.run("backup", "--name", "c", "--overwrite", exit_code=1).stderr
    assert site.json("prune")["deleted"] == []
    listed = site.json("list")["snapshots"][2]
    assert (listed["pinned"], listed["pin"]) == (True, {"until": "2099-12-31", "reason": "audit of 2024"})
    assert "complete, pinned" in site.run("list").stdout
    assert "Pinned     pinned until 2099-12-31: audit of 2024" in site.run("info", "c").stdout
    assert "is not pinned any more" in site.run("unpin", "c").stdout
    assert site.run("prune").stdout == "DELETE  c  no rule keeps it\nDeleted 1 of 3 snapshots.\n"


PINNING = """\
import subprocess
import sys


class Pinning:
    suffix = "txt"

    def lock_key(self):  # asked for when the settings and the name were looked at, and nothing is held yet
        subprocess.run([sys.executable, "manage.py", "snapshots", "pin", "nightly", "-v", "0"], check=True)

    def dump(self, sink):
        return {}

    def restore(self, source, facts):
        pass
"""


def test_a_pin_that_is_set_while_an_overwrite_begins_holds(tmp_path: Path) -> None:
    settings = 'SNAPSHOTS = {"ARTIFACTS": {"pinning": {"BACKEND": "pinning.Pinning"}}}'
    site = make_site(tmp_path / "site", settings)
    (site.folder / "pinning.py").write_text(PINNING)
    site.run("backup", "environment", "--name", "nightly")
    before = site.json("info", "nightly")

    refused = site.run("backup", "pinning", "--name", "nightly", "--overwrite", exit_code=1)

    assert "It was not replaced" in refused.stderr
    assert site.json("info", "nightly") == before


def test_a_date_that_is_none_is_wrong_usage(site: Site) -> None:
    fill(site, "a")

    refused = site.run("pin", "a", "--until", "next year", exit_code=2)

    assert "--until: 'next year' is no date. Write it as 2027-12-31." in refused.stderr
    assert not (site.snapshots / "a" / "pinned.json").exists()


def test_a_pin_that_is_over_is_wrong_usage_and_leaves_the_one_that_is_there(site: Site) -> None:
    fill(site, "a")
    site.run("pin", "a", "--until", "2099-12-31")

    refused = site.run("pin", "a", "--until", "2020-01-01", exit_code=2)

    assert "--until: 2020-01-01 is over, today is 20" in refused.stderr
    assert "Nothing was changed." in refused.stderr
    assert site.json("list")["snapshots"][0]["pin"]["until"] == "2099-12-31"


def test_a_prune_that_is_killed_leaves_whole_snapshots_and_the_next_one_finishes_it(site: Site) -> None:
    many = [f"s{number:04}" for number in range(1, 1000)]
    fill(site, "s0000", *many)

    process = site.start("prune")
    while process.poll() is None and (site.snapshots / many[-200]).exists():
        time.sleep(0.002)
    process.kill()
    process.communicate()

    listed = site.json("list")["snapshots"]
    assert {snapshot["status"] for snapshot in listed} == {"complete"}
    assert 2 < len(listed) < 1000, "killed too early or too late"
    site.run("prune")
    left = {path.relative_to(site.snapshots).parts[0] for path in site.snapshots.rglob("*") if path.is_file()}
    assert left == {"s0000", "s0001"}
