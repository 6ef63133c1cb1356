"""Open folders on the way from a root to the current one: the safe and quick way to reach names below a root.

Every folder is opened relative to the one above it and never through a symlink, so nothing outside the root can be
reached, whatever is exchanged for a symlink meanwhile.
"""

from __future__ import annotations

import os
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["FOLDER_FLAGS", "FolderChain"]

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH_KEPT = 64
"""Folders kept open; those deeper are opened anew each time, so that no depth runs out of file descriptors."""


class FolderChain:
    """The current folder below a root, and the folders above it, kept open for what comes next."""

    def __init__(self, root: int) -> None:
        """Start at `root`, the file descriptor of an open folder, which stays open."""
        self._root = root
        self._names: list[bytes] = []
        self._folders: list[int] = []
        self._deepest: int | None = None
        self._path = b""
        self._current = root

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keep(0)

    def open(self, path: bytes) -> int:
        """Return a file descriptor of the folder at `path`, b"" for the root; it is good until the next call.

        Raises:
            OSError: A part of `path` is missing, is no folder, is a symlink, or may not be opened.
        """
        if path != self._path:
            self._current = self._walk(path.split(b"/") if path else [])
            self._path = path
        return self._current

    def _walk(self, names: list[bytes]) -> int:
        # Until the walk has arrived the current folder is unknown, and no path equals this.
        self._path = b"/"
        self._keep(sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(names, self._names, strict=False))))
        for name in names[len(self._names) : _DEPTH_KEPT]:
            self._folders.append(os.open(name, FOLDER_FLAGS, dir_fd=self._last_kept()))
            self._names.append(name)
        for name in names[_DEPTH_KEPT:]:
            above, self._deepest = self._deepest, None
            try:
                self._deepest = os.open(name, FOLDER_FLAGS, dir_fd=self._last_kept() if above is None else above)
            finally:
                if above is not None:
                    os.close(above)
        return self._last_kept() if self._deepest is None else self._deepest

    def _keep(self, depth: int) -> None:
        if self._deepest is not None:
            os.close(self._deepest)
            self._deepest = None
        while len(self._folders) > depth:
            os.close(self._folders.pop())
        del self._names[depth:]

    def _last_kept(self) -> int:
        return self._folders[-1] if self._folders else self._root
