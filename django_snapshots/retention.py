"""What a retention policy keeps, and why. Pure: opens nothing, has no clock; asks nobody for the time zone.

The rules are those of docs/explanation/retention.md, in the same order. They only ever add up: what one rule keeps, no
other rule takes away. MAX_SIZE alone takes away, the oldest first, but never the last of an artifact.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from django_snapshots.errors import SnapshotPruneError
from django_snapshots.names import SAFETY_PREFIX
from django_snapshots.scratch import format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from datetime import datetime, tzinfo

__all__ = ["Candidate", "Decision", "Policy", "decide", "duration_text", "require_rules"]

Action = Literal["keep", "delete"]
_Counted = tuple["datetime", "Candidate"]
"""A snapshot that takes part in the rules, with its date in UTC."""

_NO_RULE = "no rule keeps it"
_SAFETY_KEEP = 3
_SAFETY_WITHIN = timedelta(days=7)
"""What restores saved is kept for: time enough to find that a restore was a mistake, and its last few in any case."""
_SAFETY_OVER = f"what restores saved is kept for 7 days, the last {_SAFETY_KEEP} for longer"
_LIMITS = frozenset({"max_size_bytes", "min_keep"})


@dataclass(frozen=True, slots=True)
class Policy:
    """What to keep. A rule that is None is no rule; a policy without any rule is empty, and refused.

    Attributes:
        keep: The newest so many.
        keep_hourly: The newest of each of the last so many hours that have one; days, weeks, months, years likewise.
        keep_within: All that are at most this much older than the newest.
        max_size_bytes: Of what the rules keep, the newest whose stored sizes add up to no more than this.
        min_keep: The floor: fewer complete snapshots than this must never be what is left.
    """

    keep: int | None = None
    keep_hourly: int | None = None
    keep_daily: int | None = None
    keep_weekly: int | None = None
    keep_monthly: int | None = None
    keep_yearly: int | None = None
    keep_within: timedelta | None = None
    max_size_bytes: int | None = None
    min_keep: int = 1

    @property
    def has_rules(self) -> bool:
        """Whether a rule says what to keep."""
        return any(getattr(self, each.name) is not None for each in fields(self) if each.name not in _LIMITS)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing at all: neither what to keep nor how much."""
        return not self.has_rules and self.max_size_bytes is None


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a decision needs to know of a snapshot.

    Attributes:
        name: Its name.
        created_at: When its backup began, aware; None where that cannot be read, which is damage.
        size_bytes: As stored.
        pin: Why it is pinned, such as "pinned until 2027-01-01: audit"; None for no pin.
        damage: Why it cannot be restored as it is; None for a complete one.
        artifacts: The names of those it holds.
        lacking: Those of them that it holds only in part, because some of it could not be read.
    """

    name: str
    created_at: datetime | None
    size_bytes: int = 0
    pin: str | None = None
    damage: str | None = None
    artifacts: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def is_safety(self) -> bool:
        """Whether a restore saved it: it holds what that replaced, perhaps a small part of the project."""
        return self.name.startswith(SAFETY_PREFIX)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of a snapshot.

    Attributes:
        name: Its name.
        action: "keep" or "delete".
        reasons: Why, at least one; such as "daily 3 of 7".
    """

    name: str
    action: Action
    reasons: tuple[str, ...]


def decide(policy: Policy, candidates: Iterable[Candidate], *, now: datetime, zone: tzinfo) -> list[Decision]:
    """Return a decision on every snapshot, in the order they were given.

    Args:
        policy: What to keep.
        candidates: All snapshots of one storage, damaged ones too.
        now: The present, aware.
        zone: The time zone whose hours, days, weeks, months and years count.

    Raises:
        SnapshotPruneError: The policy is empty, or something would be deleted and fewer than `min_keep` be left.
    """
    require_rules(policy)
    candidates = list(candidates)
    reasons = _reasons(policy, candidates, now.astimezone(UTC), zone)
    decisions = [_decision(candidate, reasons[candidate.name]) for candidate in candidates]
    _require_floor(policy, candidates, decisions)
    return decisions


def require_rules(policy: Policy) -> None:
    """Check that a policy says something.

    Raises:
        SnapshotPruneError: It is empty.
    """
    if policy.is_empty:
        raise SnapshotPruneError(
            "There is no retention policy: it would keep nothing. Nothing was deleted. "
            "Say what to keep in SNAPSHOTS['PRUNE'], such as {'KEEP_DAILY': 7}, or with --keep-daily 7.",
            reason="empty policy",
        )


@dataclass(slots=True)
class _Reasons:
    """Why a snapshot is kept, and what takes it away nevertheless."""

    keeping: list[str]
    against: str | None = None


def _reasons(policy: Policy, candidates: Sequence[Candidate], now: datetime, zone: tzinfo) -> dict[str, _Reasons]:
    reasons = {candidate.name: _Reasons([]) for candidate in candidates}
    counted: list[_Counted] = []
    for candidate in candidates:
        moment = _in_utc(candidate.created_at)
        reasons[candidate.name].keeping += _kept_whatever_the_rules(candidate, moment, now)
        if candidate.damage is None and moment is not None and moment <= now:
            counted.append((moment, candidate))
    counted.sort(key=lambda pair: (pair[0], pair[1].name), reverse=True)
    ruled = {candidate.name: _Reasons([]) for _, candidate in counted}
    backups = [pair for pair in counted if not pair[1].is_safety]
    safety = [pair for pair in counted if pair[1].is_safety]
    for name, reason in _kept_by_rules(policy, backups, zone):
        ruled[name].keeping.append(reason)
    for rank, (moment, candidate) in enumerate(safety, start=1):
        _judge_safety(ruled[candidate.name], rank, now - moment)
    in_order = [candidate for _, candidate in (*backups, *safety)]
    _limit_size(policy, in_order, ruled)
    held = _newest_with(in_order)
    for name, found in ruled.items():
        if not found.keeping:
            found.keeping += held[name]
        reasons[name].keeping += found.keeping
        reasons[name].against = found.against
    return reasons


def _judge_safety(reasons: _Reasons, rank: int, age: timedelta) -> None:
    if rank <= _SAFETY_KEEP:
        reasons.keeping.append(f"last {rank} of {_SAFETY_KEEP} that restores saved")
    if age <= _SAFETY_WITHIN:
        reasons.keeping.append(f"saved by a restore within {duration_text(_SAFETY_WITHIN)}")
    if not reasons.keeping:
        reasons.against = _SAFETY_OVER


def _newest_with(in_order: Sequence[Candidate]) -> dict[str, list[str]]:
    """Return, by the name of a snapshot, why it is the last of an artifact: the first to hold it, or to hold all of it.

    What lacks something takes no place from the last whole one. It has one of its own: of an artifact that can never be
    read as a whole it is all there is.
    """
    held: dict[str, list[str]] = {candidate.name: [] for candidate in in_order}
    seen: set[str] = set()
    seen_whole: set[str] = set()
    for candidate in in_order:
        whole = [name for name in candidate.artifacts if name not in candidate.lacking]
        first = [name for name in candidate.artifacts if name not in seen]
        first_whole = [name for name in whole if name in seen and name not in seen_whole]
        texts = (("newest with", first), ("newest with all of", first_whole))
        held[candidate.name] += [f"{words} {', '.join(names)}" for words, names in texts if names]
        seen.update(candidate.artifacts)
        seen_whole.update(whole)
    return held


def _in_utc(moment: datetime | None) -> datetime | None:
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:  # the first and last hours that a datetime can hold: no clock ever said that
        return None


def _kept_whatever_the_rules(candidate: Candidate, moment: datetime | None, now: datetime) -> list[str]:
    reasons = [candidate.pin] if candidate.pin is not None else []
    if candidate.damage is not None:
        reasons.append("damaged, and not counted; look at it, then delete it by name")
    elif moment is None:
        reasons.append("its date cannot be read")
    elif moment > now:
        # A clock was wrong, or is. As the newest for years it would take the place of every later one.
        reasons.append("dated in the future, and not counted")
    return reasons


def _kept_by_rules(policy: Policy, counted: Sequence[_Counted], zone: tzinfo) -> Iterable[tuple[str, str]]:
    """Yield the name of a snapshot and why a rule keeps it, in the order of the rules; `counted` is newest first."""
    names = [candidate.name for _, candidate in counted]
    for rank, name in enumerate(names[: policy.keep or 0], start=1):
        yield name, f"last {rank} of {policy.keep}"
    periods = _periods(policy)
    local = [moment.astimezone(zone) for moment, _ in counted] if periods else []
    for word, count, period in periods:
        seen: set[Hashable] = set()
        for name, moment in zip(names, local, strict=True):
            if len(seen) == count:
                break
            key = period(moment)
            if key not in seen:
                seen.add(key)
                yield name, f"{word} {len(seen)} of {count}"
    if policy.keep_within is not None and counted:
        newest = counted[0][0]
        text = f"within {duration_text(policy.keep_within)}"
        yield from ((candidate.name, text) for moment, candidate in counted if newest - moment <= policy.keep_within)


def _periods(policy: Policy) -> list[tuple[str, int, Callable[[datetime], Hashable]]]:
    """Return each rule that counts periods: its word, how many, and what tells two periods of its kind apart."""
    rules: list[tuple[str, int | None, Callable[[datetime], Hashable]]] = [
        # The offset makes two hours of the one that clocks show twice when they are put back.
        ("hourly", policy.keep_hourly, lambda at: (at.date(), at.hour, at.utcoffset())),
        ("daily", policy.keep_daily, lambda at: at.date()),
        ("weekly", policy.keep_weekly, lambda at: at.isocalendar()[:2]),  # ISO 8601: weeks begin on Monday
        ("monthly", policy.keep_monthly, attrgetter("year", "month")),
        ("yearly", policy.keep_yearly, attrgetter("year")),
    ]
    return [(word, count, period) for word, count, period in rules if count is not None]


def _limit_size(policy: Policy, in_order: Sequence[Candidate], reasons: dict[str, _Reasons]) -> None:
    """Take away what lies beyond MAX_SIZE, counted from the first; without another rule all backups are counted."""
    limit = policy.max_size_bytes
    if limit is None:
        return
    total_bytes = 0
    for candidate in in_order:
        mine = reasons[candidate.name]
        unruled = not policy.has_rules and not candidate.is_safety
        if not unruled and not mine.keeping:
            continue
        total_bytes += candidate.size_bytes
        if total_bytes > limit:
            mine.keeping.clear()
            mine.against = f"beyond MAX_SIZE {format_size(limit)}"
        elif unruled:
            mine.keeping.append(f"within MAX_SIZE {format_size(limit)}")


def _decision(candidate: Candidate, reasons: _Reasons) -> Decision:
    if reasons.keeping:
        return Decision(candidate.name, "keep", tuple(reasons.keeping))
    return Decision(candidate.name, "delete", (reasons.against or _NO_RULE,))


def _require_floor(policy: Policy, candidates: Sequence[Candidate], decisions: Sequence[Decision]) -> None:
    # What restores saved holds no floor for the backups; where there is nothing else it has the floor for itself.
    gone = {decision.name for decision in decisions if decision.action == "delete"}
    complete = [candidate for candidate in candidates if candidate.damage is None]
    backups = [candidate for candidate in complete if not candidate.is_safety]
    for what, counted in (("complete snapshots", complete), (f"backups, without {SAFETY_PREFIX}…,", backups)):
        left = sum(candidate.name not in gone for candidate in counted)
        if left < len(counted) and left < policy.min_keep:
            raise SnapshotPruneError(
                f"Of {len(counted)} {what} the policy would leave {left}, and MIN_KEEP is {policy.min_keep}. "
                "Nothing was deleted. Keep more, or raise MAX_SIZE; `manage.py snapshots list` shows names and sizes.",
                reason="below the floor",
            )


def duration_text(duration: timedelta) -> str:
    """Return a duration for people, such as "30 days" or "1 day 12 hours"; seconds are the smallest unit."""
    seconds = int(duration.total_seconds())
    parts = []
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(parts) or "0 seconds"
