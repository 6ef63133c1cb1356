"""Snapshots in any Django storage: S3, Google Cloud Storage, Azure and others through django-storages."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeGuard

from django.core.files import File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage, storages

from django_snapshots.conf.problems import Problem
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotStorageError
from django_snapshots.missing_disk import missing_disk
from django_snapshots.names import check_path, nearest
from django_snapshots.scratch import require_space, reserved_name_mistake, scratch_directory
from django_snapshots.storage._django_clouds import cloud_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["DjangoStorageBackend"]

_ATTEMPTS = 3
_EXAMPLE = '"default", a dict {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {…}}, or an instance'
# InMemoryStorage says FileExistsError where a part of the path is a file.
_NO_FOLDER = (FileNotFoundError, NotADirectoryError, FileExistsError)


class DjangoStorageBackend:
    """The basic tier over a Django storage.

    Overwrites exactly: where the Django storage would choose another name, the old object is deleted first, and for a
    moment there is none. A FileSystemStorage gets the new file beside the old one and then renames it. Objects over
    1 MiB are spooled in the temporary directory (TMPDIR) before they are sent, because most storages seek.
    """

    def __init__(self, storage: Storage | str | Mapping[str, Any]) -> None:
        """Keep snapshots in `storage`, which is built at first use.

        Args:
            storage: An alias of Django's STORAGES, a BACKEND/OPTIONS dict, or an instance.
        """
        self.storage = storage
        self._built: Storage | None = None
        self._writer: Any = None

    def __repr__(self) -> str:
        alias = self.storage if isinstance(self.storage, str) else None
        return f"DjangoStorageBackend({alias!r})" if alias else f"DjangoStorageBackend(<{type(self.storage).__name__}>)"

    @property
    def local_folder(self) -> Path | None:
        """The folder of this host that `check --deploy` looks at; None where files go elsewhere."""
        storage = self._build()[0]
        return _folder_of(storage) if storage is not None and _is_local(storage) else None

    @property
    def is_remote(self) -> bool:
        """Whether files leave this host: true of all but Django's own storages for files and memory."""
        storage = self._build()[0]
        return storage is not None and not isinstance(storage, (FileSystemStorage, InMemoryStorage))

    def check(self) -> list[Problem]:
        """Return what is wrong with the storage inside; builds it, and calls none of its methods."""
        storage, problems = self._build()
        mistake = _mistake(storage) if storage is not None else None
        return [*problems, Problem("snapshots.E002", ("storage",), *mistake)] if mistake else problems

    def read(self, path: str) -> IO[bytes]:
        """Open the object for reading; S3, Azure and Google Cloud give it as a stream."""
        storage = self._opened()
        cloud = cloud_of(storage)
        return cloud.open(path) if cloud else storage.open(path, "rb")

    def write(self, path: str, content: IO[bytes]) -> None:
        """Store `content` to its end under exactly `path`.

        Raises:
            SnapshotSpaceError: The temporary directory has too little space for the spooled copy.
            SnapshotStorageError: The storage insists on another name.
        """
        storage = self._opened()
        with _repeatable(content) as reopen:
            if _is_local(storage):
                _replace_file(storage, path, reopen)
            else:
                _save_exactly(self._saving(storage), path, reopen)

    def exists(self, path: str) -> bool:
        """Say whether an object is stored at `path`."""
        return self._opened().exists(path)

    def size(self, path: str) -> int:
        """Return the size of the object in bytes, as the storage knows it."""
        return self._opened().size(path)

    def delete(self, path: str) -> None:
        """Remove the object; a missing one is no error. In a FileSystemStorage, folders that became empty go too."""
        storage = self._opened()
        with suppress(FileNotFoundError):
            storage.delete(path)
        if _is_local(storage):
            with suppress(OSError):  # not empty
                for folder in list(Path(path).parents)[:-1]:
                    Path(storage.path(str(folder))).rmdir()

    def _saving(self, storage: Storage) -> Any:
        # Kept: one like S3's begins with a session and a connection of its own, 50 ms for each object.
        if self._writer is None:
            cloud = cloud_of(storage)
            self._writer = cloud.writer() if cloud else storage
        return self._writer

    def _opened(self) -> Storage:
        if self._built is None:
            self._built, problems = self._build()
            if self._built is None:
                text = " ".join(f"{problem.message} {problem.hint or ''}".strip() for problem in problems)
                raise SnapshotStorageError(text, operation="open")
        return self._built

    def _build(self) -> tuple[Storage | None, list[Problem]]:
        if self._built is not None:
            return self._built, []
        if isinstance(self.storage, str):
            return _from_alias(self.storage)
        if isinstance(self.storage, dict):
            return _from_dict(self.storage)
        if isinstance(self.storage, Storage):
            return self.storage, []
        return None, [_no_storage(self.storage)]

    def list(self, prefix: str) -> list[str]:
        """Return the paths that start with `prefix`, sorted.

        S3, Azure and Google Cloud are listed at once, other storages by `listdir` of one folder after the other.

        Raises:
            SnapshotStorageError: A FileSystemStorage's location is missing with the folder above it: an unmounted disk.
        """
        above, slash, starting = prefix.rpartition("/")
        folder = check_path(above) if slash else ""
        storage = self._opened()
        cloud = cloud_of(storage)
        return sorted(cloud.find(prefix) if cloud else _walk(storage, folder, starting))


def _from_alias(alias: str) -> tuple[Storage | None, list[Problem]]:
    if alias not in storages.backends:
        known = sorted(storages.backends)
        likely = nearest(alias, known)
        hint = f"Did you mean '{likely[0]}'?" if likely else f"STORAGES has {', '.join(known)}."
        return None, [Problem("snapshots.E002", ("storage",), f"STORAGES has no '{alias}'.", hint)]
    try:
        return storages[alias], []
    except Exception as error:  # noqa: BLE001 - a constructor may raise anything; it becomes a problem
        message = f"STORAGES['{alias}'] cannot be built: {_masked(error, storages.backends[alias])}"
        missing = _missing_module(error)
        install = f", or install the package that has the module '{missing}'" if missing else ""
        return None, [Problem("snapshots.E011", ("storage",), message, f"Correct STORAGES['{alias}']{install}.")]


def _missing_module(error: BaseException) -> str | None:
    """Return the name of the module that was not found, which Django and django-storages say by errors of their own."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ModuleNotFoundError):
        cause = cause.__cause__ or cause.__context__
    return cause.name if cause is not None else None


def _from_dict(spec: dict[str, Any]) -> tuple[Storage | None, list[Problem]]:
    from django_snapshots.conf.build import build_backend  # noqa: PLC0415 - imports pydantic

    built, problems = build_backend(spec, ("storage",))
    if built is None:
        return None, problems
    return (built, problems) if isinstance(built, Storage) else (None, [*problems, _no_storage(built)])


def _no_storage(value: object) -> Problem:
    found = f"the class {value.__name__} itself" if isinstance(value, type) else f"an object of {type(value).__name__}"
    message = f"Expected a Django storage, found {found}."
    return Problem("snapshots.E002", ("storage",), message, f"Write an alias of STORAGES, such as {_EXAMPLE}.")


def _mistake(storage: Storage) -> tuple[str, str] | None:
    if _is_local(storage):
        return reserved_name_mistake(_folder_of(storage))
    cloud = cloud_of(storage)
    return cloud.mistake() if cloud else None


def _masked(error: Exception, spec: object) -> str:
    from django_snapshots.conf.masking import scrub, secret_texts  # noqa: PLC0415 - imports pydantic

    return scrub(f"{type(error).__name__}: {error}", secret_texts(spec))


def _folder_of(storage: FileSystemStorage) -> Path:
    return Path(os.fsdecode(storage.location))


def _is_local(storage: Storage) -> TypeGuard[FileSystemStorage]:
    return isinstance(storage, FileSystemStorage)


@contextmanager
def _repeatable(content: IO[bytes]) -> Iterator[Callable[[], IO[bytes]]]:
    """Give a function that opens the content anew each time: a storage may close what it is given, or fail."""
    first = b"".join(_up_to(content, CHUNK_SIZE))
    if len(first) < CHUNK_SIZE:
        yield lambda: io.BytesIO(first)
        return
    with scratch_directory() as folder:
        spool = folder / "object"
        with spool.open("wb") as target:
            chunk = first
            while chunk:
                require_space(folder, len(chunk), "spooling an object for its storage")
                target.write(chunk)
                chunk = content.read(CHUNK_SIZE)
        yield lambda: spool.open("rb")


def _up_to(content: IO[bytes], size_bytes: int) -> Iterator[bytes]:
    while size_bytes and (piece := content.read(size_bytes)):
        size_bytes -= len(piece)
        yield piece


def _save(storage: Storage, path: str, reopen: Callable[[], IO[bytes]]) -> str:
    with reopen() as file:
        return storage.save(path, File(file, name=path))


def _replace_file(storage: FileSystemStorage, path: str, reopen: Callable[[], IO[bytes]]) -> None:
    partial = f"{path}.{os.urandom(4).hex()}.partial"
    try:
        partial = _save(storage, partial, reopen)
        Path(storage.path(partial)).replace(storage.path(path))
    except BaseException:
        with suppress(OSError):
            storage.delete(partial)
        raise


def _save_exactly(storage: Storage, path: str, reopen: Callable[[], IO[bytes]]) -> None:
    saved = path
    for _ in range(_ATTEMPTS):
        replaces_itself = storage.exists(path)
        if replaces_itself and storage.get_available_name(path) != path:
            storage.delete(path)
            replaces_itself = False
        try:
            saved = _save(storage, path, reopen)
        except BaseException:
            # What an object store replaces by itself is whole or as before; anything else may be half an object.
            if not replaces_itself:
                with suppress(Exception):
                    storage.delete(path)
            raise
        if saved == path:
            return
        storage.delete(saved)
        if not storage.exists(path):
            break
    raise SnapshotStorageError(
        f"{type(storage).__name__} stored '{path}' under another name, '{saved}', which was removed again. "
        "Use a storage that keeps the names it is given.",
        operation="write",
        path=path,
    )


def _walk(storage: Storage, folder: str, starting: str = "") -> Iterator[str]:
    try:
        folders, files = storage.listdir(folder)
    except _NO_FOLDER as error:
        if _is_local(storage):
            _require_disk(storage, error)
        return
    above = f"{folder}/" if folder else ""
    # An object store lists the object that stands for the folder itself as a file without a name.
    yield from (above + name for name in _names(files, above) if name.startswith(starting))
    for name in _names(folders, above):
        if name.startswith(starting):
            yield from _walk(storage, above + name)


def _names(entries: list[str], above: str) -> Iterator[str]:
    for entry in entries:
        name = entry.strip("/")
        name = name.removeprefix(above)
        if "/" in name:
            raise SnapshotStorageError(
                f"listdir returned '{entry}', expected the names in the folder '{above}' alone. "
                "Write a storage class of your own around this one, with a list method that suits it.",
                operation="list",
            )
        if name not in {"", "."}:
            yield name


def _require_disk(storage: FileSystemStorage, error: OSError) -> None:
    found = missing_disk(_folder_of(storage))
    if found:
        raise SnapshotStorageError(found, operation="list") from error
