"""Settings of the example project: a herbarium's catalogue. All its data lives in var/."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"

SECRET_KEY = "an example, never deployed"
DEBUG = False
USE_TZ = True
TIME_ZONE = "Europe/Lisbon"
ROOT_URLCONF = "project.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "herbarium",
    "django_snapshots",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR / "herbarium.sqlite3"}}
MEDIA_ROOT = VAR / "media"
MEDIA_URL = "/media/"

SNAPSHOTS = {
    "STORAGE": {
        "BACKEND": "django_snapshots.storage.LocalFileSystemBackend",
        "OPTIONS": {"location": VAR / "snapshots"},
    },
    "METADATA": {"site": "example herbarium"},
}
