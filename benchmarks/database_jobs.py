"""A shop's database on a server of its own: our backup and restore against the engine's tools and the packages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.compare import Measure, Side
from benchmarks.packages import Engine, Home, compare_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.bench import Bench
    from benchmarks.compare import Result

__all__ = ["Shop", "run_jobs"]

_MEMORY_BAR_MIB = 80
_BACKUP_BAR, _RESTORE_BAR = 1.10, 1.15
_QUICK_PART = 25
_ROWS_PER_PRODUCT = 50
_COUNT = "SELECT (SELECT count(*) FROM sale) + (SELECT count(*) FROM product)"
_SPOIL = "DELETE FROM sale WHERE id % 1000 = 0"


@dataclass(frozen=True)
class Shop:
    """An empty database on a running server, and how it is filled, dumped and loaded by hand.

    Attributes:
        name: Of the engine, such as "postgres".
        database: What DATABASES says of it.
        driver: What pip installs for Django to speak to it.
        prologue: First lines of settings.py.
        sql: Runs a script and returns what it prints.
        schema: Makes the tables `product` and `sale` and fills them with {products} and {rows} of about 200 bytes.
        rows: Of `sale`.
        dump_label: The raw dump, for people.
        restore_label: The raw restore, for people.
        raw_dump: Shell command that writes the compressed dump to {file}.
        raw_restore: Shell commands that load the dump in {file}.
    """

    name: str
    database: dict[str, Any]
    driver: str
    prologue: str
    sql: Callable[[str], str]
    schema: str
    rows: int
    dump_label: str
    restore_label: str
    raw_dump: str
    raw_restore: str


def run_jobs(bench: Bench, shop: Shop) -> Iterator[Result]:
    """Fill the shop, measure backup, restore and memory against the tools, then the same work by the packages."""
    rows = shop.rows // _QUICK_PART if bench.quick else shop.rows
    shop.sql(shop.schema.format(rows=rows, products=rows // _ROWS_PER_PRODUCT))
    engine = Engine(
        shop.name,
        shop.database,
        count=lambda: int(shop.sql(_COUNT)),
        spoil=lambda: shop.sql(_SPOIL),
        driver=shop.driver,
        prologue=shop.prologue,
    )
    yield from _compare_tools(bench, shop, engine)
    yield from compare_packages(bench, engine)


def _compare_tools(bench: Bench, shop: Shop, engine: Engine) -> Iterator[Result]:
    ours = Home(bench, engine)
    packed = bench.work / "raw.dump.zst"
    raw_dump = partial(bench.shell, shop.raw_dump.format(file=packed))
    raw_restore = partial(bench.shell, shop.raw_restore.format(file=packed))
    backup = bench.compare(f"{shop.name} backup", Side(shop.dump_label, raw_dump), ours.backup_side(), bar=_BACKUP_BAR)
    yield backup
    restore = bench.compare(
        f"{shop.name} restore",
        Side(shop.restore_label, raw_restore, engine.spoil, ours.expect_rows),
        ours.restore_side(),
        bar=_RESTORE_BAR,
    )
    yield restore
    for result in (backup, restore):
        job = f"{result.job}, memory"
        yield replace(result, job=job, measure=Measure.PEAK_RSS, bar=_MEMORY_BAR_MIB, judged=True)
