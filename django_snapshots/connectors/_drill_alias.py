"""An alias beside those of DATABASES for the time of a drill: the same server, another database."""

from __future__ import annotations

import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["drill_alias"]

_SHARED = ("pool",)
"""OPTIONS that would keep connections to a database that is about to go."""


@contextmanager
def drill_alias(alias: str, name: str) -> Iterator[str]:
    """Give an alias of the database `name`, which is otherwise reached as that of `alias`."""
    settings: dict[str, Any] = {**connections.settings[alias], "NAME": name}
    settings |= {"CONN_MAX_AGE": 0, "ATOMIC_REQUESTS": False}
    settings["OPTIONS"] = {key: value for key, value in (settings.get("OPTIONS") or {}).items() if key not in _SHARED}
    added = f"{alias}_snapshots_drill_{secrets.token_hex(6)}"
    connections.settings[added] = settings
    try:
        yield added
    finally:
        with suppress(Exception):  # the server may have gone first
            connections[added].close()
        del connections[added]
        del connections.settings[added]
