"""Reads the tar of a folder without extracting it: is each member whole, and are they as many as the facts say?"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.artifacts._tar_format import HARD_LINK, REGULAR, SYMLINK
from django_snapshots.artifacts._tar_reader import TarReader

if TYPE_CHECKING:
    from django_snapshots.artifacts._tree_facts import TreeFacts

__all__ = ["tree_damage"]


def tree_damage(source: BinaryIO, expected: TreeFacts) -> list[str]:
    """Return what differs from the facts.

    Raises:
        SnapshotArtifactError: The tar is damaged, cut short, or holds what is not restored.
    """
    reader = TarReader(source)
    files = size_bytes = 0
    symlinks = set()
    for member in reader.members():
        if member.kind == SYMLINK or (member.kind == HARD_LINK and member.link in symlinks):
            symlinks.add(member.name)
        files += member.kind in {REGULAR, HARD_LINK} and member.name not in symlinks
        size_bytes += member.size
    counted = (("files", files, expected.files), ("bytes of files", size_bytes, expected.size_bytes))
    return [
        f"The tar holds {found} {what}, the manifest says {recorded}."
        for what, found, recorded in counted
        if recorded is not None and found != recorded
    ]
