"""The tasks of Django's task framework: `django.tasks` since Django 6.0, the package django-tasks before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_snapshots._task_runs import run_backup, run_prune, run_verify

try:
    from django.tasks import task  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    from django_tasks import task  # type: ignore[no-redef,assignment,unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["backup", "prune", "verify"]


@task
def backup(
    artifacts: Sequence[str] = (),
    databases: Sequence[str] = (),
    name: str | None = None,
    *,
    prune: bool = False,
) -> dict[str, Any]:
    """Make a snapshot; return the document of `snapshots backup --json`."""
    return run_backup(artifacts, databases, name, prune=prune)


@task
def prune() -> dict[str, Any]:
    """Prune; return the document of `snapshots prune --json`."""
    return run_prune()


@task
def verify(names: Sequence[str] = ()) -> dict[str, Any]:
    """Verify snapshots, all without names; return the document of `snapshots verify --json`."""
    return run_verify(names)
