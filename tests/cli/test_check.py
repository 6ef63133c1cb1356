"""`check`: how a snapshot differs from this code, and what to do about it."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from tests.site import Site, make_site

if TYPE_CHECKING:
    from pathlib import Path

APPS = 'INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_snapshots"]'
LAST = {"contenttypes": "0002_remove_content_type_name", "auth": "0012_alter_user_first_name_max_length"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = make_site(tmp_path / "site", APPS)
    site.run("backup", "--name", "nightly")
    rewrite(site, migrations=LAST)
    return site


def rewrite(site: Site, migrations: dict[str, str], **fields: Any) -> None:
    """Give the snapshot other fields, and its database other applied migrations."""
    path = site.snapshots / "nightly" / "manifest.json"
    manifest = json.loads(path.read_text()) | fields
    manifest["artifacts"][0]["facts"]["migrations"] = migrations
    path.write_text(json.dumps(manifest))


def packages_of(site: Site) -> list[str]:
    found: list[str] = site.json("info", "nightly")["packages"]
    return found


def test_a_snapshot_of_this_very_code_fits(site: Site) -> None:
    assert "It fits this code" in site.run("check", "--strict").stdout
    assert site.json("check", "nightly") == {
        "snapshot": "nightly",
        "packages": {"missing": [], "extra": [], "changed": []},
        "migrations": {"default": {"only_in_snapshot": [], "only_in_code": []}},
    }


def test_packages_that_differ_are_told_with_the_way_to_get_them(site: Site) -> None:
    django = f"Django=={version('django')}"
    packages = [one for one in packages_of(site) if not one.lower().startswith(("django==", "rich=="))]
    rewrite(site, LAST, packages=sorted([*packages, "Django==4.2", "left-pad==1.3"]))

    said = site.run("check").stdout
    found = site.json("check")["packages"]

    assert found["missing"] == ["left-pad==1.3"]
    assert [one.split("==")[0] for one in found["extra"]] == ["rich"]
    assert [(one["snapshot"], one["here"].lower()) for one in found["changed"]] == [("Django==4.2", django.lower())]
    assert "pip install left-pad==1.3 Django==4.2" in said


def test_the_plan_of_a_restore_tells_the_same_packages(site: Site) -> None:
    rewrite(site, LAST, packages=sorted([*packages_of(site), "left-pad==1.3"]))

    (compared,) = site.json("restore", "nightly", "--dry-run")["compares"]

    assert (compared["missing"], compared["extra"], compared["changed"]) == (["left-pad==1.3"], [], [])
    assert "left-pad==1.3" in site.run("restore", "nightly", "--dry-run").stdout


def test_migrations_that_came_since_are_to_be_run_after_a_restore(site: Site) -> None:
    rewrite(site, LAST | {"auth": "0010_alter_group_name_max_length"})

    said = site.run("check").stdout

    found = site.json("check")["migrations"]["default"]
    assert found["only_in_snapshot"] == []
    assert found["only_in_code"] == [
        "auth.0011_update_proxy_permissions",
        "auth.0012_alter_user_first_name_max_length",
    ]
    assert "After a restore run: manage.py migrate --database default" in said


def test_migrations_that_this_code_lacks_ask_for_the_code_of_the_snapshot(site: Site) -> None:
    rewrite(site, LAST | {"auth": "0013_from_the_future", "shop": "0001_initial"})

    said = site.run("check").stdout

    assert site.json("check")["migrations"]["default"]["only_in_snapshot"] == [
        "auth.0013_from_the_future",
        "shop.0001_initial",
    ]
    assert "check out the code of the snapshot" in said


def test_with_strict_a_difference_is_exit_1(site: Site) -> None:
    rewrite(site, LAST | {"shop": "0001_initial"})

    site.run("check")
    ended = site.run("check", "--strict", exit_code=1)

    assert "shop.0001_initial" in ended.stdout
    assert "differs from this code" in ended.stderr


def test_a_database_without_migrations_is_left_out(site: Site) -> None:
    rewrite(site, {})

    assert site.json("check", "--strict")["migrations"] == {}


def test_a_damaged_manifest_is_an_error(site: Site) -> None:
    (site.snapshots / "nightly" / "manifest.json").write_text("{")

    assert site.json("check", "nightly", exit_code=1)["error"]["type"] == "SnapshotManifestError"
