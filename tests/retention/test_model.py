"""The rules against a second implementation of their documentation, over timelines that no person would think of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_snapshots.errors import SnapshotPruneError
from django_snapshots.retention import Policy, decide
from tests.retention import model
from tests.retention.timelines import policies, timelines, zones
from tests.soak import sized

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from django_snapshots.retention import Candidate

TIMELINES = sized(2_000, 20_000)
thousands = settings(
    max_examples=TIMELINES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
fewer = settings(thousands, max_examples=TIMELINES // 5)


def kept(policy: Policy, candidates: Sequence[Candidate], now: datetime, zone: ZoneInfo) -> set[str]:
    decisions = decide(replace(policy, min_keep=0), candidates, now=now, zone=zone)
    return {decision.name for decision in decisions if decision.action == "keep"}


@thousands
@given(policies, timelines(), zones)
def test_what_is_kept_is_what_the_documentation_says(
    policy: Policy, timeline: tuple[list[Candidate], datetime], zone: ZoneInfo
) -> None:
    candidates, now = timeline
    expected = model.kept_names(policy, candidates, now, zone)
    refused = policy.is_empty or model.left_is_below_the_floor(policy, candidates, expected)

    if refused:
        with pytest.raises(SnapshotPruneError):
            decide(policy, candidates, now=now, zone=zone)
        return
    decisions = decide(policy, candidates, now=now, zone=zone)

    assert [decision.name for decision in decisions] == [candidate.name for candidate in candidates]
    assert {decision.name for decision in decisions if decision.action == "keep"} == expected
    assert all(decision.reasons for decision in decisions)


@fewer
@given(policies.filter(lambda policy: not policy.is_empty), timelines(), zones)
def test_pruning_again_deletes_nothing(
    policy: Policy, timeline: tuple[list[Candidate], datetime], zone: ZoneInfo
) -> None:
    candidates, now = timeline
    left = [each for each in candidates if each.name in kept(policy, candidates, now, zone)]

    assert kept(policy, left, now, zone) == {each.name for each in left}


@fewer
@given(policies.filter(lambda policy: not policy.is_empty), timelines(), zones, st.data())
def test_a_pin_changes_nothing_for_the_others(
    policy: Policy, timeline: tuple[list[Candidate], datetime], zone: ZoneInfo, data: st.DataObject
) -> None:
    candidates, now = timeline
    pins = [each for each in candidates if data.draw(st.booleans())]
    unpinned = [replace(each, pin=None) for each in candidates]
    pinned = [replace(each, pin="pinned") if each in pins else replace(each, pin=None) for each in candidates]

    expected = kept(policy, unpinned, now, zone) | {each.name for each in pins}
    assert kept(policy, pinned, now, zone) == expected


@fewer
@given(policies.filter(lambda policy: policy.has_rules), timelines(), zones, st.data())
def test_a_list_from_which_snapshots_are_missing_never_deletes_what_the_whole_list_keeps(
    policy: Policy, timeline: tuple[list[Candidate], datetime], zone: ZoneInfo, data: st.DataObject
) -> None:
    candidates, now = timeline
    policy = replace(policy, max_size_bytes=None)
    seen = [each for each in candidates if data.draw(st.booleans())]

    assert {each.name for each in seen} & kept(policy, candidates, now, zone) <= kept(policy, seen, now, zone)
