"""What only the database servers know: asked for `manage.py check --database`, never otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_snapshots.conf.build import unexpected
from django_snapshots.conf.problems import Problem
from django_snapshots.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django_snapshots.conf.configuration import Configuration

__all__ = ["database_problems"]


def database_problems(configuration: Configuration, aliases: Iterable[str]) -> list[Problem]:
    """Return what the connectors of these aliases say after they asked their servers, such as W008."""
    return [
        problem
        for alias in aliases
        if alias in configuration.connectors
        for problem in _ask(configuration.connectors[alias], alias)
    ]


def _ask(connector: Any, alias: str) -> list[Problem]:
    place = ("DATABASE_CONNECTORS", alias)
    ask = getattr(connector, "check_server", None)
    if ask is None:
        return []
    try:
        found = ask(alias)
    except SnapshotError as error:
        return [Problem("snapshots.W008", place, f"The versions could not be compared. {error}", "Then check again.")]
    except Exception as error:  # noqa: BLE001 - the border of E000: foreign code that talks to a server
        return [unexpected(error, place, f"{type(connector).__name__}.check_server() raised ")]
    return [Problem(problem.id, place, problem.message, problem.hint) for problem in found]
