"""The two storage contracts. Structural: a class with these methods is a storage, without inheriting anything."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AdvancedSnapshotStorage", "SnapshotStorage"]


@runtime_checkable
class SnapshotStorage(Protocol):
    """The basic tier: five methods. Paths are relative, "/"-separated and UTF-8.

    The methods are called from several threads at the same time: two threads never write the same path, and one may
    read, list or delete while another writes elsewhere.

    A method may raise whatever its library raises; the engine reports it as `SnapshotStorageError` with the
    original as the cause. A storage may also have

    - `size(path) -> int`, bytes of the object as the storage itself knows it: with it a write is confirmed by asking,
      without it by reading the object back;
    - `read_start(path, most_bytes) -> bytes`, which small objects are read by;
    - `delete_many(paths: list[str]) -> None`, which removes objects in any order; missing ones are no error, and what
      it raises names the path that could not be removed. What came before that may be gone.

    `check --deploy` looks at two attributes where they exist: `local_folder`, a Path, where objects are files of this
    host, and `is_remote`, true where they leave it.
    """

    def read(self, path: str) -> IO[bytes]:
        """Open the object for reading; the caller closes it. A missing path raises (FileNotFoundError by custom)."""
        ...

    def write(self, path: str, content: IO[bytes]) -> None:
        """Store what `content` yields until its end under exactly `path`, replacing what was there.

        `content` has `read(size)` and cannot seek. When it raises, nothing may become visible at `path`.
        """

    def list(self, prefix: str) -> list[str]:
        """Return the full paths of all objects whose path starts with the text `prefix`; "" lists all."""
        ...

    def delete(self, path: str) -> None:
        """Remove the object; a missing path is no error."""

    def exists(self, path: str) -> bool:
        """Say whether an object is stored at `path`."""
        ...


@runtime_checkable
class AdvancedSnapshotStorage(SnapshotStorage, Protocol):
    """The advanced tier: the five, streaming both ways, and moves that others never see half done."""

    def stream_read(self, path: str) -> Iterator[bytes]:
        """Yield the object in chunks of any size."""
        ...

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        """Store the chunks under exactly `path`, without staging them; visible only when the iterator has ended."""

    def atomic_move(self, src: str, dst: str) -> None:
        """Rename `src` to `dst`, replacing it; at every moment a reader finds the old or the new object at `dst`."""

    def recursive_list(self, prefix: str) -> list[str]:
        """Return the full paths of all objects in the folder `prefix`, at any depth; "" lists all."""
        ...

    def sync(self, src_prefix: str, dst_prefix: str) -> None:
        """Make the folder `dst_prefix` hold exactly the objects of the folder `src_prefix`."""
