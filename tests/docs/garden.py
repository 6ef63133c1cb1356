"""The project of the docs, as `startproject` makes it: in a folder of the test, driven by its own manage.py."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.docs.pages import Fence

__all__ = ["COVER", "LABEL", "Garden"]

LABEL = "roses, 1843\n"
COVER = "not quite a photo"


class Garden:
    """A Django project with one user and one uploaded file.

    Attributes:
        folder: Where manage.py is.
        environment: Variables its processes get beside those of this process.
    """

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.environment = environment or {}

    @classmethod
    def planted(cls, parent: Path) -> Garden:
        """Start the project below `parent`, as django-admin does, and give it a user and an uploaded file."""
        garden = cls(parent / "garden")
        garden._run(sys.executable, "-m", "django", "startproject", "garden", folder=parent)
        garden.append("settings.py", 'INSTALLED_APPS += ["django_snapshots"]\nMEDIA_ROOT = BASE_DIR / "media"\n')
        garden.manage("migrate", "--verbosity", "0")
        with garden.database() as database:
            database.execute(
                "INSERT INTO auth_user (username, password, first_name, last_name, email, is_superuser, is_staff, "
                "is_active, date_joined) VALUES ('rosa', '!', '', '', '', 0, 0, 1, '1843-05-01 00:00:00')"
            )
        (garden.folder / "media/photos").mkdir(parents=True)
        (garden.folder / "media/label.txt").write_text(LABEL)
        (garden.folder / "media/photos/cover.jpg").write_text(COVER)
        return garden

    def copy(self, parent: Path, environment: dict[str, str] | None = None) -> Garden:
        """Return the same project in another folder."""
        return Garden(shutil.copytree(self.folder, parent / "garden"), environment)

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Open the database for a block, and commit at its end."""
        with closing(sqlite3.connect(self.folder / "db.sqlite3")) as database, database:
            yield database

    def append(self, caption: str, code: str) -> None:
        """Add code to a file, named as the pages name it; settings.py is the project's."""
        path = self.folder / ("garden/settings.py" if caption == "settings.py" else caption)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{code}")

    def apply(self, fence: Fence, replace: dict[str, str]) -> None:
        """Add a block of a page to the file that its caption names."""
        code = fence.body
        for text, replacement in replace.items():
            code = code.replace(text, replacement)
        self.append(fence.caption, code)

    def manage(self, *arguments: str) -> str:
        """Run manage.py, which must end well, and return what it printed."""
        return self._run(sys.executable, "manage.py", *arguments, folder=self.folder)

    def destroy(self) -> None:
        """Lose the user and the file's content, and leave something behind."""
        with self.database() as database:
            database.execute("DELETE FROM auth_user")
            database.execute("CREATE TABLE stray (id)")
        (self.folder / "media/label.txt").write_text("oops")
        (self.folder / "media/stray.txt").touch()

    def state(self) -> dict[str, list[str]]:
        """Return the users, the tables and the media files with their contents."""
        with self.database() as database:
            users = [str(row) for row in database.execute("SELECT * FROM auth_user ORDER BY id")]
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema ORDER BY name")]
        media = self.folder / "media"
        files = sorted(path for path in media.rglob("*") if path.is_file())
        return {
            "users": users,
            "tables": tables,
            "media": [f"{path.relative_to(media)}: {path.read_text()}" for path in files],
        }

    def _run(self, *command: str, folder: Path) -> str:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_SETTINGS_MODULE", "AWS_"))
        }
        done = subprocess.run(
            command,
            cwd=folder,
            env=inherited | self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout
