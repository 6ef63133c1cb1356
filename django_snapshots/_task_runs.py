"""What a task does, whoever runs it: arguments and results are JSON values, failures are raised to the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["run_backup", "run_prune", "run_verify"]


def run_backup(
    artifacts: Sequence[str] = (), databases: Sequence[str] = (), name: str | None = None, *, prune: bool = False
) -> dict[str, Any]:
    """Make a snapshot; return the document of `snapshots backup --json`.

    Args:
        artifacts: As of `django_snapshots.create_snapshot`.
        databases: Aliases.
        name: The snapshot's name; SNAPSHOTS['SNAPSHOT_NAME'] without one.
        prune: Apply the retention policy afterwards.

    Raises:
        SnapshotError: No snapshot was made.
        SnapshotsConfigError: The settings are wrong.
    """
    # Celery and Django's checks import tasks at start-up: neither the engine nor pydantic before one runs.
    from django_snapshots.cli.documents import backup_document  # noqa: PLC0415
    from django_snapshots.project import Project  # noqa: PLC0415

    return backup_document(Project().create_snapshot(artifacts, databases=databases, name=name, prune=prune))


def run_prune() -> dict[str, Any]:
    """Prune the storage, and each replica by its own policy; return the document of `snapshots prune --json`."""
    from django_snapshots.cli.documents import prune_document  # noqa: PLC0415 - see run_backup
    from django_snapshots.project import Project  # noqa: PLC0415
    from django_snapshots.replication import prune_everywhere  # noqa: PLC0415

    return prune_document(prune_everywhere(Project()))


def run_verify(names: Sequence[str] = ()) -> dict[str, Any]:
    """Verify snapshots, all without names; return the document of `snapshots verify --json`."""
    from django_snapshots.cli.documents import verify_document  # noqa: PLC0415 - see run_backup
    from django_snapshots.project import Project  # noqa: PLC0415
    from django_snapshots.verification import verify_snapshots  # noqa: PLC0415

    return verify_document(verify_snapshots(Project(), names))
