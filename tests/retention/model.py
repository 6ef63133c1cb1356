"""Retention as docs/explanation/retention.md says it, written a second time: by its sentences, at any cost.

It shares nothing with the code but the classes that go in.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

    from django_snapshots.retention import Candidate, Policy

__all__ = ["kept_names", "left_is_below_the_floor", "ruled_names"]


def start_of_hour(at: datetime, zone: ZoneInfo) -> object:
    """Return what tells this hour from every other: what the clock shows, and whether it shows it again."""
    local = at.astimezone(zone)
    return local.strftime("%Y-%m-%d %H"), local.tzname(), local.utcoffset()


def monday_of(local: datetime) -> str:
    return (local.date() - timedelta(days=local.weekday())).isoformat()


PERIODS: dict[str, Callable[[datetime, ZoneInfo], object]] = {
    "keep_hourly": start_of_hour,
    "keep_daily": lambda at, zone: at.astimezone(zone).strftime("%Y-%m-%d"),
    "keep_weekly": lambda at, zone: monday_of(at.astimezone(zone)),
    "keep_monthly": lambda at, zone: at.astimezone(zone).strftime("%Y-%m"),
    "keep_yearly": lambda at, zone: at.astimezone(zone).strftime("%Y"),
}


def is_counted(candidate: Candidate, now: datetime) -> bool:
    return candidate.damage is None and candidate.created_at is not None and not candidate.created_at > now


def is_newer(one: Candidate, other: Candidate) -> bool:
    assert one.created_at is not None
    assert other.created_at is not None
    first, second = one.created_at.astimezone(UTC), other.created_at.astimezone(UTC)
    return first > second or (first == second and one.name > other.name)


def kept_names(policy: Policy, candidates: Sequence[Candidate], now: datetime, zone: ZoneInfo) -> set[str]:
    """Return the names of all that is not deleted."""
    counted = [candidate for candidate in candidates if is_counted(candidate, now)]
    never_deleted = {candidate.name for candidate in candidates if not is_counted(candidate, now)}
    pinned = {candidate.name for candidate in candidates if candidate.pin is not None}
    backups = [one for one in counted if not is_saved_by_a_restore(one)]
    saved = [one for one in counted if is_saved_by_a_restore(one)]
    ruled = ruled_names(policy, backups, zone) | saved_names(saved, now)
    return never_deleted | within_size(policy, counted, ruled) | pinned | last_holders(counted)


def saved_names(saved: Sequence[Candidate], now: datetime) -> set[str]:
    """Return the names that are kept of what restores saved, whatever its size."""
    of_a_week = {one.name for one in saved if one.created_at is not None and one.created_at >= now - timedelta(days=7)}
    return of_a_week | {one.name for one in saved if sum(is_newer(other, one) for other in saved) < 3}


def last_holders(counted: Sequence[Candidate]) -> set[str]:
    """Return the names of the newest backup with each artifact, and with all of it.

    Where no backup has it, of what a restore saved.
    """

    def is_last_with(one: Candidate, artifact: str) -> bool:
        return not any(artifact in other.artifacts and comes_before(other, one) for other in counted)

    def is_last_with_all_of(one: Candidate, artifact: str) -> bool:
        return holds_all_of(one, artifact) and not any(
            holds_all_of(other, artifact) and comes_before(other, one) for other in counted
        )

    return {
        one.name
        for one in counted
        if any(is_last_with(one, artifact) or is_last_with_all_of(one, artifact) for artifact in one.artifacts)
    }


def holds_all_of(one: Candidate, artifact: str) -> bool:
    return artifact in one.artifacts and artifact not in one.lacking


def is_saved_by_a_restore(candidate: Candidate) -> bool:
    return candidate.name.startswith("pre-restore-")


def ruled_names(policy: Policy, counted: Sequence[Candidate], zone: ZoneInfo) -> set[str]:
    """Return the names that the rules keep of one kind, whatever its size."""
    kept: set[str] = set()
    if policy.keep is not None:
        kept |= {one.name for one in counted if sum(is_newer(other, one) for other in counted) < policy.keep}
    for rule, period_of in PERIODS.items():
        count = getattr(policy, rule)
        if count is not None:
            kept |= newest_of_last_periods(counted, count, period_of, zone)
    if policy.keep_within is not None:
        for one in counted:
            if all(other.created_at - one.created_at <= policy.keep_within for other in counted):  # type: ignore[operator]
                kept.add(one.name)
    return kept


def newest_of_last_periods(
    counted: Sequence[Candidate], count: int, period_of: Callable[[datetime, ZoneInfo], object], zone: ZoneInfo
) -> set[str]:
    def period(one: Candidate) -> object:
        assert one.created_at is not None
        return period_of(one.created_at, zone)

    newest = [
        one
        for one in counted
        if not any(period(other) == period(one) and is_newer(other, one) for other in counted if other is not one)
    ]
    return {one.name for one in newest if sum(is_newer(other, one) for other in newest) < count}


def within_size(policy: Policy, counted: Sequence[Candidate], kept: set[str]) -> set[str]:
    if policy.max_size_bytes is None:
        return kept
    rules = ("keep", "keep_within", *PERIODS)
    if all(getattr(policy, rule) is None for rule in rules):
        kept = kept | {one.name for one in counted if not is_saved_by_a_restore(one)}
    of_rules = [one for one in counted if one.name in kept]
    return {
        one.name
        for one in of_rules
        if one.size_bytes + sum(other.size_bytes for other in of_rules if comes_before(other, one))
        <= policy.max_size_bytes
    }


def comes_before(one: Candidate, other: Candidate) -> bool:
    if is_saved_by_a_restore(one) != is_saved_by_a_restore(other):
        return is_saved_by_a_restore(other)
    return is_newer(one, other)


def left_is_below_the_floor(policy: Policy, candidates: Sequence[Candidate], kept: set[str]) -> bool:
    """Say whether pruning must be refused."""
    complete_left = sum(one.damage is None for one in candidates if one.name in kept)
    backups = [one for one in candidates if not is_saved_by_a_restore(one)]
    backups_left = sum(one.damage is None for one in backups if one.name in kept)
    one_goes = any(one.name not in kept for one in candidates)
    backup_goes = any(one.name not in kept for one in backups)
    return (one_goes and complete_left < policy.min_keep) or (backup_goes and backups_left < policy.min_keep)
