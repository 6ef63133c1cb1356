"""Whose the files of a storage in a folder are: what root makes goes to the folder's owner, and a refusal says who is
kept out by whom.
"""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from django_snapshots.errors import SnapshotStorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["give_to_owner_of", "telling_owner"]

_ROOT = 0


def give_to_owner_of(folder: int, descriptor: int) -> None:
    """Give what this process has made to the owner and group of a folder, where it is root and may.

    One command that is run as root must not lock the site's own user out of the storage.

    Args:
        folder: Descriptor of the folder.
        descriptor: What was made in it.
    """
    if os.geteuid() != 0:
        return
    owner = os.fstat(folder)
    with suppress(OSError):  # network file systems that give every file to one user
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


@contextmanager
def telling_owner(location: Path, path: str | None, *, writes: bool) -> Iterator[None]:
    """Turn a refusal of the system into a sentence that says whose the file is, who asks, and what to type.

    Args:
        location: The folder of the storage.
        path: What is used in it; None for what the error names.
        writes: Whether it is changed.

    Raises:
        SnapshotStorageError: In the place of a PermissionError on something in `location`.
    """
    try:
        yield
    except PermissionError as error:
        named = Path(location, os.fsdecode(error.filename or "") if path is None else path)
        if not named.is_relative_to(location):
            raise
        found = _in_the_way(location, named, writes=writes)
        raise SnapshotStorageError(
            f"{found} cannot be {'changed' if writes else 'read'}: {error.strerror}. {_way_out(location, found)}",
            operation="open",
            path=str(found),
        ) from error


def _in_the_way(location: Path, named: Path, *, writes: bool) -> Path:
    """Return what refuses, on the way from the location to what is named in it."""
    if not os.path.lexists(location):
        return location.parent
    found = location
    below = named.relative_to(location).parts
    for depth in range(len(below) + 1):
        each = location.joinpath(*below[:depth])
        try:
            is_folder = stat.S_ISDIR(each.stat(follow_symlinks=depth == 0).st_mode)
        except OSError:
            break
        found = each
        needed = os.R_OK | os.X_OK | (os.W_OK if writes else 0) if is_folder else os.R_OK
        if not os.access(each, needed):
            break
    return found


def _way_out(location: Path, found: Path) -> str:
    try:
        there = found.stat()
        owner = location.stat().st_uid if os.path.lexists(location) else None
    except OSError:
        return f"Give {_user(os.geteuid())}, the user that runs this command, access to it."
    here, mode = os.geteuid(), f"{stat.S_IMODE(there.st_mode):04o}"
    whose = f"It belongs to {_user(there.st_uid)} with mode {mode}, and this command runs as {_user(here)}."
    target = shlex.quote(str(location))
    if owner is None:
        return f"{whose} {_way_to_make(location)}"
    if there.st_uid == here:
        return f"{whose} Give the user back what was taken away: chmod -R u+rwX {target}"
    give = f"sudo chown -R {_name(here)} {target}"
    if owner == here:
        return f"{whose} Give the whole storage to that user, and run every command as it: {give}"
    run = f"Run the command as {_name(owner)} (sudo -u {_name(owner)} …)"
    # The storage of a user is not to be taken from it, least of all from the one that makes the nightly backups.
    return f"{whose} {run}, or give the folder away: {give}" if owner == _ROOT else f"{whose} {run}."


def _way_to_make(location: Path) -> str:
    """Return how the location comes to be; the folder above it may hold what is of others, and stays as it is."""
    here = _name(os.geteuid())
    if not os.access(location.parent, os.X_OK):
        return f"Choose a location that {here} can reach, or let that user enter this folder."
    return f"Make the folder for it: sudo install -d -m 700 -o {here} {shlex.quote(str(location))}"


def _user(uid: int) -> str:
    return f"{_name(uid)} (uid {uid})"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
