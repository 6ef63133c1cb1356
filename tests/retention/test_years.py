"""Three years of nightly backups, pruned after each: every night exactly the documented set is there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from django_snapshots.retention import Candidate, Policy, decide

BERLIN = ZoneInfo("Europe/Berlin")
NIGHTS = 1095
POLICY = Policy(keep_daily=7, keep_weekly=4, keep_monthly=12, keep_yearly=3)
FIRST = date(2023, 11, 22)  # a leap year lies between


def documented(today: date) -> set[date]:
    """Return the nights that are there after the backup of `today`, by the calendar alone."""
    nights = {today - timedelta(days=ago) for ago in range((today - FIRST).days + 1)}
    weeks = sorted({night - timedelta(days=night.weekday()) for night in nights})[-4:]
    months = sorted({(night.year, night.month) for night in nights})[-12:]
    years = sorted({night.year for night in nights})[-3:]
    kept = set(sorted(nights)[-7:])
    kept |= {max(night for night in nights if night - timedelta(days=night.weekday()) == week) for week in weeks}
    kept |= {max(night for night in nights if (night.year, night.month) == month) for month in months}
    return kept | {max(night for night in nights if night.year == year) for year in years}


@pytest.mark.parametrize("hour", [2, 23])
def test_every_night_of_three_years_exactly_the_documented_set_is_left(hour: int) -> None:
    left: list[Candidate] = []
    for number in range(NIGHTS):
        night = FIRST + timedelta(days=number)
        made = datetime(night.year, night.month, night.day, hour, 30, tzinfo=BERLIN).astimezone(UTC)
        left.append(Candidate(night.isoformat(), made))
        decisions = decide(POLICY, left, now=made + timedelta(minutes=5), zone=BERLIN)
        kept = {decision.name for decision in decisions if decision.action == "keep"}
        left = [candidate for candidate in left if candidate.name in kept]
        assert kept == {each.isoformat() for each in documented(night)}, night
    assert len(left) == 21
