"""What a verification found, and the document `verified.json` in which it is kept beside the snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from django_snapshots.engine.catalog import write_sidecar

if TYPE_CHECKING:
    from datetime import datetime

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.storage.guard import GuardedStorage

__all__ = [
    "Finding",
    "LastVerification",
    "Verification",
    "VerifiedRecord",
    "found_damage",
    "last_verification",
    "record",
]

_PROBLEMS_MAX = 50
_MESSAGE_CHARS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a verification has to say.

    Attributes:
        artifact: The artifact's name; None where it is about the snapshot as a whole.
        message: Text for people.
    """

    artifact: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found in one snapshot.

    Attributes:
        snapshot: The snapshot.
        level: How deep it went everywhere: 1 stored bytes, 2 decoded and parsed, 3 restored in a drill.
        artifacts: Names of those that were looked at.
        problems: Damage.
        unverified: What could not be looked at, and why; no damage.
        notes: What else is good to know.
    """

    snapshot: Snapshot
    level: int
    artifacts: tuple[str, ...]
    problems: tuple[Finding, ...] = ()
    unverified: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything was looked at and found whole."""
        return not self.problems and not self.unverified

    @property
    def is_whole(self) -> bool:
        """Whether every artifact of the snapshot was looked at."""
        manifest = self.snapshot.manifest
        return manifest is not None and len(self.artifacts) == len(manifest.artifacts)


class VerifiedRecord(BaseModel):
    """`verified.json`: the last verification of a snapshot."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    verified_at: Annotated[AwareDatetime, Field(description="When it began, UTC.")]
    level: Annotated[int, Field(ge=1, le=3, description="1 stored bytes, 2 decoded and parsed, 3 drill.")]
    ok: Annotated[bool, Field(description="Whether everything was found whole.")]
    problems: Annotated[tuple[RecordedProblem, ...], Field(description="The damage, at most 50 of it.")]
    tool: Annotated[str, Field(description="What verified, with its version.")]
    manifest_digest: Annotated[
        str | None, Field(description="Digest of the manifest that was verified; null when it could not be read.")
    ]


class RecordedProblem(BaseModel):
    """One problem in `verified.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    artifact: str | None
    message: str


@dataclass(frozen=True, slots=True)
class LastVerification:
    """What is known of the last verification of a snapshot.

    Attributes:
        record: The document; None when it cannot be read, or is about another manifest than the snapshot has now.
        damage: Why there is no record, in a sentence.
    """

    record: VerifiedRecord | None
    damage: str | None = None

    @property
    def good_at(self) -> datetime | None:
        """When the snapshot was found whole; None when it was not."""
        return self.record.verified_at if self.record is not None and self.record.ok else None


def last_verification(snapshot: Snapshot) -> LastVerification | None:
    """Return what `verified.json` beside the snapshot says; None for a snapshot that was never verified."""
    sidecar = snapshot.sidecars.get("verified")
    if sidecar is None:
        return None
    if sidecar.content is None:
        return LastVerification(None, sidecar.damage)
    try:
        found = VerifiedRecord.model_validate(sidecar.content)
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_input=False, include_url=False)[0]["loc"]))
        return LastVerification(None, f"verified.json has no valid '{place}'.")
    if found.manifest_digest != snapshot.manifest_digest:
        return LastVerification(None, "The snapshot was changed or replaced since it was verified.")
    return LastVerification(found)


def found_damage(snapshot: Snapshot) -> str | None:
    """Return what the last verification found wrong; None when it found nothing or there was none."""
    last = last_verification(snapshot)
    if last is None or last.record is None or not last.record.problems:
        return None
    return "The last verification found damage."


def record(storage: GuardedStorage, verification: Verification, *, verified_at: datetime, tool: str) -> None:
    """Keep the result beside the snapshot, in the place of an older one.

    Raises:
        SnapshotNotFoundError: The snapshot was deleted while it was verified.
        SnapshotStorageError: The storage cannot be written to.
    """
    problems = [
        RecordedProblem(artifact=one.artifact, message=one.message[:_MESSAGE_CHARS_MAX])
        for one in verification.problems[:_PROBLEMS_MAX]
    ]
    content = VerifiedRecord(
        verified_at=verified_at,
        level=verification.level,
        ok=verification.ok,
        problems=tuple(problems),
        tool=tool,
        manifest_digest=verification.snapshot.manifest_digest,
    )
    write_sidecar(storage, verification.snapshot, "verified", content.model_dump(mode="json"))
