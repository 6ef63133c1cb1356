"""Whether a new snapshot may take the place of the one that has its name."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from django_snapshots.engine.catalog import find_formats
from django_snapshots.engine.verified import found_damage
from django_snapshots.errors import SnapshotArtifactError, SnapshotExistsError, SnapshotStorageError

if TYPE_CHECKING:
    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.manifest import Manifest
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["require_free", "require_no_less"]


def require_free(storage: GuardedStorage, name: str, *, overwrite: bool) -> None:
    """Check before a backup begins that no snapshot has its name; a storage that fails is left for the backup to find.

    Raises:
        SnapshotExistsError: One has it, and `overwrite` is False.
    """
    taken = False
    if not overwrite:
        with suppress(SnapshotStorageError):
            taken = bool(find_formats(storage, name))
    if taken:
        raise SnapshotExistsError(name)


def require_no_less(new: Manifest, old: Snapshot) -> None:
    """Check that a snapshot does not lack what the one in whose place it comes has all of.

    Args:
        new: The manifest of the new one, which is not published yet.
        old: The one that has its name. What it holds counts only where it is undamaged.

    Raises:
        SnapshotArtifactError: The new one has problems in an artifact that the old one holds without.
    """
    if old.damage or found_damage(old):
        return
    for artifact, problems in new.problems.items():
        if artifact in old.artifact_names and artifact not in old.lacking:
            raise SnapshotArtifactError(
                f"{artifact} could not be read as a whole: {problems[0]}. Snapshot '{new.name}', which was to be "
                "replaced, holds all of it and is still there. Remove the cause and run the backup again, or keep what "
                "could be read under another name with --name.",
                artifact=artifact,
            )
