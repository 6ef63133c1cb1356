"""Private copies of a SQLite database: one in the temporary directory that has no name, and one beside its target.

A file without a name can be opened by nobody else, and the system frees it when its process ends, however that ends.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from django_snapshots.connectors._sqlite_location import connect_copy, connect_private
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.files import write_all
from django_snapshots.scratch import ScratchDirectory, scratch_directory

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO, Self

__all__ = ["NamedCopy", "SQLiteCopy", "UnnamedCopy"]

_COPY_NAME = "copy.sqlite3"
_VERSIONS_AT = 18
_WAL, _ROLLBACK = b"\x02\x02", b"\x01\x01"
"""What stands there for each journal mode (sqlite.org/fileformat.html, 1.3.3)."""


class SQLiteCopy(Protocol):
    """A copy that nobody else has open.

    Attributes:
        directory: Where its bytes are.
    """

    directory: Path

    def fill(self, source: BinaryIO) -> None:
        """Make the copy of the bytes of a database file, all that `source` has."""

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """Give a connection that reads what was filled in."""
        ...

    @property
    def is_wal(self) -> bool:
        """Whether the database is in WAL mode."""
        ...

    @property
    def size_bytes(self) -> int:
        """How large it is."""
        ...

    def close(self) -> None:
        """Remove the copy; never raises."""


class UnnamedCopy:
    """A copy in the temporary directory, whose name is gone before its first byte is written.

    SQLite opens files by their names only, so what will read and what will write is opened while the file is empty.
    Its WAL has a name too, which SQLite finds by that of the database: a copy in WAL mode says in its header that it
    is not, and `write_to` puts that right on the way.
    """

    def __init__(self, artifact: str) -> None:
        """Make it, empty.

        Args:
            artifact: Whose it is, such as "database/default", for errors.

        Raises:
            SnapshotConnectorError: The temporary directory cannot hold such a file.
        """
        self.directory = Path(tempfile.gettempdir())
        self.is_wal = False
        self._artifact = artifact
        try:
            with scratch_directory() as scratch:
                self._open(scratch / _COPY_NAME)
        except OSError as error:
            raise SnapshotConnectorError(
                f"No file without a name can be made in the temporary directory {self.directory}: {error}. Nothing was "
                "done. Set TMPDIR to a directory on a file system of this host that has room for the database.",
                artifact=artifact,
            ) from error

    def _open(self, path: Path) -> None:
        with ExitStack() as opened:
            self._file = opened.enter_context(path.open("x+b", buffering=0))
            self._reader = opened.enter_context(closing(connect_private(path, "ro")))
            self._writer = opened.enter_context(closing(connect_private(path, "rw")))
            # What is thrown away when anything fails needs neither a journal, which would have a name, nor syncs.
            self._writer.execute("PRAGMA journal_mode=OFF")
            self._writer.execute("PRAGMA synchronous=OFF")
            path.unlink()
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def writer(self) -> sqlite3.Connection:
        """The connection that makes the copy; `seal` ends it."""
        return self._writer

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the one connection that reads it, in any thread, but in one at a time."""
        yield self._reader

    @property
    def size_bytes(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def fill(self, source: BinaryIO) -> None:
        """Make the copy of the bytes that `source` has.

        Raises:
            SnapshotConnectorError: The disk is full or failed.
        """
        _write(source, self._file.fileno(), self.directory, self._artifact)
        self.seal()

    def seal(self) -> None:
        """Make what was written ready to be read."""
        self._writer.close()
        descriptor = self._file.fileno()
        self.is_wal = _says_wal(descriptor)
        if self.is_wal:
            os.pwrite(descriptor, _ROLLBACK, _VERSIONS_AT)

    def write_to(self, sink: BinaryIO) -> None:
        """Write the bytes of the database file to `sink`, in chunks."""
        position = 0
        while chunk := os.pread(self._file.fileno(), CHUNK_SIZE, position):
            is_header = self.is_wal and not position
            sink.write(chunk[:_VERSIONS_AT] + _WAL + chunk[_VERSIONS_AT + len(_WAL) :] if is_header else chunk)
            position += len(chunk)

    def close(self) -> None:
        """Let go of the file, and so of its bytes."""
        self._opened.close()


class NamedCopy:
    """A copy beside the database file that it will replace, in a private directory."""

    def __init__(self, parent: Path, artifact: str) -> None:
        """Make its directory below `parent`.

        Raises:
            OSError: The parent is missing, full, or not writable.
        """
        self._scratch = ScratchDirectory(parent)
        self.directory = self._scratch.path
        self._artifact = artifact
        self._path = self.directory / _COPY_NAME

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """Give a new connection that reads it."""
        return closing(connect_copy(self._path))

    @property
    def is_wal(self) -> bool:
        with self._path.open("rb") as file:
            return _says_wal(file.fileno())

    @property
    def size_bytes(self) -> int:
        return self._path.stat().st_size

    def fill(self, source: BinaryIO) -> None:
        """Make the copy of the bytes that `source` has.

        Raises:
            SnapshotConnectorError: The disk is full or failed.
        """
        with self._path.open("xb", buffering=0) as file:
            _write(source, file.fileno(), self.directory, self._artifact)

    def close(self) -> None:
        """Remove the directory with all it holds."""
        self._scratch.remove()


def _says_wal(descriptor: int) -> bool:
    return os.pread(descriptor, len(_WAL), _VERSIONS_AT) == _WAL


def _write(source: BinaryIO, descriptor: int, directory: Path, artifact: str) -> None:
    while chunk := source.read(CHUNK_SIZE):
        try:
            write_all(descriptor, chunk)
        except OSError as error:
            raise SnapshotConnectorError(
                f"The copy in {directory} could not be written: {error}. Free some space there and try again.",
                artifact=artifact,
            ) from error
