"""Verifying this project's snapshots: hands what the settings configure to the engine; changes nothing but results."""

from __future__ import annotations

from random import SystemRandom
from typing import TYPE_CHECKING

from django_snapshots.engine.events import ignore_progress
from django_snapshots.engine.verifiers import verifier_of
from django_snapshots.engine.verify_all import choose_snapshots, draw_sample
from django_snapshots.engine.verify_all import verify_snapshots as verify_chosen
from django_snapshots.project import this_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.engine.verify_all import Verified
    from django_snapshots.project import Project

__all__ = ["verify_snapshots"]


def verify_snapshots(
    project: Project,
    names: Sequence[str] = (),
    *,
    sample_percent: float | None = None,
    deep: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> Iterator[Verified]:
    """Prove snapshots to their last byte, and keep each result beside its snapshot; touches nothing else.

    Args:
        project: Whose snapshots.
        names: Their names; "latest" is the newest that no restore made, damaged or not. None means all.
        sample_percent: Look at this share of their artifacts only, picked at random, at least one; None for all.
        deep: Restore them too, into scratch databases and folders that go at the end.
        on_progress: Called with `django_snapshots.engine.events.Progress`.

    Yields:
        What was found in each, damage included, newest snapshot first.

    Raises:
        SnapshotNotFoundError: There is no such snapshot, or none at all.
        SnapshotStorageError: The storage does not answer any more.
    """
    snapshots = choose_snapshots(project.storage, names)
    artifacts = project.artifacts
    return verify_chosen(
        project.storage,
        snapshots,
        verifier_of=lambda record: verifier_of(record, artifacts),
        codecs=project.codecs,
        sample=None if sample_percent is None else draw_sample(snapshots, sample_percent, SystemRandom()),
        deep=deep,
        clock=project.clock,
        tool=this_host().tool,
        on_progress=on_progress,
    )
