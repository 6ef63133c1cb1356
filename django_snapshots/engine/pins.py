"""Pins: what holds a snapshot against delete, prune and overwriting. A document beside the snapshot, `pinned.json`.

A pin whose document cannot be read holds: what is kept too long can be deleted later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django_snapshots.engine import catalog
from django_snapshots.errors import SnapshotPinnedError

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["Pin", "find_pin", "pin_snapshot", "pin_text", "require_unpinned", "unpin_snapshot"]


@dataclass(frozen=True, slots=True)
class Pin:
    """Why a snapshot is kept.

    Attributes:
        until: The last day it holds, in the project's time zone; None for ever.
        reason: For people; "" where none was given.
        readable: False when the document could not be read: the pin holds, nobody knows until when.
    """

    until: date | None = None
    reason: str = ""
    readable: bool = True

    def __str__(self) -> str:
        if not self.readable:
            return "pinned, and the pin cannot be read"
        until = f" until {self.until.isoformat()}" if self.until else ""
        return f"pinned{until}{f': {self.reason}' if self.reason else ''}"


def find_pin(snapshot: Snapshot, *, now: datetime, zone: tzinfo) -> Pin | None:
    """Return the pin that holds a snapshot, None for none or one that has ended.

    Args:
        snapshot: As the catalog returned it.
        now: The present, aware.
        zone: The project's time zone, in which the pin's last day ends.
    """
    sidecar = snapshot.sidecars.get("pinned")
    if sidecar is None:
        return None
    content = sidecar.content or {}
    until, reason = content.get("until"), content.get("reason")
    try:
        last_day = date.fromisoformat(until) if isinstance(until, str) else None
    except ValueError:
        return Pin(readable=False)
    if sidecar.content is None or not isinstance(reason, str) or not isinstance(until, str | None):
        return Pin(readable=False)
    if last_day is not None and now.astimezone(zone).date() > last_day:
        return None
    return Pin(last_day, reason)


def pin_text(snapshot: Snapshot, *, now: datetime, zone: tzinfo) -> str | None:
    """Return the pin that holds a snapshot in words, None for no pin."""
    pin = find_pin(snapshot, now=now, zone=zone)
    return None if pin is None else str(pin)


def pin_snapshot(storage: GuardedStorage, snapshot: Snapshot, pin: Pin, *, now: datetime) -> None:
    """Pin a snapshot, in the place of an earlier pin.

    Raises:
        SnapshotNotFoundError: It was deleted meanwhile.
        SnapshotStorageError: The storage failed, or did not keep the pin.
    """
    until = pin.until.isoformat() if pin.until else None
    content = {"until": until, "reason": pin.reason, "pinned_at": now.isoformat()}
    catalog.write_sidecar(storage, snapshot, "pinned", content)


def unpin_snapshot(storage: GuardedStorage, snapshot: Snapshot) -> None:
    """Take the pin of a snapshot away; none is no error.

    Raises:
        SnapshotStorageError: The storage failed.
    """
    catalog.delete_sidecar(storage, snapshot, "pinned")


def require_unpinned(snapshot: Snapshot, *, now: datetime, zone: tzinfo, doing: str) -> None:
    """Check that no pin holds a snapshot.

    Args:
        snapshot: As the catalog returned it.
        now: The present, aware.
        zone: The project's time zone.
        doing: What is refused otherwise, such as "deleted".

    Raises:
        SnapshotPinnedError: One does.
    """
    pin = find_pin(snapshot, now=now, zone=zone)
    if pin is not None:
        raise SnapshotPinnedError(snapshot.name, pin=str(pin), doing=doing)
