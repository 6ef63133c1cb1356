"""PRUNE: the retention policy as it is written, in settings.py, in a variable or on the command line.

The traps of numbers without a unit are closed here: 30 is no duration, and neither True nor 7.0 is a count.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from django_snapshots.retention import Policy

if TYPE_CHECKING:
    from typing import Self

__all__ = ["PruneSettings", "parse_duration"]

_UNITS = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
# No "m": other tools read it as months, and six minutes for six months would delete all but the floor.
_WORDS = re.compile(r"(?P<count>\d{1,6})\s*(?P<unit>weeks?|w|days?|d|hours?|h|minutes?)(\s*,?\s+|$)", re.IGNORECASE)
# ISO 8601-1:2019 section 5.5.2, without years and months, whose length differs. Seconds as pydantic writes them.
_ISO = re.compile(r"P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,12})S)?)?", re.IGNORECASE)
_DURATION_HINT = "Use P30D, '30 days', '2 weeks' or datetime.timedelta(days=30); months and years are written as days."
_COUNT_HINT = "Use a whole number, such as 7; None, or leaving the key out, means no such rule."
_SIZE_HINT = "Use a number and a unit: 500GB (10^9) or 500GiB (2^30)."


def parse_duration(text: str) -> timedelta | None:
    """Return the duration that `text` means, None for what means none.

    Args:
        text: ISO 8601 ("P30D", "P2W", "PT12H"), or counts with units ("30 days", "2w", "1 day 12 hours").
    """
    text = text.strip()
    iso = _ISO.fullmatch(text)
    if iso and any(iso.groups()):
        counts = (int(count or 0) for count in iso.groups())
        return timedelta(seconds=sum(count * _UNITS[unit] for count, unit in zip(counts, "wdhms", strict=True)))
    seconds, rest = 0, text
    while match := _WORDS.match(rest):
        seconds += int(match["count"]) * _UNITS[match["unit"][0].lower()]
        rest = rest[match.end() :]
    return None if rest or not text else timedelta(seconds=seconds)


def _duration(value: Any) -> timedelta | None:
    if value is None:
        return None
    duration = value if isinstance(value, timedelta) else parse_duration(value) if isinstance(value, str) else None
    if duration is None:
        raise PydanticCustomError("E002", "Input should be a duration with its unit.", {"hint": _DURATION_HINT})
    if duration < timedelta(seconds=1):
        raise PydanticCustomError("E002", "Input should be a duration of at least a second.", {"hint": _DURATION_HINT})
    return duration


def _count(value: Any) -> Any:
    if isinstance(value, (bool, float)):
        raise PydanticCustomError("E002", "Input should be a whole number.", {"hint": _COUNT_HINT})
    return value


def _size(value: Any) -> Any:
    if isinstance(value, (bool, float)):
        raise PydanticCustomError("E002", "Input should be a size.", {"hint": _SIZE_HINT})
    return value


def _iso_text(duration: timedelta | None) -> str | None:
    seconds = None if duration is None else int(duration.total_seconds())
    if seconds is None:
        return None
    if seconds % 3600:
        return f"PT{seconds}S"
    return f"PT{seconds // 3600}H" if seconds % 86400 else f"P{seconds // 86400}D"


Count = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_count)]
Duration = Annotated[
    timedelta | None,
    PlainValidator(_duration),
    PlainSerializer(_iso_text, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}]}),
]
Size = Annotated[Annotated[ByteSize, Field(ge=1)] | None, BeforeValidator(_size)]


class PruneSettings(BaseModel):
    """SNAPSHOTS['PRUNE'], validated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    KEEP: Annotated[Count, Field(description="The newest so many.")] = None
    KEEP_HOURLY: Annotated[Count, Field(description="The newest of each of the last so many hours that have one.")] = (
        None
    )
    KEEP_DAILY: Annotated[Count, Field(description="The same of days.")] = None
    KEEP_WEEKLY: Annotated[Count, Field(description="The same of weeks, which begin on Monday.")] = None
    KEEP_MONTHLY: Annotated[Count, Field(description="The same of months.")] = None
    KEEP_YEARLY: Annotated[Count, Field(description="The same of years.")] = None
    KEEP_WITHIN: Annotated[
        Duration, Field(description="All that are at most this much older than the newest, such as P30D or 30 days.")
    ] = None
    MAX_SIZE: Annotated[
        Size, Field(description="Of what is kept, the newest whose sizes add up to no more, such as 500GB or 500GiB.")
    ] = None
    MIN_KEEP: Annotated[
        int,
        BeforeValidator(_count),
        Field(ge=1, description="The floor: a prune that would leave fewer complete snapshots is refused."),
    ] = 1

    @model_validator(mode="after")
    def _say_something(self) -> Self:
        policy = self.policy
        most = self._most()
        if policy.is_empty:
            raise PydanticCustomError(
                "E002", "No rule says what to keep.", {"hint": "Write {'KEEP_DAILY': 7}, or None for no pruning."}
            )
        if most is not None and most < self.MIN_KEEP:
            raise PydanticCustomError(
                "E002",
                "The rules keep at most {most}, fewer than MIN_KEEP {floor}: every prune would be refused.",
                {"most": most, "floor": self.MIN_KEEP, "hint": "Keep more, or lower MIN_KEEP."},
            )
        return self

    def _most(self) -> int | None:
        """Return the most that the rules can keep; None where no number limits it."""
        counts = (self.KEEP, self.KEEP_HOURLY, self.KEEP_DAILY, self.KEEP_WEEKLY, self.KEEP_MONTHLY, self.KEEP_YEARLY)
        given = [count for count in counts if count is not None]
        return sum(given) if given and self.KEEP_WITHIN is None else None

    @property
    def policy(self) -> Policy:
        """The policy that this means."""
        return Policy(
            keep=self.KEEP,
            keep_hourly=self.KEEP_HOURLY,
            keep_daily=self.KEEP_DAILY,
            keep_weekly=self.KEEP_WEEKLY,
            keep_monthly=self.KEEP_MONTHLY,
            keep_yearly=self.KEEP_YEARLY,
            keep_within=self.KEEP_WITHIN,
            max_size_bytes=self.MAX_SIZE,
            min_keep=self.MIN_KEEP,
        )
