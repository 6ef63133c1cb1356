"""One restore per database and folder of this host, whatever storage it comes from, and no backup meanwhile.

A lock is a file in /tmp that its holder keeps locked (flock): the kernel lets go of it when the process ends, however
it ends. A backup holds it shared, a restore alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from django_snapshots.engine.holder import HOLDER_MAX_BYTES, parse_holder, this_process
from django_snapshots.errors import SnapshotBusyError, SnapshotRestoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from django_snapshots.artifacts.contract import Artifact

__all__ = ["holding_targets"]

_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_READABLE = 0o644
"""Enough for other users to lock it: flock asks for an open file only."""


@contextmanager
def holding_targets(
    artifacts: Mapping[str, Artifact], verb: str, *, alone: bool, clock: Callable[[], datetime]
) -> Iterator[None]:
    """Hold the locks of what the artifacts read or replace; artifacts without `lock_key` have none.

    Args:
        artifacts: By name.
        verb: What for, such as "restore".
        alone: True to replace, False to read beside others that read.
        clock: Gives the present, aware.

    Raises:
        SnapshotBusyError: Another process of this host has one of them.
        SnapshotRestoreError: A lock file is one that this user may not open.
    """
    holder = this_process(verb, clock()).to_json()
    keys = {key: name for name, artifact in artifacts.items() if (key := _lock_key(artifact)) is not None}
    with ExitStack() as stack:
        for key in sorted(keys):
            descriptor = _lock(_path(key), keys[key], alone=alone)
            stack.callback(_release, _path(key), descriptor)
            _sign(descriptor, holder)
        yield


def _lock_key(artifact: Artifact) -> str | None:
    key: Callable[[], str | None] | None = getattr(artifact, "lock_key", None)
    return None if key is None else key()


def _path(key: str) -> Path:
    # Not TMPDIR: a shell and a cron job, or two users, have different ones.
    shared = Path("/tmp")  # noqa: S108 - opened with O_NOFOLLOW and never trusted
    folder = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
    return folder / f"django-snapshots-{hashlib.sha256(key.encode()).hexdigest()[:32]}.lock"


def _lock(path: Path, name: str, *, alone: bool) -> int:
    while True:
        descriptor = _open(path, name)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            found = parse_holder(os.pread(descriptor, HOLDER_MAX_BYTES, 0))
            os.close(descriptor)
            raise SnapshotBusyError(
                name,
                verb=found.verb if found else "a run",
                host=found.host if found else "this host",
                pid=found.pid if found else None,
                since=found.since if found else None,
                until=None,
                lock=str(path),
            ) from error
        if _is_still(path, descriptor):
            return descriptor
        os.close(descriptor)  # its last holder removed it before we had it


def _open(path: Path, name: str) -> int:
    # Without O_CREAT first: in a folder like /tmp Linux refuses that for files of other users (proc_sys_fs(5),
    # protected_regular).
    reason: str | None = None
    for flags in (os.O_RDWR, os.O_RDONLY, os.O_RDWR | os.O_CREAT | os.O_EXCL, os.O_RDWR, os.O_RDONLY):
        try:
            descriptor = os.open(path, flags | _FLAGS, _READABLE)
        except OSError as error:
            reason = error.strerror
            continue
        if flags & os.O_CREAT:
            os.fchmod(descriptor, _READABLE)
        return descriptor
    raise _unusable(path, name, reason)


def _unusable(path: Path, name: str, reason: str | None) -> SnapshotRestoreError:
    return SnapshotRestoreError(f"The lock file {path} of {name} cannot be used ({reason}). Remove it and try again.")


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    opened = os.fstat(descriptor)
    return (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)


def _sign(descriptor: int, holder: bytes) -> None:
    with suppress(OSError):  # a file of another user; who holds it is then the last one who could say so
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder, 0)


def _release(path: Path, descriptor: int) -> None:
    # Removed by the last one only: it could lock it alone.
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_still(path, descriptor):
            path.unlink()
    os.close(descriptor)
