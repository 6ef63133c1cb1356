"""A PostgreSQL server for the session, a fresh database for each test, and the alias "live" that leads to it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from tests.connectors.postgres.databases import Database
from tests.servers.postgres import PASSWORD, PostgresServer, serving_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django.plugin import DjangoDbBlocker

    Register = Callable[..., str]

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A server with the roles "app" and "other", neither of which may do more than log in."""
    with serving_postgres() as running:
        for role in ("app", "other"):
            literal = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
            running.sql("postgres", f"CREATE ROLE {role} LOGIN PASSWORD E'{literal}'")
        yield running


@pytest.fixture
def make_database(server: PostgresServer) -> Iterator[Callable[..., Database]]:
    """Give a function that makes an empty database; it belongs to "app" unless it is told otherwise."""
    made = []

    def make(owner: str = "app", name: str = "", role: str | None = None) -> Database:
        name = name or f"test_{next(_NUMBERS)}"
        quoted = '"' + name.replace('"', '""') + '"'
        server.sql("postgres", f"CREATE DATABASE {quoted} OWNER {owner} TEMPLATE template0")
        made.append(quoted)
        return Database(server, name, owner if role is None else role)

    yield make
    for quoted in made:
        server.sql("postgres", f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")


@pytest.fixture
def database(make_database: Callable[..., Database]) -> Database:
    """An empty database of the role "app"."""
    return make_database()


@pytest.fixture
def register(django_db_blocker: DjangoDbBlocker) -> Iterator[Register]:
    """Give a function that makes DATABASES["live"] of its keyword arguments and returns the alias."""
    alias = "live"

    def forget() -> None:
        if alias in connections.settings:
            connections[alias].close()
            del connections[alias]
            del connections.settings[alias]

    def add(**settings: Any) -> str:
        forget()
        connections.settings[alias] = connections.configure_settings({"default": {}, alias: settings})[alias]
        return alias

    with django_db_blocker.unblock():
        yield add
        forget()


@pytest.fixture
def live(database: Database, register: Register) -> Database:
    """The empty database of "app", which is the alias "live" too."""
    register(**database.settings())
    return database
