"""The Django app. `ready()` registers the checks and does nothing else."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig

__all__ = ["DjangoSnapshotsConfig"]


class DjangoSnapshotsConfig(AppConfig):
    """django-snapshots as an entry of INSTALLED_APPS."""

    name = "django_snapshots"
    verbose_name = "Snapshots"

    def ready(self) -> None:
        """Register the checks; nothing is validated here, so that a typo cannot stop every command."""
        import_module("django_snapshots.checks")
