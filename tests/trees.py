"""What a folder holds, as text that two trees can be compared by: nothing is followed, nothing left out."""
# ruff: noqa: PTH115, PTH118, PTH123 - names are bytes, which pathlib does not take

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from django_snapshots.digests import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["tree_digest", "tree_lines"]


def tree_digest(path: str | os.PathLike[str], *, owners: bool = False) -> str:
    """Return one SHA-256 over everything below `path`; the folder itself does not count."""
    return hashlib.sha256("\n".join(tree_lines(path, owners=owners)).encode()).hexdigest()


def tree_lines(path: str | os.PathLike[str], *, owners: bool = False, time_step_ns: int = 1) -> list[str]:
    """Return a line for each entry below `path`, sorted, so that an assertion shows what differs.

    A line holds the name's bytes, type, permission bits, mtime in nanoseconds, link target or digest of the
    content, and for a further name of a file the first one. With `owners` also uid and gid. Times are cut to whole
    steps of `time_step_ns`.
    """
    root = os.fsencode(path)
    first_names: dict[tuple[int, int], bytes] = {}
    return [_describe(root, name, first_names, time_step_ns, owners=owners) for name in sorted(_walk(root, b""))]


def _walk(root: bytes, folder: bytes) -> Iterator[bytes]:
    with os.scandir(os.path.join(root, folder)) as entries:
        for entry in entries:
            name = os.path.join(folder, entry.name)
            yield name
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(root, name)


def _describe(
    root: bytes, name: bytes, first_names: dict[tuple[int, int], bytes], time_step_ns: int, *, owners: bool
) -> str:
    full = os.path.join(root, name)
    found = os.lstat(full)
    time = found.st_mtime_ns // time_step_ns
    parts = [repr(name), stat.filemode(found.st_mode), oct(stat.S_IMODE(found.st_mode)), str(time)]
    if owners:
        parts.append(f"{found.st_uid}:{found.st_gid}")
    if stat.S_ISLNK(found.st_mode):
        parts.append(f"-> {os.readlink(full)!r}")
    if stat.S_ISREG(found.st_mode):
        parts += [str(found.st_size), _content_digest(full)]
    first = first_names.setdefault((found.st_dev, found.st_ino), name)
    if first != name:
        parts.append(f"same as {first!r}")
    return " ".join(parts)


def _content_digest(full: bytes) -> str:
    hasher = hashlib.sha256()
    with open(full, "rb") as file:
        while chunk := file.read(CHUNK_SIZE):
            hasher.update(chunk)
    return hasher.hexdigest()
