"""A server that is reached over TLS: the certificate is verified by us and by pg_dump."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_snapshots.connectors.postgres import PostgresConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.postgres.databases import dump, restore
from tests.servers.certificates import Certificates, making_certificates
from tests.servers.postgres import serving_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def certificates() -> Iterator[Certificates]:
    with making_certificates("postgres") as made:
        yield made


def test_a_verified_connection_serves_both_ways_and_pg_dump_too(
    certificates: Certificates, register: Callable[..., str]
) -> None:
    ssl = {
        "ssl": "on",
        "ssl_cert_file": f"'{certificates.crt('server')}'",
        "ssl_key_file": f"'{certificates.key('server')}'",
        "log_connections": "on",
    }
    with serving_postgres(settings=ssl) as server:
        server.sql("postgres", "CREATE DATABASE secret")
        server.sql("secret", "CREATE TABLE word AS SELECT 'then' AS text")
        host = {"HOST": "127.0.0.1"}

        def options(name: str) -> dict[str, str]:
            return {"sslmode": "verify-full", "sslrootcert": certificates.crt(name)}

        register(**server.settings("secret", **options("ca")) | host)
        dumped = dump(PostgresConnector())
        server.sql("secret", "UPDATE word SET text = 'now'")
        restore(PostgresConnector(), dumped)

        assert server.sql("secret", "SELECT text FROM word") == "then"
        by_pg_dump = [line for line in server.log.splitlines() if "application_name=pg_dump" in line]
        assert by_pg_dump
        assert all("SSL enabled" in line for line in by_pg_dump)
        register(**server.settings("secret", **options("stranger")) | host)
        with pytest.raises(SnapshotConnectorError, match="certificate verify failed"):
            dump(PostgresConnector())
