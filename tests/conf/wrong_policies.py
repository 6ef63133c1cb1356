"""Wrong retention policies; each with everything the check prints."""
# ruff: noqa: E501 - the texts stand as a user reads them

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tests.conf import plugins
from tests.conf.wrong import LOCAL, Wrong, storage

if TYPE_CHECKING:
    from typing import Any

DURATION = "HINT: Use P30D, '30 days', '2 weeks' or datetime.timedelta(days=30); months and years are written as days."
COUNT = "HINT: Use a whole number, such as 7; None, or leaving the key out, means no such rule."


def wrong(name: str, policy: Any, *expected: str) -> Wrong:
    return Wrong(name, lambda: {"PRUNE": policy}, expected=[f"SNAPSHOTS['PRUNE']{text}" for text in expected])


def wrong_variable(name: str, variable: str, value: str, *expected: str) -> Wrong:
    return Wrong(name, dict, environ={variable: value}, expected=list(expected))


WRONG_POLICIES = [
    wrong(
        "a policy that is a number",
        7,
        ": (E002) Input should be a dict. HINT: Write a dict, such as {'KEEP_DAILY': 7}.",
    ),
    wrong(
        "a policy without a rule",
        {},
        ": (E002) No rule says what to keep. HINT: Write {'KEEP_DAILY': 7}, or None for no pruning.",
    ),
    wrong(
        "a policy of a floor alone",
        {"MIN_KEEP": 3},
        ": (E002) No rule says what to keep. HINT: Write {'KEEP_DAILY': 7}, or None for no pruning.",
    ),
    wrong("a misspelt rule", {"KEEP_DIALY": 7}, "['KEEP_DIALY']: (E003) Unknown key. HINT: Did you mean 'KEEP_DAILY'?"),
    wrong(
        "a rule that nothing looks like",
        {"KEEP": 1, "x": 7},
        "['x']: (E003) Unknown key. HINT: Keys are KEEP, KEEP_HOURLY, KEEP_DAILY, KEEP_WEEKLY, KEEP_MONTHLY, KEEP_YEARLY, KEEP_WITHIN, MAX_SIZE, MIN_KEEP.",
    ),
    wrong("a count of none", {"KEEP": 0}, "['KEEP']: (E002) Input should be greater than or equal to 1."),
    wrong("a count that is true", {"KEEP": True}, f"['KEEP']: (E002) Input should be a whole number. {COUNT}"),
    wrong(
        "a count with a point", {"KEEP_DAILY": 7.0}, f"['KEEP_DAILY']: (E002) Input should be a whole number. {COUNT}"
    ),
    wrong(
        "a floor of none",
        {"KEEP": 7, "MIN_KEEP": 0},
        "['MIN_KEEP']: (E002) Input should be greater than or equal to 1.",
    ),
    wrong(
        "a floor above all that the rules keep",
        {"KEEP": 2, "KEEP_DAILY": 2, "MIN_KEEP": 5},
        ": (E002) The rules keep at most 4, fewer than MIN_KEEP 5: every prune would be refused. HINT: Keep more, or lower MIN_KEEP.",
    ),
    *(
        wrong(
            f"a duration of {value!r}",
            {"KEEP_WITHIN": value},
            f"['KEEP_WITHIN']: (E002) Input should be a duration with its unit. {DURATION}",
        )
        for value in (
            30,
            "30",
            "86400",
            "6m",
            "1 month",
            "P1M",
            "P1Y",
            "P",
            "",
            "-3 days",
            "12:30:00",
            "30 days ago",
            1.5,
            True,
        )
    ),
    *(
        wrong(
            f"a duration of {value!r}",
            {"KEEP_WITHIN": value},
            f"['KEEP_WITHIN']: (E002) Input should be a duration of at least a second. {DURATION}",
        )
        for value in (dt.timedelta(0), dt.timedelta(days=-1), "0 days")
    ),
    *(
        wrong(
            f"a size of {value!r}",
            {"MAX_SIZE": value},
            "['MAX_SIZE']: (E002) Input should be a size. HINT: Use a number and a unit: 500GB (10^9) or 500GiB (2^30).",
        )
        for value in (True, 0.5)
    ),
    wrong("a size of nothing", {"MAX_SIZE": "0.5"}, "['MAX_SIZE']: (E002) Input should be greater than or equal to 1."),
    wrong(
        "a size of something",
        {"MAX_SIZE": "5 cats"},
        "['MAX_SIZE']: (E002) Could not interpret byte unit: cats. HINT: Use a number of bytes, or a number and a unit: 500MB (10^6), 500MiB (2^20).",
    ),
    wrong_variable(
        "a count from a variable that is none",
        "SNAPSHOTS_PRUNE__KEEP_DAILY",
        "seven",
        "SNAPSHOTS['PRUNE']['KEEP_DAILY'] (from SNAPSHOTS_PRUNE__KEEP_DAILY): (E002) Input should be a valid integer, unable to parse string as an integer. HINT: Use a whole number, such as 3.",
    ),
    wrong_variable(
        "a variable of a misspelt rule",
        "SNAPSHOTS_PRUNE__KEEP_DIALY",
        "7",
        "SNAPSHOTS['PRUNE']['KEEP_DIALY'] (from SNAPSHOTS_PRUNE__KEEP_DIALY): (E003) Unknown key. HINT: Did you mean 'SNAPSHOTS_PRUNE__KEEP_DAILY'?",
    ),
    wrong_variable(
        "a variable below a rule",
        "SNAPSHOTS_PRUNE__KEEP__DAILY",
        "7",
        "SNAPSHOTS['PRUNE']['KEEP'] (from SNAPSHOTS_PRUNE__KEEP__DAILY): (E003) Unknown key. HINT: Did you mean 'SNAPSHOTS_PRUNE__KEEP'?",
    ),
    wrong_variable(
        "a variable of a rule with one underscore",
        "SNAPSHOTS_PRUNE_KEEP_DAILY",
        "7",
        "SNAPSHOTS_PRUNE_KEEP_DAILY: (W001) Does not match any setting. HINT: Did you mean 'SNAPSHOTS_PRUNE__KEEP_DAILY'?",
    ),
    wrong_variable(
        "a policy that is no JSON",
        "SNAPSHOTS_PRUNE",
        "KEEP=7",
        "SNAPSHOTS['PRUNE'] (from SNAPSHOTS_PRUNE): (E005) Is not valid JSON: Expecting value at column 1. HINT: Write SNAPSHOTS_PRUNE={\"KEEP\": 7}, or assign a part: SNAPSHOTS_PRUNE__KEEP=7.",
    ),
    Wrong(
        "replicas that are a dict",
        lambda: {"REPLICAS": {"BACKEND": LOCAL}},
        expected=[
            "SNAPSHOTS['REPLICAS']: (E002) Input should be a valid list. HINT: Write a list, such as [{'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}]."
        ],
    ),
    Wrong(
        "a replica without BACKEND and with a misspelt option",
        lambda: {"REPLICAS": [{}, {"BACKEND": LOCAL, "OPTIONS": {"locatoin": "/x"}}]},
        expected=[
            "SNAPSHOTS['REPLICAS'][0]['BACKEND']: (E004) BACKEND is missing. HINT: Write 'BACKEND': 'dotted.path.of.the.Class'.",
            "SNAPSHOTS['REPLICAS'][1]['OPTIONS']['locatoin']: (E003) Unknown option. HINT: Did you mean 'location'?",
            "SNAPSHOTS['REPLICAS'][1]['OPTIONS']['location']: (E004) ***",
        ][:2],
    ),
    Wrong(
        "a replica with a misspelt rule",
        lambda: {"REPLICAS": [{"BACKEND": LOCAL, "OPTIONS": {"location": "/x"}, "PRUNE": {"KEPE": 3}}]},
        expected=["SNAPSHOTS['REPLICAS'][0]['PRUNE']['KEPE']: (E003) Unknown key. HINT: Did you mean 'KEEP'?"],
    ),
    Wrong(
        "a replica that is the storage itself",
        lambda: {**storage(LOCAL, location="/srv"), "REPLICAS": [{"BACKEND": LOCAL, "OPTIONS": {"location": "/srv"}}]},
        expected=[
            "SNAPSHOTS['REPLICAS'][0]: (E002) Is the same storage as STORAGE: it would hold no second copy. HINT: Name another folder, bucket or prefix."
        ],
    ),
    Wrong(
        "an archive for a replica of the basic tier",
        lambda: {"SNAPSHOT_FORMAT": "archive", "REPLICAS": [plugins.MemoryStorage()]},
        expected=[
            "SNAPSHOTS['REPLICAS'][0]: (E018) SNAPSHOT_FORMAT 'archive' needs a storage of the advanced tier; MemoryStorage has no stream_read, stream_write, atomic_move, recursive_list, sync. HINT: Use SNAPSHOT_FORMAT 'directory', or a storage that has these methods, such as LocalFileSystemBackend."
        ],
    ),
    Wrong(
        "a variable of a replica that is not there",
        dict,
        environ={"SNAPSHOTS_REPLICAS__0__OPTIONS__LOCATION": "/x"},
        expected=[
            "SNAPSHOTS['REPLICAS']['0'] (from SNAPSHOTS_REPLICAS__0__OPTIONS__LOCATION): (E003) There is no such item. HINT: Write all of it as JSON: SNAPSHOTS_REPLICAS=[…]. A part of the first is SNAPSHOTS_REPLICAS__0__OPTIONS__…"
        ],
    ),
    wrong_variable(
        "replicas that are no JSON",
        "SNAPSHOTS_REPLICAS",
        "/srv",
        'SNAPSHOTS[\'REPLICAS\'] (from SNAPSHOTS_REPLICAS): (E005) Is not valid JSON: Expecting value at column 1. HINT: Write SNAPSHOTS_REPLICAS=[{"BACKEND": "package.Class", "OPTIONS": {}}].',
    ),
    Wrong(
        "a part of a policy that is text",
        lambda: {"PRUNE": "weekly"},
        environ={"SNAPSHOTS_PRUNE__KEEP": "7"},
        expected=[
            "SNAPSHOTS['PRUNE'] (from SNAPSHOTS_PRUNE__KEEP): (E006) A part of it cannot be assigned: it is text. HINT: Write the whole of it as JSON: SNAPSHOTS_PRUNE={…}.",
            "SNAPSHOTS['PRUNE']: (E002) Input should be a dict. HINT: Write a dict, such as {'KEEP_DAILY': 7}.",
        ],
    ),
]
