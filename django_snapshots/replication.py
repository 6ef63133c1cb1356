"""What follows a backup: copies on the replicas that the settings name, and pruning. A failure is a problem of it."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.timezone import get_default_timezone

from django_snapshots.engine.replicas import Replica, Replicas
from django_snapshots.errors import SnapshotError
from django_snapshots.storage.guard import GuardedStorage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django_snapshots.conf.configuration import Configuration
    from django_snapshots.conf.policy import PruneSettings
    from django_snapshots.engine.create import CreatedSnapshot
    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.engine.upkeep import Pruned
    from django_snapshots.project import Project
    from django_snapshots.retention import Policy

__all__ = ["follow_up", "prune_everywhere", "replicas_of"]


def replicas_of(configuration: Configuration, storage: GuardedStorage, clock: Callable[[], datetime]) -> Replicas:
    """Return the replicas that a configuration names.

    Args:
        configuration: A valid one.
        storage: Where the snapshots are that are copied.
        clock: Gives the present, aware.
    """
    specs = configuration.settings.REPLICAS if configuration.settings else ()
    replicas = []
    for number, (spec, live) in enumerate(zip(specs, configuration.replicas, strict=True), start=1):
        prune: PruneSettings | None = getattr(spec, "PRUNE", None)  # a live object has no policy
        setting = f"SNAPSHOTS['REPLICAS'][{number - 1}]"
        guarded = GuardedStorage(live, signer=configuration.signing, setting=setting)
        replicas.append(Replica(number, guarded, prune.policy if prune else None))
    return Replicas(storage, replicas, clock=clock, zone=get_default_timezone(), hostname=socket.gethostname())


def prune_everywhere(
    project: Project, policy: Policy | None = None, *, dry_run: bool = False, leftovers_only: bool = False
) -> Pruned:
    """Prune the storage, then each replica; a replica that fails is a problem of its own in `replicas`.

    Args:
        project: Whose snapshots they are.
        policy: What to keep in the storage; SNAPSHOTS['PRUNE'] without one, and then each replica is pruned by its own
            policy. A policy given here is none of theirs: they lose what killed runs left, and no snapshot.
        dry_run: Only say what would be done.
        leftovers_only: Remove what killed runs left behind, and no snapshot; needs no policy.

    Raises:
        SnapshotPruneError, SnapshotBusyError, SnapshotStorageError: As of `Project.prune`; no replica was pruned.
    """
    pruned = project.remove_leftovers(dry_run=dry_run) if leftovers_only else project.prune(policy, dry_run=dry_run)
    replicas = project.replicas.prune(dry_run=dry_run, leftovers_only=leftovers_only or policy is not None)
    return replace(pruned, replicas=tuple(replicas))


def follow_up(
    project: Project, created: CreatedSnapshot, *, prune: bool, on_progress: ProgressCallback
) -> CreatedSnapshot:
    """Copy a snapshot that is complete, then prune; return it with what became of that."""
    doing, name = "copy", created.snapshot.name
    try:
        if project.settings.REPLICAS:
            copies = project.replicas.copy(name, on_progress=on_progress)
            problems = [problem for copied in copies for problem in copied.problems]
            created = replace(created, copies=tuple(copies), problems=(*created.problems, *problems))
        doing = "prune"
        if prune:
            created = replace(created, pruned=project.prune(expected=[name]))
            problems = [each.problem for each in project.replicas.prune() if each.problem]
            created = replace(created, problems=(*created.problems, *problems))
    except SnapshotError as error:
        return replace(created, problems=(*created.problems, f"{doing}: {error}"))
    return created
