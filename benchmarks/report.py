"""Results as a table for people and as one JSON document."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.compare import Result
    from benchmarks.process import Cost

__all__ = ["as_document", "as_table"]


def as_table(results: Sequence[Result]) -> str:
    """Return one line per job: medians of both sides, the median figure, the bar, the verdict."""
    lines = [f"\n{'job':<26} {'A':>9} {'B':>9} {'figure':>11} {'bar':>11}  verdict"]
    for result in results:
        if not result.pairs:
            lines.append(f"{result.job:<26} {result.baseline_label} cannot do it, see above")
            continue
        unit, figure = result.measure.value, f"{result.median:.{result.measure.decimals}f} {result.measure.value}"
        lines.append(
            f"{result.job:<26} {_median_wall(pair.baseline for pair in result.pairs):>7.2f} s"
            f" {_median_wall(pair.ours for pair in result.pairs):>7.2f} s"
            f" {figure:>11} {f'{result.bar:g} {unit}':>11}  {verdict(result)}"
        )
    return "\n".join(lines)


def verdict(result: Result) -> str:
    """Return "met", "NOT MET", or why neither."""
    if not result.judged:
        return "not judged: small data"
    return "met" if result.met else "NOT MET"


def as_document(results: Sequence[Result]) -> dict[str, object]:
    """Return everything measured, JSON values only."""
    return {"machine": _machine(), "results": [_as_dict(result) for result in results]}


def _as_dict(result: Result) -> dict[str, object]:
    return {
        "job": result.job,
        "baseline": result.baseline_label,
        "ours": result.our_label,
        "unit": result.measure.value,
        "figures": list(result.figures),
        "median": result.median if result.pairs else None,
        "bar": result.bar,
        "judged": result.judged,
        "met": result.met if result.pairs else None,
        "disturbed_pairs": result.disturbed_pairs,
        "notes": list(result.notes),
        "pairs": [asdict(pair) for pair in result.pairs],
    }


def _machine() -> dict[str, object]:
    return {
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def _median_wall(costs: Iterable[Cost]) -> float:
    return statistics.median(cost.wall_seconds for cost in costs)
