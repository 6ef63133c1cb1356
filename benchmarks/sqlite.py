"""SQLite, 500 MB: backup against `VACUUM INTO` and zstd, restore against zstd, quick_check and the backup API."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.bench import require_programs, start_up_note, warm
from benchmarks.compare import Side
from benchmarks.packages import Engine, compare_packages
from benchmarks.process import BenchmarkError
from benchmarks.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.compare import Result

__all__ = ["run"]

_SIZE_BYTES, _QUICK_BYTES = 500_000_000, 20_000_000
_BACKUP_BAR, _RESTORE_BAR = 1.15, 1.25
_SNAPSHOT = "measured"
_MARKER = "made after the snapshot"

# The copy is checked before the live database is touched, and enters it through the engine, as ours does.
_RAW_RESTORE = """\
import sqlite3, sys
copy, live = sqlite3.connect(sys.argv[1]), sqlite3.connect(sys.argv[2])
assert copy.execute("PRAGMA quick_check").fetchall() == [("ok",)]
copy.backup(live)
"""
_VACUUM_INTO = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('VACUUM INTO ?', sys.argv[2:])"


def run(bench: Bench) -> Iterator[Result]:
    """Measure backup and restore."""
    require_programs("zstd")
    size_bytes = _QUICK_BYTES if bench.quick else _SIZE_BYTES
    data = bench.generate(f"shop-{size_bytes}.sqlite3", "benchmarks.shop_data", str(size_bytes))
    live = bench.work / "live.sqlite3"
    shutil.copyfile(data, live)
    project = Project(bench.work / "project", live, bench.work / "media", bench.work / "snapshots").write()
    note = start_up_note(bench, project)
    yield _backup(bench, project, note)
    yield _restore(bench, project, note)
    yield from compare_packages(bench, _engine(project))


def _engine(project: Project) -> Engine:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(project.database)}

    def count() -> int:
        return sum(rows for rows, _ in _row_counts(project.database).values())

    return Engine("sqlite", database, count, spoil=lambda: _add_marker(project.database))


def _vacuum_into(database: Path, copy: Path) -> str:
    if shutil.which("sqlite3"):
        return f"sqlite3 '{database}' \"VACUUM INTO '{copy}'\""
    return f"'{sys.executable}' -c \"{_VACUUM_INTO}\" '{database}' '{copy}'"


def _backup(bench: Bench, project: Project, note: str) -> Result:
    copy, packed = bench.work / "copy.sqlite3", bench.work / "copy.sqlite3.zst"
    stored = project.storage / _SNAPSHOT / "database" / "default.sqlite3.zst"
    vacuum = _vacuum_into(project.database, copy)

    def prepare() -> None:
        for path in (copy, packed):
            path.unlink(missing_ok=True)
        shutil.rmtree(project.storage, ignore_errors=True)
        warm(project.database)

    return bench.compare(
        "sqlite backup",
        Side(
            "VACUUM INTO, then zstd -3 -T0",
            partial(bench.shell, f"{vacuum}; zstd -q -3 -T0 '{copy}' -o '{packed}'"),
            prepare,
            partial(_expect_database_in, bench, packed, project.database),
        ),
        Side(
            "manage.py snapshots backup database",
            partial(bench.process, project.snapshots("backup", "database", "--name", _SNAPSHOT)),
            prepare,
            partial(_expect_database_in, bench, stored, project.database),
        ),
        bar=_BACKUP_BAR,
        notes=[note],
    )


def _restore(bench: Bench, project: Project, note: str) -> Result:
    expected = _row_counts(project.database)
    shutil.rmtree(project.storage, ignore_errors=True)
    bench.process(project.snapshots("backup", "database", "--name", _SNAPSHOT))
    stored = project.storage / _SNAPSHOT / "database" / "default.sqlite3.zst"
    copy, script = bench.work / "copy.sqlite3", bench.work / "raw_restore.py"
    script.write_text(_RAW_RESTORE)

    def prepare() -> None:
        copy.unlink(missing_ok=True)
        _add_marker(project.database)
        for path in (stored, project.database):
            warm(path)

    def verify() -> None:
        if _row_counts(project.database) != expected:
            raise BenchmarkError("the restored database has other rows than the one backed up")

    return bench.compare(
        "sqlite restore",
        Side(
            "zstd -d, quick_check, backup API into the live database",
            partial(
                bench.shell,
                f"zstd -q -d '{stored}' -o '{copy}'; '{sys.executable}' '{script}' '{copy}' '{project.database}'",
            ),
            prepare,
            verify,
        ),
        Side(
            "manage.py snapshots restore --noinput --no-safety-snapshot",
            partial(bench.process, project.snapshots("restore", _SNAPSHOT, "--noinput", "--no-safety-snapshot")),
            prepare,
            verify,
        ),
        bar=_RESTORE_BAR,
        notes=[note],
    )


def _row_counts(database: Path) -> dict[str, tuple[int, int]]:
    """Rows of each table and the highest rowid: the marker changes both."""
    connection = sqlite3.connect(database)
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
    counts = {table: connection.execute(f'SELECT count(*), max(rowid) FROM "{table}"').fetchone() for table in tables}
    connection.close()
    return counts


def _add_marker(database: Path) -> None:
    """Change the live database, so that a restore that does nothing is found out."""
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("INSERT INTO django_migrations VALUES (NULL, 'marker', ?, '2024-01-01')", [_MARKER])
    connection.close()


def _expect_database_in(bench: Bench, packed: Path, database: Path) -> None:
    """Unpack what a backup left and compare its rows with the live ones."""
    unpacked = bench.work / "unpacked.sqlite3"
    unpacked.unlink(missing_ok=True)
    bench.shell(f"zstd -q -d '{packed}' -o '{unpacked}'")
    if _row_counts(unpacked) != _row_counts(database):
        raise BenchmarkError(f"{packed} does not hold the rows of {database}")
    unpacked.unlink()
