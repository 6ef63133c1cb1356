"""Snapshots of another connector or engine than today's: restored by what made them, or refused with the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.site import Site, make_site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connectors.postgres.databases import Database

DUMPDATA = {"SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT": "dumpdata"}
SETTINGS = """
import os

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_snapshots"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if "ON_SQLITE" not in os.environ:
    DATABASES = {{"default": {postgres!r}}}
"""
ON_SQLITE = {"ON_SQLITE": "1"}
MIGRATE = "from django.core.management import call_command\ncall_command('migrate', verbosity=0)\n"
GROUP = "from django.contrib.auth.models import Group\n"


def group(name: str) -> str:
    return f"{GROUP}Group.objects.all().delete(); Group.objects.create(name={name!r})"


def names(site: Site) -> list[str]:
    return site.python(f"{GROUP}print(*Group.objects.values_list('name', flat=True), sep='\\n')").splitlines()


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    site = make_site(tmp_path / "site", SETTINGS.format(postgres=database.settings()))
    site.python(MIGRATE + group("then"))
    return site


def test_what_made_a_snapshot_restores_it_whatever_is_configured_today(site: Site) -> None:
    site.run("backup", "database", "--name", "rows", env=DUMPDATA)
    site.run("backup", "database", "--name", "archive")
    site.python(group("now"))

    plan = site.json("restore", "rows", "--dry-run")
    site.run("restore", "rows", "--noinput")
    by_dumpdata = names(site)
    site.python(group("now"))
    site.run("restore", "archive", "--noinput", env=DUMPDATA)

    assert "all rows of" in plan["replaces"][0]["target"]
    assert (by_dumpdata, names(site)) == (["then"], ["then"])


def test_the_way_to_another_engine_that_a_refusal_names_leads_there(site: Site) -> None:
    site.python(MIGRATE + group("of sqlite"), env=ON_SQLITE)
    site.run("backup", "database", "--name", "file", env=ON_SQLITE)

    refused = site.run("restore", "file", "--noinput", exit_code=1)
    site.run("backup", "database", "--name", "moving", env=ON_SQLITE | DUMPDATA)
    site.run("restore", "moving", "--noinput")

    assert "The dump is of engine 'sqlite', database 'default' is PostgreSQL" in refused.stderr
    assert "SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT=dumpdata" in refused.stderr
    assert names(site) == ["of sqlite"]
