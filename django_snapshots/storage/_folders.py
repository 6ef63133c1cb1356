"""Walking folders below a root without ever following a symbolic link, and making their entries durable.

Every folder is opened relative to the one above it with O_NOFOLLOW, so that a link planted between a check and its
use leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django_snapshots.errors import SnapshotStorageError
from django_snapshots.missing_disk import missing_disk
from django_snapshots.storage._owners import give_to_owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = [
    "grant",
    "list_files",
    "make_durable",
    "make_root",
    "open_folder",
    "open_object",
    "open_root",
    "remove_empty",
]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINK = (errno.ENOTDIR, errno.ELOOP)
"""What opening a link as a folder without following it says: Linux the first, other systems the second."""


@contextmanager
def open_root(location: Path) -> Iterator[int | None]:
    """Give a descriptor of the folder `location`, or None when it does not exist yet.

    A `location` that is missing together with the folder above it is an error, as is a link to nowhere: that is what
    a disk looks like that is not mounted, and it must be taken neither for an empty storage nor for a place to write.

    Args:
        location: Absolute path; links in it are followed.

    Raises:
        SnapshotStorageError: The folder above is missing, or `location` is a link to nowhere.
        OSError: It cannot be opened.
    """
    root = _open_location(location)
    try:
        yield root
    finally:
        if root is not None:
            os.close(root)


def _open_location(location: Path) -> int | None:
    try:
        return os.open(location, _FOLDER)
    except FileNotFoundError as error:
        found = missing_disk(location)
        if found:
            raise SnapshotStorageError(found, operation="open", path=str(location)) from error
        return None


@contextmanager
def make_root(location: Path, mode: int) -> Iterator[int]:
    """Give a descriptor of the folder `location`, made with the permissions `mode` when it does not exist yet.

    Raises:
        SnapshotStorageError: As of `open_root`; the folder above is never made.
        OSError: It cannot be opened or made.
    """
    with open_root(location) as found:
        if found is not None:
            yield found
            return
    above = os.open(location.parent, _FOLDER)
    try:
        with open_folder(above, [location.name], make=mode) as made:
            yield made
    finally:
        os.close(above)


@contextmanager
def open_folder(root: int, names: Sequence[str], *, make: int | None = None) -> Iterator[int]:
    """Give a descriptor of the folder that `names` lead to from `root`.

    Args:
        root: Descriptor of a folder; stays open.
        names: Folder names, outermost first.
        make: Create what is missing with these permissions.

    Raises:
        FileNotFoundError: A folder is missing; without `make` also when it is a file.
        SnapshotStorageError: One of them is a symbolic link.
        OSError: It cannot be opened or made.
    """
    folder = _descend(root, names, make)
    try:
        yield folder
    finally:
        if folder != root:
            os.close(folder)


def _descend(root: int, names: Sequence[str], make: int | None) -> int:
    folder = root
    for depth, name in enumerate(names, 1):
        try:
            inner = _enter(folder, name, make)
        except OSError as error:
            error.filename = "/".join(names[:depth])
            raise
        finally:
            if folder != root:
                os.close(folder)
        folder = inner
    return folder


def _enter(folder: int, name: str, make: int | None) -> int:
    try:
        return _open_inside(folder, name, _FOLDER)
    except FileNotFoundError:
        if make is None:
            raise
    except NotADirectoryError as error:
        if make is None:
            raise FileNotFoundError(errno.ENOENT, "This is a file, not a folder", name) from error
        raise
    with suppress(FileExistsError):
        os.mkdir(name, make, dir_fd=folder)
        make_durable(folder)
    inner = _open_inside(folder, name, _FOLDER)
    grant(inner, make)
    give_to_owner_of(folder, inner)
    return inner


def open_object(location: Path, names: Sequence[str]) -> int:
    """Open the regular file that `names` lead to from the folder `location` for reading and return its descriptor.

    Each manifest of a storage is read by it: no context managers, they cost as much as the calls of the system.

    Raises:
        FileNotFoundError: There is none; a folder is no object either.
        SnapshotStorageError: It or a folder above it is a symbolic link; or it is a device, socket or pipe; or as of
            `open_root`.
        OSError: It cannot be opened.
    """
    root = _open_location(location)
    if root is None:
        raise FileNotFoundError(errno.ENOENT, "The location does not exist yet", str(location))
    folder = root
    try:
        folder = _descend(root, names[:-1], None)
        return _open_file(folder, names[-1])
    finally:
        if folder != root:
            os.close(folder)
        os.close(root)


def _open_file(folder: int, name: str) -> int:
    # O_NONBLOCK: a pipe of that name must not block the reader until somebody writes.
    descriptor = _open_inside(folder, name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(kind):
        raise FileNotFoundError(errno.ENOENT, "This is a folder, not an object", name)
    raise SnapshotStorageError(f"'{name}' is neither a file nor a folder; remove it.", operation="read", path=name)


def _open_inside(folder: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise SnapshotStorageError(
                f"'{name}' is a symbolic link to {os.readlink(name, dir_fd=folder)}; links inside a storage are never "
                "followed. Put what it leads to in its place, or remove it.",
                operation="open",
                path=name,
            ) from error
        raise


def grant(descriptor: int, mode: int) -> None:
    """Add the permissions of `mode` that the process's umask took away; those of file systems without any stay."""
    if os.fstat(descriptor).st_mode & mode != mode:
        os.fchmod(descriptor, mode)


def make_durable(folder: int) -> None:
    """Write the entries of a folder to the disk; some network file systems cannot, and do so by themselves."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def list_files(folder: int, above: str, starting: str = "") -> list[str]:
    """Return the paths of everything below `folder` that is not a folder itself.

    Args:
        folder: Descriptor of the folder.
        above: Its own path with a slash at the end, or "" for the root; put before each name.
        starting: At the top, only names that start with this.

    Raises:
        OSError: A folder could not be read. One that vanishes meanwhile is no error.
    """
    paths: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(starting):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                else:
                    paths.append(above + name)
    for name in folders:
        paths += _list_inside(folder, name, above)
    return paths


def _list_inside(folder: int, name: str, above: str) -> list[str]:
    try:
        inner = _enter(folder, name, None)
    except FileNotFoundError:
        return []
    except PermissionError as error:
        # The root of an ext file system has this folder, which nobody but root may read.
        if above + name == "lost+found":
            return []
        error.filename = above + name
        raise
    try:
        return list_files(inner, f"{above}{name}/")
    finally:
        os.close(inner)


def remove_empty(root: int, names: Sequence[str]) -> None:
    """Remove the innermost folder of `names` and those above it, as far as they are empty."""
    for depth in range(len(names), 0, -1):
        try:
            with suppress(FileNotFoundError), open_folder(root, names[: depth - 1]) as folder:
                os.rmdir(names[depth - 1], dir_fd=folder)
        except OSError:  # not empty, or somebody has begun to write there
            return
