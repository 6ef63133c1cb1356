"""The file of a dump: what the dump program wrote of the tables, then the statements of everything else.

    (output of mariadb-dump)
    -- Dump completed on …
    -- django-snapshots: views, routines, triggers and events
    DELIMITER …
    CREATE …
    …
    -- django-snapshots: complete

The `mariadb` and `mysql` programs read it as it is.
"""

from __future__ import annotations

import io
import secrets
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.digests import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Buffer

__all__ = ["CutDumpError", "DumpReader", "DumpWriter"]

_COMPLETED = b"\n-- Dump completed"
_MARK = b"\n-- django-snapshots: views, routines, triggers and events\n"
_END = b"-- django-snapshots: complete\n"
_TAIL_BYTES = 4096
_OBJECTS_BYTES_MAX = 256 * CHUNK_SIZE


class CutDumpError(ValueError):
    """A stream that lacks one of its marks."""


class DumpWriter:
    """Passes on what a dump program writes and looks at it on the way.

    Attributes:
        longest_line_bytes: The longest line, which is the largest statement.
    """

    def __init__(self, sink: BinaryIO) -> None:
        """Write to `sink`."""
        self._sink = sink
        self._tail = b""
        self._line_bytes = 0
        self.longest_line_bytes = 0

    def write(self, chunk: bytes) -> int:
        """Pass on a piece of the program's output."""
        self._sink.write(chunk)
        first = chunk.find(b"\n")
        if first < 0:
            self._line_bytes += len(chunk)
        else:
            # Lines that lie wholly in one piece are shorter than what any server takes.
            self.longest_line_bytes = max(self.longest_line_bytes, self._line_bytes + first)
            self._line_bytes = len(chunk) - chunk.rfind(b"\n") - 1
        self._tail = _last_bytes(self._tail, chunk)
        return len(chunk)

    def finish(self, statements: Iterable[str]) -> None:
        """Write everything else after the program has ended.

        Raises:
            CutDumpError: The program did not write its mark of completion.
        """
        if _COMPLETED not in self._tail:
            raise CutDumpError
        self._sink.write(_MARK)
        texts = list(statements)
        delimiter = _delimiter(texts)
        if texts:
            self._sink.write(f"DELIMITER {delimiter}\n".encode())
        for text in texts:
            self._sink.write(f"{text}\n{delimiter}\n".encode())
        if texts:
            self._sink.write(b"DELIMITER ;\n")
        self._sink.write(_END)


def _last_bytes(tail: bytes, piece: bytes) -> bytes:
    return (tail + piece if len(piece) < _TAIL_BYTES else piece)[-_TAIL_BYTES:]


def _delimiter(texts: list[str]) -> str:
    while True:
        delimiter = f"//{secrets.token_hex(4)}//"
        if not any(delimiter in text for text in texts):
            return delimiter


class DumpReader(io.RawIOBase, BinaryIO):
    """The first part of a dump as a file; what comes after it is kept.

    The mark of the second part is the first line that reads so: in the first part line breaks in data are escaped.
    """

    def __init__(self, source: BinaryIO) -> None:
        """Read from `source`."""
        super().__init__()
        self._source = source
        self._pending = b""
        self._tail = b""
        self._after: bytes | None = None

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = CHUNK_SIZE, /) -> bytes:
        """Return the next piece, b"" at the end of the first part.

        Raises:
            CutDumpError: The stream ends before a mark.
        """
        while self._after is None:
            chunk = self._source.read(size)
            window = self._pending + chunk  # which is the chunk itself where nothing is pending: nothing is copied
            place = window.find(_MARK)
            if place >= 0:
                self._after = window[place + len(_MARK) :]
                return self._given(window[: place + 1])
            if not chunk:
                raise CutDumpError
            end = _begin_of_mark(window)
            given, self._pending = window[:end], window[end:]
            if given:
                return self._given(given)
        return b""

    def _given(self, piece: bytes) -> bytes:
        self._tail = _last_bytes(self._tail, piece)
        if self._after is not None and _COMPLETED not in self._tail:
            raise CutDumpError
        return piece

    def write(self, _data: Buffer, /) -> int:
        """Refuse."""
        raise io.UnsupportedOperation

    def statements(self) -> list[str]:
        """Read the rest and return the statements of everything beside tables.

        Raises:
            CutDumpError: The stream lacks its end.
        """
        if self._after is None:
            raise CutDumpError
        pieces, size_bytes = [self._after], len(self._after)
        while chunk := self._source.read(CHUNK_SIZE):
            pieces.append(chunk)
            size_bytes += len(chunk)
            if size_bytes > _OBJECTS_BYTES_MAX:
                raise CutDumpError
        return _split(b"".join(pieces))


def _begin_of_mark(window: bytes) -> int:
    """Return where a mark may begin that the window does not hold whole; its length where none does."""
    line = window.rfind(b"\n", -len(_MARK))
    return line if line >= 0 and _MARK.startswith(window[line:]) else len(window)


def _split(after: bytes) -> list[str]:
    if not after.endswith(_END):
        raise CutDumpError
    if after == _END:
        return []
    first, _, body = after.decode().partition("\n")
    delimiter = first.removeprefix("DELIMITER ")
    *texts, rest = body.split(f"\n{delimiter}\n")
    if delimiter == first or rest != f"DELIMITER ;\n{_END.decode()}":
        raise CutDumpError
    return texts
