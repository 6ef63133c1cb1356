"""More databases for a test than DATABASES has: aliases of its own, added and taken away again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.management import call_command
from django.db import connections, models
from django.test.utils import override_settings

from django_snapshots.connectors._dumpdata_models import models_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["THICKET_APPS", "alias_of", "migrate", "objects", "rows_of", "thicket_installed"]

THICKET_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_snapshots", "tests.connectors.thicket"]


@contextmanager
def alias_of(name: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Give an alias in DATABASES for the time of a `with` block."""
    configured = connections.configure_settings({"default": {}, name: dict(settings)})
    connections.settings[name] = configured[name]
    try:
        yield name
    finally:
        connections[name].close()
        del connections[name]
        del connections.settings[name]


def migrate(alias: str) -> None:
    """Make the tables of every installed app."""
    call_command("migrate", database=alias, verbosity=0, run_syncdb=True, interactive=False)


@contextmanager
def thicket_installed() -> Iterator[None]:
    """Install the app `thicket` for the time of a `with` block."""
    with override_settings(INSTALLED_APPS=THICKET_APPS):
        yield


def objects(name: str, alias: str) -> Any:
    """Return the rows of a model of the thicket, those that its managers hide among them."""
    return models.QuerySet(apps.get_model("thicket", name), using=alias)


def rows_of(alias: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table of ours, by table, as the driver gives it."""
    connection = connections[alias]
    found = {}
    with connection.cursor() as cursor:
        for model in models_of(alias):
            table = model._meta.db_table
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found[table] = sorted(cursor.fetchall(), key=repr)
    return found
