"""A throwaway Django project, laid out as `startproject` does, whose settings name the data of one job."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Project"]

_MANAGE = """\
import os
import sys

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""

_SETTINGS = """\
SECRET_KEY = "only for a benchmark that is removed afterwards"
USE_TZ = True
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_snapshots",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {{
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        }},
    }}
]
STATIC_URL = "static/"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {database!r}}}}}
MEDIA_ROOT = {media!r}
SNAPSHOTS = {{
    "STORAGE": {{
        "BACKEND": "django_snapshots.storage.LocalFileSystemBackend",
        "OPTIONS": {{"location": {storage!r}}},
    }}
}}
"""


@dataclass(frozen=True)
class Project:
    """Where a project and its data are.

    Attributes:
        root: Holds `manage.py`.
        database: The SQLite file of the alias "default".
        media: MEDIA_ROOT.
        storage: Where snapshots go.
    """

    root: Path
    database: Path
    media: Path
    storage: Path

    def write(self) -> Project:
        """Write the project's files and return itself."""
        self.root.mkdir(parents=True)
        (self.root / "manage.py").write_text(_MANAGE)
        (self.root / "urls.py").write_text("urlpatterns = []\n")
        settings = _SETTINGS.format(database=str(self.database), media=str(self.media), storage=str(self.storage))
        (self.root / "settings.py").write_text(settings)
        return self

    def manage(self, *arguments: str) -> list[str]:
        """Return the command line of a management command."""
        return [sys.executable, str(self.root / "manage.py"), *arguments]

    def snapshots(self, *arguments: str) -> list[str]:
        """Return the command line of `manage.py snapshots`."""
        return self.manage("snapshots", *arguments)
