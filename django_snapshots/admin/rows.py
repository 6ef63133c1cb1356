"""What the page shows of a snapshot: a row of the list, its artifacts, and how it differs from the code that runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django_snapshots.artifacts.environment import installed_distributions
from django_snapshots.cli.documents import snapshot_document
from django_snapshots.cli.render import age_text
from django_snapshots.engine.compare import compare_snapshot
from django_snapshots.scratch import format_size

if TYPE_CHECKING:
    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.pins import Pin
    from django_snapshots.manifest import ArtifactRecord, Manifest

__all__ = ["ArtifactRow", "Difference", "Row", "artifact_row", "differences", "row_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """One snapshot in the list.

    Attributes:
        name: Its name.
        created_at: When its backup began, aware; None when the manifest cannot be read.
        age: How long ago that is, for people.
        size_bytes: As stored; None when the manifest cannot be read.
        size: The same, for people.
        format: How it is stored.
        artifacts: Their names.
        encrypted: Whether every artifact is.
        pin: Why it is kept; "" for none.
        verified_at: When it was last found whole, aware; None for never, or when it was not.
        damage: Why it cannot be restored; "" for a whole one.
        bad: What its last verification found; "" when it found it whole, or was never.
    """

    name: str
    created_at: datetime | None
    age: str
    size_bytes: int | None
    size: str
    format: str
    artifacts: tuple[str, ...]
    encrypted: bool
    pin: str
    verified_at: datetime | None
    damage: str
    bad: str


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """One artifact in the details.

    Attributes:
        name: Its name.
        path: Its file, relative to the snapshot.
        stored: Size of the file, for people.
        plain: Size before encoding, for people.
        codecs: In the order of encoding.
        digest: Of the file.
        notes: What its plugin noted.
    """

    name: str
    path: str
    stored: str
    plain: str
    codecs: str
    digest: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is otherwise in the snapshot than here.

    Attributes:
        name: Of a package, or of a database.
        snapshot: What the snapshot says; "" for nothing.
        here: What runs here; "" for nothing.
    """

    name: str
    snapshot: str
    here: str


def row_of(snapshot: Snapshot, pin: Pin | None, now: datetime) -> Row:
    """Return what the list shows of a snapshot."""
    document = snapshot_document(snapshot, pin)
    verification = document["verification"] or {}
    problems = [str(problem["message"]) for problem in verification.get("problems", ())]
    return Row(
        name=snapshot.name,
        created_at=snapshot.created_at,
        age=age_text(snapshot.created_at, now) if snapshot.created_at else "",
        size_bytes=document["size_bytes"],
        size="" if document["size_bytes"] is None else format_size(document["size_bytes"]),
        format=snapshot.format,
        artifacts=tuple(document["artifacts"]),
        encrypted=document["encrypted"],
        pin="" if pin is None else str(pin),
        verified_at=datetime.fromisoformat(document["verified"]) if document["verified"] else None,
        damage=snapshot.damage or "",
        bad=" ".join(problems) if verification.get("ok") is False else "",
    )


def artifact_row(record: ArtifactRecord) -> ArtifactRow:
    """Return what the details show of an artifact."""
    notes = record.facts.get("notes")
    return ArtifactRow(
        name=record.name,
        path=record.path,
        stored=format_size(record.stored_size),
        plain=format_size(record.plain_size),
        codecs=", ".join(record.codecs) or "none",
        digest=record.stored_digest,
        notes=(*record.problems, *(map(str, notes) if isinstance(notes, list) else ())),
    )


def differences(manifest: Manifest) -> tuple[list[Difference], list[Difference]]:
    """Return how the packages, and how the migrations of the snapshot differ from the code that runs."""
    found: Any = compare_snapshot(manifest, installed_distributions())
    packages = [Difference(one["name"], one["snapshot"], one["here"]) for one in found.packages["changed"]]
    packages += [Difference(one, one, "") for one in found.packages["missing"]]
    packages += [Difference(one, "", one) for one in found.packages["extra"]]
    migrations = []
    for alias, differing in found.migrations.items():
        migrations += [Difference(alias, one, "") for one in differing["only_in_snapshot"]]
        migrations += [Difference(alias, "", one) for one in differing["only_in_code"]]
    return packages, migrations
