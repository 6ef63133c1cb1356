"""check --database: connectors may ask the servers of the aliases that were named, and of no others."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import checks

from django_snapshots.conf.problems import Problem
from django_snapshots.errors import SnapshotConnectorError
from tests.conf import plugins
from tests.conf.checking import project, run_check, run_verb

PLACE = "SNAPSHOTS['DATABASE_CONNECTORS']['default']"


class Asking(plugins.Connector):
    asked: list[str]

    def __init__(self, answer: Any = ()) -> None:
        super().__init__()
        self.asked = []
        self.answer = answer

    def check_server(self, alias: str) -> Any:
        self.asked.append(alias)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class AskingForTwo(plugins.Connector):
    def check_server(self, alias: str, version: str) -> Any:
        return [alias, version]


def told(answer: Any) -> list[str]:
    with project({"DATABASE_CONNECTORS": {"default": Asking(answer)}}):
        messages = checks.run_checks(tags=["snapshots"], databases=["default"])
    return [str(message) for message in messages]


def test_what_a_connector_says_stands_at_its_alias() -> None:
    assert told([Problem("snapshots.W008", ("anything",), "pg_dump is older.", "Install it.")]) == [
        f"{PLACE}: (snapshots.W008) pg_dump is older.\n\tHINT: Install it."
    ]


def test_no_server_is_asked_without_its_alias() -> None:
    connector = Asking()

    with project({"DATABASE_CONNECTORS": {"default": connector}}):
        run_check()
        run_check("--deploy")
        run_verb("list")
        assert connector.asked == []
        run_check("--tag", "snapshots", "--database", "default")

    assert connector.asked == ["default"]


def test_a_server_that_cannot_be_asked_is_a_warning_with_its_reason() -> None:
    error = SnapshotConnectorError("The server on db:5432 does not answer.", artifact="database/default")

    (text,) = told(error)

    assert text.startswith(f"{PLACE}: (snapshots.W008) The versions could not be compared. The server on db:5432 does ")


def test_what_nobody_foresaw_is_reported_without_its_text() -> None:
    (text,) = told(ZeroDivisionError("hunter2"))

    assert text.startswith(
        f"{PLACE}: (snapshots.E000) Could not be checked: Asking.check_server() raised ZeroDivisionError"
    )
    assert "hunter2" not in text


def test_a_connector_without_servers_is_not_asked() -> None:
    with project({"DATABASE_CONNECTORS": {"default": plugins.Connector()}}):
        assert checks.run_checks(tags=["snapshots"], databases=["default"]) == []


@pytest.mark.parametrize("alias", ["elsewhere"])
def test_an_alias_of_nobody_is_not_asked(alias: str) -> None:
    with project({}):
        assert checks.run_checks(tags=["snapshots"], databases=[alias]) == []


def test_the_method_is_held_to_the_contract() -> None:
    with project({"DATABASE_CONNECTORS": {"default": AskingForTwo()}}):
        (message,) = checks.run_checks(tags=["snapshots"], databases=[])

    assert message.id == "snapshots.E016"
