"""Files being written: under a name of their own at the root of a storage until they are complete.

Each is locked (flock) by the process that writes it, so that what a killed one left is told from what is in use.
"""

from __future__ import annotations

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from django_snapshots.files import write_all
from django_snapshots.scratch import SCRATCH_PREFIX
from django_snapshots.storage._folders import grant, make_durable
from django_snapshots.storage._owners import give_to_owner_of

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

__all__ = ["UnfinishedFile", "sweep_unfinished"]

_SUFFIX = ".part"
_FLUSH_BYTES = 32 * 1024 * 1024
"""Left to the system, gigabytes gather in memory until the last `fsync`, and the disk idles while they are made."""

_flush = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class UnfinishedFile:
    """A new file in the folder `root`; leaving the `with` block without `publish` removes it."""

    def __init__(self, root: int, mode: int) -> None:
        """Make and lock the file.

        Args:
            root: Descriptor of a folder on the file system where the file will be published.
            mode: Its permissions.
        """
        self._root = root
        self._name, self._descriptor = _make_locked(root, mode)
        self._published = False
        self._unflushed_bytes = 0
        self._flusher = ThreadPoolExecutor(1, "snapshots-flush")
        self._flushing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flusher.shutdown()
        os.close(self._descriptor)
        if not self._published:
            # What is on its way out of the block matters more than a file that the next sweep finds.
            with suppress(OSError):
                os.unlink(self._name, dir_fd=self._root)

    def write(self, chunk: bytes) -> None:
        """Append the bytes; the disk begins to take them meanwhile."""
        write_all(self._descriptor, chunk)
        self._unflushed_bytes += len(chunk)
        if self._unflushed_bytes >= _FLUSH_BYTES and (self._flushing is None or self._flushing.done()):
            self._wait_for_flush()
            self._unflushed_bytes = 0
            self._flushing = self._flusher.submit(_flush, self._descriptor)

    def sync(self) -> None:
        """Wait until the bytes are on the disk."""
        self._wait_for_flush()
        os.fsync(self._descriptor)

    def _wait_for_flush(self) -> None:
        # A failure of the disk is told once for each descriptor (fsync(2)): the last `fsync` would not know of it.
        if self._flushing is not None:
            self._flushing.result()

    def publish(self, folder: int, name: str) -> None:
        """Give the file its name in the folder with the descriptor `folder`, replacing a file of that name.

        Raises:
            FileNotFoundError: The folder was removed meanwhile; the file is still there and can be published again.
        """
        os.rename(self._name, name, src_dir_fd=self._root, dst_dir_fd=folder)
        self._published = True
        make_durable(folder)


def _make_locked(root: int, mode: int) -> tuple[str, int]:
    while True:
        name = f"{SCRATCH_PREFIX}{os.urandom(8).hex()}{_SUFFIX}"
        descriptor = os.open(name, _NEW, mode, dir_fd=root)
        grant(descriptor, mode)
        give_to_owner_of(root, descriptor)
        with suppress(OSError):  # a file system without locks: sweeps cannot lock there either and leave it alone
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return name, descriptor
        os.close(descriptor)  # a sweep was quicker than our lock


def sweep_unfinished(root: int) -> list[str]:
    """Remove the files that killed processes left in the folder `root` and return their names."""
    removed = []
    with os.scandir(root) as entries:
        names = [entry.name for entry in entries if is_unfinished(entry.name)]
    for name in names:
        with suppress(OSError):
            descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=root)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=root)
                removed.append(name)
            finally:
                os.close(descriptor)
    return removed


def is_unfinished(name: str) -> bool:
    """Say whether a name at the root of a storage is one that this module gives."""
    return name.startswith(SCRATCH_PREFIX) and name.endswith(_SUFFIX)
