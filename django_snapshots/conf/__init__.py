"""Settings: validated, explained, and turned into live plugins. `loading` alone reads Django's settings.

Importing this package imports nothing: the names below are looked up when they are first used (PEP 562), so that
plugins can import `django_snapshots.conf.problems` without pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_snapshots.conf.loading import SnapshotsConfigError, get_settings, load

__all__ = ["SnapshotsConfigError", "get_settings", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from django_snapshots.conf import loading  # noqa: PLC0415 - the point of this function

    return getattr(loading, name)
