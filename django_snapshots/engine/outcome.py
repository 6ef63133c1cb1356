"""What a run leaves for the next one to know: small documents in the storage, beside the snapshots.

They are hints, not data: a run without them says one thing less, and does nothing else differently.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django_snapshots.engine import catalog
from django_snapshots.errors import SnapshotStorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["BACKUP", "HEALTH", "forget_outcome", "read_outcome", "write_outcome"]

BACKUP = "backup"
"""There while the last backup did not end well: `snapshot`, `failed_at`."""

HEALTH = "health"
"""There while the health is not ok: `state`, `since`."""

_MAX_BYTES = 65536


def read_outcome(storage: GuardedStorage, subject: str) -> dict[str, Any] | None:
    """Return what was written about `subject`, such as "backup"; None when there is nothing that can be read.

    Raises:
        SnapshotStorageError: The storage failed.
    """
    path = catalog.outcome_path(subject)
    if not storage.exists(path):
        return None
    try:
        document = json.loads(storage.read_start(path, _MAX_BYTES))
    except SnapshotStorageError as error:
        if error.missing:
            return None
        raise
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def write_outcome(storage: GuardedStorage, subject: str, document: Mapping[str, Any]) -> None:
    """Keep the document, JSON values, in the place of the one before.

    Raises:
        SnapshotStorageError: The storage failed.
    """
    storage.store(catalog.outcome_path(subject), iter([json.dumps(document).encode()]))


def forget_outcome(storage: GuardedStorage, subject: str) -> None:
    """Remove what was written about `subject`.

    Raises:
        SnapshotStorageError: The storage failed.
    """
    storage.delete(catalog.outcome_path(subject))
