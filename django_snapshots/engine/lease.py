"""One writer per storage: a lease kept in the storage itself, so that it holds across hosts.

A storage has no compare-and-swap, and a move replaces what is there. What every storage has is enough: whoever wants
to write leaves a file of its own name, lists, and goes on only when no other is listed. Of two that come together at
least one sees the other, for each lists after it has written. The later one gives way, the earlier one waits a moment
for that. The name says until when the lease holds, so that nothing needs to be read, and a renewal is a new name: at
no moment is there none.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django_snapshots.engine import catalog
from django_snapshots.engine.holder import HOLDER_MAX_BYTES, parse_holder, this_process
from django_snapshots.errors import SnapshotBusyError, SnapshotError, SnapshotStorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django_snapshots.engine.holder import Holder
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["LEASE_TIME", "StorageLease", "holding_storage", "verbs_at_work"]

LEASE_TIME = timedelta(minutes=10)
"""What a holder that was killed on another host blocks at most. The clocks of hosts may differ by less than this."""

MARGIN = timedelta(minutes=1)
"""So long before its end a holder takes its own lease for lost: others may have another clock."""

RENEW_S = 120.0
RETRY_S = 15.0
PATIENCE_S = 3.0
"""What the earlier of two that came together waits for the later to give way."""
LISTING_S = 30.0
"""What a storage that lists late is given to show what was just written."""

_STAMP = "%Y%m%dT%H%M%S%fZ"
_NAME = re.compile(r"(?P<token>\d{8}T\d{12}Z-[0-9a-f]{16})-(?P<expires>\d{8}T\d{12}Z)\.json")


@dataclass(frozen=True, slots=True, order=True)
class _Entry:
    """A lease as it is listed; earlier ones sort first."""

    token: str
    expires: datetime
    path: str


class StorageLease:
    """The lease of one run; a thread renews it."""

    def __init__(self, storage: GuardedStorage, verb: str, clock: Callable[[], datetime]) -> None:
        """Prepare; nothing is written yet.

        Args:
            storage: What is to be written to.
            verb: What for, such as "backup".
            clock: Gives the present, aware.
        """
        self._storage = storage
        self._clock = clock
        self._holder = this_process(verb, clock())
        self._token = f"{_stamp(self._holder.since)}-{secrets.token_hex(8)}"
        self._guard = threading.Lock()
        # Both are read and changed by the run and by the thread, under `_guard`.
        self._paths: list[str] = []
        self._expires = self._holder.since
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self) -> None:
        """Take the lease.

        Raises:
            SnapshotBusyError: Another run has it.
            SnapshotStorageError: The storage failed, or does not list what was written to it.
        """
        try:
            self._write()
            self._wait_until_alone()
        except BaseException:
            self._remove()
            raise
        self._thread = threading.Thread(target=self._keep_renewing, name="snapshots-lease", daemon=True)
        self._thread.start()

    def require_free(self) -> None:
        """Check that no other run has the lease, on a storage that cannot be written to.

        Raises:
            SnapshotBusyError: One has it.
            SnapshotStorageError: The storage failed.
        """
        others = self._others(self._listed())
        if others:
            raise self._busy(others[0])

    def require_held(self) -> None:
        """Check that the lease was not lost meanwhile; costs nothing.

        Raises:
            SnapshotStorageError: It could not be renewed in time, or this process was stopped for too long.
        """
        with self._guard:
            path, expires = self._paths[-1] if self._paths else None, self._expires
        if path and self._clock() > expires - MARGIN:
            raise SnapshotStorageError(
                f"The lock of this run on the storage ended at {_moment(expires)} and could not be renewed, so "
                "that another run may be writing. Check that the storage can be written to, then run it again.",
                operation="lock",
                path=path,
            )

    def release(self) -> None:
        """Give the lease back. What cannot be removed ends by itself."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
        self._remove()

    def _write(self) -> None:
        expires = self._clock() + LEASE_TIME
        path = catalog.lease_path(f"{self._token}-{_stamp(expires)}.json")
        with self._guard:
            if path in self._paths:
                return  # a clock that stands still
            self._paths.append(path)  # before it is written: a write that fails may have left it
        try:
            self._storage.store(path, iter([self._holder.to_json()]))
        finally:
            if self._ended.is_set():  # `release` waited no longer, and deleted what was not written yet
                self._delete(path)
        with self._guard:
            self._expires = expires
        self._remove(keep=1)

    def _remove(self, *, keep: int = 0) -> None:
        with self._guard:
            going = self._paths[: len(self._paths) - keep]
            del self._paths[: len(going)]
        for path in going:
            self._delete(path)

    def _delete(self, path: str) -> None:
        with suppress(SnapshotError):  # it ends by itself
            self._storage.delete(path)

    def _keep_renewing(self) -> None:
        wait_s = RENEW_S
        while not self._ended.wait(wait_s) and self._clock() <= self._expires - MARGIN:
            try:
                self._write()
            except SnapshotError:
                wait_s = RETRY_S  # `require_held` says it, when the storage does not come back in time
            else:
                wait_s = RENEW_S

    def _wait_until_alone(self) -> None:
        begun = time.monotonic()
        while (others := self._others(listed := self._listed())) or not self._is_in(listed):
            waited_s = time.monotonic() - begun
            if others and (others[0].token < self._token or waited_s > PATIENCE_S):
                raise self._busy(others[0])
            if not others and waited_s > LISTING_S:
                raise self._unlisted()
            time.sleep(secrets.randbelow(200) / 1000)

    def _listed(self) -> list[_Entry]:
        return sorted(filter(None, map(_entry, self._storage.list(catalog.LEASE_PREFIX))))

    def _is_in(self, listed: list[_Entry]) -> bool:
        return any(entry.token == self._token for entry in listed)

    def _others(self, listed: list[_Entry]) -> list[_Entry]:
        """Return the leases of others that hold, the earliest first; those that ended are removed."""
        latest = {entry.token: entry for entry in listed if entry.token != self._token}
        return [entry for entry in sorted(latest.values()) if not self._has_ended(entry)]

    def _has_ended(self, entry: _Entry) -> bool:
        if entry.expires > self._clock():
            holder = _holder_of(self._storage, entry)
            if holder is not None and not holder.is_gone:
                return False
            if holder is None and self._storage.exists(entry.path):
                return False
        with suppress(SnapshotError):  # a storage that can only be read
            self._storage.delete(entry.path)
        return True

    def _unlisted(self) -> SnapshotStorageError:
        path = self._paths[-1]
        name = path.removeprefix(catalog.LEASE_PREFIX)
        renamed = next((found for found in self._storage.list("") if found.endswith(name)), None)
        shown = f"lists it as '{renamed}'" if renamed else f"did not list it within {LISTING_S:.0f} s"
        return SnapshotStorageError(
            f"The lock of this run was written to '{path}', but the storage {shown}, so that no run would see another. "
            "Use a storage that keeps and lists names as they are given, also those that begin with a dot; with "
            "AzureStorage of django-storages, set its 'location'.",
            operation="lock",
            path=path,
        )

    def _busy(self, entry: _Entry) -> SnapshotBusyError:
        holder = _holder_of(self._storage, entry)
        return SnapshotBusyError(
            "the storage",
            verb=holder.verb if holder else "a run",
            host=holder.host if holder else "an unknown host",
            pid=holder.pid if holder else None,
            since=holder.since if holder else None,
            until=entry.expires,
            lock=entry.path,
        )


class _RemovingLease(StorageLease):
    """The lease of a run that only removes: a full storage has no space for it until something is removed."""

    def acquire(self) -> None:
        """Take the lease, or none while the storage is full and no other run has it.

        Raises:
            SnapshotBusyError: Another run has it.
            SnapshotStorageError: The storage failed.
        """
        try:
            super().acquire()
        except SnapshotStorageError as error:
            if not error.full:
                raise
            self.require_free()

    def require_held(self) -> None:
        """Take the lease if there was no space for it yet, and check that it was not lost; raises what both raise."""
        if self._thread is None:
            self.acquire()
        super().require_held()


@contextmanager
def holding_storage(
    storage: GuardedStorage, verb: str, *, clock: Callable[[], datetime], writes: bool = True, removes: bool = False
) -> Iterator[StorageLease]:
    """Hold the lease of a storage for the time of a `with` block.

    Args:
        storage: What is to be written to, or read while nobody writes.
        verb: What for, such as "backup".
        clock: Gives the present, aware.
        writes: False for a run that only reads: it goes on without a lease on a storage that refuses to take one,
            when no other run has it.
        removes: True for a run that only removes: on a full storage it begins without a lease, when no other run has
            it, and takes one as soon as there is space.

    Raises:
        SnapshotBusyError: Another run has it.
        SnapshotStorageError: The storage failed.
    """
    lease = (_RemovingLease if removes else StorageLease)(storage, verb, clock)
    try:
        lease.acquire()
    except SnapshotStorageError:
        if writes:
            raise
        lease = StorageLease(storage, verb, clock)
        lease.require_free()
    try:
        yield lease
    finally:
        lease.release()


def verbs_at_work(storage: GuardedStorage, listing: Iterable[str], *, now: datetime) -> set[str]:
    """Return what the runs do that hold the lease of a storage, such as "copy"; costs a small read for each.

    Args:
        storage: What they read or write.
        listing: All paths in it.
        now: The present, aware.

    Raises:
        SnapshotStorageError: The storage failed.
    """
    held = [entry for entry in map(_entry, listing) if entry is not None and entry.expires > now]
    holders = [_holder_of(storage, entry) for entry in held]
    return {holder.verb for holder in holders if holder is not None and not holder.is_gone}


def _holder_of(storage: GuardedStorage, entry: _Entry) -> Holder | None:
    try:
        return parse_holder(storage.read_start(entry.path, HOLDER_MAX_BYTES))
    except SnapshotStorageError as error:
        if error.missing:
            return None  # given back meanwhile
        raise


def _entry(path: str) -> _Entry | None:
    matched = _NAME.fullmatch(path.removeprefix(catalog.LEASE_PREFIX))
    if matched is None:
        return None  # somebody else's file
    try:
        expires = datetime.strptime(matched["expires"], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return _Entry(matched["token"], expires, path)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_STAMP)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
