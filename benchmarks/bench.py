"""What every job is given: where data lies, how often to run, and how to say what happens."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compare import Measure, Pair, Result, Side, compare
from benchmarks.process import BenchmarkError, Cost, run_process, run_shell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.project import Project

__all__ = ["REPOSITORY", "Bench", "count_tree", "require_programs", "start_up_note", "warm"]

REPOSITORY = Path(__file__).resolve().parent.parent
_READ_SIZE = 1024 * 1024


@dataclass(frozen=True)
class Bench:
    """One call of `python -m benchmarks`.

    Attributes:
        data: Generated inputs, kept between calls when the user named a directory. Never changed by a job.
        work: Everything else, on the same file system; emptied before each job.
        runs: Counted pairs per job.
        quick: Small data, to see that everything works; ratios then say nothing.
        say: Prints a line for people.
    """

    data: Path
    work: Path
    runs: int
    quick: bool
    say: Callable[[str], None]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every measured process: no settings of ours, temporary files on the same disk."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
        return {**kept, "LC_ALL": "C.UTF-8", "TMPDIR": str(self.temporary), "PYTHONPATH": str(REPOSITORY)}

    @property
    def temporary(self) -> Path:
        """The directory for temporary files of measured processes."""
        return self.work / "tmp"

    def clear_work(self) -> None:
        """Make `work` empty but for the temporary directory."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.temporary.mkdir(parents=True)

    def generate(self, name: str, module: str, *arguments: str) -> Path:
        """Return the path of generated data, made by `python -m module PATH *arguments` when it is not there yet.

        A process of its own, because the memory this one once used would count for all that it starts.
        """
        path = self.data / name
        if not path.exists():
            self.say(f"  making {name} ...")
            unfinished = self.data / f"unfinished-{name}"
            _remove(unfinished)
            run_process(
                [sys.executable, "-m", module, str(unfinished), *arguments],
                environment=self.environment,
                directory=REPOSITORY,
            )
            unfinished.rename(path)
        return path

    def process(self, command: Sequence[str], *, directory: Path | None = None) -> Cost:
        """Run a process in the environment of this benchmark."""
        return run_process(command, environment=self.environment, directory=directory or self.work)

    def shell(self, script: str) -> Cost:
        """Run a bash script in the environment of this benchmark."""
        return run_shell(script, environment=self.environment, directory=self.work)

    def compare(
        self,
        job: str,
        baseline: Side,
        ours: Side,
        *,
        bar: float,
        measure: Measure = Measure.WALL_RATIO,
        notes: Sequence[str] = (),
        judged: bool | None = None,
    ) -> Result:
        """Measure one job, print its pairs as they come, and return the judged result."""
        self.say(f"\n{job}\n  A: {baseline.label}\n  B: {ours.label}")

        def print_pair(pair: Pair) -> None:
            figure = f"{measure.of(pair):.{measure.decimals}f} {measure.value}"
            self.say(f"  A {_describe(pair.baseline)}   B {_describe(pair.ours)}   {figure}")

        pairs = compare(baseline, ours, runs=self.runs, on_pair=print_pair)
        judged = not self.quick if judged is None else judged
        result = Result(job, baseline.label, ours.label, measure, bar, pairs, judged=judged, notes=tuple(notes))
        verdict = ("met" if result.met else "NOT MET") if judged else "not judged: small data"
        self.say(
            f"  median {result.median:.{measure.decimals}f} {measure.value}, bar {bar:g} {measure.value}: {verdict}"
        )
        for note in result.notes:
            self.say(f"  {note}")
        if result.disturbed_pairs:
            self.say(
                f"  {result.disturbed_pairs} of {self.runs} pairs were disturbed: other processes kept the machine busy"
            )
        return result


def _describe(cost: Cost) -> str:
    rss = cost.peak_rss_bytes / (1024 * 1024)
    others = f", others {cost.foreign_cpus:.1f} cpu" if cost.foreign_cpus >= 0.1 else ""
    return f"{cost.wall_seconds:7.2f} s (cpu {cost.cpu_seconds:6.2f} s, peak {rss:4.0f} MiB{others})"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def require_programs(*names: str) -> None:
    """Check that programs are installed.

    Raises:
        BenchmarkError: One is missing.
    """
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        raise BenchmarkError(f"the raw side needs {', '.join(missing)}; install it (Debian: apt-get install zstd tar)")


def warm(path: Path) -> None:
    """Read a file, or every file of a tree, so that no side pays for a cold page cache."""
    files = [path] if path.is_file() else [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
    for file in files:
        with file.open("rb", buffering=0) as stream:
            while stream.read(_READ_SIZE):
                pass


def start_up_note(bench: Bench, project: Project) -> str:
    """Return a line on what Django's start-up alone costs here; it is part of every time of ours."""
    seconds = [bench.process(project.manage("check")).wall_seconds for _ in range(4)][1:]
    return f"of B's time, start-up (manage.py check): {statistics.median(seconds):.2f} s"


def count_tree(path: Path) -> tuple[int, int]:
    """Return the number of regular files in a tree, and their bytes."""
    sizes = [Path(folder, name).lstat().st_size for folder, _, names in os.walk(path) for name in names]
    return len(sizes), sum(sizes)
