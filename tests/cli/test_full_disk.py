"""A disk that fills up, for real: a file size limit on every machine, a small file system where it can be mounted."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.site import Site, make_site
from tests.trees import tree_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = make_site(tmp_path / "site")
    (site.media / "video.mp4").write_bytes(os.urandom(3_000_000))
    return site


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
def test_a_file_that_cannot_grow_ends_the_backup_with_a_sentence(site: Site, snapshot_format: str) -> None:
    site.run("backup", "environment", "--name", "earlier")
    earlier = tree_digest(site.snapshots)

    refused = site.run("backup", "--format", snapshot_format, exit_code=1, preexec_fn=limit_file_size)

    assert "File too large" in refused.stderr
    assert "No snapshot was made; those that were there are as before." in refused.stderr
    assert site.names() == ["earlier"]
    assert tree_digest(site.snapshots) == earlier


def test_a_restore_that_cannot_write_changes_nothing(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    (site.media / "later.txt").write_text("x")
    before = tree_digest(site.media)

    refused = site.run("restore", "nightly", "media", "--noinput", exit_code=1, preexec_fn=limit_file_size)

    assert "File too large" in refused.stderr
    assert "Nothing was changed." in refused.stderr
    assert tree_digest(site.media) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False
    ).returncode
    if mounted != 0:
        pytest.skip("cannot mount a small file system here; the file size limit above is tested everywhere")
    yield disk
    subprocess.run(["umount", disk], check=True)


def site_on(disk: Path, tmp_path: Path) -> Site:
    options = f'{{"location": "{disk / "snapshots"}"}}'
    backend = '"django_snapshots.storage.LocalFileSystemBackend"'
    return make_site(tmp_path / "site", f'SNAPSHOTS = {{"STORAGE": {{"BACKEND": {backend}, "OPTIONS": {options}}}}}')


def fill(disk: Path) -> None:
    with suppress(OSError), (disk / "filling").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    with pytest.raises(OSError, match="No space left"):
        (disk / "one-more").write_bytes(b"x")
    (disk / "one-more").unlink()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("verb", "snapshot_format"),
    [
        (["delete", "first", "second", "--noinput"], "directory"),
        (["prune", "--keep", "1"], "directory"),
        (["prune", "--keep", "1"], "archive"),
    ],
)
def test_on_a_full_disk_snapshots_can_be_deleted_and_nothing_is_left_of_them(
    tmp_path: Path, small_disk: Path, verb: list[str], snapshot_format: str
) -> None:
    site = site_on(small_disk, tmp_path)
    for name in ("first", "second", "third"):
        site.run("backup", "media", "--name", name, "--format", snapshot_format)
    fill(small_disk)
    refused = site.run("backup", "media", exit_code=1)
    assert "No space left on device" in refused.stderr

    site.run(*verb)

    assert site.names() == ["third"]
    assert all(path.startswith("third") for path in files(small_disk / "snapshots"))


def test_a_full_disk_keeps_the_earlier_snapshot_and_leaves_no_file(tmp_path: Path, small_disk: Path) -> None:
    site = site_on(small_disk, tmp_path)
    site.run("backup", "--name", "earlier")
    earlier = tree_digest(small_disk / "snapshots" / "earlier")
    (site.media / "video.mp4").write_bytes(os.urandom(4_000_000))

    refused = site.run("backup", "--name", "too-large", exit_code=1)

    assert "No space left on device" in refused.stderr
    assert "Free some space" in refused.stderr
    assert tree_digest(small_disk / "snapshots" / "earlier") == earlier
    assert [path.name for path in (small_disk / "snapshots").iterdir()] == ["earlier"]
    assert site.names() == ["earlier"]


def test_a_location_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    options = f'{{"location": "{tmp_path / "file"}"}}'
    backend = '"django_snapshots.storage.LocalFileSystemBackend"'
    site = make_site(tmp_path / "site", f'SNAPSHOTS = {{"STORAGE": {{"BACKEND": {backend}, "OPTIONS": {options}}}}}')

    refused = site.run("backup", exit_code=1)

    assert "CommandError: " in refused.stderr
    assert str(tmp_path / "file") in refused.stderr


@pytest.mark.parametrize(("old", "new"), [("directory", "archive"), ("archive", "directory")])
def test_a_replica_that_is_too_small_for_another_format_keeps_the_copy_that_it_has(
    tmp_path: Path, small_disk: Path, old: str, new: str
) -> None:
    options = f'{{"location": "{small_disk / "snapshots"}"}}'
    backend = '"django_snapshots.storage.LocalFileSystemBackend"'
    site = make_site(tmp_path / "site", f'SNAPSHOTS = {{"REPLICAS": [{{"BACKEND": {backend}, "OPTIONS": {options}}}]}}')
    site.run("backup", "--name", "nightly", "--format", old)
    before = files(small_disk)
    (site.media / "video.mp4").write_bytes(os.urandom(3_000_000))

    document = site.json("backup", "--name", "nightly", "--overwrite", "--format", new, exit_code=3)

    assert "No space left on device" in document["problems"][0]
    assert [path for path in files(small_disk) if not path.startswith("snapshots/.")] == before
    assert site.json("verify", "nightly", "--from", "1")["snapshots"][0]["ok"] is True
