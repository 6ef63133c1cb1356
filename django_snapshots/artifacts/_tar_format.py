"""One member of a tar archive, and the header blocks that say it. Pure: bytes in, bytes out.

The format is ustar with pax extended headers (POSIX.1-2017, utility `pax`, "ustar Interchange Format" and "pax Header
Block"), which GNU tar, bsdtar, busybox and Python's tarfile read.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zlib import adler32

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BLOCK_SIZE",
    "END_OF_ARCHIVE",
    "FOLDER",
    "HARD_LINK",
    "HEADER",
    "PAX_HEADER",
    "REGULAR",
    "SYMLINK",
    "Member",
    "checksum",
    "encode_member",
    "padding",
]

BLOCK_SIZE = 512
END_OF_ARCHIVE = bytes(2 * BLOCK_SIZE)

REGULAR = b"0"
HARD_LINK = b"1"
SYMLINK = b"2"
FOLDER = b"5"
PAX_HEADER = b"x"

HEADER = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
"""name, mode, uid, gid, size, mtime, checksum, type, link name, magic and version, uname, gname, devices, prefix."""

_MAGIC = b"ustar\x0000"
_NAME_MAX = 100
_PREFIX_MAX = 155
_OWNER_MAX = 31
_ID_MAX = 0o7777777
_SIZE_MAX = 0o77777777777
_NO_CHECKSUM = b" " * 8
_ZERO = b"%07o" % 0
_SECOND = 1_000_000_000


class Member(NamedTuple):
    """What a tar says of one member.

    Attributes:
        name: Its path, relative, without a slash at the end.
        kind: REGULAR, HARD_LINK, SYMLINK or FOLDER.
        mode: Permission bits, at most 0o7777.
        size: Bytes of content that follow; 0 for all but REGULAR.
        mtime_ns: Nanoseconds since 1970.
        link: What a symlink points to, or the path of the member that a hard link names once more.
    """

    name: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    uname: bytes
    gname: bytes
    size: int
    mtime_ns: int
    link: bytes


def encode_member(member: Member) -> bytes:
    """Return the header blocks of `member`: one of ustar, after a pax header where ustar cannot say it all."""
    name = member.name + b"/" if member.kind == FOLDER else member.name
    seconds, fraction = divmod(member.mtime_ns, _SECOND)
    prefix, last = _split_name(name)
    header = HEADER.pack(
        last or name[:_NAME_MAX],
        b"%07o" % member.mode,
        b"%07o" % (member.uid if member.uid <= _ID_MAX else 0),
        b"%07o" % (member.gid if member.gid <= _ID_MAX else 0),
        b"%011o" % (member.size if member.size <= _SIZE_MAX else 0),
        b"%011o" % (seconds if 0 <= seconds <= _SIZE_MAX else 0),
        _NO_CHECKSUM,
        member.kind,
        member.link[:_NAME_MAX],
        _MAGIC,
        member.uname[:_OWNER_MAX],
        member.gname[:_OWNER_MAX],
        _ZERO,
        _ZERO,
        prefix,
    )
    if not last or _overflows(member):
        records = b"".join(_pax_records(member, b"" if last else name))
    elif fraction or not 0 <= seconds <= _SIZE_MAX:
        records = _record(b"mtime", _format_time(member.mtime_ns))
    else:
        return _sealed(header)
    return _pax_header(len(records)) + records + padding(len(records)) + _sealed(header)


def padding(size: int) -> bytes:
    """Return the zeros that fill `size` bytes of content up to a whole block."""
    return bytes(-size % BLOCK_SIZE)


def checksum(block: bytes) -> int:
    """Return the sum of the bytes of a header block, its checksum field counted as spaces.

    The low half of Adler-32 is one plus the sum of the bytes, modulo 65521 (RFC 1950): exact for 256 bytes, and ten
    times faster than adding them in Python.
    """
    first = (adler32(block[:148] + _NO_CHECKSUM + block[156:256]) & 0xFFFF) - 1
    return first + (adler32(block[256:]) & 0xFFFF) - 1


def _sealed(block: bytes) -> bytes:
    return b"%b%06o\0 %b" % (block[:148], checksum(block), block[156:])


def _split_name(name: bytes) -> tuple[bytes, bytes]:
    # Returns (prefix, name) of a ustar header, and an empty name where the two fields cannot hold it.
    if len(name) <= _NAME_MAX:
        return b"", name
    # The cut is the first slash that leaves at most 100 bytes behind it; a folder's own last slash is none.
    cut = name.find(b"/", len(name) - _NAME_MAX - 1, len(name) - 1)
    if 0 < cut <= _PREFIX_MAX:
        return name[:cut], name[cut + 1 :]
    return b"", b""


def _overflows(member: Member) -> bool:
    return (
        len(member.link) > _NAME_MAX
        or member.size > _SIZE_MAX
        or member.uid > _ID_MAX
        or member.gid > _ID_MAX
        or len(member.uname) > _OWNER_MAX
        or len(member.gname) > _OWNER_MAX
    )


def _pax_records(member: Member, path: bytes) -> Iterator[bytes]:
    texts = {
        b"path": path,
        b"linkpath": member.link if len(member.link) > _NAME_MAX else b"",
        b"uname": member.uname if len(member.uname) > _OWNER_MAX else b"",
        b"gname": member.gname if len(member.gname) > _OWNER_MAX else b"",
    }
    if not all(map(_is_utf8, texts.values())):
        # Values of a pax header are UTF-8 unless this record says that they are bytes as they were found.
        yield _record(b"hdrcharset", b"BINARY")
    for keyword, text in texts.items():
        if text:
            yield _record(keyword, text)
    limits = ((b"size", member.size, _SIZE_MAX), (b"uid", member.uid, _ID_MAX), (b"gid", member.gid, _ID_MAX))
    for keyword, number, most in limits:
        if number > most:
            yield _record(keyword, b"%d" % number)
    yield _record(b"mtime", _format_time(member.mtime_ns))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _format_time(time_ns: int) -> bytes:
    seconds, fraction = divmod(abs(time_ns), _SECOND)
    sign = b"-" if time_ns < 0 else b""
    return (b"%b%d.%09d" % (sign, seconds, fraction)).rstrip(b"0").rstrip(b".")


def _record(keyword: bytes, value: bytes) -> bytes:
    # "length keyword=value\n", where length counts its own digits.
    rest = len(keyword) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, keyword, value)


@lru_cache(maxsize=64)  # nearly every member has one, of a handful of lengths
def _pax_header(size: int) -> bytes:
    return _sealed(
        HEADER.pack(
            b"PaxHeaders/member",
            b"%07o" % 0o600,
            _ZERO,
            _ZERO,
            b"%011o" % size,
            b"%011o" % 0,
            _NO_CHECKSUM,
            PAX_HEADER,
            b"",
            _MAGIC,
            b"",
            b"",
            _ZERO,
            _ZERO,
            b"",
        )
    )
