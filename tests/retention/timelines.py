"""Strategies for policies and for what years of backups leave: clock changes, leap days, equal dates, jumps, damage,
and what restores saved.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from django_snapshots.retention import Candidate, Policy

__all__ = ["policies", "timelines", "zones"]

# Clocks put back at midnight (Havana), at one minute past it (St. John's before 2011), by half an hour (Lord Howe);
# a day that was left out (Apia, 30 December 2011); far from UTC on both sides; and none of all that.
ZONES = [
    *("UTC", "Europe/Berlin", "America/New_York", "America/Havana", "America/St_Johns", "Australia/Lord_Howe"),
    *("Pacific/Apia", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Casablanca", "Asia/Kathmandu"),
]
EVENTS = [
    *(datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),  # Berlin, forward and back
    *(datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 11, 1, 5, tzinfo=UTC)),  # New York, Havana, back
    *(datetime(2010, 11, 7, 2, 31, tzinfo=UTC), datetime(2026, 4, 4, 15, tzinfo=UTC)),  # St. John's, Lord Howe, back
    *(datetime(2011, 12, 30, 10, tzinfo=UTC), datetime(2024, 2, 29, 12, tzinfo=UTC)),  # Apia; a leap day
    *(datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2021, 1, 3, 23, tzinfo=UTC)),  # a new year; week 53
]

zones = st.sampled_from(ZONES).map(ZoneInfo)
_counts = st.one_of(st.none(), st.integers(1, 8))
_steps = st.one_of(
    st.just(timedelta(0)),
    st.sampled_from([timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)]),
    st.timedeltas(timedelta(0), timedelta(hours=3)),
    st.timedeltas(timedelta(0), timedelta(days=40)),
    st.timedeltas(timedelta(days=-400), timedelta(0)),  # a clock that is put back
)

policies = st.builds(
    Policy,
    keep=_counts,
    keep_hourly=_counts,
    keep_daily=_counts,
    keep_weekly=_counts,
    keep_monthly=_counts,
    keep_yearly=_counts,
    keep_within=st.one_of(st.none(), st.timedeltas(timedelta(minutes=1), timedelta(days=60))),
    max_size_bytes=st.one_of(st.none(), st.none(), st.integers(1, 60)),
    min_keep=st.integers(1, 3),
)


@st.composite
def timelines(draw: st.DrawFn) -> tuple[list[Candidate], datetime]:
    """Return the snapshots of one storage in any order, and a present that need not be after the last."""
    moment = draw(st.sampled_from(EVENTS)) - draw(st.timedeltas(timedelta(0), timedelta(days=3)))
    candidates: list[Candidate] = []
    for step in draw(st.lists(_steps, max_size=25)):
        moment += step
        prefix = draw(st.sampled_from(["s", "s", "s", "pre-restore-"]))
        candidates.append(draw(_candidate(f"{prefix}{len(candidates):02}", moment)))
    now = moment + draw(st.one_of(st.just(timedelta(0)), st.timedeltas(timedelta(days=-30), timedelta(days=30))))
    return draw(st.permutations(candidates)), now


def _candidate(name: str, moment: datetime) -> st.SearchStrategy[Candidate]:
    return st.builds(
        Candidate,
        st.just(name),
        st.just(moment),
        size_bytes=st.integers(0, 9),
        pin=st.sampled_from([None, None, None, None, "pinned"]),
        damage=st.sampled_from([None, None, None, None, None, "its manifest is torn"]),
        artifacts=st.sampled_from([(), ("a",), ("a",), ("a", "b"), ("b", "c")]),
        lacking=st.sampled_from([(), (), (), ("a",), ("b",)]),
    )
