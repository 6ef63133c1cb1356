"""One server of each family for all tests here; each test has databases and a role of its own."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.connectors.databases import alias_of, migrate
from tests.connectors.mysql.house import House
from tests.servers.mysql import DatabaseServer, serving
from tests.servers.mysql_programs import BIN, MISSING, is_fetched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker


OPTIONS = ("--event-scheduler=OFF", "--character-set-server=utf8mb4")
FAMILIES = [
    "mariadb",
    pytest.param("mysql", marks=[pytest.mark.mysql, pytest.mark.skipif(not is_fetched(), reason=MISSING)]),
]


@pytest.fixture(scope="session", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """Which family a test's server is of."""
    return str(request.param)


@pytest.fixture(scope="session")
def _mariadb() -> Iterator[DatabaseServer]:
    with serving("mariadb", *OPTIONS) as running:
        yield running


@pytest.fixture(scope="session")
def _mysql() -> Iterator[DatabaseServer]:
    with serving("mysql", *OPTIONS) as running:
        yield running


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, family: str) -> DatabaseServer:
    """A server of the family, the same for all tests: none is ended when a test of the other family comes."""
    running: DatabaseServer = request.getfixturevalue(f"_{family}")
    return running


@pytest.fixture(autouse=True)
def _programs_of_the_family(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "family" in request.fixturenames and request.getfixturevalue("family") == "mysql":
        monkeypatch.setenv("PATH", str(BIN), prepend=os.pathsep)


@pytest.fixture
def house(server: DatabaseServer, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """An empty database under the alias "house", with a role that owns it and may restore it."""
    with django_db_blocker.unblock(), a_house(server, "house") as house:
        yield house


@pytest.fixture(scope="module")
def migrated_house(server: DatabaseServer, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """The same with Django's tables, for all tests that leave the tables as they are."""
    with django_db_blocker.unblock(), a_house(server, "migrated_house") as house:
        migrate(house.alias)
        yield house


@contextmanager
def a_house(server: DatabaseServer, alias: str) -> Iterator[House]:
    name = f"h{uuid.uuid4().hex[:8]}"
    server.sql(f"CREATE DATABASE {name}")
    server.make_role(name, f"ALL ON `{name}`.*", f"ALL ON `{name}\\_snapshot\\_%`.*")
    with alias_of(alias, server.settings(name, name)):
        house = House(server, alias, name)
        yield house
    for database in (name, *house.scratch_names):
        server.sql(f"SET foreign_key_checks=0; DROP DATABASE IF EXISTS `{database}`")
    server.sql(f"DROP USER `{name}`@`localhost`")
