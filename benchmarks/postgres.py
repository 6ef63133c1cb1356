"""PostgreSQL on a throwaway server: against pg_dump and pg_restore with zstd, and against two packages."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from benchmarks.bench import require_programs
from benchmarks.database_jobs import Shop, run_jobs
from tests.servers.postgres import PASSWORD, serving_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.compare import Result

__all__ = ["run"]

_SCHEMA = """
CREATE TABLE product (id bigint PRIMARY KEY, sku text UNIQUE, title text, price numeric(10, 2), attributes jsonb);
CREATE TABLE sale (id bigint PRIMARY KEY, at timestamptz, note text, total numeric(12, 2),
    product_id bigint REFERENCES product);
INSERT INTO product SELECT i, 'sku-' || i, 'The ' || md5(i::text) || ' of ' || i, i * 1.37,
    jsonb_build_object('size', i % 50, 'color', md5((i % 12)::text)) FROM generate_series(1, {products}) i;
INSERT INTO sale SELECT i, timestamptz '2024-01-01' + i * interval '7 seconds', md5(i::text) || ' ordered by customer '
    || i % 9999 || ' ' || repeat(chr(97 + i % 26), 40), (i * 31 % 100000) / 100.0, 1 + i % {products}
    FROM generate_series(1, {rows}) i;
CREATE INDEX ON sale (at); CREATE INDEX ON sale (product_id); ANALYZE;
"""


def run(bench: Bench) -> Iterator[Result]:
    """Measure everything on one server."""
    require_programs("zstd")
    with serving_postgres(settings={"fsync": "on", "full_page_writes": "on", "shared_buffers": "256MB"}) as server:
        server.sql("postgres", "CREATE DATABASE shop")
        connect = {"PGHOST": server.socket_directory, "PGPORT": server.port, "PGUSER": "postgres"}
        variables = {**connect, "PGPASSWORD": PASSWORD}
        export = "; ".join(f"export {name}={shlex.quote(str(value))}" for name, value in variables.items())
        restore = f"{server.programs}/pg_restore --clean --single-transaction -d shop"
        shop = Shop(
            name="postgres",
            database=server.settings("shop"),
            driver="psycopg[binary]",
            prologue="",
            sql=lambda script: server.sql("shop", script),
            schema=_SCHEMA,
            rows=2_500_000,
            dump_label="pg_dump -Fc -Z0 | zstd -3 -T0",
            restore_label="zstd -d | pg_restore --clean --single-transaction",
            raw_dump=f"{export}; {server.programs}/pg_dump -Fc -Z0 shop | zstd -q -f -3 -T0 -o {{file}}",
            raw_restore=f"{export}; zstd -q -d < {{file}} | {restore}",
        )
        yield from run_jobs(bench, shop)
