"""Storages for tests: one that keeps everything in a dict, and ways to break it."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["AdvancedMemoryStorage", "BareStream", "MemoryStorage", "broken"]


class MemoryStorage:
    """The basic tier, five methods and nothing else."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def read(self, path: str) -> IO[bytes]:
        return io.BytesIO(self.objects[path])

    def write(self, path: str, content: IO[bytes]) -> None:
        self.objects[path] = b"".join(iter(lambda: content.read(1000), b""))

    def list(self, prefix: str) -> list[str]:
        return [path for path in self.objects if path.startswith(prefix)]

    def delete(self, path: str) -> None:
        self.objects.pop(path, None)

    def exists(self, path: str) -> bool:
        return path in self.objects


class AdvancedMemoryStorage(MemoryStorage):
    """The advanced tier; it never calls `write`."""

    def write(self, path: str, content: IO[bytes]) -> None:
        raise AssertionError("a storage of the advanced tier is streamed to")

    def stream_read(self, path: str) -> Iterator[bytes]:
        yield self.objects[path]

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        self.objects[path] = b"".join(chunks)

    def atomic_move(self, src: str, dst: str) -> None:
        self.objects[dst] = self.objects.pop(src)

    def recursive_list(self, prefix: str) -> Any:
        return super().list(f"{prefix}/" if prefix else "")

    def sync(self, src_prefix: str, dst_prefix: str) -> None:
        raise NotImplementedError


class BareStream:
    """A stream with `read(size)` and nothing else, as some client libraries give."""

    def __init__(self, read: Callable[[int], Any]) -> None:
        self.read = read


def broken(method: str, act: Callable[..., Any], *, advanced: bool = False) -> Any:
    """Return a storage whose `method` is `act`, called with the method's arguments."""
    base = AdvancedMemoryStorage if advanced else MemoryStorage
    storage = type("BrokenStorage", (base,), {method: lambda _self, *arguments: act(*arguments)})()
    storage.objects["a/b"] = b"content"
    return storage
