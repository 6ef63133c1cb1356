"""Zstandard (RFC 8878), through the standard library's own API. The library is loaded at first use."""

from __future__ import annotations

import sys
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from django_snapshots.codecs._blocks import encode_blocks
from django_snapshots.codecs._stream import chunk_stream, decode_members, refuse_wrong_options
from django_snapshots.conf.problems import Problem
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotCodecError
from django_snapshots.processors import usable_processors

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import ModuleType
    from typing import BinaryIO

__all__ = ["Zstd"]

_BLOCK_BYTES = 384 * 1024
"""What one worker takes at a time, at least. Frames made side by side take two thirds of the time of the
library's own workers with jobs of that size. Larger ones are up to 2 % smaller and no faster, and what a restore of
PostgreSQL holds in memory grows by six times as much."""

_ONE_FRAME_LEVEL = 10
"""From that level on the windows are wide: whoever chooses it wants what they save, in one frame."""

_WORKERS_MAX = 4
_WINDOW_LOG_MAX = 27
"""128 MiB, the most that the zstd program accepts unasked: a hostile frame must not choose our memory."""


def _load() -> ModuleType:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - at first use
        else:
            from backports import zstd  # noqa: PLC0415 - at first use
    except ImportError as error:
        raise SnapshotCodecError(
            f"This Python has no zstd ({error}). Install django-snapshots with its dependencies, "
            "or a Python that was built with zstd; or choose django_snapshots.codecs.Gzip.",
            codec="zstd",
        ) from error
    return zstd  # type: ignore[no-any-return, unused-ignore] # one of the two is unknown to any one interpreter


class Zstd:
    """Compression with Zstandard; the `zstd` program opens what it writes."""

    name = "zstd"
    suffix = ".zst"

    def __init__(self, level: int = 3, workers: int | None = None) -> None:
        """Store the options.

        Args:
            level: 1 (fast) to 22 (small); below 1 faster still. 19 and above need hundreds of MB of memory.
            workers: Threads that compress beside the caller's; 0 compresses in the caller's.
                None takes the usable CPUs, at most 4.
        """
        self.level = level
        self.workers = workers

    def encode(self, source: BinaryIO) -> BinaryIO:
        """Return a readable stream of zstd frames, each with a checksum of its content.

        Workers each make a frame of 384 KiB to 1 MiB of content. Without any, and from level 10 on, there is one.
        """
        return chunk_stream(self._encode(source))

    def decode(self, source: BinaryIO) -> BinaryIO:
        """Return a readable stream of the content of all frames of `source`, one or more."""
        return chunk_stream(self._decode(source))

    def check(self) -> list[Problem]:
        """Say which options the library refuses."""
        try:
            zstd = _load()
        except SnapshotCodecError as error:
            return [Problem("snapshots.E019", (), str(error))]
        problems = []
        lowest, highest = zstd.CompressionParameter.compression_level.bounds()
        if not lowest <= self.level <= highest:
            message = f"zstd has no level {self.level}; it has {lowest} to {highest}."
            problems.append(Problem("snapshots.E002", ("level",), message, "Use 3, or up to 19 for smaller snapshots."))
        most = zstd.CompressionParameter.nb_workers.bounds()[1]
        if self.workers is not None and not 0 <= self.workers <= most:
            message = f"zstd cannot use {self.workers} workers; it takes 0 to {most}."
            problems.append(Problem("snapshots.E002", ("workers",), message, "Leave it out to use the CPUs there are."))
        return problems

    def _encode(self, source: BinaryIO) -> Generator[bytes, None, None]:
        refuse_wrong_options(self)
        zstd = _load()
        parameter = zstd.CompressionParameter
        workers = self.workers
        if workers is None:
            workers = min(usable_processors(_WORKERS_MAX), parameter.nb_workers.bounds()[1])
        options = {parameter.compression_level: self.level, parameter.checksum_flag: 1}
        if workers > 0 and self.level < _ONE_FRAME_LEVEL:
            yield from encode_blocks(source, _frame_encoder(zstd, options), _BLOCK_BYTES, workers)
            return
        if workers > 0:
            options |= {parameter.nb_workers: workers, parameter.job_size: _BLOCK_BYTES}
        compressor = zstd.ZstdCompressor(options=options)
        while data := source.read(CHUNK_SIZE):
            yield compressor.compress(data)
        yield compressor.flush()

    def _decode(self, source: BinaryIO) -> Generator[bytes, None, None]:
        zstd = _load()
        options = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX}
        new_decoder = partial(zstd.ZstdDecompressor, options=options)
        yield from decode_members(source, new_decoder, codec=self.name, foreign=(zstd.ZstdError,))


def _frame_encoder(zstd: ModuleType, options: dict[Any, int]) -> Callable[[bytes | memoryview], bytes]:
    """Return what makes one frame of a block, with as many compressors as there are threads that call it at a time."""
    idle: deque[Any] = deque()

    def encode(block: bytes | memoryview) -> bytes:
        try:
            compressor = idle.pop()
        except IndexError:
            compressor = zstd.ZstdCompressor(options=options)
        frame: bytes = compressor.compress(block, zstd.ZstdCompressor.FLUSH_FRAME)
        idle.append(compressor)
        return frame

    return encode
