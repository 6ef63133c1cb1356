"""Which artifacts are meant: names as people give them, "database" for all databases, aliases of DATABASES."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import connections

from django_snapshots.artifacts import DirectoryArtifact
from django_snapshots.databases import sqlite_files
from django_snapshots.errors import SnapshotArtifactError
from django_snapshots.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django_snapshots.artifacts.contract import Artifact

__all__ = ["narrowed", "require_fit_folders", "select"]


def select(names: Iterable[str], databases: Sequence[str], available: Mapping[str, Artifact]) -> dict[str, Artifact]:
    """Return the artifacts that are meant, by name, in the order they are given.

    Args:
        names: Of artifacts; "database" means all databases.
        databases: Aliases to take instead of all that "database" means.
        available: The artifacts of this project, by name.

    Raises:
        SnapshotArtifactError: There is no such artifact; its text names the nearest.
    """
    selected: dict[str, Artifact] = {}
    for name in narrowed(names, databases):
        for single in [f"database/{alias}" for alias in connections] if name == "database" else [name]:
            if single not in available:
                raise _unknown_artifact(single, available)
            selected[single] = available[single]
    return selected


def narrowed(names: Iterable[str], databases: Sequence[str]) -> list[str]:
    """Return the names with the databases of these aliases in the place of "database", when there are any."""
    if not databases:
        return list(names)
    return [*(name for name in names if name != "database"), *(f"database/{alias}" for alias in databases)]


def require_fit_folders(storages: Iterable[object], artifacts: Mapping[str, Artifact]) -> None:
    """Check that no folder to be dumped or replaced holds what must not be treated as a file among others.

    Raises:
        SnapshotArtifactError: One holds the snapshots themselves, or the file of a live database.
    """
    for name, artifact in artifacts.items():
        if isinstance(artifact, DirectoryArtifact):
            root = Path(os.path.realpath(artifact.location))
            _refuse_storage_inside(storages, name, root)
            _refuse_database_inside(name, root)


def _refuse_storage_inside(storages: Iterable[object], name: str, root: Path) -> None:
    for storage in storages:
        folder = getattr(storage, "local_folder", None)
        if isinstance(folder, Path) and Path(os.path.realpath(folder)).is_relative_to(root):
            raise SnapshotArtifactError(
                f"The snapshots are kept in {folder}, inside {root}, which is '{name}': a backup of it would hold "
                "all earlier ones, and a restore would replace them. Nothing was changed. "
                "Name a location outside in SNAPSHOTS['STORAGE'], and move the snapshots there.",
                artifact=name,
            )


def _refuse_database_inside(name: str, root: Path) -> None:
    for alias, file in sqlite_files().items():
        if file.is_relative_to(root):
            raise SnapshotArtifactError(
                f"Database '{alias}' is {file}, inside {root}, which is '{name}': a backup of the folder would copy it "
                "while others write to it, and a restore would put that copy in its place. Nothing was changed. "
                f"Move the database out of the folder and correct DATABASES['{alias}']['NAME'], or name the artifacts "
                f"to take without '{name}'.",
                artifact=name,
            )


def _unknown_artifact(name: str, available: Mapping[str, Artifact]) -> SnapshotArtifactError:
    prefix, _, alias = name.partition("/")
    if prefix == "database" and alias in connections:
        return SnapshotArtifactError(
            f"Database '{alias}' uses {connections[alias].settings_dict['ENGINE']}, for which there is no connector. "
            f"Name one in SNAPSHOTS['DATABASE_CONNECTORS']['{alias}'], or name the artifacts to take without it: "
            f"{', '.join(available)}.",
            artifact=name,
        )
    near = nearest(name, [*available, "database"])
    way_out = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(available)}."
    return SnapshotArtifactError(f"There is no artifact '{name}' in this project. {way_out}", artifact=name)
