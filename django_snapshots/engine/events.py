"""What the engine reports while it works. It never prints: the caller's callback decides what becomes of an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Progress", "ProgressCallback", "Stage", "ignore_progress", "reporter"]

Stage = Literal["dump", "copy", "verify", "stage", "commit"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one artifact is in one stage of the work.

    Attributes:
        stage: What is being done with it.
        artifact: Its name, such as "media".
        done_bytes: Bytes done so far: plain bytes for dump and stage, stored bytes for verify.
        total_bytes: Bytes there are in all, None where that is not known.
        finished: True in the last event of this artifact and stage.
    """

    stage: Stage
    artifact: str
    done_bytes: int
    total_bytes: int | None
    finished: bool = False


ProgressCallback = Callable[[Progress], None]


def ignore_progress(_event: Progress) -> None:
    """Do nothing: the callback of a caller who asked for none."""


def reporter(
    on_progress: ProgressCallback, stage: Stage, artifact: str, total_bytes: int | None
) -> Callable[[int], None]:
    """Return what tells of an artifact's progress, given the number of bytes done so far."""
    return lambda done_bytes: on_progress(Progress(stage, artifact, done_bytes, total_bytes))
