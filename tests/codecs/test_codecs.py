"""What holds for both codecs."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_snapshots.codecs import Gzip, Zstd
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotCodecError
from tests.codecs.streams import FailingSource, ShortReads, drain
from tests.programs import require_program

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

CODECS: list[Zstd | Gzip] = [
    Zstd(),
    Zstd(workers=0),
    Zstd(workers=1),
    Zstd(level=-5),
    Zstd(level=9),
    Zstd(level=12, workers=2),
    Gzip(),
    Gzip(level=0),
    Gzip(level=9),
]
IDS = [f"{codec.name}-{'-'.join(str(value) for value in vars(codec).values())}" for codec in CODECS]

every_codec = pytest.mark.parametrize("codec", CODECS, ids=IDS)
zstd_and_gzip = pytest.mark.parametrize("codec", [Zstd(), Gzip()], ids=["zstd", "gzip"])


def mixed_data(size: int) -> bytes:
    """Half of it compressible, in pieces that do not fall on chunk borders."""
    generator = random.Random(size)
    pieces: list[bytes] = []
    while sum(map(len, pieces)) < size:
        pieces.append(generator.randbytes(70_001))
        pieces.append(b"the same again and " * 5_000)
    return b"".join(pieces)[:size]


def encoded(codec: Zstd | Gzip, data: bytes) -> bytes:
    return drain(codec.encode(io.BytesIO(data)))


@every_codec
@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 5 * CHUNK_SIZE + 3])
def test_what_is_encoded_decodes_to_the_same_bytes(codec: Zstd | Gzip, size: int) -> None:
    data = mixed_data(size)

    assert drain(codec.decode(io.BytesIO(encoded(codec, data)))) == data


@zstd_and_gzip
@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=4000), step=st.integers(1, 300), size=st.integers(1, 300))
def test_any_size_of_reads_gives_the_same_bytes(codec: Zstd | Gzip, data: bytes, step: int, size: int) -> None:
    stored = drain(codec.encode(cast("BinaryIO", ShortReads(data, step))), size)

    assert drain(codec.decode(cast("BinaryIO", ShortReads(stored, step))), size) == data


@every_codec
def test_the_tool_of_the_format_opens_what_is_encoded(codec: Zstd | Gzip) -> None:
    data = mixed_data(3 * CHUNK_SIZE)

    done = subprocess.run(
        [require_program(codec.name), "-dc"], input=encoded(codec, data), capture_output=True, check=True
    )

    assert done.stdout == data
    assert done.stderr == b""


@zstd_and_gzip
def test_what_the_tool_of_the_format_writes_is_decoded(codec: Zstd | Gzip, tmp_path: Path) -> None:
    data = mixed_data(3 * CHUNK_SIZE)
    (tmp_path / "plain").write_bytes(data)

    done = subprocess.run([require_program(codec.name), "-c", tmp_path / "plain"], capture_output=True, check=True)

    assert drain(codec.decode(io.BytesIO(done.stdout))) == data


@zstd_and_gzip
def test_members_one_after_the_other_are_decoded_as_one_stream(codec: Zstd | Gzip) -> None:
    first, second = mixed_data(CHUNK_SIZE + 5), b"second"

    stored = encoded(codec, first) + encoded(codec, b"") + encoded(codec, second)

    assert drain(codec.decode(io.BytesIO(stored))) == first + second


@every_codec
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.999999])
def test_a_stream_that_was_cut_short_is_an_error(codec: Zstd | Gzip, kept: float) -> None:
    stored = encoded(codec, mixed_data(2 * CHUNK_SIZE))

    with pytest.raises(SnapshotCodecError, match=r"it was cut short\. Restore another snapshot") as caught:
        drain(codec.decode(io.BytesIO(stored[: int(len(stored) * kept)])))

    assert caught.value.codec == codec.name


@zstd_and_gzip
def test_a_stream_cut_between_two_members_parts_is_an_error_in_the_second(codec: Zstd | Gzip) -> None:
    stored = encoded(codec, b"first") + encoded(codec, b"second")[:-1]

    with pytest.raises(SnapshotCodecError, match="it was cut short"):
        drain(codec.decode(io.BytesIO(stored)))


@zstd_and_gzip
@pytest.mark.parametrize("garbage", [b"x", b"garbage that is longer than any header"])
def test_bytes_after_the_end_are_an_error(codec: Zstd | Gzip, garbage: bytes) -> None:
    with pytest.raises(SnapshotCodecError, match=r"cut short|or a damaged one"):
        drain(codec.decode(io.BytesIO(encoded(codec, b"data") + garbage)))


@zstd_and_gzip
def test_bytes_of_another_kind_are_an_error_that_keeps_its_cause(codec: Zstd | Gzip) -> None:
    with pytest.raises(SnapshotCodecError, match=f"This is no {codec.name} stream, or a damaged one") as caught:
        drain(codec.decode(io.BytesIO(b"SQLite format 3\0 and so on")))

    assert caught.value.__cause__ is not None


@every_codec
def test_one_flipped_bit_in_the_content_is_an_error(codec: Zstd | Gzip) -> None:
    stored = bytearray(encoded(codec, random.Random(1).randbytes(CHUNK_SIZE)))
    stored[len(stored) // 2] ^= 1

    with pytest.raises(SnapshotCodecError, match="or a damaged one"):
        drain(codec.decode(io.BytesIO(bytes(stored))))


@zstd_and_gzip
def test_a_stream_that_failed_keeps_failing_and_never_looks_ended(codec: Zstd | Gzip) -> None:
    stream = codec.decode(io.BytesIO(encoded(codec, mixed_data(CHUNK_SIZE))[:-1]))
    with pytest.raises(SnapshotCodecError):
        drain_open(stream)

    with pytest.raises(SnapshotCodecError, match="cut short"):
        stream.read(1)


def drain_open(stream: BinaryIO) -> None:
    while stream.read(CHUNK_SIZE):
        pass


@zstd_and_gzip
def test_an_error_of_the_source_passes_through_unchanged(codec: Zstd | Gzip) -> None:
    failure = OSError("the cable is out")
    stored = encoded(codec, mixed_data(CHUNK_SIZE))

    for stream in (
        codec.encode(cast("BinaryIO", FailingSource(b"abc", lambda: failure))),
        codec.decode(cast("BinaryIO", FailingSource(stored[:100], lambda: failure))),
    ):
        with pytest.raises(OSError, match="the cable is out") as caught:
            drain(stream)
        assert caught.value is failure


@zstd_and_gzip
def test_closing_a_stream_leaves_its_source_open(codec: Zstd | Gzip) -> None:
    source = io.BytesIO(mixed_data(CHUNK_SIZE))
    encoder = codec.encode(source)
    encoder.read(10)

    encoder.close()

    assert not source.closed
    assert encoder.closed


@zstd_and_gzip
def test_a_small_stream_that_unpacks_to_much_is_given_in_chunks(codec: Zstd | Gzip) -> None:
    stored = encoded(codec, bytes(50 * CHUNK_SIZE))
    assert len(stored) < CHUNK_SIZE

    stream = codec.decode(io.BytesIO(stored))
    sizes = [len(chunk) for chunk in iter(lambda: stream.read(CHUNK_SIZE), b"")]

    assert sum(sizes) == 50 * CHUNK_SIZE
    assert max(sizes) <= CHUNK_SIZE


@every_codec
def test_the_same_bytes_give_the_same_stream(codec: Zstd | Gzip) -> None:
    data = mixed_data(3 * CHUNK_SIZE)

    assert encoded(codec, data) == encoded(codec, data)


def test_importing_the_codecs_loads_no_compression_library() -> None:
    program = (
        "import sys, django_snapshots.codecs\n"
        "print([name for name in ('backports.zstd', 'compression.zstd', 'pydantic', 'django') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)

    assert done.stdout.strip() == "[]"


_MEASURE = """
import resource, sys
from django_snapshots.codecs import Gzip, Zstd
from django_snapshots.digests import CHUNK_SIZE
import random

class Source:
    def __init__(self, size):
        noise = random.Random(5).randbytes(CHUNK_SIZE // 2)
        self.left, self.chunk = size, (noise + b"words and words " * CHUNK_SIZE)[:CHUNK_SIZE]
    def read(self, size):
        taken = self.chunk[:min(size, self.left)]
        self.left -= len(taken)
        return taken

codec = {"zstd": Zstd, "gzip": lambda: Gzip(level=1)}[sys.argv[1]]()
stream = codec.decode(codec.encode(Source(int(sys.argv[2]) * CHUNK_SIZE)))
while stream.read(CHUNK_SIZE):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize(("name", "large_mib"), [("zstd", 1024), ("gzip", 200)])
def test_memory_does_not_grow_with_the_stream(name: str, large_mib: int) -> None:
    small_kib, large_kib = (
        int(subprocess.run([sys.executable, "-c", _MEASURE, name, str(mib)], capture_output=True, check=True).stdout)
        for mib in (10, large_mib)
    )

    assert large_kib - small_kib < 30 * 1024
