"""Runs one whole process and says what it cost. Imports little, so that this process stays smaller than any it runs."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BenchmarkError", "Cost", "run_process", "run_shell"]

_OUTPUT_TAIL_BYTES = 4000


class BenchmarkError(Exception):
    """A process failed, or left something else than it should have: its time would mean nothing."""


@dataclass(frozen=True)
class Cost:
    """What a process and those it waited for cost.

    Attributes:
        wall_seconds: From before it was started until it was reaped.
        cpu_seconds: User and system time of all of them.
        peak_rss_bytes: The largest resident size that any single one reached. Linux counts what the process
            shared with its starter before exec, so nothing smaller than this interpreter can be seen.
        foreign_cpus: How many processors everything else on the machine kept busy meanwhile: the doubt in
            `wall_seconds`. The kernel's own writing of dirty pages counts too.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    foreign_cpus: float


def run_process(command: Sequence[str], *, environment: Mapping[str, str], directory: Path) -> Cost:
    """Run `command` in `directory` and return its cost.

    Raises:
        BenchmarkError: It ended with another status than 0; the end of its output is in the message.
    """
    with tempfile.TemporaryFile() as output:
        busy_before, started = _busy_seconds(), time.perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds, busy = time.perf_counter() - started, _busy_seconds() - busy_before
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(max(0, output.tell() - _OUTPUT_TAIL_BYTES))
            tail = output.read(_OUTPUT_TAIL_BYTES).decode(errors="replace")
            raise BenchmarkError(f"{' '.join(command)} ended with status {process.returncode}:\n{tail}")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Cost(wall_seconds, cpu_seconds, usage.ru_maxrss * 1024, max(0.0, busy - cpu_seconds) / wall_seconds)


def _busy_seconds() -> float:
    """Processor time that the whole machine has used so far (proc_stat(5))."""
    with Path("/proc/stat").open() as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def run_shell(script: str, *, environment: Mapping[str, str], directory: Path) -> Cost:
    """Run a bash script that fails when any command of it fails, members of a pipe included."""
    return run_process(["bash", "-euo", "pipefail", "-c", script], environment=environment, directory=directory)
