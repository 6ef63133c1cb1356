"""Text in every plane of Unicode comes back from PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.connectors import PostgresConnector
from tests.connectors.planes import PLANES
from tests.connectors.postgres.databases import dump, restore

if TYPE_CHECKING:
    from tests.connectors.postgres.databases import Database


def test_text_in_every_plane_comes_back(live: Database) -> None:
    rows = ", ".join(f"({plane}, '{text}')" for plane, text in enumerate(PLANES))
    live.sql(f"CREATE TABLE plane (number integer PRIMARY KEY, text text); INSERT INTO plane VALUES {rows}")
    dumped = dump(PostgresConnector())
    live.sql("UPDATE plane SET text = '?'")

    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT text FROM plane ORDER BY number").splitlines() == PLANES
