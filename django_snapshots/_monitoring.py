"""From the settings to what the engine judges health by."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from django_snapshots.engine.health import HealthThresholds

if TYPE_CHECKING:
    from django_snapshots.conf.monitoring import HealthSettings

__all__ = ["free_bytes_at", "thresholds_of"]


def thresholds_of(settings: HealthSettings) -> HealthThresholds:
    """Return what HEALTH takes for well."""
    return HealthThresholds(
        age_warning=settings.AGE_WARNING,
        age_critical=settings.AGE_CRITICAL,
        size_factor=settings.SIZE_FACTOR,
        verify_age=settings.VERIFY_AGE,
        free_bytes=settings.MIN_FREE,
    )


def free_bytes_at(storage: object) -> int | None:
    """Return the free space where a storage keeps its files; None for one that is no folder of this host."""
    folder = getattr(storage, "local_folder", None)
    if not isinstance(folder, Path):
        return None
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    return None if existing is None else shutil.disk_usage(existing).free
