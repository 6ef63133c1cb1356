"""Texts about what happened to files: names made printable, lists of bounded length, refusals. Pure."""

from __future__ import annotations

import os

from django_snapshots.errors import SnapshotArtifactError

__all__ = ["Remarks", "printable", "refusal", "shown"]

_MOST_TEXTS = 100


class Remarks:
    """A list of texts that stops growing at 100 and counts the rest, since a manifest is held in memory."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._more = 0

    def __bool__(self) -> bool:
        return bool(self._texts)

    def add(self, text: str) -> None:
        """Add a text, or count it where the list is full."""
        if len(self._texts) < _MOST_TEXTS:
            self._texts.append(text)
        else:
            self._more += 1

    def texts(self) -> list[str]:
        """Return the texts, with a last one that says how many were left out."""
        return [*self._texts, f"and {self._more} more"] if self._more else list(self._texts)


def printable(name: bytes) -> str:
    """Return a file name as text that any terminal and any JSON takes: other bytes and control characters escaped."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as such text."""
    return printable(os.fsencode(path))


def refusal(what: str) -> SnapshotArtifactError:
    """Return the error for a tar that is not extracted, before anything was replaced."""
    return SnapshotArtifactError(
        f"The tar cannot be restored: {what}. Nothing was replaced; restore another snapshot.", artifact=""
    )
