"""PostgresConnector passes the contract suite that we give to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_snapshots.connectors import PostgresConnector
from django_snapshots.testing import ConnectorContract
from tests.connectors.databases import migrate
from tests.connectors.postgres.databases import ALIAS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.connectors.postgres.databases import Database


class TestPostgresConnector(ConnectorContract):
    @pytest.fixture
    def connector(self) -> PostgresConnector:
        return PostgresConnector()

    @pytest.fixture
    def alias(self, live: Database) -> Iterator[str]:
        migrate(ALIAS)
        live.server.sql("postgres", f"ALTER ROLE {live.role} CREATEDB")
        yield ALIAS
        live.server.sql("postgres", f"ALTER ROLE {live.role} NOCREATEDB")
        assert live.server.sql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'snapshots%'") == ""
