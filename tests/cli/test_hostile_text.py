"""Texts of a manifest are shown, never obeyed: they may come from who can only write to the storage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from django_snapshots.cli.session import harmless

if TYPE_CHECKING:
    from tests.site import Site

CLEAR = "\x1b[2J\x1b[H"
HOSTILE = f"web-1{CLEAR}\x9b2J\u202ereversed\rover\x07"


@pytest.mark.parametrize("color", ["--no-color", "--force-color"])
def test_no_text_of_a_manifest_moves_the_cursor(site: Site, color: str) -> None:
    site.run("backup", "--name", "nightly")
    file = site.snapshots / "nightly" / "manifest.json"
    document = json.loads(file.read_text())
    document.update(hostname=HOSTILE, tool=HOSTILE, metadata={HOSTILE: HOSTILE})
    document["artifacts"][0]["facts"]["notes"] = [HOSTILE]
    document["artifacts"][0]["facts"]["server_version"] = HOSTILE
    file.write_text(json.dumps(document))

    outputs = [
        site.run("info", "nightly", color),
        site.run("list", color),
        site.run("restore", "nightly", "--dry-run", color),
    ]
    document["artifacts"][0]["name"] = HOSTILE
    file.write_text(json.dumps(document))
    outputs += [site.run("list", color), site.run("restore", "nightly", "--noinput", color, exit_code=1)]

    said = "".join(output.stdout + output.stderr for output in outputs)
    assert r"web-1\x1b[2J\x1b[H\x9b2J\u202ereversed\rover\x07" in said
    assert [character for character in (CLEAR, "\x9b", "\u202e", "\r", "\x07") if character in said] == []


def test_colors_stay_where_they_are_wanted_and_lines_and_tabs_always() -> None:
    assert harmless("a\tb\nc \x1b[1mbold\x1b[0m é…") == "a\tb\nc \\x1b[1mbold\\x1b[0m é…"
    assert harmless("\x1b[1;31mred\x1b[0m\x1b[2J", color=True) == "\x1b[1;31mred\x1b[0m\\x1b[2J"
