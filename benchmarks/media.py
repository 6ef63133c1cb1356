"""Media, 1 GB in 20,000 files: backup against `tar | zstd`, restore against `zstd -d | tar x`."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.bench import count_tree, require_programs, start_up_note, warm
from benchmarks.compare import Side
from benchmarks.process import BenchmarkError
from benchmarks.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.compare import Result

__all__ = ["run"]

_SIZE, _QUICK = (20_000, 1_000_000_000), (500, 20_000_000)
_BACKUP_BAR, _RESTORE_BAR = 1.25, 1.25
_RESTORE_AIM = 1.10
_SNAPSHOT = "measured"


def run(bench: Bench) -> Iterator[Result]:
    """Measure backup, and restore into an empty MEDIA_ROOT and over a full one."""
    require_programs("zstd", "tar")
    files, size_bytes = _QUICK if bench.quick else _SIZE
    tree = bench.generate(f"media-{files}-{size_bytes}", "benchmarks.media_data", str(files), str(size_bytes))
    storage = bench.work / "snapshots"
    backup = Project(bench.work / "backup", bench.work / "none.sqlite3", tree, storage).write()
    restore = Project(bench.work / "restore", backup.database, bench.work / "site" / "media", storage).write()
    note = start_up_note(bench, backup)
    yield _backup(bench, backup, note)
    shutil.rmtree(storage)
    bench.process(backup.snapshots("backup", "media", "--name", _SNAPSHOT))
    yield _restore_lost(bench, restore, count_tree(tree), note)
    yield _replace(bench, restore, count_tree(tree), note)


def _stored(project: Project) -> Path:
    return project.storage / _SNAPSHOT / "media.tar.zst"


def _backup(bench: Bench, project: Project, note: str) -> Result:
    packed = bench.work / "media.tar.zst"

    def prepare() -> None:
        packed.unlink(missing_ok=True)
        shutil.rmtree(project.storage, ignore_errors=True)
        warm(project.media)

    def verify(archive: Path) -> None:
        listed = bench.work / "listed"
        bench.shell(f"zstd -q -d < '{archive}' | tar -tvf - | grep -c ^- > '{listed}'")
        if int(listed.read_text()) != count_tree(project.media)[0]:
            raise BenchmarkError(f"{archive} does not hold the files of {project.media}")

    return bench.compare(
        "media backup",
        Side(
            "tar | zstd -3 -T0",
            partial(bench.shell, f"tar -C '{project.media}' -cf - . | zstd -q -3 -T0 -o '{packed}'"),
            prepare,
            partial(verify, packed),
        ),
        Side(
            "manage.py snapshots backup media",
            partial(bench.process, project.snapshots("backup", "media", "--name", _SNAPSHOT)),
            prepare,
            partial(verify, _stored(project)),
        ),
        bar=_BACKUP_BAR,
        notes=[note],
    )


def _restore_lost(bench: Bench, project: Project, expected: tuple[int, int], note: str) -> Result:
    stored, media = _stored(project), project.media

    def prepare() -> None:
        shutil.rmtree(media, ignore_errors=True)
        media.mkdir(parents=True)
        warm(stored)

    return bench.compare(
        "media restore",
        Side(
            "zstd -d | tar x into an empty directory",
            partial(bench.shell, f"zstd -q -d < '{stored}' | tar -C '{media}' -xf -"),
            prepare,
            partial(_expect_tree, media, expected),
        ),
        Side(
            "manage.py snapshots restore --noinput into an empty MEDIA_ROOT",
            partial(bench.process, project.snapshots("restore", _SNAPSHOT, "--noinput")),
            prepare,
            partial(_expect_tree, media, expected),
        ),
        bar=_RESTORE_BAR,
        notes=[f"aim {_RESTORE_AIM:g} x", note],
    )


def _replace(bench: Bench, project: Project, expected: tuple[int, int], note: str) -> Result:
    """A live tree is there (each run's own outcome serves the next) and is replaced whole, old files removed."""
    stored, media = _stored(project), project.media
    fresh, old = media.with_name("fresh"), media.with_name("old")

    def prepare() -> None:
        (media / "made-after-the-snapshot.txt").write_text("a restore removes this")
        warm(stored)

    return bench.compare(
        "media replace",
        Side(
            "zstd -d | tar x beside, mv, rm -rf of the old tree",
            partial(
                bench.shell,
                f"mkdir '{fresh}'; zstd -q -d < '{stored}' | tar -C '{fresh}' -xf -; "
                f"mv '{media}' '{old}'; mv '{fresh}' '{media}'; rm -rf '{old}'",
            ),
            prepare,
            partial(_expect_tree, media, expected),
        ),
        Side(
            "manage.py snapshots restore --noinput --no-safety-snapshot over a full MEDIA_ROOT",
            partial(bench.process, project.snapshots("restore", _SNAPSHOT, "--noinput", "--no-safety-snapshot")),
            prepare,
            partial(_expect_tree, media, expected),
        ),
        bar=_RESTORE_BAR,
        notes=[f"aim {_RESTORE_AIM:g} x", note],
    )


def _expect_tree(media: Path, expected: tuple[int, int]) -> None:
    found = count_tree(media)
    if found != expected:
        raise BenchmarkError(f"{media} has (files, bytes) {found} after the restore, expected {expected}")
