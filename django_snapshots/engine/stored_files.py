"""Proving the stored files of a restore before anything is touched, and saying what is whole where some are damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.engine.catalog import open_artifact
from django_snapshots.engine.events import Progress, ignore_progress, reporter
from django_snapshots.engine.keys import KeyTrial
from django_snapshots.engine.stream import check_stored
from django_snapshots.errors import SnapshotDigestError, SnapshotError, SnapshotFileMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.engine.restore import PlannedArtifact, RestorePlan
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["verify_stored"]


def verify_stored(
    storage: GuardedStorage, plan: RestorePlan, *, on_progress: ProgressCallback = ignore_progress
) -> None:
    """Read every stored file that the plan uses, compare it with the manifest, and try the key where it is encrypted.

    Raises:
        SnapshotDigestError: A size or a digest differs. A note says which artifacts are whole.
        SnapshotKeyError: The key of this host does not open a file.
        SnapshotFileMissingError: A file is not there; with the same note.
        SnapshotStorageError: The storage failed.
    """
    failed: dict[str, SnapshotError] = {}
    for planned in plan.artifacts:
        try:
            _verify_file(storage, plan, planned, on_progress)
        except SnapshotError as error:
            # After damage the others are read all the same: it matters then which of them are whole.
            if not failed and not isinstance(error, SnapshotDigestError | SnapshotFileMissingError):
                raise
            failed[planned.record.name] = error
    if failed:
        first, *_ = failed.values()
        for line in _way_around(plan, list(failed)):
            first.add_note(line)
        raise first


def _verify_file(
    storage: GuardedStorage, plan: RestorePlan, planned: PlannedArtifact, on_progress: ProgressCallback
) -> None:
    record = planned.record
    on_bytes = reporter(on_progress, "verify", record.name, record.stored_size)
    trial = KeyTrial(planned.codecs)
    with open_artifact(storage, plan.snapshot, record) as source:
        check_stored(source, record, snapshot=plan.manifest.name, on_bytes=on_bytes, look=trial.look)
    trial.require_success(record.path, plan.manifest.name)
    on_progress(Progress("verify", record.name, record.stored_size, record.stored_size, finished=True))


def _way_around(plan: RestorePlan, failed: Sequence[str]) -> Iterator[str]:
    """Say which artifacts a restore can do without, where the files of some are damaged."""
    whole = [one.record.name for one in plan.artifacts if one.replaces and one.record.name not in failed]
    if failed[1:]:
        yield f"Not whole either: {', '.join(failed[1:])}."
    if whole:
        command = f"manage.py snapshots restore {plan.manifest.name} {' '.join(whole)}"
        yield f"Or name what is whole, and keep the options that you gave: {command}"
