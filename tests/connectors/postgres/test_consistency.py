"""Money moves while the dump is made: what is restored adds up."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from django_snapshots.connectors.postgres import PostgresConnector
from tests.connectors.postgres.databases import dump, restore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.connectors.postgres.databases import Database

ROUNDS = 20
_MOVE = r"""
\set a random(1, 1000)
\set b random(1, 1000)
\set amount random(-5000, 5000)
BEGIN;
UPDATE account SET balance = balance - :amount WHERE id = :a;
INSERT INTO entry (account, amount) VALUES (:a, -:amount), (:b, :amount);
UPDATE account SET balance = balance + :amount WHERE id = :b;
COMMIT;
"""
_SUMS = """
SELECT sum(balance) FROM account;
SELECT coalesce(sum(amount), 0) FROM entry;
SELECT count(*) FROM account a
WHERE balance <> (SELECT coalesce(sum(amount), 0) FROM entry e WHERE e.account = a.id);
"""


def test_a_dump_made_while_money_moves_adds_up_twenty_times_of_twenty(
    live: Database, make_database: Callable[..., Database], register: Callable[..., str], tmp_path: Path
) -> None:
    live.sql(
        "CREATE TABLE account (id integer PRIMARY KEY, balance bigint NOT NULL);"
        "CREATE TABLE entry (id bigserial PRIMARY KEY, account integer REFERENCES account, amount bigint);"
        "CREATE INDEX ON entry (account); INSERT INTO account SELECT i, 0 FROM generate_series(1, 1000) i"
    )
    (tmp_path / "move.sql").write_text(_MOVE)
    bench = subprocess.Popen(
        [
            *(live.server.programs / "pgbench", "--no-vacuum", "--client=2", "--time=300", "--max-tries=10"),
            *(f"--file={tmp_path / 'move.sql'}", live.name),
        ],
        env=live.server.environment("app"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        dumps = [dump(PostgresConnector()) for _ in range(ROUNDS)]
    finally:
        bench.terminate()
        bench.wait(timeout=60)
    assert dumps[0][0] != dumps[-1][0], "nothing moved"
    target = make_database()
    register(**target.settings())

    for dumped in dumps:
        restore(PostgresConnector(), dumped)

        total, entries, differing = target.sql(_SUMS).split()
        assert (total, entries, differing) == ("0", "0", "0")
