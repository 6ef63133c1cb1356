"""What "the same" means in the demo: digests of the database's logical content and of every media file.

Uses neither Django nor django-snapshots, so that it cannot be wrong together with them.
"""

import hashlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

__all__ = ["differences", "prove_database", "prove_media"]

PRAGMAS = ("user_version", "application_id", "encoding")


def prove_database(path: Path) -> dict[str, str]:
    """Return what was proved of a SQLite file: one digest per table, one per object of the schema, the pragmas."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        schema = database.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()
        proof = {f"{kind} {name}": _digest([repr(sql).encode()]) for kind, name, sql in schema}
        for kind, name, _ in schema:
            if kind in {"table", "view"}:
                proof[f"rows of {name}"] = _digest(_rows(database, name))
        for pragma in PRAGMAS:
            proof[f"pragma {pragma}"] = str(database.execute(f"PRAGMA {pragma}").fetchone()[0])
    return proof


def prove_media(root: Path) -> dict[str, str]:
    """Return for every file, link and folder below `root` its mode, its time and the digest of its content."""
    proof = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = [b"folder"]
        if path.is_symlink():
            content = [os.fsencode(path.readlink())]
        elif stat.S_ISREG(status.st_mode):
            content = [path.read_bytes()]
        proof[f"{path.relative_to(root)}"] = f"{stat.filemode(status.st_mode)} {status.st_mtime_ns} {_digest(content)}"
    return proof


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return one line for each thing that is not the same."""
    lines = [f"lost: {name}" for name in before.keys() - after.keys()]
    lines += [f"left over: {name}" for name in after.keys() - before.keys()]
    lines += [f"changed: {name}" for name in before.keys() & after.keys() if before[name] != after[name]]
    return sorted(lines)


def _rows(database: sqlite3.Connection, table: str) -> Iterator[bytes]:
    # quote() tells 1 from '1' and keeps every bit of blobs and numbers; sorted, because tables have no order.
    quoted = '"' + table.replace('"', '""') + '"'
    columns = [row[1] for row in database.execute(f"PRAGMA table_xinfo({quoted})")]
    values = ", ".join('quote("' + column.replace('"', '""') + '")' for column in columns)
    yield repr(columns).encode()
    for row in sorted(database.execute(f"SELECT {values} FROM {quoted}").fetchall()):
        yield repr(row).encode()


def _digest(parts: Iterator[bytes] | list[bytes]) -> str:
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.hexdigest()[:16]
