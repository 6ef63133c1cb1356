"""Removing snapshots so that one that is killed half-way shows nothing half-way, and is finished by the next.

A note of the names is stored before the first deletion and goes with the last; on a full storage, as soon as something
was deleted. What makes a snapshot visible, its manifest or its archive, goes first.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING

from django_snapshots.engine import catalog
from django_snapshots.engine.incomplete import Leftover
from django_snapshots.errors import SnapshotError, SnapshotNameError, SnapshotStorageError
from django_snapshots.names import check_snapshot_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["delete_snapshot", "find_removals", "remove_format", "remove_snapshots"]

_NOTE = re.compile(re.escape(catalog.REMOVAL_PREFIX) + r"[0-9a-f]{32}\.json")
_NOTE_MAX_BYTES = 16 * 1024 * 1024


def delete_snapshot(storage: GuardedStorage, name: str, *, require_held: Callable[[], None] = lambda: None) -> None:
    """Remove a snapshot in whatever format it is stored, damaged or not.

    Raises:
        SnapshotNotFoundError: There is none of that name; its text names the nearest.
        SnapshotNameError: The name cannot be a snapshot's.
        SnapshotStorageError: The storage failed; the snapshot is whole or not listed any more.
    """
    catalog.require_snapshot(storage, name)
    listing = [*storage.list(f"{name}/"), *storage.list(catalog.archive_path(name))]
    remove_snapshots(storage, [name], listing, require_held=require_held)


def remove_format(
    storage: GuardedStorage,
    name: str,
    format_: catalog.Format,
    *,
    keep: Collection[str] = (),
    require_held: Callable[[], None] = lambda: None,
) -> None:
    """Remove what a name has in one format, and leave what it has in the other; the marker of a backup stays too.

    Args:
        storage: Where it is.
        name: The snapshot's name.
        format_: Which of its formats goes.
        keep: Paths in the storage that stay.
        require_held: Called before anything is removed; what it raises ends the removal.

    Raises:
        SnapshotStorageError: The storage failed; the snapshot is whole in that format, or not listed in it any more.
    """
    prefix = f"{name}/" if format_ == "directory" else catalog.archive_path(name)
    stays = {catalog.marker_path(name), *keep}
    listing = [path for path in storage.list(prefix) if path not in stays]
    remove_snapshots(storage, [name], listing, require_held=require_held)


def remove_snapshots(
    storage: GuardedStorage, names: Sequence[str], listing: Iterable[str], *, require_held: Callable[[], None]
) -> list[str]:
    """Remove snapshots, and return their names.

    Costs two calls for each where the storage has `delete_many`, one for each of their files where not; and two.

    Args:
        storage: Where they are.
        names: Of snapshots; the first goes first.
        listing: The paths in the storage, all of these snapshots among them.
        require_held: Called before each snapshot; what it raises ends the removal.

    Raises:
        SnapshotStorageError: The storage failed. Each snapshot is whole, or not listed any more; a note on the error
            says which are gone. The next removal of leftovers goes on.
    """
    if not names:
        return []
    by_name = _by_name(listing)
    note = _Note(storage, names)
    note.leave()
    removed: list[str] = []
    try:
        for name in names:
            require_held()
            _remove(storage, name, by_name[name], then=note.leave)
            removed.append(name)
        note.take_away()
    except SnapshotError as error:
        error.add_note(f"Deleted before that: {', '.join(removed) or 'none'}. The next prune removes what is left.")
        raise
    return removed


class _Note:
    """The names of what a removal removes, kept in the storage until it has ended."""

    def __init__(self, storage: GuardedStorage, names: Sequence[str]) -> None:
        self._storage = storage
        self._path = catalog.removal_path(uuid.uuid4().hex)
        self._content = json.dumps({"names": list(names)}).encode()
        self._left = False

    def leave(self) -> None:
        """Store it, unless that is done; a full storage has no space for it until something is removed."""
        if self._left:
            return
        try:
            self._storage.store(self._path, iter([self._content]))
        except SnapshotStorageError as error:
            if not error.full:
                raise
        else:
            self._left = True

    def take_away(self) -> None:
        """Remove it, if it was stored."""
        if self._left:
            self._storage.delete(self._path)


def _remove(storage: GuardedStorage, name: str, listing: Sequence[str], *, then: Callable[[], None]) -> None:
    """Remove a snapshot; `then` is called as soon as it is not visible any more."""
    paths = catalog.paths_of(name, listing)
    visible = [path for path in paths if path in (catalog.manifest_path(name), catalog.archive_path(name))]
    for path in visible:  # alone: nothing else of it may be gone as long as it is listed
        storage.delete(path)
    then()
    storage.delete_many(paths[len(visible) :])


def find_removals(storage: GuardedStorage, listing: Sequence[str]) -> list[Leftover]:
    """Return what removals that were killed left behind; costs a small read for each.

    A snapshot of such a name that is there, since it was not reached or was made anew, is not touched.

    Args:
        storage: Where to look.
        listing: All paths in it.

    Raises:
        SnapshotStorageError: The storage failed.
    """
    notes = [path for path in listing if _NOTE.fullmatch(path)]
    by_name = _by_name(listing) if notes else {}
    return [leftover for note in notes for leftover in _left_by(note, _names_in(storage, note), by_name)]


def _left_by(note: str, names: Sequence[str], by_name: dict[str, list[str]]) -> list[Leftover]:
    found = {name: _left_of(name, by_name.get(name, [])) for name in names}
    left = {name: paths for name, paths in found.items() if paths} or {name: [] for name in names[:1]}
    for paths in list(left.values())[-1:]:
        paths.append(note)  # the last to go: when this is interrupted too, the next run goes on
    return [Leftover(name, None, tuple(paths)) for name, paths in left.items()]


def _left_of(name: str, listing: Sequence[str]) -> list[str]:
    paths = catalog.paths_of(name, listing)
    if catalog.marker_path(name) in paths:
        return []  # a backup of the same name is at work, or was killed: that is found by its marker
    hidden = catalog.manifest_path(name) not in paths
    in_folder = [path for path in paths if path.startswith(f"{name}/")] if hidden else []
    beside = [path for path in paths if not path.startswith(f"{name}/")]
    return in_folder + (beside if catalog.archive_path(name) not in paths else [])


def _by_name(listing: Iterable[str]) -> dict[str, list[str]]:
    """Return the paths by the snapshot that they may belong to; a look at each path for each name would be slow."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in listing:
        folder, slash, _ = path.partition("/")
        name = folder if slash else folder.rpartition(catalog.ARCHIVE_SUFFIX)[0]
        by_name[name].append(path)
    return by_name


def _names_in(storage: GuardedStorage, note: str) -> list[str]:
    """Return the names in a note; none when it is gone by now, or is none of ours."""
    try:
        document = json.loads(storage.read_start(note, _NOTE_MAX_BYTES))
        return [check_snapshot_name(name) for name in document["names"]]
    except SnapshotStorageError as error:
        if error.missing:
            return []
        raise
    except (ValueError, TypeError, KeyError, RecursionError, SnapshotNameError):
        return []
