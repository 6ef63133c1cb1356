"""Writing to open files: everything arrives, and what the system refuses is raised."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

import pytest

from django_snapshots.files import write_all

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


@pytest.mark.parametrize("size", [0, 1, 128 * 1024, 128 * 1024 + 1, 3 * MIB + 7])
def test_all_bytes_are_written_in_their_order(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = tmp_path / "file"
    with path.open("wb", buffering=0) as file:
        write_all(file.fileno(), data)
    assert path.read_bytes() == data


def test_a_write_taken_in_part_is_continued_until_the_system_refuses(tmp_path: Path) -> None:
    # A limit on the size of files makes write(2) take what fits, and refuse the next: both must be seen.
    script = (
        "import os, resource, signal, sys\n"
        "from django_snapshots.files import write_all\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)\n"
        "try:\n"
        "    write_all(file, bytes(300_000))\n"
        "except OSError as error:\n"
        "    sys.exit(error.errno)\n"
    )
    path = tmp_path / "file"
    status = os.spawnlp(os.P_WAIT, sys.executable, sys.executable, "-c", script, str(path))
    assert status == errno.EFBIG
    assert path.stat().st_size == 200_000


def test_a_full_disk_is_raised() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            write_all(full, b"text")
    finally:
        os.close(full)
