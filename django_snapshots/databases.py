"""What the project has to know of its databases: how many dumps at a time, what restores which dump, their files."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.module_loading import import_string

from django_snapshots.artifacts import DatabaseArtifact
from django_snapshots.conf.configuration import CONNECTORS_BY_VENDOR
from django_snapshots.processors import usable_processors
from django_snapshots.sqlite_names import sqlite_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from django.db.backends.base.base import BaseDatabaseWrapper

    from django_snapshots.connectors.contract import Connector

__all__ = ["database_artifact", "forgetting_cached_rows", "jobs_of_a_backup", "sqlite_files"]

_JOBS_MAX = 4


def jobs_of_a_backup(configured: int | None) -> int:
    """Return how many artifacts may be dumped at a time, each in a thread and with connections of its own.

    Args:
        configured: SNAPSHOTS['JOBS'].
    """
    # An open transaction, and a database in memory, are seen by this thread's connection alone.
    if any(_belongs_to_this_thread(connection) for connection in connections.all(initialized_only=True)):
        return 1
    return configured or usable_processors(_JOBS_MAX)


def _belongs_to_this_thread(connection: BaseDatabaseWrapper) -> bool:
    in_memory: Callable[[], bool] = getattr(connection, "is_in_memory_db", lambda: False)
    return connection.in_atomic_block or in_memory()


def database_artifact(alias: str, connector: Connector) -> DatabaseArtifact:
    """Return the database of `alias`: `connector` dumps it, and the dump decides what restores and saves it."""
    return DatabaseArtifact(
        alias,
        connector,
        choose=partial(_connector_for_dump, alias, connector),
        choose_saver=partial(_connector_for_safety, alias, connector),
    )


def _connector_for_dump(alias: str, connector: Connector, facts: Mapping[str, Any]) -> Connector:
    """Return the connector that restores a dump with these facts: the configured one, but across dumpdata.

    A dump of dumpdata fits every engine, and one of the engine's own connector is no less the engine's because the
    project dumps by dumpdata today.

    Args:
        alias: The database to be replaced.
        connector: What is configured for it.
        facts: What the dump's connector recorded.
    """
    from django_snapshots.connectors import DumpDataConnector  # noqa: PLC0415 - a backup does without it

    made_by_dumpdata = facts.get("engine") == "dumpdata"
    if made_by_dumpdata == isinstance(connector, DumpDataConnector):
        return connector
    if made_by_dumpdata:
        return DumpDataConnector()
    path = CONNECTORS_BY_VENDOR.get(connections[alias].vendor)
    own: Connector = connector if path is None else import_string(path)()
    return own


def _connector_for_safety(alias: str, connector: Connector, facts: Mapping[str, Any]) -> Connector:
    """Return the connector that saves what a restore of a dump with these facts replaces.

    It is the one that restores, for the configured one may save rows alone where all of the database is replaced. What
    dumpdata replaces, every connector holds: then it is the configured one.

    Args:
        alias: The database to be replaced.
        connector: What is configured for it.
        facts: What the dump's connector recorded.
    """
    return connector if facts.get("engine") == "dumpdata" else _connector_for_dump(alias, connector, facts)


def sqlite_files() -> dict[str, Path]:
    """Return the file of each SQLite database, by alias, with symlinks followed; one in memory has none."""
    files = {}
    for alias in connections:
        with suppress(ImproperlyConfigured):  # an engine that cannot be loaded; Django says so where it is used
            connection = connections[alias]
            file = sqlite_file(connection.settings_dict.get("NAME")) if connection.vendor == "sqlite" else None
            if file is not None:
                files[alias] = Path(os.path.realpath(file))
    return files


@contextmanager
def forgetting_cached_rows() -> Iterator[None]:
    """Empty, at the end, the caches of rows that Django keeps in this process: their keys are the snapshot's now."""
    try:
        yield
    finally:  # after a failure too: a part may have been replaced
        for app, model in (("contenttypes", "ContentType"), ("sites", "Site")):
            if apps.is_installed(f"django.contrib.{app}"):
                apps.get_model(app, model).objects.clear_cache()
