"""What lies inside the folder of an artifact and must not: the file of a database, the folder of another artifact.

Resolves symlinks, and so is no part of `load()`.
"""

from __future__ import annotations

import os
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

from django_snapshots.conf.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django_snapshots.conf.configuration import Configuration

__all__ = ["inside_problems", "resolved"]


def inside_problems(configuration: Configuration, databases: Mapping[str, Path | None]) -> Iterator[Problem]:
    """Yield the W003 of each database and each folder of an artifact that is inside the folder of an artifact.

    Args:
        configuration: What `load()` returned.
        databases: The files of SQLite databases, by alias; None for one in memory.
    """
    folders = _folders(configuration)
    for alias, file in databases.items():
        for name, folder in folders.items():
            if file is not None and resolved(file).is_relative_to(folder):
                yield _database_problem(alias, resolved(file), name, folder)
    for (inner, folder), (outer, above) in permutations(folders.items(), 2):
        if folder != above and folder.is_relative_to(above):
            yield Problem(
                "snapshots.W003",
                ("ARTIFACTS", inner if inner in configuration.artifacts else outer),
                f"{folder}, which is '{inner}', is inside '{outer}' ({above}): it is backed up twice, and a restore "
                "of both is refused, because the one would take the other away.",
                f"Keep '{outer}' alone, or move one folder out of the other.",
            )


def _folders(configuration: Configuration) -> dict[str, Path]:
    folders = {} if configuration.media_root is None else {"media": resolved(configuration.media_root)}
    for name, artifact in configuration.artifacts.items():
        folders.pop(name, None)  # an artifact of the project's own may take the place of ours
        location = getattr(artifact, "location", None)
        if getattr(artifact, "kind", None) == "directory" and isinstance(location, (str, os.PathLike)):
            folders[name] = resolved(Path(location))
    return folders


def _database_problem(alias: str, file: Path, name: str, folder: Path) -> Problem:
    return Problem(
        "snapshots.W003",
        (),
        f"{file} is inside '{name}' ({folder}): backups and restores of '{name}' are refused, because they would "
        "treat the live database as one file among others.",
        "Move the database out of the folder.",
        f"DATABASES[{alias!r}]['NAME']",
    )


def resolved(path: Path) -> Path:
    """Return the path without symlinks, whether there is anything or not."""
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # a NUL character, which is told at its place
        return path
