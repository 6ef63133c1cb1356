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


def test_what_dumpdata_does_not_hold_is_saved_before_a_native_restore_replaces_it(
    site: Site, database: Database
) -> None:
    site.run("backup", "database", "--name", "archive")
    database.sql("CREATE SCHEMA crm; CREATE TABLE crm.customers AS SELECT generate_series(1, 1000) AS id")

    restored = site.json("restore", "archive", "--noinput", env=DUMPDATA)

    assert database.sql("SELECT to_regclass('crm.customers') IS NULL") == "t"
    site.run(*restored["undo"].split()[2:], "--noinput", env=DUMPDATA)
    assert database.sql("SELECT count(*) FROM crm.customers") == "1000"


def test_a_dumpdata_restore_is_undone_by_the_connector_that_is_configured(site: Site) -> None:
    site.run("backup", "database", "--name", "rows", env=DUMPDATA)
    site.python(group("now"))

    safety = site.json("restore", "rows", "--noinput")["safety_snapshot"]

    assert site.json("info", safety)["artifacts"][0]["facts"]["engine"] == "postgresql"
    site.run("restore", safety, "--noinput")
    assert names(site) == ["now"]


LEAVING_OUT = {
    "schemas": ["shop"],
    "exclude_tables": ["public.log"],
    "exclude_table_data": ["public.audit"],
    "format": "plain",
}
SPEC = {"BACKEND": "django_snapshots.connectors.PostgresConnector"}


@pytest.mark.parametrize("option", LEAVING_OUT)
def test_what_backups_leave_out_is_saved_before_a_restore_replaces_it(
    database: Database, tmp_path: Path, option: str
) -> None:
    site = make_site(tmp_path / "site", SETTINGS.format(postgres=database.settings()))
    database.sql("CREATE TABLE t AS SELECT 1 AS one; CREATE TABLE audit (id integer)")
    site.run("backup", "database", "--name", "whole")
    database.sql("CREATE SCHEMA shop; CREATE TABLE log AS SELECT 2 AS two; INSERT INTO audit VALUES (3)")
    database.sql(f"SELECT lo_from_bytea(7, 'precious'); ALTER DATABASE {database.name} SET work_mem = '7MB'")
    before = database.state()
    spec = {**SPEC, "OPTIONS": {option: LEAVING_OUT[option]}}
    with (site.folder / "site_settings.py").open("a") as settings:
        settings.write(f"SNAPSHOTS = {{'DATABASE_CONNECTORS': {{'default': {spec!r}}}}}\n")

    restored = site.json("restore", "whole", "--noinput")

    assert database.state() != before
    site.run(*restored["undo"].split()[2:], "--noinput")
    assert database.state() == before


def test_the_way_to_another_engine_that_a_refusal_names_leads_there(site: Site) -> None:
    site.python(MIGRATE + group("of sqlite"), env=ON_SQLITE)
    site.run("backup", "database", "--name", "file", env=ON_SQLITE)

    refused = site.run("restore", "file", "--noinput", exit_code=1)
    site.run("backup", "database", "--name", "moving", env=ON_SQLITE | DUMPDATA)
    site.run("restore", "moving", "--noinput")

    assert "The dump is of engine 'sqlite', database 'default' is PostgreSQL" in refused.stderr
    assert "SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT=dumpdata" in refused.stderr
    assert names(site) == ["of sqlite"]
