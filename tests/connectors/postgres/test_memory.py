"""What a process that backs up or restores a PostgreSQL database holds in memory at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.peak import measure_peaks
from tests.site import Site, make_site
from tests.soak import sized

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connectors.postgres.databases import Database

MIB = 1024 * 1024
LIMIT_BYTES = 80 * MIB
APPS = """
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
    "django.contrib.messages", "django.contrib.sessions", "django.contrib.staticfiles", "django_snapshots"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    return make_site(tmp_path / "site", f"{APPS}DATABASES = {{'default': {database.settings()!r}}}")


def test_backup_and_restore_of_a_project_with_the_usual_apps_stay_under_80_mib(site: Site, database: Database) -> None:
    rows = sized(150_000, 4_000_000)  # of 150 bytes: 20 MB, or 600 MB
    database.sql(
        "CREATE TABLE event AS SELECT i AS id, md5(i::text) || md5((i * 7)::text) AS digest, "
        f"repeat(chr(97 + i % 26), 60) || i % 1000 AS text FROM generate_series(1, {rows}) i"
    )
    peaks = measure_peaks(site)

    site.run("backup", "database", "--name", "first")
    site.run("restore", "first", "--noinput")

    assert [verb for verb, _ in peaks()] == ["backup", "restore"]
    assert max(size_bytes for _, size_bytes in peaks()) < LIMIT_BYTES
    assert database.sql("SELECT count(*) FROM event") == str(rows)
