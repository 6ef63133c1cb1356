"""Reads the tar of a folder without extracting it: is each member whole, and are they as many as the facts say?"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.artifacts._remarks import Remarks, printable
from django_snapshots.artifacts._tar_format import FOLDER, HARD_LINK, REGULAR, SYMLINK, Member
from django_snapshots.artifacts._tar_reader import TarReader
from django_snapshots.artifacts._tree_extractor import inner_path

if TYPE_CHECKING:
    from django_snapshots.artifacts._tree_facts import TreeFacts

__all__ = ["tree_damage"]


def tree_damage(source: BinaryIO, expected: TreeFacts) -> list[str]:
    """Return what differs from the facts, and which hard links have nothing to link to.

    Raises:
        SnapshotArtifactError: The tar is damaged, cut short, or holds what is not restored.
    """
    reader = TarReader(source)
    links = _HardLinks()
    files = size_bytes = 0
    symlinks = set()
    for member in reader.members():
        links.see(member)
        if member.kind == SYMLINK or (member.kind == HARD_LINK and member.link in symlinks):
            symlinks.add(member.name)
        files += member.kind in {REGULAR, HARD_LINK} and member.name not in symlinks
        size_bytes += member.size
    counted = (("files", files, expected.files), ("bytes of files", size_bytes, expected.size_bytes))
    return links.broken() + [
        f"The tar holds {found} {what}, the manifest says {recorded}."
        for what, found, recorded in counted
        if recorded is not None and found != recorded
    ]


class _HardLinks:
    # Which links lead to no file before them. A later link may lead to any earlier name: of each name only a hash of
    # 8 bytes is kept, 8 MB for a million files, where a set of names takes 100 MB and more.

    def __init__(self) -> None:
        self._seen = array("q")
        # Hash of what is linked to, how many names came before the first link to it, that link.
        self._links: dict[int, tuple[int, Member]] = {}

    def see(self, member: Member) -> None:
        if member.kind == HARD_LINK:
            self._links.setdefault(hash(inner_path(member.link, member)), (len(self._seen), member))
        if member.kind != FOLDER:
            self._seen.append(hash(inner_path(member.name, member)))

    def broken(self) -> list[str]:
        left = dict(self._links)
        for position, name in enumerate(self._seen if left else ()):
            if name in left and position < left[name][0]:
                del left[name]
        remarks = Remarks()
        for _, member in left.values():
            remarks.add(
                f"{printable(member.name)} is a hard link to {printable(member.link)}, no file before it in the tar: "
                "the folder cannot be restored."
            )
        return remarks.texts()
