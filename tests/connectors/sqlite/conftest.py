"""An alias "live" of Django, for a SQLite file of the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker

    Register = Callable[..., str]


@pytest.fixture
def register() -> Iterator[Register]:
    """Give a function that makes DATABASES["live"] of its keyword arguments and returns the alias."""
    alias = "live"

    def forget() -> None:
        if alias in connections.settings:
            connections[alias].close()
            del connections[alias]
            del connections.settings[alias]

    def add(**settings: Any) -> str:
        forget()
        databases = {"default": {}, alias: {"ENGINE": "django.db.backends.sqlite3", **settings}}
        connections.settings[alias] = connections.configure_settings(databases)[alias]
        return alias

    yield add
    forget()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that holds the live database and nothing else."""
    path = tmp_path / "live"
    path.mkdir()
    return path


@pytest.fixture
def live(folder: Path, register: Register) -> Path:
    """The path of the database of alias "live"; there is no file yet. Locks are waited for for one second."""
    path = folder / "db.sqlite3"
    register(NAME=str(path), OPTIONS={"timeout": 1})
    return path


@pytest.fixture
def with_database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let the test use Django's connections; without pytest-django's transaction, which would be in the way."""
    with django_db_blocker.unblock():
        yield
