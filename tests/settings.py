"""Settings of the test project; tests that need other values override them, or run the example in a process."""

import tempfile
from pathlib import Path

_ROOT = Path(tempfile.gettempdir()) / "django-snapshots-tests"

SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_snapshots"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = str(_ROOT / "media")
