"""The tutorial and the worst-day page, typed as they stand into a shell with a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.pages import fences_of
from tests.docs.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.garden import Garden


def test_the_tutorial_works_as_it_is_written(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {}, answer="db.sqlite3")

    for fence in fences_of("tutorial/first-backup.md"):
        if fence.language == "console":
            terminal.run(fence)
        else:
            with (terminal.folder / fence.caption).open("a") as file:
                file.write(f"\n{fence.body}")

    assert terminal.folder == tmp_path / "garden"
    assert (terminal.folder / "media/label.txt").read_text() == "roses, 1843\n"


def test_the_worst_day_page_brings_a_project_back(planted_garden: Garden, tmp_path: Path) -> None:
    garden = planted_garden.copy(tmp_path)
    garden.manage("snapshots", "backup", "--name", "nightly")
    before = garden.state()
    elsewhere = tmp_path / "elsewhere"
    replace = {
        "nightly-14 media": "nightly media --noinput",
        "nightly-14": "nightly",
        "default=scratch": "default=scratch --noinput",
        "/srv/look-at-this": f"{elsewhere} --noinput",
    }
    terminal = Terminal(garden.folder, replace, answer="db.sqlite3")
    garden.destroy()
    scratch = f'{{"ENGINE": "django.db.backends.sqlite3", "NAME": "{tmp_path / "scratch.sqlite3"}"}}'
    with (garden.folder / "garden/settings.py").open("a") as settings:
        settings.write(f'\nDATABASES["scratch"] = {scratch}\n')

    for fence in fences_of("how-to/restore.md"):
        if fence.language == "console":
            saved = sorted(path.name for path in (garden.folder / "snapshots").glob("pre-restore-*"))
            terminal.replace["pre-restore-20261122T031500.123456Z"] = saved[-1] if saved else "none yet"
            terminal.run(fence)

    assert garden.state() == before
    assert (tmp_path / "scratch.sqlite3").stat().st_size > 0
    assert sorted(path.name for path in elsewhere.iterdir()) == sorted(
        path.name for path in (garden.folder / "media").iterdir()
    )
