"""pg_dump's directory format, which several jobs write at a time: made on disk, and stored as one tar."""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING

from django_snapshots.connectors._program import running
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.scratch import require_space

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO, BinaryIO

    from django_snapshots.connectors._program import Command

__all__ = ["dump_directory", "unpack_directory"]

_NAME = re.compile(r"[A-Za-z0-9_]+\.(?:dat|toc)")
"""What pg_dump calls the files: toc.dat, 4711.dat, blobs.toc, blob_17.dat."""


def dump_directory(command: Command, folder: Path, sink: BinaryIO, *, needed_bytes: int) -> tuple[int, list[str]]:
    """Run pg_dump and write its files as a tar.

    Args:
        command: pg_dump, told to make `folder`.
        folder: Does not exist yet; removed with the directory that it is in.
        sink: Gets the tar.
        needed_bytes: What the files will have, roughly.

    Returns:
        The bytes of the files, and the last lines of pg_dump's stderr.

    Raises:
        SnapshotSpaceError: There is too little room; pg_dump was not started.
        SnapshotConnectorError: pg_dump failed.
    """
    require_space(folder.parent, needed_bytes, "a dump in directory format")
    with running(command) as program:
        words = program.finish()
    files = sorted(folder.iterdir(), key=lambda file: (file.suffix != ".toc" and file.stem != "toc", file.name))
    with tarfile.open(fileobj=sink, mode="w|", bufsize=CHUNK_SIZE, format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            tar.add(file, file.name, filter=_without_owner)
    return sum(file.stat().st_size for file in files), words


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def unpack_directory(source: BinaryIO, folder: Path, *, artifact: str, needed_bytes: int) -> None:
    """Write the files of the tar into a new folder.

    Args:
        source: The tar, read to its end.
        folder: Does not exist yet.
        artifact: Whose it is, such as "database/default", for errors.
        needed_bytes: What the files have.

    Raises:
        SnapshotSpaceError: There is too little room.
        SnapshotConnectorError: It is no tar of such files.
    """
    require_space(folder.parent, needed_bytes, "unpacking a dump in directory format")
    folder.mkdir(mode=0o700)
    try:
        with tarfile.open(fileobj=source, mode="r|", bufsize=CHUNK_SIZE) as tar:
            for member in tar:
                _unpack(tar, member, folder, artifact)
    except tarfile.TarError as error:
        raise SnapshotConnectorError(
            f"The dump of {artifact} is not whole: {error}. Nothing was changed. Restore another snapshot.",
            artifact=artifact,
        ) from error
    for _ in _pieces(source):
        pass


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, artifact: str) -> None:
    content = tar.extractfile(member) if member.isreg() and _NAME.fullmatch(member.name) else None
    if content is None:
        raise SnapshotConnectorError(
            f"The dump of {artifact} holds '{member.name}', which pg_dump does not write. Nothing was changed. "
            "Restore another snapshot.",
            artifact=artifact,
        )
    with (folder / member.name).open("xb", buffering=0) as file:
        for piece in _pieces(content):
            file.write(piece)


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(CHUNK_SIZE):
        yield piece
