"""Snapshots in a folder of this host or of a mounted disk: durable, private, and nothing half written is ever seen."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from django_snapshots.conf.problems import Problem
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotNameError, SnapshotStorageError
from django_snapshots.names import check_path
from django_snapshots.scratch import SCRATCH_PREFIX, reserved_name_mistake
from django_snapshots.storage._folders import (
    list_files,
    make_durable,
    make_root,
    open_folder,
    open_object,
    open_root,
    remove_empty,
)
from django_snapshots.storage._owners import telling_owner
from django_snapshots.storage._streams import read_up_to
from django_snapshots.storage._unfinished import UnfinishedFile, sweep_unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["LocalFileSystemBackend"]

_PERMISSIONS = 0o777
_ATTEMPTS = 20


class LocalFileSystemBackend:
    """The advanced tier in a folder of the file system.

    The folder is created at the first write; the folder above it must exist. A file is written under another name,
    synced to the disk, and then renamed, so that a reader finds all of it or none, and so does the next boot after a
    power failure. Symbolic links below the folder are never followed; the path to the folder itself may hold some.
    """

    def __init__(
        self, location: str | os.PathLike[str], file_mode: int | str = "0600", directory_mode: int | str = "0700"
    ) -> None:
        """Keep snapshots below `location`.

        Args:
            location: The folder. A relative one counts from the working directory of each process; "~" is refused.
            file_mode: Permissions of new files: text in octal such as "0640", or a number such as 0o640.
            directory_mode: Permissions of new folders, likewise; those of folders that exist stay.
        """
        self.location = location
        self.file_mode = file_mode
        self.directory_mode = directory_mode
        self._swept = False

    def __repr__(self) -> str:
        return f"LocalFileSystemBackend({os.fspath(self.location)!r})"

    @property
    def local_folder(self) -> Path:
        """The folder of this host that `check --deploy` looks at."""
        return Path(self.location)

    def check(self) -> list[Problem]:
        """Return what is wrong with the options; touches no file."""
        location = os.fspath(self.location)
        problems = [
            Problem("snapshots.E002", *mistake) for mistake in _mistakes(location, self.file_mode, self.directory_mode)
        ]
        if not Path(location).is_absolute() and not _mistake(location):
            message = f"'{location}' is relative: it means another folder in every working directory."
            hint = "Write an absolute path, or BASE_DIR / the path."
            problems.append(Problem("snapshots.W002", ("location",), message, hint))
        return problems

    def read(self, path: str) -> IO[bytes]:
        """Open the object for reading, unbuffered and seekable.

        Raises:
            FileNotFoundError: There is none.
            SnapshotStorageError: It, or a folder above it, is a symbolic link or closed to this user; or the location
                cannot be there.
        """
        return os.fdopen(self._open(path), "rb", buffering=0)

    def read_start(self, path: str, most_bytes: int) -> bytes:
        """Return the first `most_bytes` of the object, all of a smaller one; raises what `read` raises."""
        descriptor = self._open(path)
        try:
            return read_up_to(partial(os.read, descriptor), most_bytes)
        finally:
            os.close(descriptor)

    def size(self, path: str) -> int:
        """Return the bytes of the object; raises what `read` raises."""
        with self.read(path) as source:
            return os.fstat(source.fileno()).st_size

    def stream_read(self, path: str) -> Iterator[bytes]:
        """Yield the object in chunks of 1 MiB; raises what `read` raises."""
        with self.read(path) as source:
            while chunk := source.read(CHUNK_SIZE):
                yield chunk

    def write(self, path: str, content: IO[bytes]) -> None:
        """Store `content` to its end, replacing what was there in one step.

        Raises:
            SnapshotStorageError: A folder above is a symbolic link or closed to this user, or the location cannot be
                there.
            OSError: The file system failed; what was at `path` is still there.
        """
        self.stream_write(path, iter(lambda: content.read(CHUNK_SIZE), b""))

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        """Store the chunks, replacing what was there in one step; raises what `write` and the iterator raise."""
        *folders, name = _names(path)
        with self._writable_root(path) as root, UnfinishedFile(root, _mode(self.file_mode)) as unfinished:
            for chunk in chunks:
                unfinished.write(chunk)
            unfinished.sync()
            self._inside(root, folders, lambda folder: unfinished.publish(folder, name))

    def recursive_list(self, prefix: str) -> list[str]:
        """Return the paths in the folder `prefix`, at any depth, sorted; "" means all."""
        return self.list(f"{prefix.rstrip('/')}/" if prefix else "")

    def list(self, prefix: str) -> list[str]:
        """Return the paths that start with `prefix`, sorted; a location that does not exist yet holds none.

        Raises:
            SnapshotStorageError: The folder above the location is missing too: a disk that is not mounted. Or a folder
                is closed to this user.
            OSError: A folder could not be read.
        """
        above, slash, starting = prefix.rpartition("/")
        folders = _names(above) if slash else []
        with self._root() as root:
            if root is None:
                return []
            try:
                with open_folder(root, folders) as folder:
                    if folders:
                        return sorted(list_files(folder, above + slash, starting))
                    return sorted(path for path in list_files(folder, "", starting) if not _is_ours(path))
            except FileNotFoundError:
                return []

    def exists(self, path: str) -> bool:
        """Say whether there is a file at `path`."""
        *folders, name = _names(path)
        with self._root(path) as root:
            if root is None:
                return False
            try:
                with open_folder(root, folders) as folder:
                    return not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
            except FileNotFoundError:
                return False

    def delete(self, path: str) -> None:
        """Remove the file, and the folders that became empty; a missing one is no error."""
        self.delete_many([path])

    def delete_many(self, paths: Sequence[str]) -> None:
        """Remove the files, and the folders that became empty; missing ones are no error.

        Raises:
            SnapshotStorageError: A folder is closed to this user.
            OSError: A file could not be removed; its `filename` is the path.
        """
        in_folders: dict[tuple[str, ...], list[str]] = {}
        for path in paths:
            *folders, name = _names(path)
            in_folders.setdefault(tuple(folders), []).append(name)
        with self._root(writes=True) as root:
            if root is None:
                return
            # Not synced: file systems with a journal keep deletions in order, and one undone by a power failure
            # is a snapshot too many. A sync for each would make `prune` of 1,000 snapshots wait 1,000 times.
            for inside, names in sorted(in_folders.items(), key=lambda item: len(item[0]), reverse=True):
                _delete_inside(root, inside, names)
                remove_empty(root, inside)

    def atomic_move(self, src: str, dst: str) -> None:
        """Rename the file, replacing one at `dst`.

        Raises:
            FileNotFoundError: There is no file at `src`.
        """
        *src_folders, src_name = _names(src)
        *dst_folders, dst_name = _names(dst)
        if not self.exists(src):
            raise FileNotFoundError(f"No object '{src}' to move")
        with self._writable_root(dst) as root:

            def move(folder: int) -> None:
                with open_folder(root, src_folders) as src_folder:
                    os.rename(src_name, dst_name, src_dir_fd=src_folder, dst_dir_fd=folder)
                make_durable(folder)

            self._inside(root, dst_folders, move)
            remove_empty(root, src_folders)

    def sync(self, src_prefix: str, dst_prefix: str) -> None:
        """Make the folder `dst_prefix` hold exactly the files of the folder `src_prefix`; copies first, then deletes.

        Raises:
            SnapshotNameError: One of the folders is inside the other.
        """
        src, dst = (f"{prefix.rstrip('/')}/" if prefix else "" for prefix in (src_prefix, dst_prefix))
        if src == dst:
            return
        if src.startswith(dst) or dst.startswith(src):
            raise SnapshotNameError(f"'{dst_prefix}' and '{src_prefix}' lie one inside the other.", name=dst_prefix)
        copies = {dst + path.removeprefix(src): path for path in self.recursive_list(src_prefix)}
        for copy, path in copies.items():
            self.stream_write(copy, self.stream_read(path))
        for path in self.recursive_list(dst_prefix):
            if path not in copies:
                self.delete(path)

    def _open(self, path: str) -> int:
        names, location = _names(path), self._absolute()
        with telling_owner(location, path, writes=False):
            return open_object(location, names)

    @contextmanager
    def _writable_root(self, path: str) -> Iterator[int]:
        location = self._absolute()
        with telling_owner(location, path, writes=True), make_root(location, _mode(self.directory_mode)) as root:
            if not self._swept:
                sweep_unfinished(root)
                self._swept = True
            yield root

    def _inside(self, root: int, folders: Sequence[str], act: Callable[[int], None]) -> None:
        # Between making a folder and putting something into it, another process may remove it because it is empty.
        for attempt in range(_ATTEMPTS):
            try:
                with open_folder(root, folders, make=_mode(self.directory_mode)) as folder:
                    return act(folder)
            except FileNotFoundError:
                if attempt == _ATTEMPTS - 1:
                    raise
        return None

    @contextmanager
    def _root(self, path: str | None = None, *, writes: bool = False) -> Iterator[int | None]:
        location = self._absolute()
        with telling_owner(location, path, writes=writes), open_root(location) as root:
            yield root

    def _absolute(self) -> Path:
        location = os.fspath(self.location)
        mistakes = _mistakes(location, self.file_mode, self.directory_mode)
        if mistakes:
            text = " ".join(f"{message} {hint}" for _, message, hint in mistakes)
            raise SnapshotStorageError(text, operation="open", path=location)
        return _path(location).absolute()


@lru_cache(maxsize=16)
def _path(location: str) -> Path:
    # Kept, because every read of a manifest asks: making one takes as long as reading it.
    return Path(location)


def _delete_inside(root: int, folders: Sequence[str], names: Sequence[str]) -> None:
    with suppress(FileNotFoundError), open_folder(root, folders) as folder:
        for name in names:
            try:
                with suppress(FileNotFoundError, IsADirectoryError):
                    os.unlink(name, dir_fd=folder)
            except OSError as error:
                error.filename = "/".join([*folders, name])
                raise


@lru_cache(maxsize=16, typed=True)
def _mistakes(
    location: str, file_mode: int | str, directory_mode: int | str
) -> tuple[tuple[tuple[str, ...], str, str], ...]:
    # What cannot work in the options: place, message and hint of each. Kept, because every call asks.
    found = {
        "location": _mistake(location),
        "file_mode": _mode_mistake(file_mode, 0o600, "0640"),
        "directory_mode": _mode_mistake(directory_mode, 0o700, "0750"),
    }
    return tuple(((name,), *mistake) for name, mistake in found.items() if mistake)


def _mistake(location: str) -> tuple[str, str] | None:
    # A folder literally called "~" is what a forgotten expansion leaves behind, on the disk of the application.
    if location.startswith("~"):
        written = os.path.expanduser(location)  # noqa: PTH111 - Path.expanduser raises for a user it does not know
        return f"'{location}' begins with ~, which is not expanded here.", f"Write '{written}'."
    if not location:
        return "The location is empty.", "Write an absolute path."
    if "\0" in location:
        return "The location holds a NUL character.", "Write an absolute path."
    return reserved_name_mistake(location)


def _mode(value: int | str) -> int:
    return value if isinstance(value, int) else int(value, 8)


def _mode_mistake(value: int | str, needed: int, example: str) -> tuple[str, str] | None:
    # 640 without 0o is the number that octal writes as 1200: what its digits seem to say is not what it means.
    hint = f'Write "{example}" or 0o{example[1:]}.'
    try:
        mode = _mode(value)
    except ValueError:
        return f"'{value}' is no octal number.", hint
    if mode & ~_PERMISSIONS or mode < 0:
        return f"{value!r} means the permissions {mode:04o}, which do not exist.", hint
    if mode & needed != needed:
        return f"{mode:04o} keeps out the user that writes the snapshots.", hint
    return None


def _names(path: str) -> list[str]:
    if _is_ours(check_path(path)):
        raise SnapshotNameError(f"'{path}': names that begin with {SCRATCH_PREFIX} are reserved.", name=path)
    return path.split("/")


def _is_ours(path: str) -> bool:
    return path.startswith(SCRATCH_PREFIX)
