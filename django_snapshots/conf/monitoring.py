"""HEALTH: what `snapshots health` takes for well, and whom a run pings."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from django_snapshots.conf.policy import Duration, Size

if TYPE_CHECKING:
    from typing import Self

__all__ = ["HealthSettings"]


def _url(value: Any) -> Any:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is not None and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise PydanticCustomError(
            "E002", "Input should be a URL of http or https.", {"hint": "Write 'https://hc-ping.com/…'."}
        )
    return value


class HealthSettings(BaseModel):
    """SNAPSHOTS['HEALTH'], validated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    AGE_WARNING: Annotated[
        Duration, Field(description="A newest complete snapshot that is older is a warning; None: never.")
    ] = timedelta(hours=26)
    AGE_CRITICAL: Annotated[Duration, Field(description="One that is older still is critical; None: never.")] = (
        timedelta(hours=50)
    )
    SIZE_FACTOR: Annotated[
        float,
        Field(gt=1, description="So many times larger or smaller than the median of those before it is a warning."),
    ] = 2.0
    VERIFY_AGE: Annotated[
        Duration, Field(description="No verification for so long is a warning; None: none is asked for.")
    ] = timedelta(days=35)
    MIN_FREE: Annotated[
        Size, Field(description="Less free space is a warning, and so is less than twice the newest snapshot.")
    ] = None
    PING_URL: Annotated[
        str | None,
        BeforeValidator(_url),
        Field(repr=False, description="Asked for at the end of a backup; /start at its start, /fail when it failed."),
    ] = None

    @model_validator(mode="after")
    def _worse_is_later(self) -> Self:
        if self.AGE_WARNING and self.AGE_CRITICAL and self.AGE_CRITICAL < self.AGE_WARNING:
            raise PydanticCustomError(
                "E002", "AGE_CRITICAL is less than AGE_WARNING.", {"hint": "Raise AGE_CRITICAL, or set it to None."}
            )
        return self
