"""The safety snapshot of a restore: what is about to be replaced is saved first, so that the restore can be undone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django_snapshots.engine.obstacles import find_obstacles
from django_snapshots.engine.restore import NOTHING_CHANGED
from django_snapshots.errors import SnapshotError, SnapshotRestoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.engine.create import CreatedSnapshot
    from django_snapshots.engine.restore import PlannedArtifact, RestorePlan

__all__ = ["SafetyNet"]

_WAY_OUT = (
    "To restore without saving it, add --no-safety-snapshot (safety_snapshot=False); what is there now is then gone."
)


class SafetyNet:
    """Saves the targets of one restore.

    Attributes:
        name: The snapshot that holds all that was there before; None as long as there is none.
    """

    def __init__(self, plan: RestorePlan, make: Callable[[Mapping[str, Artifact]], CreatedSnapshot]) -> None:
        """Prepare; nothing is saved yet.

        Args:
            plan: What is about to be replaced.
            make: Makes a snapshot of what it is given.
        """
        self._savers = {planned.target_name: _saver(planned) for planned in plan.artifacts if planned.replaces}
        self._make = make
        self.name: str | None = None

    def save(self) -> None:
        """Make a snapshot of all targets that hold anything; none when they are all empty.

        Raises:
            SnapshotRestoreError: One could not be saved, or not wholly; the text says how to go on without.
        """
        filled = {name: artifact for name, artifact in self._savers.items() if _content(artifact) != "empty"}
        if not filled:
            return
        try:
            created = self._make(filled)
        except SnapshotError as error:
            reason = f"What is there now could not be saved: {error}"
            raise self._refusal(reason, " ".join(find_obstacles(filled.values())) or _WAY_OUT) from error
        name = created.snapshot.name
        if created.problems:
            problem = created.problems[0].removesuffix(".")
            raise self._refusal(f"What is there now was saved in part only, as '{name}': {problem}.")
        self.name = name

    @contextmanager
    def told_on_failure(self) -> Iterator[None]:
        """Let each error that leaves the block say what a snapshot that was made is of."""
        try:
            yield
        except BaseException as error:
            if self.name:
                error.add_note(self._what_it_is(getattr(error, "__notes__", [])))
            raise

    def _what_it_is(self, notes: Sequence[str]) -> str:
        if NOTHING_CHANGED in notes:
            return f"What is there now was also saved, as '{self.name}'; you may delete it."
        return f"What was there before is snapshot '{self.name}'."

    def _refusal(self, reason: str, way_out: str = _WAY_OUT) -> SnapshotRestoreError:
        return SnapshotRestoreError(f"{reason} {way_out}", untouched=list(self._savers))


def _saver(planned: PlannedArtifact) -> Artifact:
    """Return what dumps all that will be replaced: the artifact itself, where it knows of nothing that holds more."""
    for_safety: Callable[[Mapping[str, JsonValue]], Artifact] | None
    for_safety = getattr(planned.artifact, "for_safety", None)
    return planned.artifact if for_safety is None else for_safety(planned.record.facts)


def _content(artifact: Artifact) -> str:
    content: Callable[[], str] | None = getattr(artifact, "content", None)
    return "filled" if content is None else content()
