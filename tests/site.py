"""A Django project in a folder of its own, run as people run it: `manage.py` in a process."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Site", "make_site"]

SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = ["django_snapshots"]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}}}
MEDIA_ROOT = BASE_DIR / "media"
{more}
"""

MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
execute_from_command_line(sys.argv)
"""


@dataclass(frozen=True)
class Site:
    """A project on SQLite with one table and a media folder.

    Attributes:
        folder: Holds manage.py, site_settings.py, db.sqlite3, media/ and, by default, snapshots/.
    """

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "db.sqlite3"

    @property
    def media(self) -> Path:
        return self.folder / "media"

    @property
    def snapshots(self) -> Path:
        return self.folder / "snapshots"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SNAPSHOTS_", "DJANGO_"))}
        return {**kept, "PYTHONWARNINGS": "error", **more}

    def start(self, *arguments: str, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
        """Start `manage.py snapshots ARGUMENTS` without a terminal and return the process."""
        return subprocess.Popen(
            [sys.executable, "manage.py", "snapshots", *arguments],
            cwd=self.folder,
            env=self.environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(
        self, *arguments: str, exit_code: int = 0, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `manage.py snapshots ARGUMENTS` and check how it ended; no traceback is ever right."""
        process = self.start(*arguments, env=env, **options)
        out, err = process.communicate(timeout=120)
        assert process.returncode == exit_code, f"exit {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def python(self, script: str, env: Mapping[str, str] | None = None) -> str:
        """Run Python code inside the project, in a process of its own, and return what it prints."""
        prologue = "import os, django\nos.environ['DJANGO_SETTINGS_MODULE'] = 'site_settings'\ndjango.setup()\n"
        done = subprocess.run(
            [sys.executable, "-c", prologue + script],
            cwd=self.folder,
            env=self.environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str, exit_code: int = 0, **options: Any) -> Any:
        """Run with --json and return the one document on standard output."""
        return json.loads(self.run(*arguments, "--json", exit_code=exit_code, **options).stdout)

    def names(self) -> list[str]:
        """Return the names that `list` gives, newest first."""
        return [snapshot["name"] for snapshot in self.json("list")["snapshots"]]

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows of the table."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute("SELECT id, text FROM note ORDER BY id").fetchall()

    def execute(self, statement: str) -> None:
        """Change the database from this process."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement)


def make_site(folder: Path, more: str = "") -> Site:
    """Make a project in `folder`, with `more` lines at the end of its settings."""
    folder.mkdir(exist_ok=True)
    (folder / "site_settings.py").write_text(SETTINGS.format(more=more))
    (folder / "manage.py").write_text(MANAGE)
    site = Site(folder)
    site.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
    site.execute("INSERT INTO note VALUES (1, 'first'), (2, 'second')")
    (site.media / "2026").mkdir(parents=True)
    (site.media / "2026" / "photo.jpg").write_bytes(bytes(range(256)) * 1000)
    (site.media / "note.txt").write_text("kept")
    return site
