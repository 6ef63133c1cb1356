"""Types the commands of a `console` block into a real shell and compares what it prints with the page."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.docs.pages import Fence

__all__ = ["Terminal", "commands_of", "matches"]

ANY = "…"
"""In a page: any text within a line, or, alone on a line, any number of lines."""

NOT_RUN = ("python -m venv ", "source ", "pip install ")
"""Set-up that the tests' own environment stands for."""


@dataclass(slots=True)
class Terminal:
    """A shell in a folder, with this environment's programs first on PATH and a person at the keyboard.

    Attributes:
        folder: The working directory; `cd` moves it.
        replace: Text of the pages -> text to run, such as a folder of the test for one of a server.
        answer: What the person types.
    """

    folder: Path
    replace: dict[str, str]
    answer: str = "yes"

    def run(self, fence: Fence) -> None:
        """Run each command of the block; fail when one ends badly or prints something else than the page says."""
        for command, expected in commands_of(fence):
            if command.startswith(NOT_RUN):
                continue
            output = self.type(command)
            assert matches(expected, output), (
                f"{fence.place}: `{command}` printed\n{output}\nthe page says\n{''.join(expected)}"
            )

    def type(self, command: str) -> str:
        """Run one command, answer what it asks, and return what it printed."""
        for text, replacement in self.replace.items():
            command = command.replace(text, replacement)
        folder_file = self.folder / ".folder"
        script = f"set -e -o pipefail\n{command}\npwd > {str(folder_file)!r}"
        with _keyboard(f"{self.answer}\n") as keyboard:
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=self.folder,
                env=_environment(),
                stdin=keyboard,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
                check=False,
            )
        assert done.returncode == 0, f"`{command}` ended with {done.returncode}:\n{done.stdout}"
        self.folder = Path(folder_file.read_text().strip())
        folder_file.unlink()
        return done.stdout


def commands_of(fence: Fence) -> list[tuple[str, list[str]]]:
    """Return the commands of a console block, each with the lines the page shows after it."""
    commands: list[tuple[str, list[str]]] = []
    for line in fence.body.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif line.startswith("> "):
            command, output = commands.pop()
            commands.append((f"{command}\n{line[2:]}", output))
        else:
            assert commands, f"{fence.place}: output before the first command"
            commands[-1][1].append(line)
    return commands


def matches(expected: list[str], output: str) -> bool:
    """Say whether the output is what the page shows; a page that shows nothing claims nothing."""
    if not any(line.strip() for line in expected):
        return True
    pattern = ""
    for line in expected:
        if line.strip() == ANY:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += r".*?".join(re.escape(part) for part in line.rstrip().split(ANY)) + r"[ \t]*\n"
    return re.fullmatch(pattern, output.rstrip("\n") + "\n") is not None


def _environment() -> dict[str, str]:
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    return environment | {"PATH": programs, "COLUMNS": "100", "NO_COLOR": "1"}


@contextmanager
def _keyboard(answer: str) -> Iterator[int]:
    person, program = pty.openpty()
    try:
        os.write(person, answer.encode())
        yield program
    finally:
        os.close(person)
        os.close(program)
