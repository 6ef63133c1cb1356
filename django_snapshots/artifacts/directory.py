"""The directory artifact: a folder, such as MEDIA_ROOT, as a tar and back. Its modules beside it do the work."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from django_snapshots.artifacts._entry_moves import stays
from django_snapshots.artifacts._mounts import LOST_AND_FOUND, has_lost_and_found, mount_points_below
from django_snapshots.artifacts._remarks import shown
from django_snapshots.artifacts._swap_recovery import recover_swaps
from django_snapshots.artifacts._tar_format import BLOCK_SIZE, END_OF_ARCHIVE
from django_snapshots.artifacts._tree_extractor import extract_tree
from django_snapshots.artifacts._tree_facts import TreeFacts
from django_snapshots.artifacts._tree_swap import prepare_swap
from django_snapshots.artifacts._tree_verify import tree_damage
from django_snapshots.artifacts._tree_writer import TreeWriter
from django_snapshots.conf.problems import Problem
from django_snapshots.errors import SnapshotArtifactError
from django_snapshots.missing_disk import missing_disk
from django_snapshots.scratch import free_space, require_space, scratch_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue

    from django_snapshots.artifacts._target_state import Content
    from django_snapshots.artifacts._tree_swap import TreeSwap
    from django_snapshots.artifacts.contract import Staged

__all__ = ["DirectoryArtifact"]

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class DirectoryArtifact:
    """A folder with all it holds: files, folders, symlinks and hard links, with modes, owners and mtimes.

    The tar has paths relative to the folder and opens with any tar program. Sockets, FIFOs and devices are left out
    and noted. A restore extracts beside the folder and then changes places with it; where the folder cannot be
    renamed, a mount point for example, it extracts inside and moves entry by entry.

    Attributes:
        location: The folder. When it is a symlink, what it points to is dumped and replaced.
    """

    kind = "directory"
    suffix = "tar"

    def __init__(self, location: str | os.PathLike[str]) -> None:
        """Store the location; `check` judges it."""
        self.location = location

    def dump(self, sink: BinaryIO) -> dict[str, JsonValue]:
        """Write the folder to `sink` as a tar.

        Returns:
            `files` (regular ones), `size_bytes` of their content, `mode` of the folder as "0755", `notes`; and
            `problems` where something that belongs in the tar could not be read.

        Raises:
            SnapshotArtifactError: The location is no folder, cannot be read, is on a disk that is not mounted, or is in
                the middle of a restore.
        """
        target = self._target()
        notes = recover_swaps(target)
        try:
            root = os.open(target, _FOLDER_FLAGS)
        except FileNotFoundError as error:
            missing = missing_disk(Path(self.location).absolute())
            if missing:
                raise SnapshotArtifactError(shown(missing), artifact="") from error
            sink.write(END_OF_ARCHIVE)
            return {"files": 0, "size_bytes": 0, "notes": [*notes, f"{shown(target)} does not exist; the tar is empty"]}
        except OSError as error:
            raise SnapshotArtifactError(
                f"{shown(target)} cannot be read ({error.strerror}). Run the backup as a user who may read it.",
                artifact="",
            ) from error
        if has_lost_and_found(target):
            notes.append(f"{LOST_AND_FOUND} belongs to the file system and was left out")
        try:
            writer = TreeWriter(sink, shown(target), omit=stays(target))
            writer.write(root)
            mode = stat.S_IMODE(os.fstat(root).st_mode)
        finally:
            os.close(root)
        facts: dict[str, JsonValue] = {"files": writer.files, "size_bytes": writer.size_bytes, "mode": f"{mode:04o}"}
        facts["notes"] = [*notes, *writer.notes.texts()]
        if writer.problems:
            facts["problems"] = [*writer.problems.texts()]
        return facts

    def restore(self, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        """Replace what the folder holds by the tar; raises as `stage` and its `commit` do."""
        self.stage(source, facts).commit()

    def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> Staged:
        """Extract the tar `source`, read to its end, beside or inside the folder, which stays as it is.

        Args:
            source: Needs `read(size)` only.
            facts: Those of `dump`; the tar must hold as much as they say. An empty mapping takes any tar.

        Raises:
            SnapshotSpaceError: The disk has too little space.
            SnapshotArtifactError: The tar is damaged or holds what is refused, or nothing can be written there.
        """
        expected = TreeFacts.parse(facts)
        target = self._replaceable_target()
        recover_swaps(target)
        swap = prepare_swap(target)
        try:
            require_space(swap.new, expected.disk_bytes, f"the restored copy of {shown(target)}")
            new = os.open(swap.new, _FOLDER_FLAGS)
            try:
                extract_tree(source, new, expected)
            finally:
                os.close(new)
            self._complete(swap, target)
            swap.seal(expected.mode)
        except OSError as error:
            swap.discard()
            raise SnapshotArtifactError(
                f"The restored copy of {shown(target)} could not be written ({error.strerror}). Nothing was replaced. "
                "Remove the cause and try again.",
                artifact="",
            ) from error
        except BaseException:
            swap.discard()
            raise
        return swap

    def verify(self, source: BinaryIO, facts: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with the tar in `source`: each member is read, and counted against the facts."""
        try:
            return tree_damage(source, TreeFacts.parse(facts))
        except SnapshotArtifactError as error:
            return [str(error)]

    def drill(self, source: BinaryIO, facts: Mapping[str, Any]) -> dict[str, list[str]]:
        """Restore into a folder in the temporary directory, which goes at the end; return `problems`.

        Raises:
            SnapshotSpaceError: The temporary directory is too small.
        """
        with scratch_directory() as scratch:
            try:
                DirectoryArtifact(scratch / "restored").restore(source, facts)
            except SnapshotArtifactError as error:
                return {"problems": [f"It could not be restored in a drill: {error}"], "notes": []}
        return {"problems": [], "notes": []}

    def _complete(self, swap: TreeSwap, target: Path) -> None:
        """Add to the extracted tree what else is to be there; a snapshot has all of it."""

    def size_hint(self) -> int:
        """Return roughly how many bytes `dump` will write; what cannot be read counts nothing."""
        return len(END_OF_ARCHIVE) + sum(_tar_sizes(self._target()))

    def plan(self, facts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Return what a restore would replace: `target`, what it holds now, and what the snapshot holds.

        `needs_bytes` and `free_bytes` are of the file system that has the folder.

        Raises:
            SnapshotArtifactError: The folder can never be replaced: it is a file, or something is mounted in it.
        """
        expected = TreeFacts.parse(facts)
        target = self._replaceable_target()
        return {
            "target": shown(target),
            "content": self.content(),
            "current_size_bytes": self.size_hint() - len(END_OF_ARCHIVE),
            "files": expected.files,
            "size_bytes": expected.size_bytes,
            "needs_bytes": expected.disk_bytes,
            "free_bytes": free_space(target),
        }

    def obstacle(self) -> str | None:
        """Return that neither the folder nor the one above it may be written; None where one of them may."""
        target = self._target()
        # Folders that are missing above it are made.
        above = next((folder for folder in target.parents if os.path.exists(folder)), target)  # noqa: PTH110
        if os.access(above, os.W_OK | os.X_OK) or os.access(target, os.R_OK | os.W_OK | os.X_OK):
            return None
        inside = f", nor is {shown(target)}" if target.exists() else ""
        return f"{shown(above)} is not writable for this user{inside}. Restore as a user who may write there."

    def content(self) -> Content:
        """Return whether the folder holds anything."""
        target = self._target()
        try:
            with os.scandir(target) as entries:
                omit = stays(target)
                return "filled" if any(not omit(entry) for entry in entries) else "empty"
        except FileNotFoundError:
            return "empty"
        except OSError:
            return "unreadable"

    def lock_key(self) -> str:
        """Return a text that is the same for everything that means this folder."""
        return f"directory {self._target()}"

    def target_folder(self) -> Path:
        """Return the folder that is replaced, with symlinks followed."""
        return self._target()

    def check(self) -> list[Problem]:
        """Return what is wrong with the location."""
        location = os.fspath(self.location)
        if not location:
            message, hint = "The location is empty.", "Give the absolute path of a folder."
        elif "\0" in location:
            message, hint = "The location contains a NUL character.", "Give the absolute path of a folder."
        elif _is_file(Path(location)):
            message, hint = f"{shown(location)} is a file, not a folder.", "Give the path of the folder that holds it."
        else:
            return []
        return [Problem("snapshots.E002", ("location",), message, hint)]

    def _target(self) -> Path:
        problems = self.check()
        if problems:
            raise SnapshotArtifactError(f"{problems[0].message} {problems[0].hint}", artifact="")
        return Path(os.path.realpath(self.location))

    def _replaceable_target(self) -> Path:
        target = self._target()
        mounts = mount_points_below(target)
        if mounts:
            raise SnapshotArtifactError(
                f"{shown(target)} cannot be replaced: {shown(mounts[0])} in it is a mount point. "
                "Unmount it for the restore, and give it an artifact of its own.",
                artifact="",
            )
        return target


def _is_file(location: Path) -> bool:
    try:
        return not stat.S_ISDIR(location.stat().st_mode)
    except OSError:
        return False


def _tar_sizes(root: Path) -> Iterator[int]:
    # Nearly every member has a pax header of two blocks before its own.
    header_size = 3 * BLOCK_SIZE
    folders = [os.fspath(root)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                yield header_size
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    size = entry.stat(follow_symlinks=False).st_size
                    yield size + -size % BLOCK_SIZE
