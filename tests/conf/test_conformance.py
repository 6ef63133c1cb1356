"""The tables of methods are those of the Protocols that plugin authors read."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import pytest

from django_snapshots.artifacts.contract import Artifact, StageableArtifact
from django_snapshots.codecs.contract import Codec
from django_snapshots.conf.conformance import (
    ADVANCED_METHODS,
    ARTIFACT,
    CODEC,
    CONNECTOR,
    STORAGE,
    Contract,
    check_conformance,
)
from django_snapshots.connectors.contract import Connector, StageableConnector
from django_snapshots.storage.contract import AdvancedSnapshotStorage, SnapshotStorage
from tests.conf import plugins


def methods_of(*protocols: type) -> dict[str, tuple[str, ...]]:
    """Return the public methods that the protocols themselves define, with their parameters after self."""
    return {
        name: tuple(inspect.signature(member).parameters)[1:]
        for protocol in protocols
        for name, member in vars(protocol).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("contract", "protocol"),
    [(STORAGE, SnapshotStorage), (CODEC, Codec), (ARTIFACT, Artifact), (CONNECTOR, Connector)],
    ids=["storage", "codec", "artifact", "connector"],
)
def test_the_required_methods_and_attributes_are_those_of_the_protocol(contract: Contract, protocol: type) -> None:
    assert dict(contract.methods) == methods_of(protocol)
    assert set(contract.attributes) == set(getattr(protocol, "__annotations__", {}))


@pytest.mark.parametrize(
    ("contract", "protocol"),
    [(ARTIFACT, StageableArtifact), (CONNECTOR, StageableConnector)],
    ids=["artifact", "connector"],
)
def test_staging_is_an_optional_method_of_the_same_signature(contract: Contract, protocol: type) -> None:
    assert methods_of(protocol).items() <= contract.optional.items()


def test_the_advanced_methods_are_those_of_the_protocol() -> None:
    assert dict(ADVANCED_METHODS) == methods_of(AdvancedSnapshotStorage)


class Callable:
    def __call__(self, path: str) -> Any:
        return path


class AsyncCallable:
    async def __call__(self, path: str) -> Any:
        return path


class CallableObjects(plugins.MemoryStorage):
    read = Callable()
    exists = AsyncCallable()  # type: ignore[assignment]


class Flexible(plugins.MemoryStorage):
    def read(self, *anything: Any, **options: Any) -> Any:
        return anything

    def exists(self, path: str, region: str = "eu") -> bool:
        return False

    delete = staticmethod(lambda path: None)
    list = functools.partialmethod(plugins.MemoryStorage.list)


class KeywordOnly(plugins.MemoryStorage):
    def read(self, *, path: str) -> Any:  # type: ignore[override]
        return path


class ByGetattr:
    """Has no method of its own, answers for all."""

    def __getattr__(self, name: str) -> Any:
        if name == "check":
            raise AttributeError(name)
        return lambda *arguments: arguments


class Module(plugins.MemoryStorage):
    def sync(self) -> None:
        """Means something else here: only one name of the advanced tier is there."""


@pytest.mark.parametrize("plugin", [Flexible(), ByGetattr(), Module(), plugins.StreamingStorage()])
def test_whatever_can_be_called_as_the_contract_calls_it_conforms(plugin: object) -> None:
    assert check_conformance(plugin, STORAGE, ("STORAGE",)) == []


def test_objects_with_call_are_judged_by_it() -> None:
    problems = check_conformance(CallableObjects(), STORAGE, ("STORAGE",))

    assert [(problem.id, problem.message) for problem in problems] == [
        ("snapshots.E015", "CallableObjects.exists is async.")
    ]


def test_a_method_that_takes_keywords_only_does_not_conform() -> None:
    (problem,) = check_conformance(KeywordOnly(), STORAGE, ("STORAGE",))

    assert problem.id == "snapshots.E016"
    assert problem.message.startswith("KeywordOnly.read(*, path) is called as (path): ")


def test_a_method_without_a_readable_signature_is_believed() -> None:
    class Builtin(plugins.MemoryStorage):
        read = str  # type: ignore[assignment]

    assert check_conformance(Builtin(), STORAGE, ("STORAGE",)) == []


def test_the_environment_as_a_method_is_refused_without_being_shown() -> None:
    import os

    class Environ(plugins.MemoryStorage):
        read = os.environ  # type: ignore[assignment]

    (problem,) = check_conformance(Environ(), STORAGE, ("STORAGE",))

    assert (problem.id, problem.message) == ("snapshots.E014", "Environ.read is no method, it is of type _Environ.")


def test_all_instances_of_a_class_are_judged_by_what_each_has() -> None:
    changed = plugins.MemoryStorage()
    changed.__dict__["read"] = lambda: None

    assert check_conformance(plugins.MemoryStorage(), STORAGE, ()) == []
    assert [problem.id for problem in check_conformance(changed, STORAGE, ())] == ["snapshots.E016"]
