"""Puts a new tree in the place of a folder: from beside it by one exchange, or from inside it entry by entry.

At every moment the folder is wholly old or wholly new, or the name of the scratch directory says which of the two it
is to become: `_swap_recovery` sees to that after a crash.
"""

from __future__ import annotations

import os
import stat
import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from django_snapshots.artifacts._entry_moves import clear, fill, require_movable, stays
from django_snapshots.artifacts._folder_modes import needs_to_be_made_writable, record_modes
from django_snapshots.artifacts._libc import exchange, flush_file_system
from django_snapshots.artifacts._remarks import shown
from django_snapshots.artifacts._swap_recovery import (
    NEW,
    OLD,
    SET_ASIDE,
    TARGET,
    UNFINISHED_NEW,
    UNFINISHED_OLD,
    undo_swap,
)
from django_snapshots.errors import SnapshotArtifactError
from django_snapshots.scratch import (
    SCRATCH_PREFIX,
    UNFINISHED_PREFIX,
    ScratchDirectory,
    flush_directory,
    sweep_scratch,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TreeSwap", "prepare_swap"]

_DEFAULT_MODE = 0o755


def prepare_swap(target: Path) -> TreeSwap:
    """Make an empty folder whose content can take the place of that of `target`, a resolved path.

    Beside `target` where its parent may be written and `target` renamed, else inside it: a mount point cannot be
    renamed, and a web server's user often owns MEDIA_ROOT and nothing above it.

    Raises:
        SnapshotArtifactError: Neither is possible. `target` is as before.
    """
    sweep_scratch(target)
    try:
        return _prepared(BesideSwap(target))
    except OSError as error:
        beside = error
    try:
        return _prepared(InsideSwap(target))
    except OSError as inside:
        raise SnapshotArtifactError(
            f"{shown(target)} cannot be restored. To replace it as a whole failed with {_reason(beside)}; to replace "
            f"what it holds failed with {_reason(inside)}. Run the restore as a user who may write there.",
            artifact="",
        ) from inside


def _prepared(swap: TreeSwap) -> TreeSwap:
    try:
        swap.prepare()
    except BaseException:
        swap.discard()
        raise
    return swap


def _reason(error: OSError) -> str:
    return f"'{error.strerror}' at {shown(str(error.filename))}"


class TreeSwap(ABC):
    """A locked scratch directory with the folder `new`, and the folder whose place its content will take."""

    def __init__(self, target: Path, place: Path) -> None:
        """Make the scratch directory in `place`.

        Raises:
            OSError: It cannot be made there.
        """
        self._target = target
        self._scratch = ScratchDirectory(place)
        self._mode = _DEFAULT_MODE
        self._is_replaced = False
        self._is_set_aside = False
        self._keep: Callable[[Path], None] | None = None

    @property
    def new(self) -> Path:
        """Return the folder to extract to."""
        return self._scratch.path / NEW

    @abstractmethod
    def prepare(self) -> None:
        """Make `new`, and check that the target can be replaced; OSError where it cannot."""

    def seal(self, mode: int | None) -> None:
        """Make the new tree ready and durable; `mode` is that of the folder itself where there is none yet.

        Raises:
            OSError: The disk did not take what was written.
        """
        new = os.open(self.new, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # A folder that gets another parent must be writable (rename(2), EACCES).
            self._mode = self._final_mode(mode)
            os.fchmod(new, self._mode | stat.S_IRWXU)
            flush_file_system(new)
        finally:
            os.close(new)

    def before_removing(self, keep: Callable[[Path], None]) -> None:
        """Have `keep` called with each tree that was replaced, once the new one is in its place.

        Args:
            keep: Takes what is to be kept out of the tree; raises OSError or SnapshotArtifactError where it cannot.
        """
        self._keep = keep

    def commit(self) -> None:
        """Replace the target, then remove the old tree.

        Raises:
            SnapshotArtifactError: It failed; the text says that the target is as before, or what it is.
        """
        try:
            self._replace()
        except BaseException as error:
            if not self._is_replaced:
                self._undo()
            if isinstance(error, OSError):
                raise self._failure(error) from error
            raise
        self._keep_others()
        self._scratch.remove()

    def discard(self) -> None:
        """Remove the new tree; what a failed commit could not put back is kept, for it is the only copy."""
        if self._is_set_aside or self._scratch.path.name.startswith(UNFINISHED_PREFIX):
            self._scratch.release()
        else:
            self._scratch.remove()

    @abstractmethod
    def _final_mode(self, mode: int | None) -> int: ...

    @abstractmethod
    def _replace(self) -> None: ...

    def _undo(self) -> None:
        if self._scratch.path.name.startswith(UNFINISHED_PREFIX):
            try:
                undo_swap(self._scratch, self._target, self._aside)
            except OSError as error:
                self._scratch.release()
                raise SnapshotArtifactError(
                    f"The restore of {shown(self._target)} failed half-way and could not be undone ({error}). "
                    f"What is missing there is in {shown(self._scratch.path)}. Remove the cause; the next backup or "
                    "restore of it puts it back.",
                    artifact="",
                ) from error
        self._scratch.remove()

    @property
    def _aside(self) -> Path:
        return self._scratch.path / "aside"

    def _keep_others(self) -> None:
        if self._keep is None:
            return
        trees = [tree for tree in (self.new, self._scratch.path / OLD, self._aside) if tree.is_dir()]
        try:
            for tree in trees:
                self._keep(tree)
        except BaseException as error:
            self._set_aside()
            text = (
                f"{shown(self._target)} was replaced, but what others wrote there during the restore is not all in it. "
                f"What was replaced is in {shown(self._scratch.path)}: move what you need back, and delete the rest."
            )
            if not isinstance(error, OSError | SnapshotArtifactError):
                error.add_note(text)
                raise
            raise SnapshotArtifactError(f"{text} The reason: {error}.", artifact="") from error

    def _set_aside(self) -> None:
        self._is_set_aside = True
        with suppress(OSError):
            self._scratch.rename(SET_ASIDE)
        self._scratch.release()

    def _failure(self, error: OSError) -> SnapshotArtifactError:
        if self._is_replaced:
            what = "was replaced, but the disk did not confirm that it kept this"
        else:
            what = "could not be replaced and is as before"
        return SnapshotArtifactError(
            f"{shown(self._target)} {what}: {_reason(error)}. Remove the cause and restore it again.", artifact=""
        )

    def _write_target(self, name: str) -> Path:
        # Returns a folder that is not empty, for `require_movable`.
        (self._scratch.path / TARGET).write_bytes(os.fsencode(name))
        filled = self._scratch.path / "filled"
        (filled / "it").mkdir(parents=True)
        return filled


class BesideSwap(TreeSwap):
    """The new tree stands beside the folder, and they change places."""

    def __init__(self, target: Path) -> None:
        """Make a scratch directory in the parent of `target`, which is made where it is missing."""
        target.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(target, target.parent)

    def prepare(self) -> None:
        """Make `new` like the folder it replaces."""
        filled = self._write_target(self._target.name)
        self.new.mkdir(mode=0o700)
        if self._target.exists():
            _imitate(self._target, self.new)
            require_movable(self._target, filled)

    def _final_mode(self, mode: int | None) -> int:
        if self._target.exists():
            return stat.S_IMODE(self._target.stat().st_mode)
        return _DEFAULT_MODE if mode is None else mode

    def _replace(self) -> None:
        # Opened before it can be seen: others may put something else at its new path, which is not to get the mode.
        new = os.open(self.new, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._change_places()
            self._is_replaced = True
            os.fchmod(new, self._mode)
        finally:
            os.close(new)
        flush_directory(self._target.parent)

    def _change_places(self) -> None:
        try:
            if exchange(self.new, self._target):
                return
        except FileNotFoundError:
            pass  # nothing is there that could change places
        if self._target.exists():
            self._replace_in_two_steps()
        else:
            self.new.rename(self._target)

    def _replace_in_two_steps(self) -> None:
        self._scratch.rename(UNFINISHED_OLD)
        self._target.rename(self._scratch.path / OLD)
        self.new.rename(self._target)
        self._is_replaced = True
        self._scratch.rename(SCRATCH_PREFIX)


class InsideSwap(TreeSwap):
    """The new tree stands inside the folder; what the folder held moves out, then what the new tree holds moves in."""

    def __init__(self, target: Path) -> None:
        """Make a scratch directory in `target`."""
        super().__init__(target, target)

    def prepare(self) -> None:
        """Check that each entry can be moved."""
        filled = self._write_target(".")
        self.new.mkdir(mode=0o700)
        (self._scratch.path / OLD).mkdir(mode=0o700)
        entry_stays = stays(self._target)
        with os.scandir(self._target) as entries:
            for entry in entries:
                path = Path(entry.path)
                if not entry_stays(entry) and not needs_to_be_made_writable(path):
                    require_movable(path, filled)

    def seal(self, mode: int | None) -> None:
        """Make the new tree ready and durable, and the modes that a swap has to change for a moment."""
        record_modes(self._scratch.path, {OLD: self._target, NEW: self.new})
        super().seal(mode)

    def _final_mode(self, mode: int | None) -> int:  # noqa: ARG002 - the folder itself stays
        return 0o700

    def _replace(self) -> None:
        old = self._scratch.rename(UNFINISHED_OLD) / OLD
        clear(self._target, old, self._aside)
        flush_directory(old)
        flush_directory(self._target)
        self._scratch.rename(UNFINISHED_NEW)
        fill(self._target, self.new, self._aside)
        flush_directory(self._target)
        self._is_replaced = True
        self._scratch.rename(SCRATCH_PREFIX)


def _imitate(model: Path, folder: Path) -> None:
    # Owner and group, then extended attributes (access control lists among them), so that what is extracted into
    # `folder` inherits what it would inherit in `model`. Raises where this user may not give `folder` that owner.
    wanted, found = model.stat(), folder.stat()
    if (wanted.st_uid, wanted.st_gid) != (found.st_uid, found.st_gid):
        os.chown(folder, wanted.st_uid, wanted.st_gid)
    folder.chmod(stat.S_IMODE(wanted.st_mode) | stat.S_IRWXU)
    if sys.platform == "linux":
        # Some file systems keep no attributes, and those of the security modules are not for every user to set.
        with suppress(OSError):
            for name in os.listxattr(model):
                with suppress(OSError):
                    os.setxattr(folder, name, os.getxattr(model, name))
