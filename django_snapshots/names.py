"""The rules for names: of snapshots, of artifacts, and of paths in a storage. Pure; opens nothing."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING
from urllib.parse import quote

from django_snapshots.errors import SnapshotNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "SAFETY_PREFIX",
    "artifact_path",
    "check_artifact_name",
    "check_backup_name",
    "check_path",
    "check_snapshot_name",
    "nearest",
]

SNAPSHOT_NAME_MAX = 128
SAFETY_PREFIX = "pre-restore-"
"""Begins the name of what a restore saved before it replaced it."""
_SNAPSHOT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_%+-][A-Za-z0-9._%+-]*(?:/[A-Za-z0-9_%+-][A-Za-z0-9._%+-]*)*")
"""What nearly all paths in a storage look like; each is looked at in one step, for a listing has tens of thousands."""
_RESERVED_SNAPSHOT_NAMES = frozenset({"latest"})
_ARTIFACT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
RESERVED_ARTIFACT_NAMES = frozenset(
    {"database", "media", "environment", "manifest", "incomplete", "verified", "pinned"}
)


def check_snapshot_name(name: str) -> str:
    """Return `name` when it may name a snapshot.

    Raises:
        SnapshotNameError: It has other characters, is longer than 128, ends in ".tar", or is reserved.
    """
    if not _SNAPSHOT_NAME.fullmatch(name):
        reason = "letters, digits and . _ + - only, with a letter or digit first"
    elif len(name) > SNAPSHOT_NAME_MAX:
        reason = f"at most {SNAPSHOT_NAME_MAX} characters, this one has {len(name)}"
    elif name.endswith(".tar"):
        stem = name.removesuffix(".tar")
        reason = f"it may not end in .tar, which marks an archive file; the snapshot in it is called {stem!r}"
    elif name in _RESERVED_SNAPSHOT_NAMES:
        reason = f"'{name}' always means the newest snapshot"
    else:
        return name
    raise SnapshotNameError(f"{name!r} cannot name a snapshot: {reason}.", name=name)


def check_backup_name(name: str) -> str:
    """Return `name` when it may name a backup, which `latest`, `prune` and `health` must not take for a restore's.

    Raises:
        SnapshotNameError: It cannot name a snapshot, or begins like what restores save.
    """
    if name.startswith(SAFETY_PREFIX):
        reason = f"names with {SAFETY_PREFIX} are those of what restores save, which 'latest' and prune do not count"
        raise SnapshotNameError(f"{name!r} cannot name a backup: {reason}.", name=name)
    return check_snapshot_name(name)


def check_artifact_name(name: str) -> str:
    """Return `name` when a project may give it to an artifact of its own in SNAPSHOTS['ARTIFACTS'].

    Raises:
        SnapshotNameError: It has other characters than a-z, 0-9, _ and -, or is one of ours.
    """
    if name in RESERVED_ARTIFACT_NAMES:
        raise SnapshotNameError(f"{name!r} is a name of django-snapshots itself; choose another.", name=name)
    if not _ARTIFACT_NAME.fullmatch(name):
        raise SnapshotNameError(
            f"{name!r} cannot name an artifact: use lower-case letters, digits, _ and -, a letter or digit first.",
            name=name,
        )
    return name


def artifact_path(name: str, suffixes: Iterable[str]) -> str:
    """Return the path inside a snapshot for an artifact, such as "database/default.sqlite3.zst".

    Args:
        name: The artifact's name; what a file name should not hold (an alias may be any text) is percent-encoded.
        suffixes: File name endings with their dots, in order.
    """
    return check_path(quote(name, safe="/+-._") + "".join(suffixes))


def check_path(path: str) -> str:
    """Return `path` when it is a storage path: relative, "/"-separated, UTF-8, no empty, "." or ".." part.

    Raises:
        SnapshotNameError: It is anything else. Nothing was opened.
    """
    if _PLAIN_PATH.fullmatch(path):
        return path
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        reason = "each part between slashes must be a plain name"
    elif any(character in path for character in ("\0", "\\")):
        reason = "NUL and backslash are not allowed"
    elif not _is_utf8(path):
        reason = "it is not UTF-8"
    else:
        return path
    raise SnapshotNameError(f"{path!r} is no path inside a storage: {reason}.", name=path)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def nearest(word: str, candidates: Iterable[str], *, most: int = 1) -> list[str]:
    """Return up to `most` of the candidates that look like `word`, best first; case does not count."""
    by_folded: dict[str, str] = {}
    for candidate in candidates:
        by_folded.setdefault(candidate.lower(), candidate)
    return [by_folded[match] for match in get_close_matches(word.lower(), by_folded, n=most, cutoff=0.6)]
