"""Settings beside SNAPSHOTS that nothing reads; each with everything the check prints."""

from __future__ import annotations

from typing import Any

from tests.conf.checking import MISSING
from tests.conf.wrong import LOCAL, Wrong


def named(name: str, value: Any, hint: str) -> Wrong:
    """Return the row of a project that has this setting and no SNAPSHOTS."""
    expected = f"settings.{name}: (W001) Does not match any setting. HINT: {hint}"
    return Wrong(f"settings.py has {name}", lambda: MISSING, settings={name: value}, expected=[expected])


SPEC = {"BACKEND": LOCAL, "OPTIONS": {"location": "/srv"}}
WRONG_NAMES = [
    named("SNAPSHOT", {"STORAGE": SPEC}, "Did you mean SNAPSHOTS = {…}?"),
    named("DJANGO_SNAPSHOTS", {"STORAGE": SPEC}, "Did you mean SNAPSHOTS = {…}?"),
    named("SNAPSHOTS_STORAGE", SPEC, "Did you mean SNAPSHOTS['STORAGE']?"),
    named("SNAPSHOTS_STORGAE", SPEC, "Did you mean SNAPSHOTS['STORAGE']?"),
    named("SNAPSHOTS_FORMAT", "archive", "Did you mean SNAPSHOTS['SNAPSHOT_FORMAT']?"),
    named("SNAPSHOTS_STORAGE_LOCATION", "/srv", "Did you mean SNAPSHOTS['STORAGE']['OPTIONS']['location']?"),
    named("SNAPSHOTS_STORAGE__OPTIONS__LOCATION", "/srv", "Did you mean SNAPSHOTS['STORAGE']['OPTIONS']['location']?"),
    named("SNAPSHOTS_PRUNE_KEEP_DAILY", 7, "Did you mean SNAPSHOTS['PRUNE']['KEEP_DAILY']?"),
    named("SNAPSHOTS_METADATA_SITE", "a", "Did you mean SNAPSHOTS['METADATA']['site']?"),
    named("SNAPSHOTS_ENV_FILE", "/x", "SNAPSHOTS_ENV_FILE is read from the environment only: set it there."),
    Wrong(
        "a key stands beside SNAPSHOTS, and one is wrong in it",
        lambda: {"storage": 1},
        settings={"SNAPSHOTS_JOBS": 2},
        expected=[
            "SNAPSHOTS['storage']: (E003) Unknown key. HINT: Did you mean 'STORAGE'?",
            "settings.SNAPSHOTS_JOBS: (W001) Does not match any setting. HINT: Did you mean SNAPSHOTS['JOBS']?",
        ],
    ),
]
