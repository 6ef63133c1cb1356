"""What a process that backs up or restores a MariaDB database holds in memory at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.peak import measure_peaks
from tests.site import make_site
from tests.soak import sized

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connectors.mysql.house import House

MIB = 1024 * 1024
LIMIT_BYTES = 80 * MIB
SETTINGS = """
import pymysql

pymysql.install_as_MySQLdb()
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
    "django.contrib.messages", "django.contrib.sessions", "django.contrib.staticfiles", "django_snapshots"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {default!r}}}
"""


def test_backup_and_restore_of_a_project_with_the_usual_apps_stay_under_80_mib(house: House, tmp_path: Path) -> None:
    rows = sized(150_000, 4_000_000)  # of 150 bytes: 20 MB, or 600 MB
    house.sql(
        "CREATE TABLE event (id INT PRIMARY KEY, digest CHAR(64), text VARCHAR(100));"
        "INSERT INTO event SELECT seq, SHA2(seq, 256), CONCAT(REPEAT(CHAR(97 + seq % 26), 60), seq) "
        f"FROM {house.server.numbers(rows)}"
    )
    settings = SETTINGS.format(default=house.server.settings(house.name, house.name))
    site = make_site(tmp_path / "site", settings)
    peaks = measure_peaks(site)

    site.run("backup", "database", "--name", "first")
    site.run("restore", "first", "--noinput")

    assert [verb for verb, _ in peaks()] == ["backup", "restore"]
    assert max(size_bytes for _, size_bytes in peaks()) < LIMIT_BYTES
    assert house.sql("SELECT COUNT(*) FROM event") == str(rows)
