"""Reads a tar as a stream of members: ours, and those of GNU tar, bsdtar and Python's tarfile (ustar, pax, GNU names).

Strict: what it does not understand, a wrong checksum and a stream that ends too early or too late are refused, never
skipped. What a member may do to a disk is judged by `_tree_extractor`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.artifacts._remarks import printable, refusal
from django_snapshots.artifacts._tar_format import (
    BLOCK_SIZE,
    FOLDER,
    HARD_LINK,
    HEADER,
    PAX_HEADER,
    REGULAR,
    SYMLINK,
    Member,
    checksum,
)
from django_snapshots.digests import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.errors import SnapshotArtifactError

__all__ = ["TarReader"]

_EXTENSION_MAX_BYTES = 1024 * 1024
"""A pax header or GNU long name is held in memory; a path on Linux has 4 KiB at most."""

_ZERO_BLOCK = bytes(BLOCK_SIZE)
_POSIX_MAGIC = b"ustar\0"
_GLOBAL_PAX_HEADER = b"g"
_GNU_NAMES = {b"L": b"path", b"K": b"linkpath"}
_KINDS = {b"0": REGULAR, b"\0": REGULAR, b"7": REGULAR, b"1": HARD_LINK, b"2": SYMLINK, b"5": FOLDER}
_REFUSED_KINDS = {
    b"3": "a device",
    b"4": "a device",
    b"6": "a FIFO",
    b"S": "a sparse file of GNU tar (make the tar without --sparse)",
}
_SECOND = 1_000_000_000
_ID_LIMIT = 2**32 - 1
_LIMIT = 2**63
"""Of sizes in bytes and times in seconds: what the kernel takes."""

_DIGITS_MAX = 20


class TarReader:
    """One pass over a tar: take a member of `members`, all of its `content`, then the next."""

    def __init__(self, source: BinaryIO) -> None:
        """Read from `source`, of which only `read(size)` is used; it may return less than asked for."""
        self._source = source
        self._chunk = b""
        self._at = 0
        self._content_left = 0
        self._padding = 0
        self._global: dict[bytes, bytes] = {}
        self._latest = b"its beginning"

    def members(self) -> Iterator[Member]:
        """Yield the members in their order; ends only after the end-of-archive marker and the end of the source.

        Raises:
            SnapshotArtifactError: The tar is damaged, cut short, or holds what is not restored.
        """
        while (member := self._next()) is not None:
            self._latest = member.name
            self._content_left = member.size
            self._padding = -member.size % BLOCK_SIZE
            yield member
            for _ in self.content():
                pass
            self._take(self._padding)

    def content(self) -> Iterator[memoryview]:
        """Yield the content of the current member in pieces of up to 1 MiB."""
        while self._content_left:
            self._fill()
            piece = memoryview(self._chunk)[self._at : self._at + self._content_left]
            self._at += len(piece)
            self._content_left -= len(piece)
            yield piece

    def _next(self) -> Member | None:
        extension: dict[bytes, bytes] = {}
        while True:
            block = self._take(BLOCK_SIZE)
            if block == _ZERO_BLOCK:
                self._expect_end()
                return None
            fields = HEADER.unpack(block)
            if _number(fields[6]) != checksum(block):
                raise refusal(f"the header after {printable(self._latest)} is damaged")
            kind = fields[7]
            if kind == PAX_HEADER:
                extension |= _records(self._extension(fields[4]))
            elif kind == _GLOBAL_PAX_HEADER:
                self._global |= _records(self._extension(fields[4]))
            elif kind in _GNU_NAMES:
                extension[_GNU_NAMES[kind]] = self._extension(fields[4]).rstrip(b"\0")
            else:
                return _member(fields, self._global | extension if self._global else extension)

    def _extension(self, field: bytes) -> bytes:
        size = _number(field)
        if not 0 <= size <= _EXTENSION_MAX_BYTES:
            raise refusal(f"the extended header after {printable(self._latest)} says it has {size} bytes")
        data = self._take(size)
        self._take(-size % BLOCK_SIZE)
        return data

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end <= len(self._chunk):
            data = self._chunk[self._at : end]
            self._at = end
            return data
        pieces = []
        while size:
            self._fill()
            piece = self._chunk[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _fill(self) -> None:
        if self._at == len(self._chunk):
            self._chunk, self._at = self._read_chunk(), 0
            if not self._chunk:
                raise refusal(f"it is cut short after {printable(self._latest)}")

    def _read_chunk(self) -> bytes:
        try:
            return self._source.read(CHUNK_SIZE)
        except OSError as error:
            raise refusal(f"it could not be read on after {printable(self._latest)} ({error})") from error

    def _expect_end(self) -> None:
        # Two blocks of zeros end a tar, more may fill its last record; anything else would be ignored silently.
        if self._take(BLOCK_SIZE) != _ZERO_BLOCK:
            raise refusal(f"a single block of zeros stands after {printable(self._latest)}")
        rest = self._chunk[self._at :]
        while rest:
            if rest.strip(b"\0"):
                raise refusal("more data follows its end")
            rest = self._read_chunk()


def _member(fields: tuple[bytes, ...], extension: dict[bytes, bytes]) -> Member:
    name, mode, uid, gid, size, mtime, _, kind, link, magic, uname, gname, _, _, prefix = fields
    path = extension.get(b"path") or _path(name, prefix if magic.startswith(_POSIX_MAGIC) else b"")
    if kind not in _KINDS:
        what = _REFUSED_KINDS.get(kind, f"of a type ({printable(kind)}) that is not restored")
        raise refusal(f"{printable(path)} is {what}")
    if any(keyword.startswith(b"GNU.sparse.") for keyword in extension):
        raise refusal(f"{printable(path)} is {_REFUSED_KINDS[b'S']}")
    # Before POSIX a folder was a file whose name ends in a slash.
    member_kind = FOLDER if kind in b"0\0" and path.endswith(b"/") else _KINDS[kind]
    return Member(
        path.rstrip(b"/") or path,
        member_kind,
        _cached_number(mode) & 0o7777,
        _within(_extended(extension, b"uid", uid), _ID_LIMIT, path),
        _within(_extended(extension, b"gid", gid), _ID_LIMIT, path),
        extension.get(b"uname") or _cached_text(uname),
        extension.get(b"gname") or _cached_text(gname),
        # Some programs give links and folders a size, but no content follows.
        _within(_extended(extension, b"size", size), _LIMIT, path) if member_kind == REGULAR else 0,
        _mtime_ns(extension.get(b"mtime"), mtime, path),
        b"" if member_kind == REGULAR else extension.get(b"linkpath") or _text(link),
    )


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _path(name: bytes, prefix: bytes) -> bytes:
    before, last = _text(prefix), _text(name)
    return b"%b/%b" % (before, last) if before else last


def _number(field: bytes) -> int:
    # Octal digits; or, of GNU tar and star, a binary number after a byte of 0x80, or of 0xff where it is negative.
    if field[0] == 0xFF:  # noqa: PLR2004 - named in the line above
        return int.from_bytes(field, "big", signed=True)
    if field[0] == 0x80:  # noqa: PLR2004 - the same
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    try:
        return int(digits, 8) if digits else 0
    except ValueError as error:
        raise refusal(f"a header has {printable(field)} where a number must be") from error


# Owners and modes are the same of nearly every member.
_cached_text = lru_cache(maxsize=256)(_text)
_cached_number = lru_cache(maxsize=256)(_number)


def _records(data: bytes) -> dict[bytes, bytes]:
    # Each record is "length keyword=value\n", its length counting all of it.
    records = {}
    start = 0
    while start < len(data):
        digits, _, _ = data[start : start + 8].partition(b" ")
        end = start + int(digits) if digits.isdigit() else start
        keyword, equals, value = data[start + len(digits) + 1 : end].partition(b"=")
        if not start < end <= len(data) or not equals or not value.endswith(b"\n"):
            raise refusal(f"an extended header is damaged: {printable(data[start : start + 40])}")
        records[keyword] = value[:-1]
        start = end
    return records


def _extended(extension: dict[bytes, bytes], keyword: bytes, field: bytes) -> int:
    value = extension.get(keyword)
    if not value:
        return _cached_number(field)
    if not value.isdigit() or len(value) > _DIGITS_MAX:
        raise _bad_value(keyword, value)
    return int(value)


def _within(number: int, limit: int, path: bytes) -> int:
    if not 0 <= number < limit:
        raise refusal(f"{printable(path)} has the impossible number {number} in its header")
    return number


def _mtime_ns(value: bytes | None, field: bytes, path: bytes) -> int:
    if not value:
        time_ns = _number(field) * _SECOND
    else:
        # Decimal seconds; digits below a nanosecond are cut.
        sign = -1 if value.startswith(b"-") else 1
        seconds, _, fraction = value.removeprefix(b"-").partition(b".")
        if not seconds.isdigit() or not (fraction or b"0").isdigit() or len(seconds) > _DIGITS_MAX:
            raise _bad_value(b"mtime", value)
        time_ns = sign * (int(seconds) * _SECOND + int(fraction[:9].ljust(9, b"0")))
    if abs(time_ns) >= _LIMIT * _SECOND:
        raise refusal(f"{printable(path)} has a modification time that no file system can hold")
    return time_ns


def _bad_value(keyword: bytes, value: bytes) -> SnapshotArtifactError:
    return refusal(f"an extended header has the {printable(keyword)} {printable(value[:40])}")
