"""PRUNE as it is shown, and as lines of an env file that give it back."""

from __future__ import annotations

import datetime as dt

from django_snapshots.conf import get_settings
from django_snapshots.conf.report import rows_below, setting_rows
from django_snapshots.conf.variables import environment_lines
from tests.conf.checking import project

PRUNE = {"KEEP_DAILY": 7, "KEEP_WITHIN": dt.timedelta(days=400, hours=12), "MAX_SIZE": "10GB"}


def test_config_shows_every_rule_of_a_policy_and_where_it_came_from() -> None:
    with project({"PRUNE": PRUNE}, {"SNAPSHOTS_PRUNE__KEEP": "3"}):
        rows = {row.key: (row.value, row.origin) for row in rows_below(setting_rows(get_settings()), "PRUNE")}

    assert rows["PRUNE.KEEP"] == (3, "environment SNAPSHOTS_PRUNE__KEEP")
    assert rows["PRUNE.KEEP_DAILY"] == (7, "settings")
    assert rows["PRUNE.KEEP_WEEKLY"] == (None, "default")
    assert rows["PRUNE.KEEP_WITHIN"] == ("PT9612H", "settings")
    assert rows["PRUNE.MAX_SIZE"] == (10**10, "settings")


def test_the_lines_for_an_env_file_give_the_same_policy_back() -> None:
    with project({"PRUNE": PRUNE}):
        before = get_settings().settings
        lines = [line for line in environment_lines(get_settings()) if "PRUNE" in line]

    assert lines == [
        "SNAPSHOTS_PRUNE__KEEP_DAILY=7",
        "SNAPSHOTS_PRUNE__KEEP_WITHIN=PT9612H",
        "SNAPSHOTS_PRUNE__MAX_SIZE=10000000000",
        "SNAPSHOTS_PRUNE__MIN_KEEP=1",
    ]
    with project({}, dict(line.split("=", 1) for line in lines)):
        after = get_settings().settings
    assert before is not None
    assert after is not None
    assert after.PRUNE == before.PRUNE


def test_no_policy_is_said_as_null() -> None:
    with project({}):
        assert "SNAPSHOTS_PRUNE=null" in environment_lines(get_settings())
