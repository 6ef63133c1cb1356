"""How databases are dumped and restored: the contract and our own connectors.

The connectors are looked up when they are first used (PEP 562): only those in use cost their imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django_snapshots.connectors.contract import Connector, StageableConnector, StagedDatabase

if TYPE_CHECKING:
    from django_snapshots.connectors.dumpdata import DumpDataConnector
    from django_snapshots.connectors.mysql import MySQLConnector
    from django_snapshots.connectors.postgres import PostgresConnector
    from django_snapshots.connectors.sqlite import SQLiteConnector

__all__ = [
    "Connector",
    "DumpDataConnector",
    "MySQLConnector",
    "PostgresConnector",
    "SQLiteConnector",
    "StageableConnector",
    "StagedDatabase",
]

_MODULES = {
    "DumpDataConnector": "dumpdata",
    "MySQLConnector": "mysql",
    "PostgresConnector": "postgres",
    "SQLiteConnector": "sqlite",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
