"""The data path of one artifact: dump, digest, encode, digest on the way out; the same backwards on the way in.

The plugin that dumps or stages runs in the caller's thread, where its database connections live. Codecs and the
storage run in a second thread, the digests in threads of their own: zlib, zstd and hashlib release the GIL.
"""

from __future__ import annotations

import io
import threading
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from django_snapshots.cancellation import WorkCancelledError, ended_by_cancellation
from django_snapshots.channel import Channel, ChannelReader, ChunkWriter, ClosedChannelError, DigestThread
from django_snapshots.digests import CHUNK_SIZE, FLOW_SIZE, format_digest, new_hasher
from django_snapshots.errors import SnapshotDigestError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.codecs.contract import Codec
    from django_snapshots.manifest import ArtifactRecord

__all__ = ["StreamResult", "check_stored", "decoded", "dump_encoded", "stored_difference"]


@dataclass(frozen=True, slots=True)
class StreamResult:
    """What is known of an artifact once its last byte is stored; sizes in bytes."""

    facts: Mapping[str, Any]
    plain_size: int
    plain_digest: str
    stored_size: int
    stored_digest: str


def dump_encoded(
    artifact: Artifact,
    codecs: Sequence[Codec],
    store: Callable[[Iterator[bytes]], None],
    on_bytes: Callable[[int], None],
) -> StreamResult:
    """Dump an artifact through the codecs into `store`.

    Args:
        artifact: Its `dump` is called in this thread, and ended when the thread's work is cancelled.
        codecs: Applied in this order.
        store: Called in another thread with the encoded chunks; publishes nothing when they raise.
        on_bytes: Called in this thread with the number of plain bytes dumped so far.

    Raises:
        BaseException: What failed first: `dump`, a codec, or `store`.
    """
    channel = Channel()
    plain, stored = DigestThread(), DigestThread()

    def consume() -> None:
        # A storage that fails leaves the chunks half read, and its exception keeps them: threads of codecs would stay.
        with closing(_encoded(channel, codecs, stored)) as chunks:
            store(chunks)

    consumer = _Worker(channel, consume)

    def put(chunk: bytes) -> None:
        plain.update(chunk)
        channel.put(chunk)
        on_bytes(plain.size_bytes)

    sink = ChunkWriter(put)
    try:
        with ended_by_cancellation(lambda: channel.fail(WorkCancelledError())):
            facts = artifact.dump(sink)
            sink.flush()
            channel.end()
            consumer.join()
    except BaseException as error:  # noqa: BLE001 - an interrupt too must end the threads; it is raised again
        channel.fail(error)
        consumer.wait()
        sink.abandon()
        plain.abandon()
        stored.abandon()
        _raise_first(channel, error)
    return StreamResult(facts, plain.size_bytes, plain.finish(), stored.size_bytes, stored.finish())


def _encoded(channel: Channel, codecs: Sequence[Codec], digest: DigestThread) -> Generator[bytes, None, None]:
    with ExitStack() as stack:
        source: BinaryIO = ChannelReader(channel)
        for codec in codecs:
            source = stack.enter_context(closing(codec.encode(source)))
        while chunk := source.read(CHUNK_SIZE):
            digest.update(chunk)
            yield chunk


def _raise_first(channel: Channel, error: BaseException) -> NoReturn:
    # A failing side makes the other fail as well; what a user can act on is the first failure. An interrupt
    # (Ctrl-C, SIGTERM) is never replaced.
    first = channel.failure
    if first is None or first is error or not isinstance(error, Exception):
        raise error
    raise first


class _Worker:
    """A thread at one end of a channel; when it fails it breaks the channel."""

    def __init__(self, channel: Channel, work: Callable[[], None]) -> None:
        self._channel = channel
        self._work = work
        self._thread = threading.Thread(target=self._run, name="snapshots-stream", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the thread has ended, well or not."""
        self._thread.join()

    def join(self) -> None:
        """Wait until the thread has ended; raises what it failed with."""
        self.wait()
        if self._channel.failure is not None:
            raise self._channel.failure

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - handed to the other thread, which raises it
            self._channel.fail(error)


@contextmanager
def decoded(
    open_stored: Callable[[], AbstractContextManager[BinaryIO]],
    record: ArtifactRecord,
    codecs: Sequence[Codec],
    *,
    snapshot: str,
    on_bytes: Callable[[int], None],
) -> Iterator[BinaryIO]:
    """Give the plain bytes of an artifact, proved against its record.

    What the block leaves unread is read and proved when it ends, so that leaving it without an error means that
    every byte was right. The stream raises as soon as it holds more bytes than the record says.

    Args:
        open_stored: Opens the stored file; called in another thread.
        record: The artifact's record in the manifest.
        codecs: In the order of encoding.
        snapshot: The snapshot's name, for messages.
        on_bytes: Called with the number of plain bytes so far.

    Raises:
        SnapshotDigestError: Size or digest of the plain bytes differ from the record.
        SnapshotCodecError: A codec could not decode.
        SnapshotStorageError: The storage failed.
    """
    channel = Channel()
    worker = _Worker(channel, lambda: _decode_into(channel, open_stored, codecs))
    source = _ProvedReader(channel, record, snapshot, on_bytes)
    try:
        yield source
        while source.read(CHUNK_SIZE):
            pass
    finally:
        channel.fail(ClosedChannelError())
        worker.wait()
        source.abandon()


def _decode_into(
    channel: Channel, open_stored: Callable[[], AbstractContextManager[BinaryIO]], codecs: Sequence[Codec]
) -> None:
    with ExitStack() as stack:
        source = stack.enter_context(open_stored())
        for codec in reversed(codecs):
            source = stack.enter_context(closing(codec.decode(source)))
        while chunk := source.read(CHUNK_SIZE):
            channel.put(chunk)
    channel.end()


class _ProvedReader(ChannelReader):
    """Reads a channel and compares what came out with a record: too much at once, the rest at the end."""

    def __init__(
        self, channel: Channel, record: ArtifactRecord, snapshot: str, on_bytes: Callable[[int], None]
    ) -> None:
        super().__init__(channel)
        self._record = record
        self._snapshot = snapshot
        self._on_bytes = on_bytes
        self._digest = DigestThread()
        self._proved = False

    def next_chunk(self) -> bytes:
        """Return the next chunk; b"" at the end, which is reached only when size and digest are right."""
        if self._proved:
            return b""
        chunk = super().next_chunk()
        if chunk:
            self._digest.update(chunk)
            self._on_bytes(self._digest.size_bytes)
        if self._digest.size_bytes > self._record.plain_size or not chunk:
            self._prove()
        return chunk

    def _prove(self) -> None:
        record = self._record
        if self._digest.size_bytes != record.plain_size:
            raise self._difference(record.plain_size, self._digest.size_bytes)
        found = self._digest.finish()
        if found != record.plain_digest:
            raise self._difference(record.plain_digest, found)
        self._proved = True

    def _difference(self, expected: str | int, found: str | int) -> SnapshotDigestError:
        return SnapshotDigestError(
            snapshot=self._snapshot, path=f"{self._record.path}, decoded,", expected=expected, found=found
        )

    def abandon(self) -> None:
        """End the digest's thread."""
        self._digest.abandon()


def check_stored(
    source: BinaryIO,
    record: ArtifactRecord,
    *,
    snapshot: str,
    on_bytes: Callable[[int], None],
    look: Callable[[BinaryIO], None] = lambda _: None,
) -> None:
    """Read a stored file to its end, or until it has more bytes than it should, and compare it with its record.

    Args:
        source: The stored file.
        record: What the manifest says of it.
        snapshot: The snapshot's name, for messages.
        on_bytes: Called with the number of stored bytes so far.
        look: Is given the file first, and reads as much of it as it wants; what it reads counts as read.

    Raises:
        SnapshotDigestError: Its size or its digest differ.
        Exception: What `look` raises.
    """
    counted = _CountedReader(source, record.stored_size)
    look(counted)
    while counted.read(FLOW_SIZE):
        on_bytes(counted.size_bytes)
    different = stored_difference(record, counted.size_bytes, format_digest(counted.hasher), snapshot=snapshot)
    if different is not None:
        raise different


def stored_difference(
    record: ArtifactRecord, size_bytes: int, digest: str, *, snapshot: str
) -> SnapshotDigestError | None:
    """Return how a stored file of this size and digest differs from its record; None when it does not."""
    expected: tuple[str | int, str | int]
    for expected in (record.stored_size, size_bytes), (record.stored_digest, digest):
        if expected[0] != expected[1]:
            return SnapshotDigestError(snapshot=snapshot, path=record.path, expected=expected[0], found=expected[1])
    return None


class _CountedReader(io.BufferedIOBase, BinaryIO):
    """Counts and hashes what is read; ends when that is more than it should be."""

    def __init__(self, source: BinaryIO, expected_bytes: int) -> None:
        super().__init__()
        self.hasher, self.size_bytes = new_hasher(), 0
        self._source = source
        self._expected_bytes = expected_bytes

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        if self.size_bytes > self._expected_bytes:
            return b""
        chunk = self._source.read(CHUNK_SIZE if size is None or size < 0 else size)
        self.hasher.update(chunk)
        self.size_bytes += len(chunk)
        return chunk
