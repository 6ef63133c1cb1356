"""Small things, measured as seconds above Django's own start-up: `list` of 1,000 snapshots, a tiny backup."""

from __future__ import annotations

import json
import shutil
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.compare import Measure, Side
from benchmarks.process import BenchmarkError
from benchmarks.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.compare import Result

__all__ = ["run"]

_SNAPSHOTS, _QUICK_SNAPSHOTS = 1_000, 50
_TINY_BYTES = 1_000_000
_BAR_SECONDS = 0.3
_FIRST = "nightly-0000"


def run(bench: Bench) -> Iterator[Result]:
    """Measure a tiny backup, then `list`."""
    database = bench.work / "live.sqlite3"
    shutil.copyfile(bench.generate("shop-tiny.sqlite3", "benchmarks.shop_data", str(_TINY_BYTES)), database)
    project = Project(bench.work / "project", database, bench.work / "media", bench.work / "snapshots").write()
    yield _tiny_backup(bench, project)
    shutil.rmtree(project.storage)
    count = _QUICK_SNAPSHOTS if bench.quick else _SNAPSHOTS
    _make_snapshots(bench, project, count)
    yield _list(bench, project, count)


def _start_up(bench: Bench, project: Project) -> Side:
    return Side("manage.py check", partial(bench.process, project.manage("check")))


def _tiny_backup(bench: Bench, project: Project) -> Result:
    ours = Side(
        "manage.py snapshots backup database, 1 MB",
        partial(bench.process, project.snapshots("backup", "database", "--name", _FIRST)),
        partial(shutil.rmtree, project.storage, ignore_errors=True),
    )
    start_up = _start_up(bench, project)
    return bench.compare("tiny backup", start_up, ours, bar=_BAR_SECONDS, measure=Measure.WALL_DIFFERENCE)


def _list(bench: Bench, project: Project, count: int) -> Result:
    output = bench.work / "list.json"

    def verify() -> None:
        found = len(json.loads(output.read_text())["snapshots"])
        if found != count:
            raise BenchmarkError(f"list shows {found} snapshots, expected {count}")

    words = " ".join(f"'{word}'" for word in project.snapshots("list", "--json"))
    ours = Side(
        f"manage.py snapshots list, {count} of them", partial(bench.shell, f"{words} > '{output}'"), verify=verify
    )
    start_up = _start_up(bench, project)
    return bench.compare("list", start_up, ours, bar=_BAR_SECONDS, measure=Measure.WALL_DIFFERENCE)


def _make_snapshots(bench: Bench, project: Project, count: int) -> None:
    """Make one snapshot and copy it under other names and dates: its digests stay true."""
    bench.process(project.snapshots("backup", "database", "--name", _FIRST))
    first = project.storage / _FIRST
    for index in range(1, count):
        _copy_snapshot(first, project.storage / f"nightly-{index:04d}", index)


def _copy_snapshot(source: Path, target: Path, index: int) -> None:
    shutil.copytree(source, target)
    path = target / "manifest.json"
    manifest = json.loads(path.read_text())
    day = f"{2000 + index // 336}-{index // 28 % 12 + 1:02d}-{index % 28 + 1:02d}"
    manifest.update(name=target.name, created_at=f"{day}T02:00:00.000000+00:00")
    path.write_text(json.dumps(manifest, indent=2) + "\n")
