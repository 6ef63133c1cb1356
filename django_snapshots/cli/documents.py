"""The JSON documents of the command, one function each; their schemas are in `schemas/command/`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django_snapshots.engine.catalog import read_manifest_bytes
from django_snapshots.engine.verified import last_verification

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django_snapshots.conf.problems import Problem
    from django_snapshots.conf.report import Row
    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.compare import Comparison
    from django_snapshots.engine.create import CreatedSnapshot
    from django_snapshots.engine.pins import Pin
    from django_snapshots.engine.replicas import Copied, ReplicaPruned
    from django_snapshots.engine.restore import PlannedArtifact, RestoredSnapshot, RestorePlan
    from django_snapshots.engine.upkeep import Pruned
    from django_snapshots.engine.verify_all import Verified
    from django_snapshots.storage.guard import GuardedStorage

__all__ = [
    "backup_document",
    "check_document",
    "config_document",
    "copy_document",
    "delete_document",
    "error_document",
    "info_document",
    "keygen_document",
    "list_document",
    "pin_document",
    "problem_document",
    "prune_document",
    "restore_document",
    "settings_error_document",
    "snapshot_document",
    "verification_document",
    "verify_document",
]

Document = dict[str, Any]


def snapshot_document(snapshot: Snapshot, pin: Pin | None = None) -> Document:
    """Return S: one snapshot as it stands in lists. What a damaged manifest would say is null."""
    manifest = snapshot.manifest
    verification = verification_document(snapshot)
    return {
        "name": snapshot.name,
        "created_at": manifest.created_at.isoformat(timespec="microseconds") if manifest else None,
        "status": snapshot.status,
        "artifacts": [record.name for record in manifest.artifacts] if manifest else [],
        "size_bytes": manifest.stored_size_bytes if manifest else None,
        "format": snapshot.format,
        "encrypted": manifest.encrypted if manifest else False,
        "pinned": pin is not None,
        "pin": _pin(pin),
        "verified": verification["at"] if verification and verification["ok"] else None,
        "verification": verification,
    }


def verification_document(snapshot: Snapshot) -> Document | None:
    """Return what is known of the last verification; null for none. One that cannot be used has a "damage"."""
    last = last_verification(snapshot)
    if last is None:
        return None
    if last.record is None:
        return {"at": None, "level": None, "ok": None, "problems": [], "tool": None, "damage": last.damage}
    found = last.record
    return {
        "at": found.verified_at.isoformat(timespec="microseconds"),
        "level": found.level,
        "ok": found.ok,
        "problems": [{"artifact": problem.artifact, "message": problem.message} for problem in found.problems],
        "tool": found.tool,
        "damage": None,
    }


def list_document(snapshots: Iterable[Snapshot], pins: Mapping[str, Pin]) -> Document:
    """Return the document of `list`; `pins` are those that hold, by the snapshot's name."""
    return {"snapshots": [snapshot_document(snapshot, pins.get(snapshot.name)) for snapshot in snapshots]}


def _pin(pin: Pin | None) -> Document | None:
    return None if pin is None else {"until": pin.until.isoformat() if pin.until else None, "reason": pin.reason}


def pin_document(name: str, pin: Pin | None, problems: Sequence[str]) -> Document:
    """Return the document of `pin` and `unpin`; `problems` are those of the copies on replicas."""
    return {"snapshot": name, "pinned": pin is not None, "pin": _pin(pin), "problems": list(problems)}


def copy_document(copies: Iterable[Copied]) -> Document:
    """Return the document of `copy`."""
    return {
        "replicas": [
            {
                "replica": each.replica.number,
                "copied": list(each.copied),
                "present": list(each.present),
                "problems": list(each.problems),
            }
            for each in copies
        ]
    }


def info_document(storage: GuardedStorage, snapshot: Snapshot) -> Document:
    """Return the document of `info`: the manifest as stored, with the status and the last verification beside it."""
    snapshot.require_manifest()
    stored = json.loads(read_manifest_bytes(storage, snapshot.name, snapshot.format))
    return {**stored, "status": snapshot.status, "verification": verification_document(snapshot)}


def backup_document(created: CreatedSnapshot) -> Document:
    """Return the document of `backup`."""
    return {
        "snapshot": snapshot_document(created.snapshot),
        "status": "degraded" if created.problems else "complete",
        "problems": list(created.problems),
        "prune": None if created.pruned is None else prune_document(created.pruned),
        **copy_document(created.copies),
    }


def restore_document(
    plan: RestorePlan,
    *,
    restored: RestoredSnapshot | None = None,
    undo: str | None = None,
    obstacles: Sequence[str] = (),
) -> Document:
    """Return the document of `restore`, of a plan alone without `restored`."""
    parts = [(planned.replaces, _planned_document(planned)) for planned in plan.artifacts]
    return {
        "snapshot": plan.manifest.name,
        "created_at": plan.manifest.created_at.isoformat(timespec="microseconds"),
        "replaces": [document for replaces, document in parts if replaces],
        "compares": [document for replaces, document in parts if not replaces],
        "safety_snapshot": restored.safety_snapshot if restored else None,
        "undo": undo,
        "obstacles": list(obstacles),
        "status": "restored" if restored else "planned",
    }


def _planned_document(planned: PlannedArtifact) -> Document:
    record = planned.record
    own: Document = {
        "artifact": record.name,
        "plain_size_bytes": record.plain_size,
        "problems": list(record.problems),
    }
    return {**own, **planned.facts}


def delete_document(names: Sequence[str]) -> Document:
    """Return the document of `delete`."""
    return {"deleted": list(names)}


def config_document(rows: Iterable[Row], problems: Iterable[Problem]) -> Document:
    """Return the document of `config`."""
    return {
        "settings": [{"key": row.key, "value": row.value, "origin": row.origin} for row in rows],
        "problems": [problem_document(problem) for problem in problems],
    }


def prune_document(pruned: Pruned) -> Document:
    """Return the document of `prune`."""
    return {**_pruned(pruned), "replicas": [_replica_pruned(each) for each in pruned.replicas]}


def _replica_pruned(found: ReplicaPruned) -> Document:
    nothing: Document = {"decisions": [], "deleted": [], "leftovers": []}
    did = nothing if found.pruned is None else _pruned(found.pruned)
    return {"replica": found.replica.number, **did, "problem": found.problem}


def _pruned(pruned: Pruned) -> Document:
    decisions = [
        {"name": decision.name, "action": decision.action, "reasons": list(decision.reasons)}
        for decision in pruned.decisions
    ]
    leftovers = [{"name": leftover.name, "files": len(leftover.paths)} for leftover in pruned.leftovers]
    return {"decisions": decisions, "deleted": list(pruned.deleted), "leftovers": leftovers}


def keygen_document(recipient: str, fingerprint: str, identity_file: str) -> Document:
    """Return the document of `keygen`; the identity itself is in its file only."""
    return {
        "recipient": recipient,
        "fingerprint": fingerprint,
        "identity_file": identity_file,
        "settings": {"ENCRYPTION": {"BACKEND": "django_snapshots.codecs.Age", "OPTIONS": {"recipients": [recipient]}}},
    }


def verify_document(found: Iterable[Verified]) -> Document:
    """Return the document of `verify`."""
    return {"snapshots": [_verified(each) for each in found]}


def check_document(found: Comparison) -> Document:
    """Return the document of `check`."""
    return {
        "snapshot": found.manifest.name,
        "packages": dict(found.packages),
        "migrations": {alias: dict(difference) for alias, difference in found.migrations.items()},
    }


def _verified(found: Verified) -> Document:
    verification = found.verification
    findings = {
        key: [{"artifact": one.artifact, "message": one.message} for one in getattr(verification, key)]
        for key in ("problems", "unverified", "notes")
    }
    return {
        "name": verification.snapshot.name,
        "level": verification.level,
        "ok": verification.ok,
        **findings,
        "artifacts": list(verification.artifacts),
        "recorded": found.recorded,
    }


def error_document(type_name: str, message: str, **more: Any) -> Document:
    """Return the document of a verb that failed."""
    return {"error": {"type": type_name, "message": message, **more}}


def settings_error_document(message: str, problems: Iterable[Problem]) -> Document:
    """Return the document of a verb that found the settings wrong."""
    return error_document("SnapshotsConfigError", message, problems=[problem_document(each) for each in problems])


def problem_document(problem: Problem) -> Document:
    """Return one problem of the configuration."""
    return {"id": problem.id, "where": problem.place, "message": problem.message, "hint": problem.hint}
