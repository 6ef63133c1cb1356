"""Options of the codecs: what `check()` says of them, and what a run does that ignores it."""

from __future__ import annotations

import io
import struct
import sys
from typing import Any

import pytest
from backports import zstd as library

from django_snapshots.codecs import Gzip, Zstd
from django_snapshots.errors import SnapshotCodecError
from django_snapshots.processors import usable_processors
from tests.codecs.streams import drain


@pytest.mark.parametrize(
    "codec", [Zstd(), Zstd(level=1), Zstd(level=22), Zstd(level=-7), Zstd(workers=0), Zstd(workers=3), Gzip(), Gzip(0)]
)
def test_options_in_range_are_no_problem(codec: Zstd | Gzip) -> None:
    assert codec.check() == []


@pytest.mark.parametrize(
    ("codec", "path", "message"),
    [
        (Zstd(level=23), ("level",), "zstd has no level 23; it has -131072 to 22."),
        (Zstd(level=-200_000), ("level",), "zstd has no level -200000; it has -131072 to 22."),
        (Zstd(workers=-1), ("workers",), "zstd cannot use -1 workers; it takes 0 to 256."),
        (Zstd(workers=257), ("workers",), "zstd cannot use 257 workers; it takes 0 to 256."),
        (Gzip(level=10), ("level",), "gzip has no level 10; it has 0 to 9."),
        (Gzip(level=-1), ("level",), "gzip has no level -1; it has 0 to 9."),
    ],
)
def test_an_option_out_of_range_is_a_problem_with_its_place(codec: Zstd | Gzip, path: tuple[str], message: str) -> None:
    (problem,) = codec.check()

    assert (problem.id, problem.path, problem.message) == ("snapshots.E002", path, message)
    assert problem.hint


def test_all_wrong_options_are_named_at_once() -> None:
    assert [problem.path for problem in Zstd(level=99, workers=-1).check()] == [("level",), ("workers",)]


@pytest.mark.parametrize("codec", [Zstd(level=99), Zstd(workers=-1), Gzip(level=10), Gzip(level=-1)])
def test_encoding_with_a_wrong_option_is_an_error_that_names_the_class(codec: Zstd | Gzip) -> None:
    with pytest.raises(SnapshotCodecError, match=f"^{type(codec).__name__} cannot be used: "):
        drain(codec.encode(io.BytesIO(b"data")))


def test_a_python_without_zstd_is_a_problem_and_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "backports", None)
    monkeypatch.setitem(sys.modules, "compression", None)

    (problem,) = Zstd().check()
    streams = [Zstd().encode(io.BytesIO(b"data")), Zstd().decode(io.BytesIO(b"data"))]

    assert (problem.id, problem.path) == ("snapshots.E019", ())
    assert "choose django_snapshots.codecs.Gzip" in problem.message
    for stream in streams:
        with pytest.raises(SnapshotCodecError, match="This Python has no zstd"):
            drain(stream)


def test_a_wrong_option_for_encoding_does_not_stop_decoding() -> None:
    stored = drain(Zstd().encode(io.BytesIO(b"data")))

    assert drain(Zstd(level=99).decode(io.BytesIO(stored))) == b"data"


def test_workers_default_to_the_cpus_this_process_may_use_at_most_four(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    for cpus in ({3}, {0, 1, 2}, set(range(64))):
        monkeypatch.setattr("os.sched_getaffinity", lambda _process, cpus=cpus: cpus)
        counts.append(usable_processors(4))

    assert counts == [1, 3, 4]


def test_a_zstd_frame_that_demands_more_memory_than_the_zstd_program_grants_is_refused() -> None:
    parameter: Any = library.CompressionParameter
    compressor = library.ZstdCompressor(options={parameter.window_log: 28})
    stored = compressor.compress(b"data") + compressor.flush()

    with pytest.raises(SnapshotCodecError, match="too much memory"):
        drain(Zstd().decode(io.BytesIO(stored)))


def test_a_skippable_zstd_frame_is_skipped() -> None:
    skippable = struct.pack("<II", 0x184D2A50, 4) + b"note"

    assert drain(Zstd().decode(io.BytesIO(skippable + library.compress(b"data")))) == b"data"


def test_a_gzip_header_holds_neither_time_nor_name() -> None:
    header = drain(Gzip().encode(io.BytesIO(b"data")))[:10]

    assert header[:8] == b"\x1f\x8b\x08\x00" + bytes(4)
