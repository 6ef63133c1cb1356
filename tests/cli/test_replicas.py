"""Replicas as people use them: copies by backup and by copy, restored and verified from there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families

from tests.site import Site, make_site

SCHEMAS = Path(__file__).parents[2] / "schemas/command"
SETTINGS = """
def local(name, **more):
    options = {"location": BASE_DIR / name / "snapshots"}
    return {"BACKEND": "django_snapshots.storage.LocalFileSystemBackend", "OPTIONS": options, **more}


SNAPSHOTS = {"PRUNE": {"KEEP": 1}, "REPLICAS": [local("near"), local("far", PRUNE={"KEEP": 2})]}
"""


PLACES = ("", "near/", "far/")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = make_site(tmp_path / "site", SETTINGS)
    (site.folder / "near").mkdir()
    (site.folder / "far").mkdir()
    return site


def fit(document: Any, verb: str) -> Any:
    Draft202012Validator(json.loads((SCHEMAS / f"{verb}.schema.json").read_text())).validate(document)
    return document


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_backup_goes_to_every_replica_and_comes_back_from_there(site: Site) -> None:
    document = fit(site.json("backup", "--name", "nightly"), "backup")
    site.execute("DELETE FROM note")
    first = contents(site.snapshots)
    (site.snapshots).rename(site.folder / "stolen")

    assert document["status"] == "complete"
    assert [(each["replica"], each["copied"]) for each in document["replicas"]] == [(1, ["nightly"]), (2, ["nightly"])]
    assert contents(site.folder / "far" / "snapshots") == first
    assert [each["name"] for each in site.json("list", "--from", "1")["snapshots"]] == ["nightly"]
    assert site.json("verify", "latest", "--from", "1")["snapshots"][0]["ok"] is True
    restored = site.json("restore", "latest", "--from", "2", "--noinput")
    assert site.rows() == [(1, "first"), (2, "second")]
    site.run(*restored["undo"].split()[2:], "--noinput")
    assert site.rows() == []


def test_where_the_storage_is_empty_the_replicas_are_named(site: Site) -> None:
    site.run("backup", "environment", "--name", "nightly")
    site.snapshots.rename(site.folder / "stolen")
    place = f"LocalFileSystemBackend('{site.snapshots}') holds no snapshot. If you expected some, look at SNAP"
    hint = "A replica may hold what you look for: try the same with --from 1."

    for verb in (["restore", "latest", "--noinput"], ["restore", "nightly", "--noinput"], ["verify", "--all"]):
        refused = site.run(*verb, exit_code=1)
        assert place in refused.stderr
        assert hint in refused.stderr
        assert "snapshots backup" not in refused.stderr
    listed = site.run("list").stdout
    assert place in listed
    assert hint in listed


def test_an_empty_replica_is_not_taken_for_the_storage(site: Site) -> None:
    listed = site.run("list", "--from", "2").stdout

    assert listed == (
        f"LocalFileSystemBackend('{site.folder / 'far' / 'snapshots'}') holds no snapshot. If you expected some, look "
        "at SNAPSHOTS['REPLICAS'][1]: `manage.py snapshots config` shows it.\n"
    )


def test_a_replica_that_is_away_is_named_and_made_good_later(site: Site) -> None:
    (site.folder / "near").rmdir()

    document = site.json("backup", "environment", "--name", "nightly", exit_code=3)
    (site.folder / "near").mkdir()
    made_good = fit(site.json("copy", "--missing"), "copy")

    assert document["status"] == "degraded"
    assert document["problems"][0].startswith("replica 1 (SNAPSHOTS['REPLICAS'][0]) has no copy of 'nightly'")
    assert document["replicas"][1]["copied"] == ["nightly"]
    assert made_good["replicas"] == [
        {"replica": 1, "copied": ["nightly"], "present": [], "problems": []},
        {"replica": 2, "copied": [], "present": ["nightly"], "problems": []},
    ]


def test_a_storage_from_an_old_disk_does_not_cost_the_replicas_what_is_newer(site: Site) -> None:
    site.run("backup", "--name", "weekly")
    shutil.copytree(site.snapshots, site.folder / "old-disk")
    site.execute("INSERT INTO note VALUES (3, 'new')")
    site.run("backup", "--name", "weekly", "--overwrite")
    shutil.rmtree(site.snapshots)
    (site.folder / "old-disk").rename(site.snapshots)

    document = fit(site.json("copy", "--missing", exit_code=3), "copy")

    for number, replica in enumerate(document["replicas"], start=1):
        assert (replica["copied"], replica["present"]) == ([], [])
        assert "It has a newer snapshot of that name" in replica["problems"][0]
        assert f"`manage.py snapshots restore weekly --from {number}`" in replica["problems"][0]
    site.run("restore", "weekly", "--from", "1", "--noinput")
    assert site.rows() == [(1, "first"), (2, "second"), (3, "new")]


def test_each_storage_is_pruned_by_its_own_policy(site: Site) -> None:
    for name in ("a", "b"):
        site.run("backup", "environment", "--name", name)

    document = site.json("backup", "environment", "--name", "c", "--prune")
    pruned = fit(site.json("prune"), "prune")

    left = [
        sorted(path.name for path in site.folder.glob(f"{place}snapshots/[a-z]*")) for place in ("", "near/", "far/")
    ]
    assert document["prune"]["deleted"] == ["a", "b"]
    assert left == [["c"], ["a", "b", "c"], ["b", "c"]]
    assert [each["problem"] for each in pruned["replicas"]] == [None, None]


def test_a_replica_that_does_not_exist_is_told(site: Site) -> None:
    refused = site.run("list", "--from", "3", exit_code=1)

    assert "There is no replica 3: SNAPSHOTS['REPLICAS'] has 2, counted from 1." in refused.stderr


def test_health_says_which_replica_is_not_in_step(site: Site) -> None:
    (site.folder / "near").rmdir()
    site.run("backup", "environment", "--name", "nightly", exit_code=3)
    away = {check["name"]: check for check in fit(site.json("health", exit_code=1), "health")["checks"]}
    (site.folder / "near").mkdir()

    document = site.json("health", "--prometheus", str(site.folder / "snapshots.prom"), exit_code=1)

    checks = {check["name"]: check for check in document["checks"]}
    families = {
        family.name: family for family in text_string_to_metric_families((site.folder / "snapshots.prom").read_text())
    }
    missing = families["django_snapshots_replica_missing_snapshots"].samples
    newest = families["django_snapshots_replica_newest_timestamp_seconds"].samples
    assert (away["replica 1"]["state"], away["replica 2"]["state"]) == ("warning", "ok")
    assert str(site.folder / "near") in away["replica 1"]["message"]
    assert "lacks 'nightly'. It has no copy at all. `manage.py snapshots copy" in checks["replica 1"]["message"]
    assert [(sample.labels, sample.value) for sample in missing] == [({"replica": "1"}, 1), ({"replica": "2"}, 0)]
    assert [sample.labels for sample in newest] == [{"replica": "2"}]
    site.run("copy", "--missing")
    assert {check["name"] for check in site.json("health")["checks"]} >= {"replica 1", "replica 2"}
