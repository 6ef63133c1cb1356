"""`list` and `exists` against a model: for any set of paths and any prefix, on every storage of ours."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from hypothesis import given, settings
from hypothesis import strategies as st

from django_snapshots.errors import SnapshotNameError
from django_snapshots.names import check_path
from django_snapshots.storage import DjangoStorageBackend, LocalFileSystemBackend, SnapshotStorage

if TYPE_CHECKING:
    from collections.abc import Callable

# Few letters, so that names share prefixes; those that begin alike or sort around "/" are where listings go wrong.
NAMES = st.text("ab.-0é", min_size=1, max_size=3).filter(lambda name: name not in {".", ".."})
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PREFIXES = st.text("ab.-0é/", max_size=6)

STORAGES: dict[str, Callable[[Path], SnapshotStorage]] = {
    "local": LocalFileSystemBackend,
    "django files": lambda folder: DjangoStorageBackend(FileSystemStorage(folder)),
    "django memory": lambda folder: DjangoStorageBackend(InMemoryStorage(str(folder))),
}


def without_conflicts(paths: list[str]) -> list[str]:
    """Leave out paths of which another needs to be a folder; file systems cannot keep both."""
    return [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]


def is_asked_for_properly(prefix: str) -> bool:
    try:
        check_path(prefix.rpartition("/")[0] or "a")
    except SnapshotNameError:
        return False
    return not prefix.startswith("/")


@pytest.mark.parametrize("kind", STORAGES)
@settings(max_examples=60, deadline=None)
@given(paths=st.lists(PATHS, unique=True, max_size=8).map(without_conflicts), prefix=PREFIXES, deleted=st.sets(PATHS))
def test_list_and_exists_agree_with_a_set_of_paths(kind: str, paths: list[str], prefix: str, deleted: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = STORAGES[kind](Path(folder, "snapshots"))
        for path in paths:
            storage.write(path, io.BytesIO(path.encode()))
        gone = deleted & set(paths) | {path for path in paths if len(path) % 3 == 0}
        for path in gone:
            storage.delete(path)
        kept = {path for path in paths if path not in gone}

        assert set(storage.list("")) == kept
        assert {path for path in paths if storage.exists(path)} == kept
        if is_asked_for_properly(prefix):
            assert storage.list(prefix) == sorted(path for path in kept if path.startswith(prefix))
        else:
            with pytest.raises(SnapshotNameError):
                storage.list(prefix)
