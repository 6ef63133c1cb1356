"""Measures two sides in turn, A B A B, and judges the pairs against a bar. Knows no job."""

from __future__ import annotations

import enum
import os
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.process import Cost

__all__ = ["Measure", "Pair", "Result", "Side", "compare"]

MEBIBYTE = 1024 * 1024
_QUIET_CPUS = 0.25


@dataclass(frozen=True)
class Pair:
    """One run of each side, one right after the other."""

    baseline: Cost
    ours: Cost


class Measure(enum.Enum):
    """What is compared in a pair."""

    WALL_RATIO = "x"
    WALL_DIFFERENCE = "s"
    CPU_DIFFERENCE = "s CPU"
    PEAK_RSS_DIFFERENCE = "MiB"
    PEAK_RSS = "MiB at most"

    @property
    def decimals(self) -> int:
        """How many digits after the point say something: milliseconds of a difference, hundredths else."""
        return 3 if self in {Measure.WALL_DIFFERENCE, Measure.CPU_DIFFERENCE} else 2

    def of(self, pair: Pair) -> float:
        """Return the figure of one pair, in the unit that is this member's value."""
        if self is Measure.PEAK_RSS:
            return pair.ours.peak_rss_bytes / MEBIBYTE
        if self is Measure.WALL_RATIO:
            return pair.ours.wall_seconds / pair.baseline.wall_seconds
        if self is Measure.WALL_DIFFERENCE:
            return pair.ours.wall_seconds - pair.baseline.wall_seconds
        if self is Measure.CPU_DIFFERENCE:
            return pair.ours.cpu_seconds - pair.baseline.cpu_seconds
        return (pair.ours.peak_rss_bytes - pair.baseline.peak_rss_bytes) / MEBIBYTE


@dataclass(frozen=True)
class Side:
    """One of the two things compared.

    Attributes:
        label: What it is, for the table.
        run: Does it once and returns its cost.
        prepare: Called before each run, outside the measured span: removes outputs, warms the page cache.
        verify: Called after each run, outside the measured span; raises BenchmarkError on a wrong outcome.
    """

    label: str
    run: Callable[[], Cost]
    prepare: Callable[[], None] = lambda: None
    verify: Callable[[], None] = lambda: None

    def measure(self) -> Cost:
        """Run once, with nothing left to write back from what came before."""
        self.prepare()
        os.sync()
        cost = self.run()
        self.verify()
        return cost


@dataclass(frozen=True)
class Result:
    """The pairs of one job and the bar they are held against.

    Attributes:
        job: Its name, such as "sqlite backup".
        bar: The median figure may not be above it.
        judged: False where the data is too small for the bar to mean anything.
        pairs: None where the other side cannot do the job at all; the notes tell why.
        notes: Facts to print beside.
    """

    job: str
    baseline_label: str
    our_label: str
    measure: Measure
    bar: float
    pairs: tuple[Pair, ...]
    judged: bool = True
    notes: tuple[str, ...] = field(default=())

    @property
    def figures(self) -> tuple[float, ...]:
        """The figure of each pair."""
        return tuple(map(self.measure.of, self.pairs))

    @property
    def median(self) -> float:
        """The median of the pairs' figures (not the figure of two medians: the disk drifts between pairs)."""
        return statistics.median(self.figures)

    @property
    def met(self) -> bool:
        """Whether the bar was reached."""
        return self.median <= self.bar

    @property
    def disturbed_pairs(self) -> int:
        """Pairs during which other work kept more than a quarter of a processor busy: little can be read from them."""
        return sum(max(pair.baseline.foreign_cpus, pair.ours.foreign_cpus) > _QUIET_CPUS for pair in self.pairs)


def compare(baseline: Side, ours: Side, *, runs: int, on_pair: Callable[[Pair], None]) -> tuple[Pair, ...]:
    """Measure both sides `runs` times in turn, after one warm-up of each that is not counted."""
    pairs = []
    for index in range(runs + 1):
        pair = Pair(baseline=baseline.measure(), ours=ours.measure())
        if index > 0:
            on_pair(pair)
            pairs.append(pair)
    return tuple(pairs)
