"""What a restore means for processes that are connected, and for the one that restores."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.site import Site, make_site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connectors.postgres.databases import Database

SETTINGS = """
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_snapshots"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {database!r}}}
"""
MIGRATE = "from django.core.management import call_command\ncall_command('migrate', verbosity=0)\n"
SERVER = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
django.setup()
from django.contrib.auth.models import Group
from django.core.signals import request_finished, request_started
from django.db import connection
for line in sys.stdin:  # each line is a request
    request_started.send(None)
    print(*Group.objects.order_by("name").values_list("name", flat=True), "by", connection.connection.info.backend_pid)
    sys.stdout.flush()
    request_finished.send(None)
"""


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    settings = database.settings() | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False}
    site = make_site(tmp_path / "site", SETTINGS.format(database=settings))
    site.python(MIGRATE + "from django.contrib.auth.models import Group\nGroup.objects.create(name='then')")
    return site


def ask(server: subprocess.Popen[str]) -> list[str]:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("request\n")
    server.stdin.flush()
    return server.stdout.readline().split(" by ")


def serve(site: Site) -> subprocess.Popen[Any]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVER],
        cwd=site.folder,
        env=site.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_server_with_a_persistent_connection_sees_the_restored_data(site: Site) -> None:
    site.run("backup", "database", "--name", "first")
    site.python("from django.contrib.auth.models import Group\nGroup.objects.create(name='later')")
    with serve(site) as server:
        for _ in range(8):  # more often than psycopg waits before it prepares a statement
            before = ask(server)
        site.run("restore", "first", "--noinput")
        after = [ask(server), ask(server)]
        assert server.stdin is not None
        server.stdin.close()

    assert before[0] == "later then"
    assert [text for text, _ in after] == ["then", "then"]
    assert {pid for _, pid in after} == {before[1]}, "the connection of before still serves"


def test_content_types_are_those_of_the_snapshot_in_the_process_that_restored(site: Site) -> None:
    said = site.python(
        "from django.contrib.auth.models import Group\n"
        "from django.contrib.contenttypes.models import ContentType\n"
        "from django.db import connection\n"
        "from django_snapshots import create_snapshot, restore_snapshot\n"
        "create_snapshot(['database'], name='first')\n"
        "key = ContentType.objects.get_for_model(Group).pk\n"
        "with connection.cursor() as cursor:\n"
        "    cursor.execute('DELETE FROM auth_permission; UPDATE django_content_type SET id = id + 1000')\n"
        "ContentType.objects.clear_cache()\n"
        "later = ContentType.objects.get_for_model(Group).pk\n"
        "restore_snapshot('first')\n"
        "print(later - key, ContentType.objects.get_for_model(Group).pk - key)\n"
    )

    assert said.split() == ["1000", "0"]
