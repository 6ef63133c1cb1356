"""Each rule of the policy, its reasons, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from django_snapshots.errors import SnapshotPruneError
from django_snapshots.retention import Candidate, Decision, Policy, decide, duration_text

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(text: str, **more: Any) -> Candidate:
    """Return a snapshot named after its date, which is of UTC unless it says otherwise."""
    moment = datetime.fromisoformat(text)
    return Candidate(text, moment if moment.tzinfo else moment.replace(tzinfo=UTC), **more)


def decided(policy: Policy, *candidates: Candidate, zone: Any = UTC, now: datetime = NOW) -> dict[str, Decision]:
    return {each.name: each for each in decide(policy, candidates, now=now, zone=zone)}


def reasons(policy: Policy, *candidates: Candidate, zone: Any = UTC) -> list[str]:
    return ["; ".join(each.reasons) for each in decided(policy, *candidates, zone=zone).values()]


def test_the_newest_are_kept_by_their_date_and_not_by_their_order() -> None:
    assert reasons(Policy(keep=2), at("2026-11-20"), at("2026-11-22"), at("2026-11-21")) == [
        "no rule keeps it",
        "last 1 of 2",
        "last 2 of 2",
    ]


def test_of_each_day_the_newest_is_kept_and_days_without_a_backup_do_not_count() -> None:
    week = [at("2026-11-22T09:00"), at("2026-11-22T08:00"), at("2026-11-10T09:00"), at("2025-01-01"), at("2024-01-01")]

    assert reasons(Policy(keep_daily=3), *week) == [
        "daily 1 of 3",
        "no rule keeps it",
        "daily 2 of 3",
        "daily 3 of 3",
        "no rule keeps it",
    ]


def test_rules_add_up_and_every_reason_is_said() -> None:
    policy = Policy(keep=1, keep_hourly=1, keep_daily=2, keep_weekly=1, keep_monthly=1, keep_yearly=1)

    assert reasons(policy, at("2026-11-22"), at("2026-11-21"), at("2026-11-20")) == [
        "last 1 of 1; hourly 1 of 1; daily 1 of 2; weekly 1 of 1; monthly 1 of 1; yearly 1 of 1",
        "daily 2 of 2",
        "no rule keeps it",
    ]


def test_a_day_is_a_day_of_the_project() -> None:
    evening, night = at("2026-11-20T22:30"), at("2026-11-20T23:30")

    assert reasons(Policy(keep_daily=9), evening, night) == ["no rule keeps it", "daily 1 of 9"]
    assert reasons(Policy(keep_daily=9), evening, night, zone=BERLIN) == ["daily 2 of 9", "daily 1 of 9"]


def test_a_week_begins_on_monday_and_may_hold_a_new_year() -> None:
    thursday, sunday, monday = at("2020-12-31"), at("2021-01-03T23:59"), at("2021-01-04")

    assert reasons(Policy(keep_weekly=9), thursday, sunday, monday) == [
        "no rule keeps it",
        "weekly 2 of 9",
        "weekly 1 of 9",
    ]


def test_the_hour_that_clocks_show_twice_is_two_hours() -> None:
    first, again = at("2026-10-25T00:30"), at("2026-10-25T01:30")  # 02:30 in Berlin, both

    assert reasons(Policy(keep_hourly=9), first, again, zone=BERLIN) == ["hourly 2 of 9", "hourly 1 of 9"]
    assert reasons(Policy(keep_daily=9), first, again, zone=BERLIN) == ["no rule keeps it", "daily 1 of 9"]


def test_a_moment_with_an_offset_of_its_own_is_that_moment() -> None:
    tokyo, utc = at("2026-11-21T08:00+09:00"), at("2026-11-20T23:30")  # 23:00 and 23:30 UTC

    assert reasons(Policy(keep=1), tokyo, utc) == ["no rule keeps it", "last 1 of 1"]


def test_dates_of_the_project_s_own_zone_are_compared_as_moments() -> None:
    # Two aware datetimes of one zoneinfo compare by what the clock shows: 02:10 again would be older than 02:50.
    first = Candidate("first", datetime(2026, 10, 25, 2, 50, tzinfo=BERLIN))
    again = Candidate("again", datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=BERLIN))

    assert reasons(Policy(keep=1), first, again, zone=BERLIN) == ["no rule keeps it", "last 1 of 1"]


def test_of_equal_dates_the_greater_name_is_the_newer() -> None:
    same = [Candidate(name, NOW) for name in ("b", "c", "a")]

    assert reasons(Policy(keep=1), *same) == ["no rule keeps it", "last 1 of 1", "no rule keeps it"]


def test_within_is_counted_from_the_newest_so_that_nothing_goes_away_when_backups_stop() -> None:
    old = [at("2020-03-01T12:00"), at("2020-02-29T12:00"), at("2020-02-28T11:59")]

    assert reasons(Policy(keep_within=timedelta(days=2)), *old) == [
        "within 2 days",
        "within 2 days",
        "no rule keeps it",
    ]


def test_a_snapshot_from_the_future_is_kept_and_takes_nobody_s_place() -> None:
    policy = Policy(keep=1, keep_daily=1, keep_within=timedelta(hours=1))

    assert reasons(policy, at("2035-01-01"), at("2026-11-22"), at("2026-11-21")) == [
        "dated in the future, and not counted",
        "last 1 of 1; daily 1 of 1; within 1 hour",
        "no rule keeps it",
    ]


def test_a_damaged_snapshot_is_neither_counted_nor_deleted() -> None:
    torn = at("2026-11-22", damage="Missing from the storage: media.tar.zst.")
    unreadable = Candidate("unreadable", None, damage="The manifest is damaged.")

    assert reasons(Policy(keep=1), torn, at("2026-11-21"), at("2026-11-20"), unreadable) == [
        "damaged, and not counted; look at it, then delete it by name",
        "last 1 of 1",
        "no rule keeps it",
        "damaged, and not counted; look at it, then delete it by name",
    ]


@pytest.mark.parametrize("moment", [None, datetime.min.replace(tzinfo=ZoneInfo("Asia/Tokyo"))])
def test_a_snapshot_without_a_usable_date_is_kept(moment: datetime | None) -> None:
    assert reasons(Policy(keep=1), Candidate("odd", moment), at("2026-11-21"))[0] == "its date cannot be read"


def test_a_pin_keeps_and_comes_first_among_the_reasons() -> None:
    assert reasons(
        Policy(keep=1), at("2026-11-22", pin="pinned until 2027-01-01: audit"), at("2026-11-21", pin="pinned")
    ) == ["pinned until 2027-01-01: audit; last 1 of 1", "pinned"]


def test_the_size_limit_takes_the_oldest_from_what_the_rules_keep() -> None:
    sized = [at(f"2026-11-{day}", size_bytes=1024) for day in (22, 21, 20, 19)]

    assert reasons(Policy(keep=3, max_size_bytes=2048), *sized) == [
        "last 1 of 3",
        "last 2 of 3",
        "beyond MAX_SIZE 2.0 KiB",
        "no rule keeps it",
    ]


def test_the_size_limit_alone_keeps_the_newest_that_fit() -> None:
    sized = [at("2026-11-22", size_bytes=1024), at("2026-11-21", size_bytes=4096), at("2026-11-20", size_bytes=1)]

    assert reasons(Policy(max_size_bytes=2048), *sized) == [
        "within MAX_SIZE 2.0 KiB",
        "beyond MAX_SIZE 2.0 KiB",
        "beyond MAX_SIZE 2.0 KiB",
    ]


def test_a_pin_holds_against_the_size_limit() -> None:
    big = at("2026-11-21", size_bytes=4096, pin="pinned")

    assert reasons(Policy(max_size_bytes=2048), at("2026-11-22", size_bytes=1), big)[1] == "pinned"


@pytest.mark.parametrize("policy", [Policy(), Policy(min_keep=3)])
def test_an_empty_policy_is_refused(policy: Policy) -> None:
    with pytest.raises(SnapshotPruneError, match="would keep nothing. Nothing was deleted") as caught:
        decide(policy, [at("2026-11-22")], now=NOW, zone=UTC)

    assert caught.value.reason == "empty policy"


def test_an_empty_storage_is_no_reason_to_refuse() -> None:
    assert decide(Policy(keep=1), [], now=NOW, zone=UTC) == []


def test_a_result_below_the_floor_is_refused_with_its_numbers() -> None:
    sized = [at("2026-11-22", size_bytes=3000), at("2026-11-21"), at("2026-11-20", damage="torn")]

    with pytest.raises(SnapshotPruneError) as caught:
        decide(Policy(max_size_bytes=2048), sized, now=NOW, zone=UTC)

    assert caught.value.reason == "below the floor"
    assert "Of 2 complete snapshots the policy would leave 0, and MIN_KEEP is 1. Nothing was deleted." in str(
        caught.value
    )


def test_a_backup_of_the_database_alone_does_not_push_out_the_last_one_with_media() -> None:
    whole = ("database/default", "media", "environment")
    nights = [at(f"2026-11-{day}", artifacts=("database/default",)) for day in (22, 21, 20)]
    weeks = [at("2026-11-16", artifacts=whole), at("2026-11-09", artifacts=whole)]

    assert reasons(Policy(keep=2), *nights, *weeks) == [
        "last 1 of 2",
        "last 2 of 2",
        "no rule keeps it",
        "newest with media, environment",
        "no rule keeps it",
    ]


def test_what_lacks_something_does_not_push_out_the_last_one_that_has_all_of_an_artifact() -> None:
    whole = ("database/default", "media")
    nights = [at(f"2026-11-{day}", artifacts=whole, lacking=("media",)) for day in (22, 21)]
    weeks = [at("2026-11-16", artifacts=whole), at("2026-11-09", artifacts=whole)]

    assert reasons(Policy(keep=1), *nights, *weeks) == [
        "last 1 of 1",
        "no rule keeps it",
        "newest with all of media",
        "no rule keeps it",
    ]


def test_what_lacks_something_is_the_last_of_an_artifact_where_no_other_holds_it() -> None:
    nights = [at(f"2026-11-{day}", artifacts=("database/default",)) for day in (22, 21)]
    weeks = [at(f"2026-11-{day}", artifacts=("media",), lacking=("media",)) for day in (16, "09")]

    assert reasons(Policy(keep=1), *nights, *weeks)[2:] == ["newest with media", "no rule keeps it"]


def test_the_newest_with_an_artifact_counts_as_such_only_when_it_is_complete_and_of_the_past() -> None:
    torn = at("2026-11-21", artifacts=("media",), damage="torn")
    ahead = at("2035-01-01", artifacts=("media",))

    assert reasons(Policy(keep=1), ahead, at("2026-11-22"), torn, at("2026-11-20", artifacts=("media",)))[3] == (
        "newest with media"
    )


def test_the_size_limit_does_not_take_the_last_of_an_artifact() -> None:
    sized = [at(f"2026-11-{day}", size_bytes=4096, artifacts=("media",)) for day in (22, 21)]

    assert reasons(Policy(max_size_bytes=2048), *sized) == ["newest with media", "beyond MAX_SIZE 2.0 KiB"]
    assert reasons(Policy(keep=2, max_size_bytes=2048), *sized) == ["newest with media", "beyond MAX_SIZE 2.0 KiB"]


def test_what_a_restore_saved_is_the_newest_with_an_artifact_only_where_no_backup_has_it() -> None:
    old = datetime(2026, 1, 1, tzinfo=UTC)
    saved = [Candidate(f"pre-restore-{day}", old + timedelta(days=day), artifacts=("media", "old")) for day in range(5)]

    found = reasons(Policy(keep=1), *saved[:1], at("2026-11-22", artifacts=("media",)))
    assert found == ["last 1 of 3 that restores saved", "last 1 of 1"]
    gone = [Candidate("pre-restore-z", old - timedelta(days=1), artifacts=("media", "older")), *saved]
    assert reasons(Policy(keep=1), *gone, at("2025-11-22", artifacts=("media",)))[:2] == [
        "newest with older",
        "what restores saved is kept for 7 days, the last 3 for longer",
    ]


def test_what_restores_saved_takes_no_place_from_the_backups_and_goes_after_a_week() -> None:
    nights = [at("2026-11-22T02:00"), at("2026-11-21T02:00")]
    days = (*(22, 16, 15, 14), 13)
    saved = [Candidate(f"pre-restore-{day}", datetime(2026, 11, day, 12, tzinfo=UTC)) for day in days]

    assert reasons(Policy(keep_daily=2, keep=1), *saved, *nights) == [
        "last 1 of 3 that restores saved; saved by a restore within 7 days",
        "last 2 of 3 that restores saved; saved by a restore within 7 days",
        "last 3 of 3 that restores saved; saved by a restore within 7 days",
        "what restores saved is kept for 7 days, the last 3 for longer",
        "what restores saved is kept for 7 days, the last 3 for longer",
        "last 1 of 1; daily 1 of 2",
        "daily 2 of 2",
    ]


def test_all_that_restores_saved_within_a_week_is_kept_however_many_there_are() -> None:
    saved = [Candidate(f"pre-restore-{hour:02}", datetime(2026, 11, 21, hour, tzinfo=UTC)) for hour in range(9)]

    found = reasons(Policy(keep=1), *saved, at("2026-11-22T02:00"))

    assert found[0] == "saved by a restore within 7 days"
    assert "kept for 7 days" not in "; ".join(found)


def test_what_restores_saved_goes_before_a_backup_when_the_size_is_limited() -> None:
    saved = Candidate("pre-restore-1", datetime(2026, 11, 22, 9, tzinfo=UTC), size_bytes=1000)

    assert reasons(Policy(max_size_bytes=2048), saved, at("2026-11-21", size_bytes=2000)) == [
        "beyond MAX_SIZE 2.0 KiB",
        "within MAX_SIZE 2.0 KiB",
    ]


def test_what_restores_saved_holds_no_floor_for_the_backups() -> None:
    saved = Candidate("pre-restore-1", datetime(2026, 11, 22, 9, tzinfo=UTC), pin="pinned")

    with pytest.raises(SnapshotPruneError, match=r"Of 2 backups, without pre-restore-…, the policy would leave 1"):
        decide(Policy(keep=1, min_keep=2), [saved, at("2026-11-22"), at("2026-11-21")], now=NOW, zone=UTC)


def test_what_deletes_nothing_is_never_below_the_floor() -> None:
    assert reasons(Policy(keep=5, min_keep=5), at("2026-11-22")) == ["last 1 of 5"]


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(days=30), "30 days"),
        (timedelta(days=1, hours=12), "1 day 12 hours"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(0), "0 seconds"),
    ],
)
def test_a_duration_is_said_as_people_say_it(duration: timedelta, text: str) -> None:
    assert duration_text(duration) == text
