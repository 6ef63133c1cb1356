"""Pruning 10,000 snapshots: the decision, a whole `prune --dry-run` over a folder, and the storage calls of a prune."""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.compare import Measure, Side
from benchmarks.process import BenchmarkError
from benchmarks.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.compare import Result

__all__ = ["run"]

_SNAPSHOTS, _QUICK_SNAPSHOTS = 10_000, 200
_DECISION_BAR_S = 1.0
_PLANNING_BAR_S = 1.0
_RULES = ("--keep", "7", "--keep-daily", "30", "--keep-weekly", "8", "--keep-monthly", "24", "--keep-within", "14d")
_DECIDE = """
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo
from django_snapshots.retention import Candidate, Policy, decide
now = datetime(2026, 11, 22, 12, tzinfo=UTC)
made = [Candidate(f"n{i:05}", now - timedelta(hours=6 * i), 10**6) for i in range(int(sys.argv[1]))]
policy = Policy(keep=7, keep_daily=30, keep_weekly=8, keep_monthly=24, keep_within=timedelta(days=14))
decisions = decide(policy, made, now=now, zone=ZoneInfo("Europe/Berlin"))
assert len(decisions) == len(made)
"""


def run(bench: Bench) -> Iterator[Result]:
    """Measure the decision, then the whole of a dry run; then prune, and count."""
    count = _QUICK_SNAPSHOTS if bench.quick else _SNAPSHOTS
    yield _decision(bench, count)
    database = bench.work / "live.sqlite3"
    shutil.copyfile(bench.generate("shop-tiny.sqlite3", "benchmarks.shop_data", "1000000"), database)
    project = Project(bench.work / "project", database, bench.work / "media", bench.work / "snapshots").write()
    _make_snapshots(bench, project, count)
    yield _dry_run(bench, project, count)
    _require_few_calls(bench, project, count)


def _decision(bench: Bench, count: int) -> Result:
    def side(number: int) -> Side:
        command = [sys.executable, "-c", _DECIDE, str(number)]
        return Side(f"decide on {number} snapshots", partial(bench.process, command))

    return bench.compare("prune decision", side(0), side(count), bar=_DECISION_BAR_S, measure=Measure.CPU_DIFFERENCE)


def _dry_run(bench: Bench, project: Project, count: int) -> Result:
    output = bench.work / "prune.json"

    def verify() -> None:
        found = len(json.loads(output.read_text())["decisions"])
        if found != count:
            raise BenchmarkError(f"prune decides on {found} snapshots, expected {count}")

    words = " ".join(f"'{word}'" for word in project.snapshots("prune", "--dry-run", "--json", *_RULES))
    label = f"manage.py snapshots prune --dry-run, {count} of them"
    ours = Side(label, partial(bench.shell, f"{words} > '{output}'"), verify=verify)
    start_up = Side("manage.py check", partial(bench.process, project.manage("check")))
    return bench.compare("prune dry run", start_up, ours, bar=_PLANNING_BAR_S, measure=Measure.CPU_DIFFERENCE)


def _require_few_calls(bench: Bench, project: Project, count: int) -> None:
    """Prune all but the newest, and compare the calls to the storage with the files that went."""
    output = bench.work / "calls.json"
    bench.process([sys.executable, "-m", "benchmarks.prune_calls", str(project.storage), str(output)])
    found = json.loads(output.read_text())
    calls, bar = sum(found["calls"].values()), found["files_deleted"] + 1
    met = calls <= bar
    named = ", ".join(f"{number} {name}" for name, number in found["calls"].items())
    text = (
        f"prune of {found['snapshots_deleted']} of {count} snapshots: {found['files_deleted']} files deleted by "
        f"{calls} calls to the storage ({named}) and {found['cpu_seconds']:.2f} s of CPU; bar {bar} calls"
    )
    bench.say(f"\n{text}: {'met' if met else 'NOT MET'}")
    if not met:
        raise BenchmarkError(f"{text}: not met")


def _make_snapshots(bench: Bench, project: Project, count: int) -> None:
    """Make one snapshot, and manifests beside it of other names and dates that name the same three files, empty."""
    project.media.mkdir()
    bench.process(project.snapshots("backup", "--name", "n00000"))
    manifest = json.loads((project.storage / "n00000" / "manifest.json").read_text())
    for index in range(1, count):
        _write_snapshot(project.storage / f"n{index:05}", manifest, index)


def _write_snapshot(folder: Path, manifest: dict[str, Any], index: int) -> None:
    for record in manifest["artifacts"]:
        path = folder / record["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    day = f"{1990 + index // 336}-{index // 28 % 12 + 1:02}-{index % 28 + 1:02}"
    document = {**manifest, "name": folder.name, "created_at": f"{day}T02:00:00.000000+00:00"}
    (folder / "manifest.json").write_text(json.dumps(document, indent=2))
