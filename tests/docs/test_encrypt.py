"""how-to/encrypt.md: the keys it makes, the settings it shows, and its restore by hand with the real age program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from django_snapshots.codecs import Age
from tests.docs.pages import DOCS, Fence, fences_of
from tests.docs.terminal import Terminal
from tests.programs import require_program
from tests.trees import tree_digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.garden import Garden

PAGE = "how-to/encrypt.md"


def blocks(heading: str, language: str) -> list[Fence]:
    found = [fence for fence in fences_of(PAGE) if fence.heading == heading and fence.language == language]
    assert found, heading
    return found


def test_the_page_is_followed_from_the_keys_to_a_restore_by_hand(planted_garden: Garden, tmp_path: Path) -> None:
    for program in ("age", "zstd", "sqlite3", "tar"):
        require_program(program)
    garden = planted_garden.copy(tmp_path)
    terminal = Terminal(garden.folder, {"identity.txt": f"{tmp_path}/identity.txt"})
    terminal.run(blocks("Make the keys", "console")[0])
    recipient = re.search(r"age1\w+", (tmp_path / "identity.txt").read_text())
    assert recipient
    pasted = re.sub(r"age1\w+", recipient[0], blocks("Make the keys", "python")[0].body)
    location = {"location": str(tmp_path / "snapshots")}
    backend = "django_snapshots.storage.LocalFileSystemBackend"
    garden.append("settings.py", f"SNAPSHOTS = {{'STORAGE': {{'BACKEND': '{backend}', 'OPTIONS': {location}}}}}\n")
    garden.append("settings.py", pasted)
    garden.manage("snapshots", "backup", "--name", "nightly-14")
    before, tree = garden.state(), tree_digest(garden.folder / "media")
    garden.destroy()

    by_hand = Terminal(
        tmp_path,
        {
            "/srv/identity.txt": f"{tmp_path}/identity.txt",
            "/var/backups": str(tmp_path),
            "/srv/site": str(garden.folder),
        },
    )
    by_hand.run(blocks("Restore by hand", "console")[0])
    by_hand.type(f"mv {garden.folder}/db.sqlite3.new {garden.folder}/db.sqlite3")
    by_hand.type(f"mv {garden.folder}/media {tmp_path}/media.old")
    by_hand.type(f"mv {garden.folder}/media.new {garden.folder}/media")

    assert garden.state() == before
    assert tree_digest(garden.folder / "media") == tree


@pytest.mark.parametrize("fence", [f for f in fences_of(PAGE) if f.language == "python"], ids=lambda f: f.place)
def test_the_options_of_the_page_exist(fence: Fence) -> None:
    names: dict[str, dict[str, dict[str, dict[str, object]]]] = {"SNAPSHOTS": {}}
    exec(fence.body, names)

    Age(**names["SNAPSHOTS"]["ENCRYPTION"]["OPTIONS"])  # type: ignore[arg-type]


def test_every_option_of_the_class_is_on_the_page_of_settings() -> None:
    page = (DOCS / "reference/settings.md").read_text()

    assert {name for name in vars(Age()) if f"| `{name}` |" not in page} == set()
