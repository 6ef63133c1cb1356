"""What a manifest says of a folder in a tar: written by the dump, held against the tar by the restore. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django_snapshots.errors import SnapshotArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TreeFacts"]

_ALLOCATION_BYTES = 4096
"""Disk space goes to files in steps of this size; a folder, symlink or inode takes about as much."""

_MODE = re.compile(r"[0-7]{3,4}")


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """Facts of one folder; None where the manifest does not say.

    Attributes:
        files: Regular files, each name of a hard-linked one counted.
        size_bytes: Bytes of their content, a hard-linked one counted once.
        mode: Permission bits of the folder itself.
    """

    files: int | None = None
    size_bytes: int | None = None
    mode: int | None = None

    @classmethod
    def parse(cls, facts: Mapping[str, Any]) -> TreeFacts:
        """Return the facts in a manifest's `facts`.

        Raises:
            SnapshotArtifactError: One of them is not what a dump writes.
        """
        mode = facts.get("mode")
        if mode is not None and not (isinstance(mode, str) and _MODE.fullmatch(mode)):
            raise _damaged("mode", mode)
        return cls(_count(facts, "files"), _count(facts, "size_bytes"), None if mode is None else int(mode, 8))

    @property
    def disk_bytes(self) -> int:
        """Return the disk space that the folder takes, rounded up; 0 where it is not known."""
        return (self.size_bytes or 0) + _ALLOCATION_BYTES * (self.files or 0)


def _count(facts: Mapping[str, Any], key: str) -> int | None:
    value = facts.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _damaged(key, value)
    return value


def _damaged(key: str, value: object) -> SnapshotArtifactError:
    return SnapshotArtifactError(
        f"The manifest's fact '{key}' of this folder is {value!r}, which no backup writes. "
        "Nothing was replaced; restore another snapshot.",
        artifact="",
    )
