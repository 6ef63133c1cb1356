"""What is wrong with a configuration where it is deployed: the folder as it is on this host, who can read it.

Looks at the file system, and so is no part of `load()`; asks nothing of the network.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django_snapshots.conf.build import unexpected
from django_snapshots.conf.folders import inside_problems, resolved
from django_snapshots.conf.problems import Problem, see

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django_snapshots.conf.configuration import Configuration

__all__ = ["deploy_problems"]

Place = tuple[str | int, ...]
_OTHERS = stat.S_IRWXO | stat.S_IWGRP
_PRIVATE = "chmod 700 {folder}: snapshots hold every password hash and every upload."


def deploy_problems(
    configuration: Configuration, served: Mapping[str, Path | None], databases: Mapping[str, Path | None]
) -> list[Problem]:
    """Return W003, W004, W005 and W006, sorted by place.

    Args:
        configuration: What `load()` returned; without a storage nothing is said.
        served: The folders that a web server hands out, by the name of their setting; None where it is empty.
        databases: The files of SQLite databases, by alias; None for one in memory.
    """
    if configuration.storage is None:
        return []
    found = list(_retention_problems(configuration))
    try:
        found += inside_problems(configuration, databases)
    except Exception as error:  # noqa: BLE001 - the border of E000: attributes of a foreign artifact may raise
        found.append(unexpected(error, ("ARTIFACTS",)))
    for section, storage in _storages(configuration):
        try:
            found += _remote_problems(section, storage, encrypted=configuration.encryption is not None)
            found += _folder_problems(configuration, section, storage, served)
        except Exception as error:  # noqa: BLE001 - the border of E000: attributes of a foreign storage may raise
            found.append(unexpected(error, section))
    return sorted(found, key=str)


def _storages(configuration: Configuration) -> list[tuple[Place, object]]:
    replicas = [(("REPLICAS", number), replica) for number, replica in enumerate(configuration.replicas)]
    return [(("STORAGE",), configuration.storage), *(pair for pair in replicas if pair[1] is not None)]


def _retention_problems(configuration: Configuration) -> Iterator[Problem]:
    settings = configuration.settings
    if settings is None:
        return
    unlimited: list[Place] = [("PRUNE",)] if settings.PRUNE is None else []
    unlimited += [
        ("REPLICAS", number)
        for number, replica in enumerate(settings.REPLICAS)
        if getattr(replica, "PRUNE", None) is None
    ]
    for place in unlimited:
        yield Problem(
            "snapshots.W005",
            place,
            "Nothing prunes: every snapshot is kept, until the storage is full.",
            "Write 'PRUNE': {'KEEP_DAILY': 7, 'KEEP_WEEKLY': 4, 'KEEP_MONTHLY': 12}, and run `snapshots prune`. "
            f"Silence snapshots.W005 where something else deletes. {see('W005')}",
        )


def _remote_problems(section: Place, storage: object, *, encrypted: bool) -> Iterator[Problem]:
    if getattr(storage, "is_remote", False) is True and not encrypted:
        yield Problem(
            "snapshots.W006",
            section,
            "Snapshots leave this host, and are not encrypted.",
            f"Set ENCRYPTION: `manage.py snapshots keygen` makes the keys and shows what to write. {see('W006')}",
        )


def _folder_problems(
    configuration: Configuration, section: Place, storage: object, served: Mapping[str, Path | None]
) -> Iterator[Problem]:
    location = getattr(storage, "local_folder", None)
    if not isinstance(location, Path) or not location.is_absolute():
        return  # no folder of this host; a relative one is W002
    folder = resolved(location)
    place = _place(configuration, section)
    for name, root in served.items():
        if root is not None:
            yield from _served_problems(folder, resolved(root), name, place)
    yield from _access_problems(folder, place)


def _place(configuration: Configuration, section: Place) -> Place:
    """Return the place of the option `location` where there is one, else of the section."""
    value: Any = configuration.tree
    for part in section:
        value = value[part]
    options = value.get("OPTIONS") if isinstance(value, dict) else None
    return (*section, "OPTIONS", "location") if isinstance(options, dict) and "location" in options else section


def _served_problems(folder: Path, root: Path, name: str, place: Place) -> Iterator[Problem]:
    if folder.is_relative_to(root):
        consequence = (
            "served to the world, and backed up into itself" if name == "MEDIA_ROOT" else "served to the world"
        )
        message = f"{folder} is inside {name} ({root}): snapshots would be {consequence}."
    elif root.is_relative_to(folder):
        message = f"{folder} contains {name} ({root}): what is served stands among the snapshots."
    else:
        return
    yield Problem("snapshots.W003", place, message, f"Choose a folder beside {name}, that no web server knows.")


def _access_problems(folder: Path, place: Place) -> Iterator[Problem]:
    closed = _closed_folder(folder)
    if closed is not None:
        message = f"{folder} cannot be reached: this process (uid {os.geteuid()}) may not enter {closed}."
        yield Problem("snapshots.W004", place, message, f"chmod o+x {closed}, or choose a folder somewhere else.")
    elif not folder.exists():
        yield from _creation_problems(folder, place)
    elif not folder.is_dir():
        yield Problem("snapshots.W004", place, f"{folder} is no folder.", "Name a folder, or one that can be made.")
    elif not os.access(folder, os.W_OK | os.X_OK):
        message = f"{folder} is not writable for the user of this process (uid {os.geteuid()})."
        yield Problem("snapshots.W004", place, message, f"chown {os.geteuid()} {folder}")
    else:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & _OTHERS:
            message = f"{folder} has mode {mode:04o}: other users of this host can read or change snapshots."
            yield Problem("snapshots.W004", place, message, _PRIVATE.format(folder=folder))


def _closed_folder(folder: Path) -> Path | None:
    """Return the outermost folder above that this process may not enter, and so cannot know what is in it."""
    for above in reversed(folder.parents):
        if not above.is_dir():
            return None
        if not os.access(above, os.X_OK):
            return above
    return None


def _creation_problems(folder: Path, place: Place) -> Iterator[Problem]:
    above = folder.parent
    if not above.is_dir():
        message = f"{folder} does not exist, and cannot be created: there is no folder {above}."
        yield Problem("snapshots.W004", place, message, f"Create {above}, or mount what belongs there.")
    elif not os.access(above, os.W_OK | os.X_OK):
        message = f"{folder} does not exist, and cannot be created: {above} is not writable (uid {os.geteuid()})."
        yield Problem("snapshots.W004", place, message, f"mkdir -m 700 {folder}; chown {os.geteuid()} {folder}")
