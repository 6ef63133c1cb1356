"""One entry of the catalog: a snapshot as listing finds it, damaged or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from django_snapshots.errors import SnapshotManifestError
from django_snapshots.names import SAFETY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django_snapshots.engine.sidecars import Sidecar, SidecarKind
    from django_snapshots.manifest import Manifest

__all__ = ["Format", "Snapshot", "why_none_is_complete"]

Format = Literal["directory", "archive"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One entry of the catalog.

    Attributes:
        name: The snapshot's name.
        format: How it is stored.
        manifest: What it says of itself; None when that could not be read.
        damage: Why it cannot be restored as it is, in a sentence; None for a snapshot without known damage.
        distrust: The part of it that is about its signature: why nobody vouches for it.
        manifest_digest: Digest of the manifest's bytes; None when they could not be read.
        sidecars: The documents beside it, by kind; those it does not have are left out.
    """

    name: str
    format: Format
    manifest: Manifest | None
    damage: str | None = None
    manifest_digest: str | None = None
    sidecars: Mapping[SidecarKind, Sidecar] = field(default_factory=dict, hash=False)
    distrust: str | None = None
    _error: SnapshotManifestError | None = field(default=None, repr=False, compare=False)

    @property
    def created_at(self) -> datetime | None:
        """When its backup began, aware; None when the manifest could not be read."""
        return self.manifest.created_at if self.manifest else None

    @property
    def artifact_names(self) -> tuple[str, ...]:
        """The artifacts it holds, in the order they were made; none when the manifest could not be read."""
        return tuple(record.name for record in self.manifest.artifacts) if self.manifest else ()

    @property
    def lacking(self) -> tuple[str, ...]:
        """Those of the artifacts that it holds only in part: some of it could not be read when it was made."""
        return tuple(self.manifest.problems) if self.manifest else ()

    @property
    def is_safety(self) -> bool:
        """Whether it is what a restore saved before it replaced it, and so no regular backup."""
        return self.name.startswith(SAFETY_PREFIX)

    @property
    def status(self) -> Literal["complete", "damaged"]:
        """Whether all of it is there, as far as listing tells."""
        return "complete" if self.damage is None else "damaged"

    def require_manifest(self) -> Manifest:
        """Return the manifest, or raise the SnapshotManifestError that reading it raised."""
        if self.manifest is None:
            raise self._error or SnapshotManifestError("it could not be read.", snapshot=self.name)
        return self.manifest


def why_none_is_complete(snapshots: Sequence[Snapshot]) -> str:
    """Say what keeps these snapshots, one or more, from being complete; who is not trusted is not called damaged."""
    distrusted = sum(snapshot.distrust is not None for snapshot in snapshots)
    if not distrusted:
        return f"all {len(snapshots)} in the storage are damaged."
    which = "all" if distrusted == len(snapshots) else f"{distrusted} of the"
    rest = "" if distrusted == len(snapshots) else " The others are damaged."
    return (
        f"{which} {len(snapshots)} in the storage are unsigned, or signed with another key than SNAPSHOTS['SIGNING'] "
        f"has.{rest} Configure the key that signed them, or restore one whose origin you know by its name, with "
        "--allow-unsigned."
    )
