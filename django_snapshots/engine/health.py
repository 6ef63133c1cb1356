"""Are the backups well? Judges what a storage holds against thresholds; changes nothing and asks nothing else."""

from __future__ import annotations

from datetime import UTC, timedelta
from statistics import median
from typing import TYPE_CHECKING

from django_snapshots.engine import catalog, incomplete
from django_snapshots.engine.health_report import HealthCheck, HealthReport, HealthThresholds, State, span_text
from django_snapshots.engine.lease import verbs_at_work
from django_snapshots.engine.outcome import BACKUP, read_outcome
from django_snapshots.engine.removal import find_removals
from django_snapshots.engine.replica_health import judge_replica
from django_snapshots.engine.verified import last_verification
from django_snapshots.errors import SnapshotStorageError
from django_snapshots.scratch import format_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.incomplete import Leftover
    from django_snapshots.engine.replicas import Replica
    from django_snapshots.manifest import ArtifactRecord
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["HealthCheck", "HealthReport", "HealthThresholds", "State", "judge_health"]

_COMPARED = 10
_COMPARABLE = 3
"""With fewer earlier snapshots of the same artifacts a median says nothing."""

_CLOCK_SLACK = timedelta(minutes=5)


def judge_health(
    storage: GuardedStorage,
    thresholds: HealthThresholds,
    *,
    now: datetime,
    free_bytes: int | None,
    replicas: Iterable[Replica] = (),
    zone: tzinfo = UTC,
) -> HealthReport:
    """Look at the storage and say how the backups are; a storage that fails is critical, not an error.

    Args:
        storage: Where the snapshots are.
        thresholds: What is still well.
        now: The present, aware.
        free_bytes: Free space where the snapshots are; None where nobody can tell.
        replicas: What is to have copies of them; each is listed once.
        zone: The project's time zone, by which replicas are pruned.
    """
    try:
        listing = storage.list("")
        snapshots = catalog.list_snapshots(storage, listing)
        leftovers = incomplete.find_leftovers(storage, now=now, listing=listing)
        last_failure = read_outcome(storage, BACKUP)
        at_work = verbs_at_work(storage, listing, now=now)
        if not at_work:  # what a run removes at this moment is not left behind
            leftovers += find_removals(storage, listing)
    except SnapshotStorageError as error:
        return HealthReport(now, (HealthCheck("storage", "critical", str(error)),), {})
    complete = [snapshot for snapshot in snapshots if snapshot.status == "complete"]
    # A restore saves what it replaces: that is no sign that backups are made.
    backups = [snapshot for snapshot in complete if not snapshot.is_safety]
    checks = [
        _age(backups, thresholds, now, besides=len(complete) - len(backups)),
        *_size(backups, thresholds),
        _damage(snapshots),
        *_content(backups),
        *_verification(complete, backups, thresholds, now),
        *_space(backups, thresholds, free_bytes),
    ]
    if last_failure is not None:
        text = f"The last backup, '{last_failure.get('snapshot')}', did not end well."
        checks.append(HealthCheck("backup", "warning", text))
    checks += _leftovers(leftovers)
    measures = _measures(snapshots, complete, backups, free_bytes, now)
    for replica in replicas:
        check, numbers = judge_replica(replica, backups, thresholds, now=now, zone=zone, copying="copy" in at_work)
        checks.append(check)
        measures |= numbers
    return HealthReport(now, tuple(checks), measures)


def _leftovers(leftovers: Sequence[Leftover]) -> Iterator[HealthCheck]:
    if leftovers:
        names = ", ".join(leftover.name for leftover in leftovers)
        text = f"Left behind by runs that were killed: {names}. `manage.py snapshots prune --leftovers` removes them."
        yield HealthCheck("leftovers", "warning", text)


def _age(backups: Sequence[Snapshot], thresholds: HealthThresholds, now: datetime, *, besides: int) -> HealthCheck:
    if not backups:
        but = " but what restores saved" if besides else ""
        return HealthCheck("age", "critical", f"There is no complete snapshot{but}.")
    newest = backups[0]
    made = newest.require_manifest().created_at
    age = now - made
    if age < -_CLOCK_SLACK:
        return HealthCheck("age", "warning", f"'{newest.name}' is dated in the future: a clock was wrong.")
    passed = thresholds.passed(age)
    state: State = passed[0] if passed else "ok"
    most = f", more than {span_text(passed[1])}" if passed else ""
    return HealthCheck("age", state, f"The newest complete snapshot, '{newest.name}', is {span_text(age)} old{most}.")


def _size(complete: Sequence[Snapshot], thresholds: HealthThresholds) -> Iterator[HealthCheck]:
    """Compare the newest with earlier ones of the same artifacts: those of the database alone are smaller."""
    held = [[record.name for record in snapshot.require_manifest().artifacts] for snapshot in complete]
    sizes = [
        snapshot.require_manifest().stored_size_bytes
        for snapshot, names in zip(complete, held, strict=True)
        if names == held[0]
    ]
    before = sizes[1 : 1 + _COMPARED]
    if len(before) < _COMPARABLE:
        return
    usual = median(before)
    strange = sizes[0] * thresholds.size_factor < usual or sizes[0] > usual * thresholds.size_factor
    text = f"It has {format_size(sizes[0])}, the median of the {len(before)} before it is {format_size(usual)}."
    yield HealthCheck("size", "warning" if strange else "ok", text)


def _damage(snapshots: Sequence[Snapshot]) -> HealthCheck:
    damaged = [snapshot.name for snapshot in snapshots if snapshot.status == "damaged"]
    if damaged:
        return HealthCheck("damage", "warning", f"Damaged: {', '.join(damaged)}.")
    return HealthCheck("damage", "ok", f"None of {len(snapshots)} is known to be damaged.")


def _content(backups: Sequence[Snapshot]) -> Iterator[HealthCheck]:
    """Judge the newest with each artifact: one of the database alone says nothing of the media files."""
    held: dict[str, list[tuple[str, ArtifactRecord]]] = {}
    for snapshot in backups:
        for record in snapshot.require_manifest().artifacts:
            held.setdefault(record.name, []).append((snapshot.name, record))
    texts = [text for newest, *before in held.values() for text in _strange_content(newest, before)]
    if texts:
        yield HealthCheck("content", "warning", " ".join(texts))


def _strange_content(newest: tuple[str, ArtifactRecord], before: Sequence[tuple[str, ArtifactRecord]]) -> Iterator[str]:
    snapshot, record = newest
    if record.lacks:
        yield f"'{snapshot}' does not hold all of {record.name}: {record.lacks}."
    filled = next((name for name, earlier in before[:_COMPARED] if earlier.facts.get("files")), None)
    if filled and record.facts.get("files") == 0:
        yield (
            f"'{snapshot}' holds no file of {record.name}, and '{filled}' before it does. "
            "Was the folder moved, or a disk not mounted?"
        )


def _verification(
    complete: Sequence[Snapshot], backups: Sequence[Snapshot], thresholds: HealthThresholds, now: datetime
) -> Iterator[HealthCheck]:
    found = [(snapshot, *verified) for snapshot in backups if (verified := _verified(snapshot))]
    failed = [snapshot.name for snapshot in complete if (verified := _verified(snapshot)) and not verified[1]]
    if failed:
        yield HealthCheck("verified", "critical", f"The last verification did not find whole: {', '.join(failed)}.")
    elif thresholds.verify_age is not None and backups:
        # Before there was a first verification, the oldest snapshot says how long it has been due.
        since = max((at for _, at, _ in found), default=backups[-1].require_manifest().created_at)
        late = now - since > thresholds.verify_age
        what = f"Last verified {span_text(now - since)} ago" if found else "Never verified"
        due = f"; every {span_text(thresholds.verify_age)} is well: `manage.py snapshots verify`." if late else "."
        yield HealthCheck("verified", "warning" if late else "ok", what + due)


def _verified(snapshot: Snapshot) -> tuple[datetime, bool] | None:
    """Return when the snapshot was last verified, and whether it was found whole."""
    last = last_verification(snapshot)
    return (last.record.verified_at, last.record.ok) if last is not None and last.record is not None else None


def _space(complete: Sequence[Snapshot], thresholds: HealthThresholds, free_bytes: int | None) -> Iterator[HealthCheck]:
    if free_bytes is None:
        return
    next_bytes = complete[0].require_manifest().stored_size_bytes if complete else 0
    state: State = "ok"
    if free_bytes < max(2 * next_bytes, thresholds.free_bytes or 0):
        state = "critical" if free_bytes < next_bytes else "warning"
    more = f", the newest snapshot has {format_size(next_bytes)}" if state != "ok" else ""
    yield HealthCheck("space", state, f"Free where the snapshots are: {format_size(free_bytes)}{more}.")


def _measures(
    snapshots: Sequence[Snapshot],
    complete: Sequence[Snapshot],
    backups: Sequence[Snapshot],
    free_bytes: int | None,
    now: datetime,
) -> dict[str, float]:
    measures: dict[str, float] = {
        "complete_snapshots": len(complete),
        "damaged_snapshots": len(snapshots) - len(complete),
        "stored_bytes": sum(s.manifest.stored_size_bytes for s in snapshots if s.manifest),
    }
    if backups:
        manifest = backups[0].require_manifest()
        measures["newest_timestamp_seconds"] = manifest.created_at.timestamp()
        measures["newest_age_seconds"] = (now - manifest.created_at).total_seconds()
        measures["newest_size_bytes"] = manifest.stored_size_bytes
    verified = [found[0].timestamp() for snapshot in complete if (found := _verified(snapshot))]
    if verified:
        measures["verified_timestamp_seconds"] = max(verified)
    if free_bytes is not None:
        measures["free_bytes"] = free_bytes
    return measures
