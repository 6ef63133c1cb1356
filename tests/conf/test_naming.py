"""The names of new snapshots."""

from __future__ import annotations

import datetime as dt
import socket
from unittest import mock

import pytest

from django_snapshots.conf.naming import name_problems, render_name
from django_snapshots.errors import SnapshotNameError

MOMENT = dt.datetime(2026, 11, 22, 2, 0, 0, 123456, tzinfo=dt.UTC)


def test_the_timestamp_is_utc_to_the_microsecond() -> None:
    paris = dt.timezone(dt.timedelta(hours=1))

    assert render_name("{timestamp_utc}", MOMENT.astimezone(paris)) == "20261122T020000.123456Z"


def test_characters_of_the_host_that_names_do_not_have_become_hyphens() -> None:
    with mock.patch.object(socket, "gethostname", return_value="web_1/ü.local"):
        assert render_name("{hostname}", MOMENT) == "web_1--.local"


def test_a_host_that_makes_the_name_invalid_is_found_by_the_check() -> None:
    with mock.patch.object(socket, "gethostname", return_value="-web"):
        (problem, *_) = name_problems("{hostname}-{timestamp_utc}")

    assert problem.id == "snapshots.E002"
    assert "'-web-20260101T000000.000000Z' cannot name a snapshot" in problem.message


def test_a_callable_gets_aware_utc() -> None:
    assert render_name(lambda moment: f"{moment.tzinfo}-{moment.hour}", MOMENT) == "UTC-2"


def test_what_a_callable_returns_must_be_a_name() -> None:
    with pytest.raises(SnapshotNameError, match="'a b' cannot name a snapshot"):
        render_name(lambda _: "a b", MOMENT)


def test_a_callable_that_returns_no_text_is_named() -> None:
    with pytest.raises(SnapshotNameError, match=r"SNAPSHOTS\['SNAPSHOT_NAME'\] returned int, text was expected"):
        render_name(lambda _: 3, MOMENT)  # type: ignore[arg-type, return-value]


def test_a_callable_that_raises_keeps_its_error_as_the_cause() -> None:
    def fails(_: dt.datetime) -> str:
        raise LookupError("no release")

    with pytest.raises(SnapshotNameError, match="raised LookupError") as caught:
        render_name(fails, MOMENT)

    assert isinstance(caught.value.__cause__, LookupError)


def test_a_check_does_not_call_the_callable() -> None:
    assert name_problems(lambda _: pytest.fail("was called")) == []
