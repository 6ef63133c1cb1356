"""`python -m benchmarks [JOB ...]`: reads the command line, runs jobs, prints."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench import Bench
from benchmarks.process import BenchmarkError
from benchmarks.report import as_document, as_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.compare import Result

# Each is a module with `run(bench) -> Iterator[Result]`, imported when asked for.
JOBS = {
    "sqlite": "benchmarks.sqlite",
    "postgres": "benchmarks.postgres",
    "mariadb": "benchmarks.mariadb",
    "media": "benchmarks.media",
    "memory": "benchmarks.memory",
    "list": "benchmarks.listing",
    "prune": "benchmarks.prune",
    "startup": "benchmarks.startup",
    "upload": "benchmarks.upload",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the jobs named on the command line; 0 when every judged bar was met, 1 when not or a process failed."""
    options = _parser().parse_args(arguments)
    stream = sys.stderr if options.json else sys.stdout
    names = list(JOBS) if "all" in options.jobs else options.jobs

    def say(text: str) -> None:
        print(text, file=stream, flush=True)

    try:
        with _directories(options.data) as (data, work):
            results = list(_run(names, Bench(data, work, options.runs, options.quick, say)))
    except BenchmarkError as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    say(as_table(results))
    if options.json:
        json.dump(as_document(results), sys.stdout, indent=2)
    return 0 if all(result.met for result in results if result.judged) else 1


def _run(names: Sequence[str], bench: Bench) -> Iterator[Result]:
    for name in names:
        bench.clear_work()
        yield from importlib.import_module(JOBS[name]).run(bench)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Our jobs against the raw tools.")
    parser.add_argument("jobs", nargs="+", choices=[*JOBS, "all"], metavar="JOB", help=", ".join([*JOBS, "all"]))
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="counted pairs per job (default 5)")
    parser.add_argument("--quick", action="store_true", help="small data: shows that it works, not how fast")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, the rest on stderr")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep generated data here (default: a temporary directory, removed)"
    )
    return parser


@contextlib.contextmanager
def _directories(kept: Path | None) -> Iterator[tuple[Path, Path]]:
    """The directories for generated data and for work; the latter always goes, and both are on one file system."""
    root = kept.absolute() if kept else Path(tempfile.mkdtemp(prefix="django-snapshots-benchmarks-"))
    work = root / f"work-{os.getpid()}"
    root.mkdir(parents=True, exist_ok=True)
    try:
        yield root, work
    finally:
        shutil.rmtree(root if kept is None else work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
