"""SNAPSHOT_NAME: what a template or a callable may be, and the name it gives to a snapshot."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime
from string import Formatter
from typing import TYPE_CHECKING

from django_snapshots.conf.conformance import check_call
from django_snapshots.conf.problems import Problem
from django_snapshots.errors import SnapshotNameError
from django_snapshots.names import check_backup_name, check_snapshot_name, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["name_problems", "render_name"]

_PATH = ("SNAPSHOT_NAME",)
_PLACEHOLDERS = ("timestamp_utc", "hostname")
_TIMESTAMP = "%Y%m%dT%H%M%S.%fZ"
_FORBIDDEN = re.compile(r"[^A-Za-z0-9._+-]")
_EXAMPLE = "Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def render_name(setting: str | Callable[[datetime], str], created_at: datetime) -> str:
    """Return the name of a snapshot that was begun at `created_at`.

    Args:
        setting: A template, or a callable that takes an aware UTC datetime.
        created_at: Aware.

    Raises:
        SnapshotNameError: The result cannot name a snapshot, or the callable raised.
    """
    moment = created_at.astimezone(UTC)
    if isinstance(setting, str):
        return check_snapshot_name(_fill(setting, moment))
    try:
        name = setting(moment)
    except Exception as error:
        raise SnapshotNameError(
            f"SNAPSHOTS['SNAPSHOT_NAME'] raised {type(error).__name__}. Correct the callable, or pass a name.", name=""
        ) from error
    if not isinstance(name, str):
        raise SnapshotNameError(
            f"SNAPSHOTS['SNAPSHOT_NAME'] returned {type(name).__name__}, text was expected. Correct the callable.",
            name="",
        )
    return check_snapshot_name(name)


def name_problems(setting: object) -> list[Problem]:
    """Return what is wrong with the setting; a callable is looked at, not called."""
    if isinstance(setting, str):
        return _template_problems(setting)
    if not callable(setting):
        return []  # the schema has said so
    problem = check_call(setting, "The callable", ("created_at",))
    return [Problem(f"snapshots.{problem[0]}", _PATH, *problem[1:])] if problem else []


def _template_problems(template: str) -> list[Problem]:
    try:
        fields = [
            (field, spec, conversion) for _, field, spec, conversion in Formatter().parse(template) if field is not None
        ]
    except ValueError as error:
        return [_invalid(f"The template cannot be read: {error}.", _EXAMPLE)]
    for field, spec, conversion in fields:
        if field not in _PLACEHOLDERS:
            likely = nearest(field, _PLACEHOLDERS)
            hint = f"Did you mean '{{{likely[0]}}}'?" if likely else _EXAMPLE
            return [_invalid(f"{{{field}}} is no placeholder.", hint)]
        if spec or conversion:
            return [_invalid(f"{{{field}}} takes no format.", _EXAMPLE)]
    try:
        check_backup_name(_fill(template, _ANY_TIME))
    except SnapshotNameError as error:
        return [_invalid(str(error), _EXAMPLE)]
    if any(field == "timestamp_utc" for field, _, _ in fields):
        return []
    return [Problem("snapshots.W009", _PATH, "The name never changes: the second backup will find it taken.", _EXAMPLE)]


def _fill(template: str, moment: datetime) -> str:
    hostname = _FORBIDDEN.sub("-", socket.gethostname())
    return template.format(timestamp_utc=moment.strftime(_TIMESTAMP), hostname=hostname)


def _invalid(message: str, hint: str) -> Problem:
    return Problem("snapshots.E002", _PATH, message, hint)
