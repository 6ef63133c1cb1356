"""A storage, a clock, and `backup`, which makes a snapshot of given artifacts with them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from django_snapshots.codecs import Zstd
from django_snapshots.engine.create import CreatedSnapshot, create_snapshot
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import HOST, AdvancedMemoryStorage, FixedClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_snapshots.artifacts.contract import Artifact


class Backup(Protocol):
    def __call__(self, name: str, artifacts: Mapping[str, Artifact], **options: Any) -> CreatedSnapshot: ...


@pytest.fixture
def memory() -> AdvancedMemoryStorage:
    return AdvancedMemoryStorage()


@pytest.fixture
def storage(memory: AdvancedMemoryStorage) -> GuardedStorage:
    return GuardedStorage(memory)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def backup(storage: GuardedStorage, clock: FixedClock) -> Backup:
    def make(name: str, artifacts: Mapping[str, Artifact], **options: Any) -> CreatedSnapshot:
        clock.advance(timedelta(hours=1))
        options.setdefault("compression", Zstd())
        return create_snapshot(storage, artifacts, name=name, created_at=clock(), host=HOST, **options)

    return make
