"""The reader of console blocks can tell a true page from a false one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import Fence
from tests.docs.terminal import Terminal, commands_of, matches

if TYPE_CHECKING:
    from pathlib import Path


def block(body: str) -> Fence:
    return Fence("console", "", body, "Heading", "page.md:1")


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [
        (["Done."], "Done.\n", True),
        (["Done."], "Done. Not quite.\n", False),
        (["Wrote … bytes in … s."], "Wrote 12 bytes in 0.1 s.\n", True),
        (["Wrote … bytes."], "Wrote 12 files.\n", False),
        (["first", "…", "last"], "first\nsecond\nthird\nlast\n", True),
        (["first", "…", "last"], "first\nlast\n", True),
        (["first", "…", "last"], "first\nsecond\n", False),
        ([], "whatever\n", True),
    ],
)
def test_a_page_matches_what_was_printed(expected: list[str], output: str, same: bool) -> None:
    assert matches(expected, output) is same


def test_commands_and_their_output_are_told_apart() -> None:
    fence = block("$ first\nits output\n$ second \\\n> goes on\n")

    assert commands_of(fence) == [("first", ["its output"]), ("second \\\ngoes on", [])]


def test_a_block_runs_in_the_folder_it_changed_to(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {})

    terminal.run(block("$ mkdir inner\n$ cd inner\n$ basename $PWD\ninner\n"))

    assert terminal.folder == tmp_path / "inner"


def test_a_failing_command_fails_the_page(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="`false` ended with 1"):
        Terminal(tmp_path, {}).run(block("$ false\n"))


def test_other_output_than_the_pages_fails_the_page(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"page\.md:1: `echo no` printed"):
        Terminal(tmp_path, {}).run(block("$ echo no\nyes\n"))


def test_a_question_is_answered_as_on_a_terminal(tmp_path: Path) -> None:
    question = "python -c 'import sys; assert sys.stdin.isatty(); print(input())'"

    assert Terminal(tmp_path, {}).type(question).splitlines() == ["yes"]
