"""Walks through an archive to its last byte: nothing in it may be other than a backup writes it.

A restore takes the members it needs and looks at nothing else. Who wants to know that the file as a whole is sound
comes here: headers, the zeros between members, and the end.
"""

from __future__ import annotations

import io
import re
import tarfile
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["walk_archive"]

_BLOCK = tarfile.BLOCKSIZE
_ZEROS = bytes(_BLOCK)
_CHECKSUM_AT = slice(148, 156)
_EXTENSION_MAX_BYTES = 64 * 1024
_RECORD = re.compile(rb"([0-9]{1,6}) (path=[^\n]+|size=[0-9]{1,19})\n")


def walk_archive(source: BinaryIO, snapshot: str) -> Iterator[tuple[str, BinaryIO]]:
    """Yield path and content of each member, in their order; what is left unread of one is passed over.

    Raises:
        SnapshotManifestError: The file is no archive, is damaged between its members, or cut short.
    """
    blocks = _Blocks(source, snapshot)
    while (header := blocks.take(_BLOCK)) != _ZEROS:
        extended: dict[bytes, bytes] = {}
        info = blocks.parse(header)
        if info.type == tarfile.XHDTYPE:
            extended = blocks.extended(info.size)
            info = blocks.parse(blocks.take(_BLOCK))
        if not info.isreg():
            raise blocks.damage(f"member '{info.name}' is no file")
        path, size = extended.get(b"path"), int(extended.get(b"size", info.size))
        content = _Content(blocks, size)
        yield info.name if path is None else path.decode("utf-8", "surrogateescape"), content
        content.pass_over()
        blocks.padding(size)
    blocks.end()


class _Blocks:
    """The bytes of the archive, with the place reached in it."""

    def __init__(self, source: BinaryIO, snapshot: str) -> None:
        self._source = source
        self._snapshot = snapshot
        self._at = 0

    def damage(self, what: str) -> SnapshotManifestError:
        return SnapshotManifestError(f"{what}, before byte {self._at} of its archive.", snapshot=self._snapshot)

    def read(self, size: int) -> bytes:
        data = self._source.read(min(size, CHUNK_SIZE))
        self._at += len(data)
        return data

    def take(self, size: int) -> bytes:
        pieces, left = [], size
        while left and (piece := self.read(left)):
            pieces.append(piece)
            left -= len(piece)
        if left:
            raise self.damage("the file is cut short")
        return b"".join(pieces)

    def parse(self, header: bytes) -> tarfile.TarInfo:
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise self.damage(f"a header is damaged ({error})") from error
        # The checksum does not cover itself, and readers pass over how it is written: POSIX.1-1988, ustar.
        if header[_CHECKSUM_AT] != b"%06o\0 " % info.chksum:
            raise self.damage("the checksum of a header is damaged")
        return info

    def extended(self, size: int) -> dict[bytes, bytes]:
        """Return what an extended header says: a path over 100 bytes, a size of 8 GiB or more, or both.

        The header after it has no room for them. POSIX.1-2001, pax: length of the record, keyword, value.
        """
        if size > _EXTENSION_MAX_BYTES:
            raise self.damage(f"an extended header of {size} bytes")
        data, at, found = self.take(size), 0, dict[bytes, bytes]()
        self.padding(size)
        while at < size:
            record = _RECORD.match(data, at)
            if record is None or int(record[1]) != len(record[0]):
                raise self.damage("an extended header is damaged")
            keyword, _, value = record[2].partition(b"=")
            if found.setdefault(keyword, value) is not value:
                raise self.damage("an extended header says the same thing twice")
            at = record.end()
        return found

    def padding(self, size: int) -> None:
        if self.take(-size % _BLOCK).strip(b"\0"):
            raise self.damage("the filling after a member is damaged")

    def end(self) -> None:
        if self.take(_BLOCK) != _ZEROS:
            raise self.damage("its end is damaged")
        while rest := self.read(CHUNK_SIZE):
            if rest.strip(b"\0"):
                raise self.damage("something follows its end")


class _Content(io.BufferedIOBase, BinaryIO):
    """The content of one member."""

    def __init__(self, blocks: _Blocks, size: int) -> None:
        super().__init__()
        self._blocks = blocks
        self._left = size

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes, b"" at the end of the member."""
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        if not wanted:
            return b""
        data = self._blocks.read(wanted)
        if not data:
            raise self._blocks.damage("the file is cut short")
        self._left -= len(data)
        return data

    def pass_over(self) -> None:
        """Read what is left."""
        while self.read(CHUNK_SIZE):
            pass
