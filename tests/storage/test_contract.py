"""Every storage of ours, and the class of the how-to, pass the contract suites that we give to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from django_snapshots.storage import DjangoStorageBackend, LocalFileSystemBackend
from django_snapshots.testing import AdvancedStorageContract, StorageContract

if TYPE_CHECKING:
    from pathlib import Path


class TestLocalFileSystemBackend(AdvancedStorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> LocalFileSystemBackend:
        return LocalFileSystemBackend(tmp_path / "snapshots")


class TestFileSystemStorage(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> DjangoStorageBackend:
        return DjangoStorageBackend(FileSystemStorage(tmp_path / "snapshots"))


class TestFileSystemStorageThatOverwrites(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> DjangoStorageBackend:
        return DjangoStorageBackend(FileSystemStorage(tmp_path / "snapshots", allow_overwrite=True))


class TestInMemoryStorage(StorageContract):
    @pytest.fixture
    def storage(self) -> DjangoStorageBackend:
        return DjangoStorageBackend(InMemoryStorage())
