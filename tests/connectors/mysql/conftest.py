"""One server for all tests here; each test has databases and a role of its own."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.connectors.databases import alias_of, migrate
from tests.connectors.mysql.house import House
from tests.servers.mysql import MariaDBServer, serving_mariadb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker


@pytest.fixture(scope="session")
def server() -> Iterator[MariaDBServer]:
    """A MariaDB server."""
    with serving_mariadb("--event-scheduler=OFF", "--character-set-server=utf8mb4") as running:
        yield running


@pytest.fixture
def house(server: MariaDBServer, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """An empty database under the alias "house", with a role that owns it and may restore it."""
    with django_db_blocker.unblock(), a_house(server, "house") as house:
        yield house


@pytest.fixture(scope="module")
def migrated_house(server: MariaDBServer, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """The same with Django's tables, for all tests that leave the tables as they are."""
    with django_db_blocker.unblock(), a_house(server, "migrated_house") as house:
        migrate(house.alias)
        yield house


@contextmanager
def a_house(server: MariaDBServer, alias: str) -> Iterator[House]:
    name = f"h{uuid.uuid4().hex[:8]}"
    server.sql(f"CREATE DATABASE {name}")
    server.make_role(name, f"ALL ON `{name}`.*", f"ALL ON `{name}\\_snapshot\\_%`.*")
    with alias_of(alias, server.settings(name, name)):
        house = House(server, alias, name)
        yield house
    for database in (name, *house.scratch_names):
        server.sql(f"SET foreign_key_checks=0; DROP DATABASE IF EXISTS `{database}`")
    server.sql(f"DROP USER `{name}`@`localhost`")
