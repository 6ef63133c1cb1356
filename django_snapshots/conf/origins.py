"""Where a value was assigned: the default, settings.py, the environment, the env file with its line, a secrets file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DEFAULT", "SETTINGS", "Origin", "Origins"]

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """One source of a value. `str()` of it is what `snapshots config` prints.

    Attributes:
        kind: "default", "settings", "environment", "env file" or "secrets".
        where: The variable's name, "PATH:LINE" or the path of the secret; "" for defaults and settings.py.
    """

    kind: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.where}".strip()

    @property
    def is_outside(self) -> bool:
        """Say whether the value came as text from outside the code."""
        return bool(self.where)


DEFAULT = Origin("default")
SETTINGS = Origin("settings")


class Origins:
    """The origin of every value, by its path; a path without one has that of the nearest path above it."""

    def __init__(self) -> None:
        self._by_path: dict[Path, Origin] = {}

    def __iter__(self) -> Iterator[tuple[Path, Origin]]:
        return iter(self._by_path.items())

    def assign(self, path: Path, origin: Origin) -> None:
        """Record that the value at `path`, with all that is below it, comes from `origin`."""
        below = [known for known in self._by_path if known[: len(path)] == path]
        for known in below:
            del self._by_path[known]
        self._by_path[path] = origin

    def of(self, path: Path) -> Origin:
        """Return the origin of the value at `path`."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._by_path:
                return self._by_path[path[:length]]
        return SETTINGS

    def has(self, path: Path) -> bool:
        """Say whether the value at exactly `path` was assigned."""
        return path in self._by_path

    def of_plugin(self, path: Path) -> Origin:
        """Return the origin of the plugin whose section is at `path`: whoever named its class made it what it is."""
        return self._by_path.get((*path, "BACKEND")) or self.of(path)
