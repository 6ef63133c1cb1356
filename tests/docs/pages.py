"""Reads the documentation's pages: their text, their headings, their fenced code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DOCS", "ROOT", "Fence", "fences_of", "section_of"]

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"

_OPEN = re.compile(r"(?P<ticks>`{3,})(?:\{code-block\}\s*)?(?P<language>[\w-]*)\s*$")
_OPTION = re.compile(r":(?P<key>[\w-]+):\s*(?P<value>.*)$")


@dataclass(frozen=True, slots=True)
class Fence:
    """One block of fenced code.

    Attributes:
        language: Such as "python" or "console".
        caption: The file it goes to, where the page says so, else "".
        body: The code, with a newline at the end of each line.
        heading: The nearest heading above.
        place: Page and line, for messages.
    """

    language: str
    caption: str
    body: str
    heading: str
    place: str


def fences_of(page: str | Path) -> list[Fence]:
    """Return the fenced code of a page, named relative to docs/, in its order."""
    path = DOCS / page
    lines = path.read_text(encoding="utf-8").splitlines()
    found, heading, number = [], "", 0
    while number < len(lines):
        opened = _OPEN.match(lines[number])
        if opened is None:
            if lines[number].startswith("#"):
                heading = lines[number].lstrip("# ")
            number += 1
            continue
        end = lines.index(opened["ticks"], number + 1)
        options, body = _split_options(lines[number + 1 : end])
        place = f"{path.name}:{number + 1}"
        found.append(Fence(opened["language"], options.get("caption", ""), body, heading, place))
        number = end + 1
    return found


def section_of(page: str | Path, heading: str) -> str:
    """Return the text of a page below a heading, up to the next heading of the same or a higher level."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert found, f"{page} has no heading {heading!r}"
    rest = text[found.end() :]
    following = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def _split_options(lines: list[str]) -> tuple[dict[str, str], str]:
    options = {}
    while lines and (option := _OPTION.match(lines[0])):
        options[option["key"]] = option["value"]
        lines = lines[1:]
    return options, "".join(f"{line}\n" for line in lines).lstrip("\n")
