"""Signals: what became of snapshots, for code of the project that wants to know. Imports nothing but Django's.

from django_snapshots.signals import snapshot_failed

Sent by `django_snapshots.project`, so by the command, tasks, the admin and deploy scripts alike. A receiver that
raises changes nothing: the error is logged under `django_snapshots.notices`.
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = [
    "health_changed",
    "pruned",
    "restore_completed",
    "snapshot_completed",
    "snapshot_failed",
    "snapshot_started",
]

snapshot_started = Signal()
"""A backup begins. Arguments: `name`."""

snapshot_completed = Signal()
"""A snapshot is in the storage. Arguments: `name`, `snapshot`, `problems` (texts; empty when it holds all), `seconds`,
`size_bytes` (as stored)."""

snapshot_failed = Signal()
"""A backup ended without a snapshot. Arguments: `name`, `error` (the exception), `seconds`."""

restore_completed = Signal()
"""A restore has replaced everything it was to replace. Arguments: `name`, `artifacts` (names), `seconds`."""

pruned = Signal()
"""A prune that was no dry run has ended. Arguments: `names` (of what was removed, maybe none)."""

health_changed = Signal()
"""`snapshots health` found another state than the time before. Arguments: `state`, `previous`, `checks`."""
