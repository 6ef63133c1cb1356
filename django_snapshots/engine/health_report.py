"""What a look at the backups finds: checks, each with its state, and the numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

__all__ = ["HealthCheck", "HealthReport", "HealthThresholds", "State", "span_text"]

State = Literal["ok", "warning", "critical"]
STATES: tuple[State, ...] = ("ok", "warning", "critical")
"""From good to bad."""

_HOURS_SHOWN = 72


@dataclass(frozen=True, slots=True)
class HealthThresholds:
    """What is still well.

    Attributes:
        age_warning: The newest complete snapshot may be this old; None for any age.
        age_critical: Older than this is critical; None for never.
        size_factor: The newest may be this many times larger or smaller than the median of those before it.
        verify_age: Some snapshot must have been verified within this time; None asks for no verification.
        free_bytes: Free space there must be, beside room for one more snapshot; None for no more than that.
    """

    age_warning: timedelta | None
    age_critical: timedelta | None
    size_factor: float
    verify_age: timedelta | None
    free_bytes: int | None

    def passed(self, age: timedelta) -> tuple[State, timedelta] | None:
        """Return what an age is when it is too old, and the limit that it is past; None when it is well."""
        limits: tuple[tuple[State, timedelta | None], ...] = (
            ("critical", self.age_critical),
            ("warning", self.age_warning),
        )
        return next(((state, limit) for state, limit in limits if limit is not None and age > limit), None)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One thing that was looked at.

    Attributes:
        name: Such as "age".
        state: How it is.
        message: A sentence for people.
    """

    name: str
    state: State
    message: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What was found.

    Attributes:
        now: When it was looked at, aware.
        checks: Everything that was looked at, in a fixed order.
        measures: The numbers behind it, by name with their unit; those that are not known are left out.
    """

    now: datetime
    checks: tuple[HealthCheck, ...]
    measures: Mapping[str, float]

    @property
    def state(self) -> State:
        """The worst of the checks."""
        found = {check.state for check in self.checks}
        return next(state for state in reversed(STATES) if state in found)

    @property
    def misses_a_backup(self) -> bool:
        """Whether the newest backup is too old, or there is none, or that cannot be told."""
        return any(check.name in {"age", "storage"} and check.state != "ok" for check in self.checks)


def span_text(span: timedelta) -> str:
    """Return a time for people: hours up to three days, then days."""
    hours = int(span.total_seconds()) // 3600
    if abs(hours) < _HOURS_SHOWN:
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{hours // 24} days"
