"""django-snapshots: the whole state of a Django project in one verified snapshot, and back.

from django_snapshots import create_snapshot

create_snapshot(["database"], name="before-migrate")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_snapshots.api import (
        create_snapshot,
        delete_snapshot,
        find_snapshot,
        list_snapshots,
        prune_snapshots,
        restore_snapshot,
        verify_snapshots,
    )

__all__ = [
    "create_snapshot",
    "delete_snapshot",
    "find_snapshot",
    "list_snapshots",
    "prune_snapshots",
    "restore_snapshot",
    "verify_snapshots",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Django imports this package at start-up; what needs pydantic or the engine is imported at first use.
    if name in __all__:
        from django_snapshots import api  # noqa: PLC0415

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
