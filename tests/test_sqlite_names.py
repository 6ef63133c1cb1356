"""Which file a NAME in DATABASES stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from django_snapshots.sqlite_names import sqlite_file


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("/srv/site/db.sqlite3", "/srv/site/db.sqlite3"),
        (Path("db.sqlite3"), "db.sqlite3"),
        ("a database?mode=memory", "a database?mode=memory"),
        ("file:/srv/a%20b.sqlite3?mode=ro&cache=shared", "/srv/a b.sqlite3"),
        ("file:db.sqlite3?vfs=unix-dotfile", "db.sqlite3"),
        ("file:///srv/mode=memory?x=mode=memory", "/srv/mode=memory"),
    ],
)
def test_a_name_is_a_path_or_a_uri(name: Any, file: str) -> None:
    assert sqlite_file(name) == Path(file)


@pytest.mark.parametrize(
    "name",
    [
        ":memory:",
        "file::memory:",
        "file::memory:?cache=shared",
        "file:memorydb_default?mode=memory&cache=shared",  # the one that Django's test runner makes
        "file:/shared?vfs=memdb",
        "file:",
        "",
        None,
        {"set": "later"},
    ],
)
def test_a_database_in_memory_has_no_file(name: Any) -> None:
    assert sqlite_file(name) is None
