"""What the installed app costs every process of a project: `django.setup()` and `manage.py check`, with and without."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.compare import Measure, Side
from benchmarks.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.compare import Result

__all__ = ["run"]

_SETUP_BAR_SECONDS, _CHECK_BAR_SECONDS = 0.005, 0.25
_PAIRS = 41
"""Milliseconds drown in what starting any process costs more or less; the median of as many pairs shows one of them."""

_SETUP = 'import os; os.environ["DJANGO_SETTINGS_MODULE"] = "settings"; import django; django.setup()'


def run(bench: Bench) -> Iterator[Result]:
    """Measure both; the two projects differ in the app alone."""
    ours = Project(
        bench.work / "with", bench.work / "db.sqlite3", bench.work / "media", bench.work / "snapshots"
    ).write()
    plain = replace(ours, root=bench.work / "without").write()
    settings = plain.root / "settings.py"
    settings.write_text(settings.read_text().replace('    "django_snapshots",\n', "").partition("SNAPSHOTS = ")[0])
    many = bench if bench.quick else replace(bench, runs=max(bench.runs, _PAIRS))
    for job, bar, side in (
        ("start-up: setup", _SETUP_BAR_SECONDS, partial(_setup, bench)),
        ("start-up: check", _CHECK_BAR_SECONDS, partial(_check, bench)),
    ):
        yield many.compare(job, side(plain, "without"), side(ours, "with"), bar=bar, measure=Measure.WALL_DIFFERENCE)


def _setup(bench: Bench, project: Project, label: str) -> Side:
    command = [sys.executable, "-c", _SETUP]
    return Side(f"django.setup() {label} the app", partial(bench.process, command, directory=project.root))


def _check(bench: Bench, project: Project, label: str) -> Side:
    return Side(f"manage.py check {label} the app", partial(bench.process, project.manage("check")))
