"""What our codecs share: chunks as a readable stream, decoding member after member, the refusal of wrong options."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

from django_snapshots.channel import ChunkReader
from django_snapshots.digests import FLOW_SIZE
from django_snapshots.errors import SnapshotCodecError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from django_snapshots.conf.problems import Problem

__all__ = ["MemberDecoder", "chunk_stream", "decode_members", "refuse_wrong_options"]


class MemberDecoder(Protocol):
    """Decodes one member; the shape of the decompressor objects of bz2, lzma and zstd in the standard library."""

    @property
    def eof(self) -> bool:
        """True when the end of the member was seen."""
        ...

    @property
    def needs_input(self) -> bool:
        """False while `decompress(b"", …)` would still give output."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What followed the end of the member in the input."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` decoded bytes."""
        ...


class CheckedCodec(Protocol):
    """A codec that knows whether its options can work."""

    name: str

    def check(self) -> list[Problem]:
        """Return what is wrong with the options."""
        ...


def refuse_wrong_options(codec: CheckedCodec) -> None:
    """Raise when `codec` was built with options that its `check()` objects to: libraries clamp some in silence.

    Raises:
        SnapshotCodecError: With the first problem and its hint.
    """
    for problem in codec.check():
        raise SnapshotCodecError(
            " ".join(filter(None, (f"{type(codec).__name__} cannot be used:", problem.message, problem.hint))),
            codec=codec.name,
        )


class _ChunkStream(ChunkReader):
    """Reads from a generator of chunks; once it has failed it fails again: an error must never look like the end."""

    def __init__(self, chunks: Generator[bytes, None, None]) -> None:
        super().__init__()
        self._chunks = chunks
        self._failure: BaseException | None = None

    def next_chunk(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        try:
            return next(filter(None, self._chunks), b"")
        except BaseException as error:
            self._failure = error
            raise

    def close(self) -> None:
        self._chunks.close()
        self._rest = memoryview(b"")
        super().close()


def chunk_stream(chunks: Generator[bytes, None, None]) -> BinaryIO:
    """Return a readable stream of the chunks; empty ones are skipped, and closing it closes the generator."""
    return _ChunkStream(chunks)


def decode_members(
    source: BinaryIO, new_decoder: Callable[[], MemberDecoder], *, codec: str, foreign: tuple[type[Exception], ...]
) -> Generator[bytes, None, None]:
    """Yield the decoded bytes of one or more members, in chunks of at most FLOW_SIZE bytes.

    Args:
        source: The encoded stream; it is read to its end and left open.
        new_decoder: Returns a decoder for the next member.
        codec: The codec's name, for errors.
        foreign: What a decoder raises on bytes it cannot decode.

    Raises:
        SnapshotCodecError: The source is damaged, ends inside a member, holds none, or goes on with other bytes.
    """
    decoder = new_decoder()
    data = source.read(FLOW_SIZE)
    while data:
        if decoder.eof:
            decoder = new_decoder()
        chunks = _decode_part(decoder, data)
        while chunk := _next_chunk(chunks, codec, foreign):
            yield chunk
        data = (decoder.unused_data if decoder.eof else b"") or source.read(FLOW_SIZE)
    if not decoder.eof:
        raise SnapshotCodecError(
            f"The {codec} stream ends before its end marker: it was cut short. Restore another snapshot.", codec=codec
        )


def _decode_part(decoder: MemberDecoder, data: bytes) -> Generator[bytes, None, None]:
    if chunk := decoder.decompress(data, FLOW_SIZE):
        yield chunk
    while not (decoder.eof or decoder.needs_input):
        if chunk := decoder.decompress(b"", FLOW_SIZE):
            yield chunk


def _next_chunk(chunks: Generator[bytes, None, None], codec: str, foreign: tuple[type[Exception], ...]) -> bytes:
    try:
        return next(chunks, b"")
    except foreign as error:
        raise SnapshotCodecError(
            f"This is no {codec} stream, or a damaged one ({error}). Restore another snapshot.", codec=codec
        ) from error
