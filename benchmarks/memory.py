"""Peak memory with 1 GiB against the same run with 10 MiB: backup and restore, of SQLite and of one media file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.bench import count_tree
from benchmarks.compare import Measure, Side
from benchmarks.process import BenchmarkError
from benchmarks.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.compare import Result

__all__ = ["run"]

_MIB = 1024 * 1024
_SMALL, _LARGE, _QUICK_LARGE = 10 * _MIB, 1024 * _MIB, 128 * _MIB
_BAR_MIB = 64
_SNAPSHOT = "measured"


def run(bench: Bench) -> Iterator[Result]:
    """Measure each of the four; three pairs are enough, memory varies little."""
    bench = replace(bench, runs=min(bench.runs, 3))
    large = _QUICK_LARGE if bench.quick else _LARGE
    small_project, large_project = _project(bench, "small", _SMALL), _project(bench, "large", large)
    for artifact in ("database", "media"):
        yield _backup(bench, artifact, small_project, large_project)
        yield _restore(bench, artifact, small_project, large_project)


def _project(bench: Bench, name: str, size_bytes: int) -> Project:
    database = bench.generate(f"shop-{size_bytes}.sqlite3", "benchmarks.shop_data", str(size_bytes))
    media = bench.generate(f"media-1-{size_bytes}", "benchmarks.media_data", "1", str(size_bytes))
    home = bench.work / name
    project = Project(home, home / "live.sqlite3", home / "media", home / "snapshots").write()
    shutil.copyfile(database, project.database)
    shutil.copytree(media, project.media)
    return project


def _backup(bench: Bench, artifact: str, small: Project, large: Project) -> Result:
    def side(project: Project) -> Side:
        return Side(
            _label("backup", artifact, project),
            partial(bench.process, project.snapshots("backup", artifact, "--name", _SNAPSHOT)),
            partial(shutil.rmtree, project.storage, ignore_errors=True),
            partial(_expect_snapshot, project),
        )

    return _compare(bench, f"memory: {artifact} backup", side(small), side(large))


def _restore(bench: Bench, artifact: str, small: Project, large: Project) -> Result:
    def side(project: Project) -> Side:
        return Side(
            _label("restore", artifact, project),
            partial(bench.process, project.snapshots("restore", _SNAPSHOT, "--noinput")),
            verify=partial(_expect_size, project, _size_of(project)),
        )

    return _compare(bench, f"memory: {artifact} restore", side(small), side(large))


def _compare(bench: Bench, job: str, small: Side, large: Side) -> Result:
    measure = Measure.PEAK_RSS_DIFFERENCE
    return bench.compare(job, small, large, bar=_BAR_MIB, measure=measure, judged=True)


def _label(verb: str, artifact: str, project: Project) -> str:
    database_bytes, (_, media_bytes) = _size_of(project)
    size_bytes = database_bytes if artifact == "database" else media_bytes
    return f"{verb} {artifact}, {size_bytes / _MIB:.0f} MiB"


def _size_of(project: Project) -> tuple[int, tuple[int, int]]:
    return project.database.stat().st_size, count_tree(project.media)


def _expect_snapshot(project: Project) -> None:
    if not (project.storage / _SNAPSHOT / "manifest.json").exists():
        raise BenchmarkError(f"no snapshot appeared in {project.storage}")


def _expect_size(project: Project, expected: tuple[int, tuple[int, int]]) -> None:
    found = _size_of(project)
    if found != expected:
        raise BenchmarkError(f"sizes after the restore are {found}, expected {expected}")
