"""Each setting of how-to/configure-storage.md passes `check` and brings a project back, on a real storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import Fence, fences_of
from tests.storage.servers import serving_s3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.docs.garden import Garden

PAGE = "how-to/configure-storage.md"
PYTHON = [fence for fence in fences_of(PAGE) if fence.language == "python"]
SETTINGS = [fence for fence in PYTHON if fence.caption == "settings.py"]
FILES = [fence for fence in PYTHON if fence.caption != "settings.py"]


@pytest.fixture
def garden(fence: Fence, planted_garden: Garden, tmp_path: Path) -> Iterator[Garden]:
    if "s3" not in fence.body:
        yield planted_garden.copy(tmp_path)
        return
    with serving_s3(tmp_path / "s3", "acme-snapshots") as environment:
        yield planted_garden.copy(tmp_path, environment)


def test_the_page_shows_every_way() -> None:
    headings = {fence.heading for fence in SETTINGS}

    assert headings == {
        "A folder",
        "An existing Django storage, such as S3",
        "A class of your own",
        "An object",
        "One file for each snapshot",
    }


@pytest.mark.parametrize("fence", SETTINGS, ids=lambda fence: fence.place)
def test_the_setting_passes_check_and_brings_the_project_back(fence: Fence, garden: Garden, tmp_path: Path) -> None:
    (garden.folder / "share").mkdir()
    garden.append("settings.py", "SNAPSHOTS = {}\n")
    for file in FILES:
        garden.apply(file, {})
    garden.apply(fence, {"/var/backups": str(tmp_path)})
    before = garden.state()

    assert "no issues" in garden.manage("check", "--fail-level", "WARNING")
    garden.manage("snapshots", "backup", "--name", "first")
    garden.destroy()
    garden.manage("snapshots", "restore", "first", "--noinput")

    assert garden.state() == before
    assert "first" in garden.manage("snapshots", "list")
