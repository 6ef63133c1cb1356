from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from django_snapshots.codecs import Gzip, Zstd
from django_snapshots.digests import digest_of
from django_snapshots.engine.catalog import find_snapshot
from django_snapshots.engine.restore import plan_restore, restore_snapshot, verify_stored
from django_snapshots.errors import (
    SnapshotArtifactError,
    SnapshotCodecError,
    SnapshotDigestError,
    SnapshotError,
    SnapshotFileMissingError,
    SnapshotManifestError,
    SnapshotRestoreError,
    SnapshotVersionError,
)
from tests.fakes import AdvancedMemoryStorage, BytesArtifact, PlainArtifact, StagedBytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.engine.events import Progress
    from django_snapshots.storage.guard import GuardedStorage
    from tests.engine.conftest import Backup

DATA = bytes(range(256)) * 20_000
FORMATS = pytest.mark.parametrize("snapshot_format", ["directory", "archive"])


def restore(storage: GuardedStorage, name: str, artifacts: Mapping[str, Artifact], *only: str) -> None:
    plan = plan_restore(find_snapshot(storage, name), artifacts, only=only, codecs=[Zstd(), Gzip()])
    restore_snapshot(storage, plan)


@FORMATS
@pytest.mark.parametrize("codec", [Zstd(), Gzip(), None])
@pytest.mark.parametrize("data", [DATA, b"", b"x"])
def test_what_was_dumped_comes_back(
    storage: GuardedStorage, backup: Backup, snapshot_format: str, codec: Any, data: bytes
) -> None:
    artifacts = {"media": BytesArtifact(data), "plain": PlainArtifact(data[::-1])}
    backup("nightly", artifacts, snapshot_format=snapshot_format, compression=codec)
    artifacts["media"].data = artifacts["plain"].data = b"lost"

    restore(storage, "nightly", artifacts)

    assert artifacts["media"].data == data
    assert artifacts["plain"].data == data[::-1]


def test_only_the_named_artifacts_are_restored(storage: GuardedStorage, backup: Backup) -> None:
    artifacts = {
        "database/default": BytesArtifact(b"d"),
        "database/other": BytesArtifact(b"o"),
        "media": BytesArtifact(b"m"),
    }
    backup("nightly", artifacts)
    for artifact in artifacts.values():
        artifact.data = b"now"

    restore(storage, "nightly", artifacts, "database")

    assert [artifact.data for artifact in artifacts.values()] == [b"d", b"o", b"now"]


def test_the_manifest_and_not_the_configuration_says_how_to_decode(storage: GuardedStorage, backup: Backup) -> None:
    artifacts = {"media": BytesArtifact(DATA)}
    backup("nightly", artifacts, compression=Gzip())
    artifacts["media"].data = b""

    restore(storage, "nightly", artifacts)

    assert artifacts["media"].data == DATA


def test_an_artifact_that_the_snapshot_lacks_is_named_with_the_nearest(storage: GuardedStorage, backup: Backup) -> None:
    backup("nightly", {"media": BytesArtifact(b"")})

    with pytest.raises(SnapshotArtifactError, match="has no artifact 'meda'. Did you mean 'media'"):
        restore(storage, "nightly", {"media": BytesArtifact(b"")}, "meda")


def test_an_artifact_that_the_project_lacks_is_named(storage: GuardedStorage, backup: Backup) -> None:
    backup("nightly", {"uploads": BytesArtifact(b"")})

    with pytest.raises(SnapshotArtifactError, match="holds 'uploads', which this project does not have. It has: media"):
        restore(storage, "nightly", {"media": BytesArtifact(b"")})


def test_a_codec_that_is_not_there_is_named_before_anything_is_read(storage: GuardedStorage, backup: Backup) -> None:
    artifacts = {"media": BytesArtifact(b"")}
    backup("nightly", artifacts)

    with pytest.raises(SnapshotCodecError, match=r"encoded by 'zstd', which is not configured here; .* gzip"):
        plan_restore(find_snapshot(storage, "nightly"), artifacts, codecs=[Gzip()])


def flip(memory: AdvancedMemoryStorage, path: str) -> None:
    data = bytearray(memory.files[path])
    data[len(data) // 2] ^= 1
    memory.files[path] = bytes(data)


def truncate(memory: AdvancedMemoryStorage, path: str) -> None:
    memory.files[path] = memory.files[path][:-1]


def extend(memory: AdvancedMemoryStorage, path: str) -> None:
    memory.files[path] += b"\0"


def remove(memory: AdvancedMemoryStorage, path: str) -> None:
    del memory.files[path]


@pytest.mark.parametrize(
    ("damage", "error", "text"),
    [
        (flip, SnapshotDigestError, "second.bin.zst of 'nightly' has digest sha256:"),
        (truncate, SnapshotDigestError, "second.bin.zst of 'nightly' has "),
        (extend, SnapshotDigestError, "second.bin.zst of 'nightly' has "),
        (remove, SnapshotFileMissingError, "second.bin.zst of 'nightly' is missing"),
    ],
)
def test_damage_in_one_file_keeps_every_target_untouched(
    storage: GuardedStorage,
    memory: AdvancedMemoryStorage,
    backup: Backup,
    damage: Callable[[AdvancedMemoryStorage, str], None],
    error: type[SnapshotError],
    text: str,
) -> None:
    artifacts = {"first": BytesArtifact(DATA), "second": BytesArtifact(DATA), "third": PlainArtifact(DATA)}
    backup("nightly", artifacts)
    for artifact in artifacts.values():
        artifact.data = b"live"
    damage(memory, "nightly/second.bin.zst")

    with pytest.raises(error) as caught:
        restore(storage, "nightly", artifacts)

    assert text in str(caught.value)
    assert caught.value.__notes__ == [
        "Or name what is whole, and keep the options that you gave: manage.py snapshots restore nightly first third",
        "Nothing was changed.",
    ]
    assert {artifact.data for artifact in artifacts.values()} == {b"live"}


def test_all_damaged_files_are_named_and_none_is_said_to_be_whole(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    artifacts = {"first": BytesArtifact(DATA), "second": BytesArtifact(DATA)}
    backup("nightly", artifacts)
    flip(memory, "nightly/first.bin.zst")
    remove(memory, "nightly/second.bin.zst")

    with pytest.raises(SnapshotDigestError, match="first.bin.zst of 'nightly' has ") as caught:
        restore(storage, "nightly", artifacts)

    assert caught.value.__notes__ == ["Not whole either: second.", "Nothing was changed."]


@pytest.mark.parametrize("position", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("damage", [flip, truncate])
def test_damage_anywhere_in_an_archive_keeps_the_target_untouched(
    storage: GuardedStorage,
    memory: AdvancedMemoryStorage,
    backup: Backup,
    position: float,
    damage: Callable[[AdvancedMemoryStorage, str], None],
) -> None:
    artifacts = {"media": BytesArtifact(DATA)}
    backup("nightly", artifacts, snapshot_format="archive", compression=None)
    artifacts["media"].data = b"live"
    data = memory.files["nightly.tar"]
    at = int(len(data) * position) if damage is flip else len(data) // 2
    memory.files["nightly.tar"] = data[:at] + (bytes([data[at] ^ 1]) + data[at + 1 :] if damage is flip else b"")

    with pytest.raises(SnapshotError):
        restore(storage, "nightly", artifacts)

    assert artifacts["media"].data == b"live"


def edited(memory: AdvancedMemoryStorage, **changes: Any) -> None:
    manifest = json.loads(memory.files["nightly/manifest.json"])
    manifest["artifacts"][0] |= changes
    memory.files["nightly/manifest.json"] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"path": "../other/media.bin.zst"}, SnapshotManifestError, "no path inside a storage"),
        ({"path": "/etc/passwd"}, SnapshotManifestError, "no path inside a storage"),
        ({"path": "manifest.json"}, SnapshotManifestError, "takes the place of the manifest"),
        ({"stored_size": 1}, SnapshotDigestError, "bytes, the manifest says 1"),
        ({"stored_size": -1}, SnapshotManifestError, "stored_size"),
        ({"stored_size": "12"}, SnapshotManifestError, "stored_size"),
        ({"plain_size": 1}, SnapshotDigestError, "decoded, of 'nightly' has"),
        ({"plain_size": 10**13}, SnapshotDigestError, "the manifest says 10000000000000"),
        ({"stored_digest": "sha256:" + "0" * 64}, SnapshotDigestError, "the manifest says sha256:0000"),
        ({"plain_digest": "sha256:" + "0" * 64}, SnapshotDigestError, "decoded, of 'nightly' has digest"),
        ({"plain_digest": "md5:00"}, SnapshotManifestError, "plain_digest"),
        ({"codecs": []}, SnapshotDigestError, "decoded, of 'nightly' has"),
        ({"codecs": ["gzip"]}, SnapshotCodecError, "gzip"),
        ({"codecs": ["zstd", "zstd"]}, SnapshotManifestError, "encoded twice by the same codec"),
    ],
)
def test_a_manifest_edited_by_hand_keeps_the_target_untouched(
    storage: GuardedStorage,
    memory: AdvancedMemoryStorage,
    backup: Backup,
    changes: dict[str, Any],
    error: type[SnapshotError],
    text: str,
) -> None:
    artifacts = {"media": BytesArtifact(DATA)}
    backup("nightly", artifacts)
    artifacts["media"].data = b"live"
    edited(memory, **changes)

    with pytest.raises(error) as caught:
        restore(storage, "nightly", artifacts)

    assert text in str(caught.value)
    assert artifacts["media"].data == b"live"


def test_a_manifest_of_another_version_names_the_versions_it_can_read(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("nightly", {"media": BytesArtifact(b"")})
    memory.files["nightly/manifest.json"] = memory.files["nightly/manifest.json"].replace(
        b'"version": 2', b'"version": 9'
    )

    with pytest.raises(SnapshotVersionError, match="'nightly' has manifest version 9; .* reads version 2") as caught:
        restore(storage, "nightly", {"media": BytesArtifact(b"")})

    assert caught.value.version == 9


def test_a_file_that_expands_beyond_its_recorded_size_is_stopped_there(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    read: list[int] = []

    class Counting(BytesArtifact):
        def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> StagedBytes:
            while piece := source.read(65536):
                read.append(len(piece))
            return super().stage(source, facts)

    backup("nightly", {"media": BytesArtifact(bytes(200 * 1024 * 1024))})
    edited(memory, plain_size=1000)

    with pytest.raises(SnapshotDigestError):
        restore(storage, "nightly", {"media": Counting(b"")})

    assert sum(read) <= 1024 * 1024


class HalfReader(BytesArtifact):
    """Stops reading early, as a tar reader does at the end mark."""

    def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> StagedBytes:
        return StagedBytes(self, source.read(10))


def test_bytes_that_an_artifact_does_not_read_are_proved_all_the_same(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    artifact = HalfReader(DATA)
    backup("nightly", {"media": artifact}, compression=None)
    stored = DATA[:-1] + b"!"
    memory.files["nightly/media.bin"] = stored
    edited(memory, stored_digest=digest_of(stored))
    artifact.data = b"live"

    with pytest.raises(SnapshotDigestError, match="decoded"):
        restore(storage, "nightly", {"media": artifact})

    assert artifact.data == b"live"


class Unstageable(BytesArtifact):
    def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> StagedBytes:
        raise ValueError("the file is not a database")


def test_a_stage_that_fails_discards_what_was_staged_before(storage: GuardedStorage, backup: Backup) -> None:
    staged: list[StagedBytes] = []

    class Remembering(BytesArtifact):
        def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> StagedBytes:
            staged.append(super().stage(source, facts))
            return staged[-1]

    artifacts = {"first": Remembering(DATA), "second": Unstageable(DATA)}
    backup("nightly", artifacts)
    artifacts["first"].data = b"live"

    with pytest.raises(SnapshotArtifactError, match="second could not be made ready: ValueError: the file is not"):
        restore(storage, "nightly", artifacts)

    assert artifacts["first"].data == b"live"
    assert [one.discarded for one in staged] == [True]


class Uncommittable(BytesArtifact):
    def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> StagedBytes:
        class Failing(StagedBytes):
            def commit(self) -> None:
                raise SnapshotArtifactError("Somebody holds a lock.", artifact="second")

        return Failing(self, super().stage(source, facts).data)


def test_a_commit_that_fails_says_what_was_replaced_and_what_was_not(storage: GuardedStorage, backup: Backup) -> None:
    artifacts = {"first": BytesArtifact(b"1"), "second": Uncommittable(b"2"), "third": BytesArtifact(b"3")}
    backup("nightly", artifacts)
    for artifact in artifacts.values():
        artifact.data = b"live"

    with pytest.raises(SnapshotRestoreError) as caught:
        restore(storage, "nightly", artifacts)

    assert str(caught.value) == (
        "second could not be replaced: Somebody holds a lock. Already replaced: first. Left as before: third. "
        "Remove the cause and run the same restore again."
    )
    assert (caught.value.restored, caught.value.untouched) == (("first",), ("third",))
    assert [artifact.data for artifact in artifacts.values()] == [b"1", b"live", b"live"]


class Interrupting:
    """Is told of progress, and ends the process at one of the events of the commits."""

    def __init__(self, moment: int) -> None:
        self.left = moment

    def __call__(self, event: Progress) -> None:
        if event.stage == "commit":
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt


def test_an_interrupt_at_any_moment_of_the_commits_says_what_was_replaced(
    storage: GuardedStorage, backup: Backup
) -> None:
    artifacts = {name: BytesArtifact(name.encode()) for name in ("first", "second", "third")}
    backup("nightly", artifacts)
    plan = plan_restore(find_snapshot(storage, "nightly"), artifacts, codecs=[Zstd()])
    notes = []
    for moment in range(6):  # each commit is told when it begins and when it is done
        watcher = Interrupting(moment)
        with pytest.raises(KeyboardInterrupt) as caught:
            restore_snapshot(storage, plan, on_progress=watcher)
        notes += caught.value.__notes__

    ended, again = "It ended while {} was being replaced. ", " Run the same restore again."
    assert notes == [
        ended.format("first") + "Left as before: second, third." + again,
        ended.format("second") + "Already replaced: first. Left as before: third." + again,
        ended.format("second") + "Already replaced: first. Left as before: third." + again,
        ended.format("third") + "Already replaced: first, second." + again,
        ended.format("third") + "Already replaced: first, second." + again,
        "Already replaced: first, second, third.",
    ]


def test_artifacts_that_cannot_stage_are_restored_last(storage: GuardedStorage, backup: Backup) -> None:
    order: list[str] = []

    class Noting(PlainArtifact):
        def restore(self, source: BinaryIO, facts: Mapping[str, Any]) -> None:
            order.append("plain")
            super().restore(source, facts)

    class NotingStaged(BytesArtifact):
        def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> StagedBytes:
            order.append("stage")
            return super().stage(source, facts)

    artifacts = {"a": Noting(b"a"), "b": NotingStaged(b"b")}
    backup("nightly", artifacts)

    restore(storage, "nightly", artifacts)

    assert order == ["stage", "plain"]


def test_a_plan_shows_what_the_artifact_says_of_its_target(storage: GuardedStorage, backup: Backup) -> None:
    class Planning(BytesArtifact):
        def plan(self, facts: Mapping[str, Any]) -> dict[str, Any]:
            return {"target": "/srv/media", "files": facts["files"]}

    backup("nightly", {"media": Planning(b"", facts={"files": 3}), "other": BytesArtifact(b"")})

    plan = plan_restore(
        find_snapshot(storage, "nightly"), {"media": Planning(b""), "other": BytesArtifact(b"")}, codecs=[Zstd()]
    )

    assert [planned.facts for planned in plan.artifacts] == [{"target": "/srv/media", "files": 3}, {"target": "other"}]


def test_verify_touches_no_target(storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup) -> None:
    artifacts = {"media": BytesArtifact(DATA)}
    backup("nightly", artifacts)
    artifacts["media"].data = b"live"
    plan = plan_restore(find_snapshot(storage, "nightly"), artifacts, codecs=[Zstd()])

    verify_stored(storage, plan)
    flip(memory, "nightly/media.bin.zst")
    with pytest.raises(SnapshotDigestError):
        verify_stored(storage, plan)

    assert artifacts["media"].data == b"live"


def test_threads_end_with_the_restore_that_started_them(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    artifacts = {"media": Unstageable(DATA * 10)}
    backup("nightly", artifacts)

    with pytest.raises(SnapshotArtifactError):
        restore(storage, "nightly", artifacts)

    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("snapshots-")] == []


def test_what_is_only_compared_is_not_shown_as_being_replaced(storage: GuardedStorage, backup: Backup) -> None:
    class Compared(BytesArtifact):
        compare_only = True

    artifacts = {"media": BytesArtifact(b"photos"), "environment": Compared(b"Django")}
    backup("nightly", artifacts)
    plan = plan_restore(find_snapshot(storage, "nightly"), artifacts, codecs=[Zstd()])
    replaced: list[str] = []

    restore_snapshot(
        storage, plan, on_progress=lambda event: replaced.append(event.artifact) if event.stage == "commit" else None
    )

    assert set(replaced) == {"media"}
