"""Sentences that the verbs end with, read aloud: one of a thing, none of it, and what is really meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from django_snapshots.cli.plans import plan_text
from django_snapshots.cli.render import copied_text, count_text, created_text, pruned_text
from django_snapshots.cli.tables import info_text
from django_snapshots.engine.catalog import Snapshot
from django_snapshots.engine.create import CreatedSnapshot
from django_snapshots.engine.incomplete import Leftover
from django_snapshots.engine.replicas import Copied, Replica
from django_snapshots.engine.restore import PlannedArtifact, RestorePlan
from django_snapshots.engine.upkeep import Pruned
from django_snapshots.manifest import ArtifactRecord, EncryptionRecord
from django_snapshots.retention import Decision
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import BytesArtifact, MemoryStorage, make_manifest
from tests.site import make_site

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DIGEST = f"sha256:{'0' * 64}"
KEPT = Decision("a", "keep", ("last 1 of 2",))
REPLICA = Replica(1, GuardedStorage(MemoryStorage()), None)


def artifact(name: str, *, recipients: tuple[str, ...] = ()) -> ArtifactRecord:
    encryption = EncryptionRecord(codec="age", recipients=recipients) if recipients else None
    return ArtifactRecord(
        name=name,
        kind="bytes",
        path=f"{name}.bin",
        codecs=("age",) if recipients else (),
        plain_size=10,
        plain_digest=DIGEST,
        stored_size=10,
        stored_digest=DIGEST,
        facts={},
        encryption=encryption,
    )


def snapshot_of(*artifacts: ArtifactRecord) -> Snapshot:
    return Snapshot("nightly", "directory", make_manifest(*artifacts, created_at=NOW))


def info_of(snapshot: Snapshot, *, signing: bool = False) -> str:
    manifest = snapshot.require_manifest()
    return info_text(snapshot, manifest, None, signing=signing, terminal=False, color=False, now=NOW)


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (12345, "12,345 files")])
def test_things_are_counted_as_people_do(count: int, text: str) -> None:
    assert count_text(count, "file") == text


def test_one_snapshot_that_stays_is_not_all_of_them() -> None:
    assert pruned_text(Pruned((KEPT,), (), ()), dry_run=False) == "The only snapshot is kept."
    assert pruned_text(Pruned((KEPT, KEPT), (), ()), dry_run=False) == "All 2 snapshots are kept."


def test_one_file_that_was_left_is_one_file() -> None:
    removed = pruned_text(Pruned((), (), (Leftover("a", None, ("a/x",)),)), dry_run=False)

    assert removed == "Removed 1 file of 'a', whose deletion was interrupted."


def test_a_plan_with_one_file_says_so() -> None:
    snapshot = snapshot_of(artifact("media"))
    planned = PlannedArtifact(
        artifact("media"), BytesArtifact(b""), "media", (), {"target": "the folder", "content": "filled", "files": 1}
    )
    plan = RestorePlan(snapshot, snapshot.require_manifest(), (planned,))

    assert "then 10 B with 1 file\n" in plan_text(plan, now=NOW, safety_snapshot=True)


def test_a_replica_that_failed_does_not_make_the_snapshot_incomplete() -> None:
    created = CreatedSnapshot(snapshot_of(artifact("media")), ("replica 1 has no copy of 'nightly': it is away.",))

    text = created_text(created)

    assert "Snapshot 'nightly' is stored (10 B), but not all went well:\n  replica 1 has no copy" in text
    assert "incomplete" not in text


def test_copies_that_were_there_are_counted() -> None:
    assert copied_text([Copied(REPLICA, (), ("a",))]) == f"1 snapshot was there already on {REPLICA}."
    assert copied_text([Copied(REPLICA, ("b",), ("a", "c"))]).splitlines() == [
        f"Copied 'b' to {REPLICA}.",
        f"2 snapshots were there already on {REPLICA}.",
    ]


@pytest.mark.parametrize(
    ("artifacts", "line"),
    [
        ([artifact("media")], "Encrypted  no"),
        ([artifact("media", recipients=("age1-ab",))], "Encrypted  yes, for age1-ab"),
        (
            [artifact("media", recipients=("age1-ab", "age1-cd")), artifact("notes")],
            "Encrypted  in part, for age1-ab, age1-cd; not notes",
        ),
    ],
    ids=["plain", "encrypted", "in part"],
)
def test_info_says_in_words_who_can_read_a_snapshot(artifacts: list[ArtifactRecord], line: str) -> None:
    assert line in info_of(snapshot_of(*artifacts)).splitlines()


def test_info_says_in_words_whether_anybody_vouches_for_a_snapshot() -> None:
    snapshot = snapshot_of(artifact("media"))
    distrusted = replace(snapshot, damage="It is unsigned.", distrust="It is unsigned.")

    assert "Signed     not looked at: SNAPSHOTS['SIGNING'] is not set" in info_of(snapshot)
    assert "Signed     yes, by a key that is trusted here" in info_of(snapshot, signing=True)
    assert "Signed     NO, see below" in info_of(distrusted, signing=True)
    assert "DAMAGED    It is unsigned." in info_of(distrusted, signing=True)


def test_copying_without_replicas_says_what_is_missing(tmp_path: Path) -> None:
    refused = make_site(tmp_path / "site").run("copy", "--missing", exit_code=1)

    assert "There are no replicas: SNAPSHOTS['REPLICAS'] is empty." in refused.stderr
    assert "List there each further storage" in refused.stderr
