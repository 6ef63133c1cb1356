"""A damaged snapshot of a real project: the restore says what is wrong and changes neither database nor files."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.damage import flip
from tests.site import Site, make_site
from tests.trees import tree_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DATABASE = "database/default.sqlite3.zst"
MEDIA = "media.tar.zst"


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = make_site(tmp_path_factory.mktemp("damage") / "site")
    site.run("backup", "--name", "nightly")
    site.run("backup", "--name", "other")
    site.execute("UPDATE note SET text = 'live'")
    (site.media / "live.txt").write_text("written after the backup")
    return site


@pytest.fixture
def site(backed_up: Site, tmp_path: Path) -> Iterator[Site]:
    """Give the site back with whole snapshots after each test."""
    shutil.copytree(backed_up.snapshots, tmp_path / "whole")
    yield backed_up
    shutil.rmtree(backed_up.snapshots)
    shutil.copytree(tmp_path / "whole", backed_up.snapshots)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def refused(site: Site, *words: str) -> None:
    """Restore, and check that it ended with exit 1 and these words, and that everything is as before."""
    before = (site.database.read_bytes(), tree_digest(site.media))

    printed = site.run("restore", "nightly", "--noinput", exit_code=1).stderr
    document = site.json("restore", "nightly", "--noinput", exit_code=1)

    for word in words:
        assert word in printed
        assert word in document["error"]["message"]
    assert (site.database.read_bytes(), tree_digest(site.media)) == before


@pytest.mark.parametrize("file", [DATABASE, MEDIA])
@pytest.mark.parametrize("damage", [flip, cut, empty])
def test_a_damaged_file_is_named_and_nothing_is_changed(site: Site, file: str, damage: Callable[[Path], None]) -> None:
    damage(site.snapshots / "nightly" / file)

    refused(site, f"{file} of 'nightly' has ", "the manifest says", "Nothing was changed.")


@pytest.mark.parametrize("file", [DATABASE, MEDIA])
def test_a_missing_file_is_named_and_nothing_is_changed(site: Site, file: str) -> None:
    remove(site.snapshots / "nightly" / file)

    refused(site, f"{file} of 'nightly' is missing from the storage.", "Nothing was changed.")


def test_what_is_whole_beside_a_damaged_file_is_restored_by_the_command_that_is_printed(site: Site) -> None:
    cut(site.snapshots / "nightly" / MEDIA)
    way = "Or name what is whole, and keep the options that you gave: manage.py snapshots restore nightly "

    printed = site.run("restore", "nightly", "--noinput", exit_code=1).stderr

    assert f"{way}database/default\n" in printed
    tried = site.json("restore", "nightly", "database/default", "--dry-run")
    assert [entry["artifact"] for entry in tried["replaces"]] == ["database/default"]


def test_files_swapped_between_two_snapshots_are_found(site: Site) -> None:
    site.execute("INSERT INTO note VALUES (77, 'only in the third')")
    site.run("backup", "--name", "third")
    site.execute("DELETE FROM note WHERE id = 77")
    shutil.copy(site.snapshots / "third" / DATABASE, site.snapshots / "nightly" / DATABASE)

    refused(site, f"{DATABASE} of 'nightly' has ")


Edit = dict[str, Any]
EDITS: list[tuple[Edit, Edit, str]] = [
    ({"version": 3}, {}, "has manifest version 3; this release of django-snapshots reads version 2"),
    ({"name": "other"}, {}, "it says its name is 'other'"),
    ({}, {"path": "../other/database/default.sqlite3.zst"}, "is no path inside a storage"),
    ({}, {"path": "/etc/hostname"}, "is no path inside a storage"),
    ({}, {"stored_size": 5}, "bytes, the manifest says 5"),
    ({}, {"plain_size": 5}, "bytes, the manifest says 5"),
    ({}, {"stored_digest": "sha256:" + "ab" * 32}, "the manifest says sha256:abab"),
    ({}, {"plain_digest": "sha256:" + "ab" * 32}, "the manifest says sha256:abab"),
    ({}, {"facts": {"engine": "postgresql"}}, "postgresql"),
]


@pytest.mark.parametrize(("manifest_edit", "record_edit", "words"), EDITS)
def test_a_manifest_edited_by_hand_is_refused(site: Site, manifest_edit: Edit, record_edit: Edit, words: str) -> None:
    path = site.snapshots / "nightly" / "manifest.json"
    manifest = json.loads(path.read_text()) | manifest_edit
    manifest["artifacts"][0] |= record_edit
    path.write_text(json.dumps(manifest))

    refused(site, words)


def test_a_truncated_manifest_is_refused(site: Site) -> None:
    cut(site.snapshots / "nightly" / "manifest.json")

    refused(site, "The manifest of 'nightly' is damaged: it is not JSON")


def test_a_whole_snapshot_is_restored_by_the_same_command(site: Site) -> None:
    database, media = site.database.read_bytes(), tree_digest(site.media)

    site.run("restore", "nightly", "--noinput")

    assert site.rows() == [(1, "first"), (2, "second")]
    assert tree_digest(site.media) != media
    site.database.write_bytes(database)
    (site.media / "live.txt").write_text("written after the backup")
