"""What the NAME of a SQLite database means, by the rules of sqlite.org/uri.html. Pure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["sqlite_file"]


def sqlite_file(name: Any) -> Path | None:
    """Return the file that a NAME in DATABASES stands for, as it is written there; None for a database in memory.

    Args:
        name: Text or path; Django opens every one with uri=True.
    """
    text = os.fspath(name) if isinstance(name, (str, os.PathLike)) else ""
    if not text.startswith("file:"):
        return None if text in {"", ":memory:"} else Path(text)
    parts = urlsplit(text)
    path, query = unquote(parts.path), dict(parse_qsl(parts.query))
    in_memory = path in {"", ":memory:"} or query.get("mode") == "memory" or query.get("vfs") == "memdb"
    return None if in_memory else Path(path)
