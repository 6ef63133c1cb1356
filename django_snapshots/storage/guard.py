"""The engine's only view of a storage, and the only module that distrusts one.

Checks every key before the storage sees it and every answer after, reports foreign exceptions as
SnapshotStorageError with the original as the cause, and proves what was written.
"""

from __future__ import annotations

import errno
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from django_snapshots.conf.conformance import ADVANCED_METHODS
from django_snapshots.digests import CHUNK_SIZE, FLOW_SIZE, format_digest, new_hasher
from django_snapshots.errors import (
    SnapshotError,
    SnapshotNameError,
    SnapshotStorageCapabilityError,
    SnapshotStorageError,
)
from django_snapshots.names import check_path
from django_snapshots.storage._streams import ForeignStream, WatchedChunks, read_start

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from django_snapshots.signers.contract import Signer
    from django_snapshots.storage.contract import SnapshotStorage

__all__ = ["GuardedStorage"]

_VERBS = {"stream_write": "write", "atomic_move": "move", "exists": "look for", "delete_many": "delete all of"}
_ADVICE = {
    errno.ENOSPC: "Free some space there and try again.",
    errno.EDQUOT: "Free some space there, or have the quota raised, and try again.",
    errno.EROFS: "It can be read, but not written: mount it writable.",
    errno.EACCES: "Give the user that runs this command access to it.",
    errno.EPERM: "Give the user that runs this command access to it.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_OTHER_ADVICE = "Check that it can be reached and that its credentials allow this, then try again."


class GuardedStorage:
    """A storage of either tier, made trustworthy.

    Attributes:
        missing: The methods of the advanced tier that the storage lacks.
        signer: Who must vouch for the manifests in it; None where anybody who can write to it is trusted.
        setting: Where it is configured, for people.
    """

    def __init__(
        self, storage: SnapshotStorage, *, signer: Signer | None = None, setting: str = "SNAPSHOTS['STORAGE']"
    ) -> None:
        """Guard `storage`; nothing is called yet."""
        self.signer = signer
        self.setting = setting
        # Any: what answers here is a stranger's class, and every answer is checked.
        self._storage: Any = storage
        self._label = type(storage).__name__
        self.missing = tuple(name for name in ADVANCED_METHODS if not callable(getattr(storage, name, None)))

    def __repr__(self) -> str:
        return f"GuardedStorage({self._storage!r})"

    @property
    def description(self) -> str:
        """What it is and where, for people; without a secret."""
        words: object = type(self._storage).__repr__
        if words is object.__repr__:
            return self._label
        try:
            return self._scrubbed(repr(self._storage))
        except Exception:  # noqa: BLE001 - a stranger's class
            return self._label

    @property
    def advanced(self) -> bool:
        """Say whether the storage is of the advanced tier."""
        return not self.missing

    def require_advanced(self, feature: str) -> None:
        """Check that the storage is of the advanced tier.

        Args:
            feature: What needs it, such as "The archive format".

        Raises:
            SnapshotStorageCapabilityError: It lacks methods, which are named.
        """
        if self.missing:
            raise SnapshotStorageCapabilityError(feature, storage=self._label, methods=self.missing)

    def open(self, path: str) -> BinaryIO:
        """Open the object for reading; the caller closes it.

        `read(size)` returns fewer bytes at the end only. The stream can seek where the storage's own can. What goes
        wrong while it is read is a SnapshotStorageError as well.

        Raises:
            SnapshotStorageError: The storage failed; with `missing` set where it says that there is no such object.
        """
        return io.BufferedReader(self._open_raw(path), FLOW_SIZE)

    def _open_raw(self, path: str, operation: str = "read") -> ForeignStream:
        with self._reporting(operation, check_path(path)):
            stream = self._given_stream(path)
        return ForeignStream(stream, lambda: self._reporting(operation, path))

    def _given_stream(self, path: str) -> Any:
        stream = self._storage.read(path)
        if not callable(getattr(stream, "read", None)):
            raise TypeError(f"read returned {type(stream).__name__}, expected an open binary file")
        return stream

    def read_start(self, path: str, most_bytes: int) -> bytes:
        """Return the first `most_bytes` of an object, all of one that has no more; for objects of a few KiB.

        A storage that has `read_start(path, most_bytes)` is asked for them.

        Raises:
            SnapshotStorageError: As of `open`.
        """
        with self._reporting("read", check_path(path)):
            if not callable(getattr(self._storage, "read_start", None)):
                return read_start(self._given_stream(path), most_bytes)
            data = self._storage.read_start(path, most_bytes)
            if not isinstance(data, bytes) or len(data) > most_bytes:
                raise TypeError(f"read_start returned {_size_of(data)}, expected at most {most_bytes} bytes")
            return data

    def store(self, path: str, chunks: Iterator[bytes]) -> None:
        """Store the chunks under exactly `path`, replacing what was there.

        What the iterator raises comes out as it is, whatever the storage made of it.

        Raises:
            SnapshotStorageError: The storage failed, or returned before it had read everything.
        """
        watched = WatchedChunks(chunks)
        method = "stream_write" if self.advanced else "write"
        try:
            with self._reporting(method, check_path(path)):
                if self.advanced:
                    self._storage.stream_write(path, watched)
                else:
                    self._storage.write(path, io.BufferedReader(watched.as_stream(), CHUNK_SIZE))
        except SnapshotError:
            if watched.failure is None:
                raise
        if watched.failure is not None:
            raise watched.failure
        if not watched.ended:
            raise self._error(method, path, f"it returned after {watched.size_bytes} bytes, before the end was read.")

    def confirm(self, path: str, size_bytes: int, digest: str) -> None:
        """Prove that the object at `path` is what was stored there.

        A storage that has `size(path)` is asked for the size; from any other the object is read back and its digest
        compared as well.

        Raises:
            SnapshotStorageError: It is missing or differs, or the storage failed.
        """
        if callable(getattr(self._storage, "size", None)):
            with self._reporting("confirm", check_path(path)):
                stored_bytes = self._storage.size(path)
                if not isinstance(stored_bytes, int):
                    raise TypeError(f"size returned {stored_bytes!r}, expected a number of bytes")
            self._require_size(path, stored_bytes, size_bytes)
            return
        stored_bytes, stored_digest = self._read_back(path)
        self._require_size(path, stored_bytes, size_bytes)
        if stored_digest != digest:
            raise self._error("confirm", path, f"it stored bytes with digest {stored_digest} for {digest}.")

    def _read_back(self, path: str) -> tuple[int, str]:
        hasher, size_bytes = new_hasher(), 0
        buffer = memoryview(bytearray(CHUNK_SIZE))
        with self._open_raw(path, "confirm") as source:
            while count := source.readinto(buffer):
                hasher.update(buffer[:count])
                size_bytes += count
        return size_bytes, format_digest(hasher)

    def _require_size(self, path: str, stored_bytes: int, size_bytes: int) -> None:
        if stored_bytes != size_bytes:
            raise self._error("confirm", path, f"it stored {stored_bytes} of {size_bytes} bytes.")

    def exists(self, path: str) -> bool:
        """Say whether an object is stored at `path`.

        Raises:
            SnapshotStorageError: The storage failed.
        """
        with self._reporting("exists", check_path(path)):
            return self._ask_exists(path)

    def _ask_exists(self, path: str) -> bool:
        answer = self._storage.exists(path)
        if not isinstance(answer, bool):
            raise TypeError(f"exists returned {answer!r}, expected True or False")
        return answer

    def delete(self, path: str) -> None:
        """Remove the object; a missing one is no error.

        Raises:
            SnapshotStorageError: The storage failed.
        """
        with self._reporting("delete", check_path(path)):
            self._storage.delete(path)

    def delete_many(self, paths: Collection[str]) -> None:
        """Remove objects, in any order; missing ones are no error.

        A storage that has `delete_many(paths)` is called once, any other once for each.

        Raises:
            SnapshotStorageError: The storage failed; some may be gone.
        """
        checked = [check_path(path) for path in paths]
        if len(checked) > 1 and callable(getattr(self._storage, "delete_many", None)):
            with self._reporting("delete_many", f"{checked[0]} … {checked[-1]}"):
                self._storage.delete_many(checked)
            return
        for path in checked:
            self.delete(path)

    def move(self, src: str, dst: str) -> None:
        """Rename an object in one step, replacing one at `dst`.

        Raises:
            SnapshotStorageCapabilityError: The storage is of the basic tier.
            SnapshotStorageError: The storage failed.
        """
        self.require_advanced("Moving an object")
        with self._reporting("atomic_move", check_path(src)):
            self._storage.atomic_move(src, check_path(dst))

    def list(self, prefix: str) -> list[str]:
        """Return the paths of all objects that start with the text `prefix`, sorted; "" means all.

        Paths that could not have been written through this class are left out: they are not ours.

        Raises:
            SnapshotStorageError: The storage failed, or answered with something else.
        """
        with self._reporting("list", prefix):
            answer = self._storage.list(prefix)
            if not isinstance(answer, list | tuple) or not all(isinstance(path, str) for path in answer):
                raise TypeError(f"list returned {_shape(answer)}, expected a list of texts")
            stray = next((path for path in answer if not path.startswith(prefix)), None)
            if stray is not None:
                raise ValueError(f"list returned '{stray}', which does not start with '{prefix}'")
        # Not a set: what is in order already, as most storages list, is sorted at once.
        return sorted(dict.fromkeys(path for path in answer if _is_key(path)))

    @contextmanager
    def _reporting(self, operation: str, path: str) -> Iterator[None]:
        try:
            yield
        except SnapshotError:
            raise
        except Exception as error:
            raise self._translated(operation, path, error) from error

    def _translated(self, operation: str, path: str, error: Exception) -> SnapshotStorageError:
        if operation in {"read", "confirm"} and self._is_missing(path):
            return self._error(operation, path, "it is missing from the storage.", missing=True)
        number = error.errno if isinstance(error, OSError) else None
        advice = _ADVICE.get(number or 0, _OTHER_ADVICE)
        return self._error(operation, path, f"{self._described(error)} {advice}", full=number in _FULL)

    def _described(self, error: Exception) -> str:
        text = self._scrubbed(f"{type(error).__name__}: {' '.join(str(error).split())}")
        return text if text.endswith((".", "!", "?")) else f"{text}."

    def _scrubbed(self, text: str) -> str:
        from django_snapshots.conf.masking import scrub, secret_texts  # noqa: PLC0415 - imports pydantic

        return scrub(text, secret_texts(getattr(self._storage, "__dict__", {})))

    def _is_missing(self, path: str) -> bool:
        # An outage and a missing object may look alike (a 404 of a proxy, a FileNotFoundError of a lost mount):
        # it is missing only when the storage, asked again, says so.
        try:
            return not self._ask_exists(path)
        except Exception:  # noqa: BLE001 - the first error is the one to report
            return False

    def _error(
        self, operation: str, path: str, what: str, *, missing: bool = False, full: bool = False
    ) -> SnapshotStorageError:
        on = f" '{path}'" if path else ""
        return SnapshotStorageError(
            f"{self._label} could not {_VERBS.get(operation, operation)}{on}: {what}",
            operation=operation,
            path=path,
            missing=missing,
            full=full,
        )


def _shape(answer: object) -> str:
    if isinstance(answer, list | tuple):
        return f"a list with {next(item for item in answer if not isinstance(item, str))!r} in it"
    return type(answer).__name__


def _size_of(data: object) -> str:
    return f"{len(data)} bytes" if isinstance(data, bytes) else type(data).__name__


def _is_key(path: str) -> bool:
    try:
        check_path(path)
    except SnapshotNameError:
        return False
    return True
