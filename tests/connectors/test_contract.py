"""Every connector of ours passes the contract suite that we give to others."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from django_snapshots.connectors import DumpDataConnector, SQLiteConnector
from django_snapshots.testing import ConnectorContract
from tests.connectors.databases import alias_of, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Path:
    """A SQLite database made by `migrate`."""
    path = tmp_path_factory.mktemp("migrated") / "db.sqlite3"
    with django_db_blocker.unblock(), alias_of("migrated", {"ENGINE": "django.db.backends.sqlite3", "NAME": path}):
        migrate("migrated")
    return path


@pytest.fixture
def sqlite_alias(migrated: Path, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """An alias of a copy of it."""
    path = tmp_path / "live" / "db.sqlite3"
    path.parent.mkdir()
    shutil.copy(migrated, path)
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
    with django_db_blocker.unblock(), alias_of("contract", settings) as alias:
        yield alias


class TestSQLiteConnector(ConnectorContract):
    @pytest.fixture
    def connector(self) -> SQLiteConnector:
        return SQLiteConnector()

    @pytest.fixture
    def alias(self, sqlite_alias: str) -> str:
        return sqlite_alias


class TestDumpDataConnector(ConnectorContract):
    @pytest.fixture
    def connector(self) -> DumpDataConnector:
        return DumpDataConnector()

    @pytest.fixture
    def alias(self, sqlite_alias: str) -> str:
        return sqlite_alias
