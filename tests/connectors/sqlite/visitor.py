"""Another process that has a database open: it executes what it is sent, line by line, and answers in JSON.

`python -m tests.connectors.sqlite.visitor PATH` reads JSON strings from standard input.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

__all__ = ["Visitor"]


class Visitor:
    """A process with one connection in autocommit mode, for the time of a `with` block."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "tests.connectors.sqlite.visitor", str(path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask("SELECT count(*) FROM sqlite_master")

    def ask(self, statement: str) -> Any:
        """Return the rows of the statement, or the text of its error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(statement) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate(timeout=30)


def _serve(path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    for line in sys.stdin:
        try:
            answer: object = connection.execute(json.loads(line)).fetchall()
        except sqlite3.Error as error:
            answer = str(error)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
