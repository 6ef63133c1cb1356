"""Is a replica in step? Judges by one listing whether it has what it should have; proving bytes is `verify --from`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.engine import catalog
from django_snapshots.engine.health_report import HealthCheck, HealthThresholds, State, span_text
from django_snapshots.engine.pins import pin_text
from django_snapshots.errors import SnapshotPruneError, SnapshotStorageError
from django_snapshots.retention import Candidate, decide

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, tzinfo

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.replicas import Replica

__all__ = ["judge_replica"]

_NAMED = 3
"""So many of the missing are named, the newest first."""


def judge_replica(
    replica: Replica,
    complete: Sequence[Snapshot],
    thresholds: HealthThresholds,
    *,
    now: datetime,
    zone: tzinfo,
    copying: bool,
) -> tuple[HealthCheck, dict[str, float]]:
    """Say whether a replica has what it should have, with the numbers; one that fails is a warning, not an error.

    Args:
        replica: What to look at.
        complete: The complete snapshots that are to be copied, newest first.
        thresholds: How old the newest copy may be while something is missing.
        now: The present, aware.
        zone: The time zone whose days count in the replica's policy.
        copying: Whether a run copies at this moment: the newest snapshot may then be on its way.
    """
    check_name = f"replica {replica.number}"
    try:
        paths = set(replica.storage.list(""))
    except SnapshotStorageError as error:
        return HealthCheck(check_name, "warning", f"{replica} could not be looked at: {error}"), {}
    copied = [snapshot for snapshot in complete if _is_there(snapshot, paths)]
    wanted = _wanted(replica, complete, now, zone)
    on_its_way = {each.name for each in wanted[:1]} if copying else set()
    there = {snapshot.name for snapshot in copied}
    missing = [each for each in wanted if each.name not in there | on_its_way]
    measures: dict[str, float] = {f"replica_{replica.number}_missing_snapshots": len(missing)}
    if copied:
        newest = copied[0].require_manifest().created_at
        measures[f"replica_{replica.number}_newest_timestamp_seconds"] = newest.timestamp()
    if not missing:
        text = f"{replica} is in step: nothing of {len(wanted)} is missing."
        return HealthCheck(check_name, "ok", text), measures
    state, since = _lag(copied, missing, thresholds, now)
    text = f"{replica} lacks {_names(missing)}. {since} `manage.py snapshots copy --missing --to {replica.number}`."
    return HealthCheck(check_name, state, text), measures


def _is_there(snapshot: Snapshot, paths: Collection[str]) -> bool:
    if snapshot.format == "archive":
        return catalog.archive_path(snapshot.name) in paths
    files = [record.path for record in snapshot.require_manifest().artifacts]
    return catalog.manifest_path(snapshot.name) in paths and all(
        catalog.file_path(snapshot.name, path) in paths for path in files
    )


def _wanted(replica: Replica, snapshots: Sequence[Snapshot], now: datetime, zone: tzinfo) -> Sequence[Snapshot]:
    """Return what the replica's own policy keeps there: what that has deleted is not missing."""
    if replica.policy is None:
        return snapshots
    candidates = [
        Candidate(
            snapshot.name,
            snapshot.created_at,
            size_bytes=snapshot.require_manifest().stored_size_bytes,
            pin=pin_text(snapshot, now=now, zone=zone),
            artifacts=snapshot.artifact_names,
            lacking=snapshot.lacking,
        )
        for snapshot in snapshots
    ]
    try:
        kept = {each.name for each in decide(replica.policy, candidates, now=now, zone=zone) if each.action == "keep"}
    except SnapshotPruneError:  # it is refused there too, so nothing is deleted
        return snapshots
    return [snapshot for snapshot in snapshots if snapshot.name in kept]


def _lag(
    copied: Sequence[Snapshot], missing: Sequence[Snapshot], thresholds: HealthThresholds, now: datetime
) -> tuple[State, str]:
    """Return how bad it is, and what one would have after the loss of the storage itself."""
    reference = copied[0] if copied else missing[-1]
    age = now - reference.require_manifest().created_at
    state: State = (thresholds.passed(age) or ("warning", None))[0]
    if not copied:
        return state, "It has no copy at all."
    return state, f"Its newest copy, '{reference.name}', is {span_text(age)} old."


def _names(missing: Sequence[Snapshot]) -> str:
    more = len(missing) - _NAMED
    named = ", ".join(f"'{snapshot.name}'" for snapshot in missing[:_NAMED])
    return f"{named} and {more} more" if more > 0 else named
