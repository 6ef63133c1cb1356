"""What keeps targets from being restored, and can be known before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django_snapshots.artifacts.contract import Artifact

__all__ = ["find_obstacles"]


def find_obstacles(artifacts: Iterable[Artifact]) -> list[str]:
    """Return why nothing can be put into targets as they are now, a text for each that says so."""
    return [text for artifact in artifacts if (text := _obstacle(artifact))]


def _obstacle(artifact: Artifact) -> str | None:
    obstacle: Callable[[], str | None] | None = getattr(artifact, "obstacle", None)
    return None if obstacle is None else obstacle()
