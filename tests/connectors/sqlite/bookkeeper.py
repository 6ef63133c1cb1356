"""A process that keeps writing to a database, in transactions that each keep two invariants.

The sums of all accounts are zero, and each entry's transfer exists. `python -m tests.connectors.sqlite.bookkeeper PATH`
writes a line after its first commits and goes on until its standard input ends.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["broken_invariants", "make_ledger"]

ACCOUNTS = 4000

_SCHEMA = """
CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, padding TEXT);
CREATE TABLE entry (id INTEGER PRIMARY KEY, transfer_id INTEGER NOT NULL, amount INTEGER NOT NULL);
CREATE INDEX entry_transfer ON entry (transfer_id);
CREATE TABLE transfer (id INTEGER PRIMARY KEY, note TEXT);
"""


def make_ledger(path: Path, journal_mode: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode={journal_mode}")
        connection.executescript(_SCHEMA)
        rows = [(number, "x" * 2000) for number in range(ACCOUNTS)]
        connection.executemany("INSERT INTO account VALUES (?, 0, ?)", rows)
        connection.commit()


def broken_invariants(path: Path) -> list[str]:
    """Return what is wrong in a copy; the accounts lie all over the file, so that two moments do not fit."""
    with closing(sqlite3.connect(path)) as connection:
        total, orphans, unbooked = (
            connection.execute(query).fetchone()[0]
            for query in (
                "SELECT sum(balance) FROM account",
                "SELECT count(*) FROM entry WHERE transfer_id NOT IN (SELECT id FROM transfer)",
                "SELECT count(*) FROM transfer WHERE (SELECT sum(amount) FROM entry WHERE transfer_id = transfer.id)",
            )
        )
        sound = connection.execute("PRAGMA integrity_check").fetchall()
    found = {"sum of balances": total, "entries without transfer": orphans, "transfers that are not zero": unbooked}
    return [f"{name}: {count}" for name, count in found.items() if count] + ([] if sound == [("ok",)] else [str(sound)])


def _work(path: str, stop: threading.Event) -> None:
    generator = random.Random()
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        committed = 0
        while not stop.wait(0.0005):
            connection.execute("BEGIN IMMEDIATE")
            _transfer(connection, generator)
            connection.execute("COMMIT")
            committed += 1
            if committed == 20:
                sys.stdout.write("working\n")
                sys.stdout.flush()


def _transfer(connection: sqlite3.Connection, generator: random.Random) -> None:
    # The children come first, as deferred foreign keys allow.
    transfer = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM transfer").fetchone()[0]
    for _ in range(10):
        amount = generator.randrange(1, 1000)
        for signed in (amount, -amount):
            account = generator.randrange(ACCOUNTS)
            connection.execute("UPDATE account SET balance = balance + ? WHERE id = ?", (signed, account))
            connection.execute("INSERT INTO entry (transfer_id, amount) VALUES (?, ?)", (transfer, signed))
    connection.execute("INSERT INTO transfer VALUES (?, 'done')", (transfer,))


if __name__ == "__main__":
    _stop = threading.Event()
    _worker = threading.Thread(target=_work, args=(sys.argv[1], _stop))
    _worker.start()
    sys.stdin.read()
    _stop.set()
    _worker.join()
