"""What a plan says of the live database: is there anything in it, which server, how do its migrations differ."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from django.db import Error, connections
from django.db.migrations.loader import MigrationLoader

from django_snapshots.errors import SnapshotError
from django_snapshots.sqlite_names import sqlite_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.db.backends.base.base import BaseDatabaseWrapper
    from pydantic import JsonValue

    from django_snapshots.connectors.contract import Connector

__all__ = ["Content", "database_content", "database_facts", "database_key", "migrations_difference"]

Content = Literal["empty", "filled", "unreadable"]
"""What a target holds: nothing; something; or it cannot be told, because it is damaged or does not answer."""


def database_content(alias: str, connector: Connector) -> Content:
    """Return what the database holds: "empty" where its connector says that a restore takes nothing away."""
    connection = connections[alias]
    if connection.vendor == "sqlite" and _is_empty_file(connection):
        return "empty"  # not asked, because Django would make the file
    holds_anything: Callable[[str], bool] = getattr(connector, "holds_anything", _has_tables)
    try:
        return "filled" if holds_anything(alias) else "empty"
    except (Error, SnapshotError):
        return "unreadable"


def _has_tables(alias: str) -> bool:
    connection = connections[alias]
    with connection.cursor() as cursor:
        return bool(connection.introspection.table_names(cursor, include_views=True))


def database_facts(alias: str, connector: Connector, facts: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return `database`, its name; `content`; `server` and `snapshot_server`, versions; and `migrations`.

    Args:
        alias: The database that is to be replaced.
        connector: What saves it before it is replaced.
        facts: Those of the dump.
    """
    connection = connections[alias]
    content = database_content(alias, connector)
    name = str(connection.settings_dict.get("NAME") or "")
    return {
        "database": Path(name).name if connection.vendor == "sqlite" else name,
        "content": content,
        "server": _server(connection) if content == "filled" else None,
        "snapshot_server": _text(facts.get("server_version")),
        "migrations": migrations_difference(facts.get("migrations")),
    }


def database_key(alias: str) -> str | None:
    """Return a text that is the same for each alias, here and in other projects, of one database; None in memory."""
    connection = connections[alias]
    if connection.vendor == "sqlite":
        path = _sqlite_path(connection)
        return None if path is None else f"sqlite {os.path.realpath(path)}"
    host, port, name = (str(connection.settings_dict.get(key) or "") for key in ("HOST", "PORT", "NAME"))
    return f"{connection.vendor} {host} {port} {name}"


def _is_empty_file(connection: BaseDatabaseWrapper) -> bool:
    path = _sqlite_path(connection)
    try:
        return path is not None and not path.stat().st_size
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _sqlite_path(connection: BaseDatabaseWrapper) -> Path | None:
    return sqlite_file(connection.settings_dict.get("NAME"))


def _server(connection: BaseDatabaseWrapper) -> str | None:
    try:
        version = connection.get_database_version()
    except (Error, NotImplementedError):
        return None
    return ".".join(map(str, version))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def migrations_difference(recorded: object) -> dict[str, JsonValue] | None:
    """Return `only_in_snapshot` and `only_in_code`, migrations such as "shop.0002_price".

    Args:
        recorded: App -> its last migration that was applied, as a dump's facts have it.

    Returns:
        None where the snapshot does not say, or the code cannot be read.
    """
    if not isinstance(recorded, dict) or not all(isinstance(name, str) for name in recorded.values()):
        return None
    try:
        graph = MigrationLoader(None).graph
    except Exception:  # noqa: BLE001 - whatever a project's migrations raise must not keep it from being restored
        return None
    applied = set()
    for node in recorded.items():
        if node in graph.nodes:
            applied.update(graph.forwards_plan(node))
    missing = sorted(set(recorded.items()) - set(graph.nodes))
    ahead = sorted(node for node in graph.nodes if node not in applied and node[0] not in dict(missing))
    return {"only_in_snapshot": [*map(".".join, missing)], "only_in_code": [*map(".".join, ahead)]}
