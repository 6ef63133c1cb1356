"""Where snapshots live: the contracts and our own backends. Cheap to import: no pydantic, no third-party package.

The backends are looked up when they are first used (PEP 562): only the one in use costs its imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django_snapshots.storage.contract import AdvancedSnapshotStorage, SnapshotStorage

if TYPE_CHECKING:
    from django_snapshots.storage.django_storage import DjangoStorageBackend
    from django_snapshots.storage.fsspec_storage import FsspecBackend
    from django_snapshots.storage.local import LocalFileSystemBackend

__all__ = [
    "AdvancedSnapshotStorage",
    "DjangoStorageBackend",
    "FsspecBackend",
    "LocalFileSystemBackend",
    "SnapshotStorage",
]

_MODULES = {
    "DjangoStorageBackend": "django_storage",
    "FsspecBackend": "fsspec_storage",
    "LocalFileSystemBackend": "local",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
