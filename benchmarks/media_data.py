"""Makes a media tree: `python -m benchmarks.media_data PATH FILES BYTES`.

Uploads in a folder per month; of the bytes, half cannot be compressed (as photos) and half are text. With one file
it is that one file, one half after the other.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import BinaryIO

from benchmarks.prose import Prose

_PIECE = 1024 * 1024
_MONTHS = 96
_FIRST_MTIME = 1_700_000_000


def make_media(root: Path, files: int, size_bytes: int) -> None:
    """Write the tree; sizes are spread as uploads are: many small files, few large ones."""
    source = random.Random(files)
    prose = Prose(files)
    root.mkdir()
    if files == 1:
        with (root / "recording.bin").open("wb") as stream:
            _write_noise(stream, source, size_bytes // 2)
            _write_text(stream, source, prose, size_bytes - size_bytes // 2)
        return
    weights = [source.lognormvariate(0, 1) for _ in range(files)]
    scale = size_bytes / sum(weights)
    for index, weight in enumerate(weights):
        _make_upload(root, index, int(weight * scale), source, prose)


def _make_upload(root: Path, index: int, size_bytes: int, source: random.Random, prose: Prose) -> None:
    month = index * 7 % _MONTHS
    folder = root / "uploads" / f"{2018 + month // 12}" / f"{month % 12 + 1:02d}"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{source.getrandbits(48):012x}"
    if index % 2:
        path = folder / f"{name}.jpg"
        with path.open("wb") as stream:
            _write_noise(stream, source, size_bytes)
    else:
        path = folder / f"{name}.txt"
        with path.open("wb") as stream:
            _write_text(stream, source, prose, size_bytes)
    mtime_ns = (_FIRST_MTIME + index * 61) * 1_000_000_000 + source.randrange(1_000_000_000)
    os.utime(path, ns=(mtime_ns, mtime_ns))


def _write_noise(stream: BinaryIO, source: random.Random, size_bytes: int) -> None:
    while size_bytes > 0:
        size_bytes -= stream.write(source.randbytes(min(_PIECE, size_bytes)))


def _write_text(stream: BinaryIO, source: random.Random, prose: Prose, size_bytes: int) -> None:
    while size_bytes > 0:
        text = prose.cut(source, min(20_000, size_bytes // 3 + 1)).encode()
        size_bytes -= stream.write(text[:size_bytes])


if __name__ == "__main__":
    make_media(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
