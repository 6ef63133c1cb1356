"""One thing wrong with the configuration, as data. Imports nothing, so that every plugin's `check()` can return it."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Problem", "format_place", "see"]

_CHECKS = "https://django-snapshots.readthedocs.io/reference/checks.html"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the configuration. `str()` of it is what `manage.py check` prints.

    Attributes:
        id: Such as "snapshots.E003".
        path: Keys from SNAPSHOTS downwards, such as ("STORAGE", "OPTIONS", "location"); list items as numbers.
            A plugin's `check()` gives it relative to the plugin's OPTIONS; () means the plugin's section.
        message: What is wrong, one sentence.
        hint: What to type instead, or None.
        origin: Where the value was assigned; None for settings.py and for defaults.
    """

    id: str
    path: tuple[str | int, ...]
    message: str
    hint: str | None = None
    origin: str | None = None

    def __str__(self) -> str:
        hint = f"\n\tHINT: {self.hint}" if self.hint else ""
        return f"{self.place}: ({self.id}) {self.message}{hint}"

    @property
    def is_error(self) -> bool:
        """Say whether the configuration cannot be used (E…) or only should not be (W…)."""
        return self.id.rpartition(".")[2].startswith("E")

    @property
    def place(self) -> str:
        """Where to look, such as "SNAPSHOTS['ALLOW_RESTORE'] (from SNAPSHOTS_ALLOW_RESTORE)".

        A mistake in the origin itself (a variable that matches nothing, a file that cannot be read) has no path:
        its place is the origin.
        """
        if self.origin is None:
            return format_place(self.path)
        return f"{format_place(self.path)} (from {self.origin})" if self.path else self.origin

    def below(self, path: tuple[str | int, ...]) -> Problem:
        """Return the same problem with `path` in front of its own."""
        return replace(self, path=(*path, *self.path))


def see(problem_id: str) -> str:
    """Return the end of a hint that leads to the documentation of an id, such as "E013"."""
    return f"See {_CHECKS}#snapshots-{problem_id.lower()}"


def format_place(path: tuple[str | int, ...]) -> str:
    """Return the path as Python that reads the value: "SNAPSHOTS['STORAGE']['OPTIONS']"."""
    return "SNAPSHOTS" + "".join(f"[{key!r}]" for key in path)
