"""Verifying: every stored byte, what it decodes to, whether that parses; all damage is said, and none is raised."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass, field
from random import Random
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import pytest

from django_snapshots.codecs import Gzip, Zstd
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.engine import catalog
from django_snapshots.engine.verified import last_verification
from django_snapshots.engine.verify import verify_snapshot
from django_snapshots.engine.verify_all import Verified, choose_snapshots, draw_sample, verify_snapshots
from django_snapshots.errors import (
    SnapshotConnectorError,
    SnapshotKeyError,
    SnapshotNotFoundError,
    SnapshotStorageError,
)
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import AdvancedMemoryStorage, BytesArtifact, FixedClock, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.engine.verified import Verification
    from tests.engine.conftest import Backup

PHOTOS = bytes(range(256)) * 40
NOTES = b"notes\n" * 3000
both_formats = pytest.mark.parametrize("snapshot_format", ["directory", "archive"])


@dataclass
class ParsedArtifact(BytesArtifact):
    """Bytes that are parsed by comparing them, or by a function of the test's."""

    says: list[str] = field(default_factory=list)
    error: Exception | None = None
    reads: bool = True

    def verify(self, source: BinaryIO, _facts: Mapping[str, Any]) -> list[str]:
        if self.error is not None:
            raise self.error
        pieces = []
        while self.reads and (piece := source.read(CHUNK_SIZE)):
            pieces.append(piece)
        return self.says or ([] if not self.reads or b"".join(pieces) == self.data else ["other bytes"])


@dataclass
class DrilledArtifact(ParsedArtifact):
    """Drills by reading, and says what the test wants; the target stays."""

    outcome: Mapping[str, list[str]] | None = field(default_factory=dict)
    drill_error: Exception | None = None
    drills: int = 0

    def drill(self, source: BinaryIO, _facts: Mapping[str, Any]) -> Mapping[str, list[str]] | None:
        self.drills += 1
        if self.drill_error is not None:
            raise self.drill_error
        while source.read(CHUNK_SIZE):
            pass
        return self.outcome


def artifacts() -> dict[str, ParsedArtifact]:
    return {"photos": ParsedArtifact(PHOTOS), "notes": ParsedArtifact(NOTES)}


def verified(
    storage: GuardedStorage, plugins: Mapping[str, Artifact], name: str = "nightly", **options: Any
) -> Verification:
    options.setdefault("codecs", [Zstd()])
    found = catalog.find_snapshot(storage, name)
    return verify_snapshot(storage, found, verifier_of=lambda record: plugins.get(record.name), **options)


def messages(found: Verification) -> list[tuple[str | None, str]]:
    return [(one.artifact, one.message) for one in found.problems]


@both_formats
def test_a_whole_snapshot_is_found_whole(storage: GuardedStorage, backup: Backup, snapshot_format: str) -> None:
    plugins = artifacts()
    backup("nightly", plugins, snapshot_format=snapshot_format)

    found = verified(storage, plugins)

    assert (found.ok, found.level, found.artifacts) == (True, 2, ("photos", "notes"))
    assert (found.problems, found.unverified, found.notes) == ((), (), ())


@both_formats
def test_all_damage_is_said_and_not_the_first_only(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, snapshot_format: str
) -> None:
    plugins = artifacts()
    backup("nightly", plugins, snapshot_format=snapshot_format, compression=None)
    for path, data in memory.files.items():
        memory.files[path] = data.replace(PHOTOS, PHOTOS[::-1]).replace(NOTES, NOTES.swapcase())

    found = verified(storage, plugins)

    assert [artifact for artifact, _ in messages(found)] == ["photos", "notes"]
    assert all("has digest sha256:" in text for _, text in messages(found))


@pytest.mark.parametrize("codec", [Zstd(), Gzip(), None])
def test_wrong_stored_bytes_are_named_once_whatever_follows_from_them(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, codec: Any
) -> None:
    plugins = artifacts()
    backup("nightly", plugins, compression=codec)
    path = next(path for path in memory.files if "photos" in path)
    memory.files[path] = memory.files[path][:-7]

    found = verified(storage, plugins, codecs=[codec] if codec else [])

    size = len(memory.files[path])
    [(artifact, text)] = messages(found)
    assert artifact == "photos"
    assert f"has {size} bytes, the manifest says {size + 7}" in text


def test_bytes_behind_the_end_of_what_decodes_are_found(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    plugins = artifacts()
    backup("nightly", plugins)
    memory.files["nightly/photos.bin.zst"] += b"more"

    [(artifact, text)] = messages(verified(storage, plugins))

    assert artifact == "photos"
    assert "the manifest says" in text


def test_a_missing_file_is_damage(storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup) -> None:
    plugins = artifacts()
    backup("nightly", plugins)
    del memory.files["nightly/photos.bin.zst"]

    assert messages(verified(storage, plugins)) == [
        (
            "photos",
            "photos.bin.zst of 'nightly' is missing from the storage. Put the file back, or use another snapshot.",
        )
    ]


@both_formats
@pytest.mark.parametrize(("before", "after"), [(b'"name": "photos"', b'"name":\t"photos"'), (b"{\n", b"{ ")])
def test_a_manifest_that_reads_the_same_and_has_other_bytes_is_damaged(
    storage: GuardedStorage,
    memory: AdvancedMemoryStorage,
    backup: Backup,
    before: bytes,
    after: bytes,
    snapshot_format: str,
) -> None:
    plugins = artifacts()
    backup("nightly", plugins, snapshot_format=snapshot_format)
    path = "nightly/manifest.json" if snapshot_format == "directory" else "nightly.tar"
    memory.files[path] = memory.files[path].replace(before, after, 1)

    found = verified(storage, plugins)

    [(artifact, text)] = messages(found)
    assert artifact is None
    assert "it was changed since" in text


def test_a_manifest_that_cannot_be_read_is_damage(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("nightly", artifacts())
    memory.files["nightly/manifest.json"] = b"{"

    [(artifact, text)] = messages(verified(storage, {}))

    assert artifact is None
    assert "is not JSON" in text


def test_a_manifest_of_a_later_release_is_no_damage_and_not_verified(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("nightly", artifacts())
    data = memory.files["nightly/manifest.json"]
    memory.files["nightly/manifest.json"] = data.replace(b'"version": 2', b'"version": 3')

    found = verified(storage, {})

    assert (found.ok, found.problems) == (False, ())
    assert "Upgrade django-snapshots" in found.unverified[0].message


def test_what_a_plugin_finds_is_damage(storage: GuardedStorage, backup: Backup) -> None:
    backup("nightly", artifacts())

    found = verified(storage, {"photos": ParsedArtifact(PHOTOS, says=["page 3 is torn", "and page 5"])})

    assert messages(found) == [("photos", "page 3 is torn"), ("photos", "and page 5")]
    assert [note.artifact for note in found.notes] == ["notes"]


@pytest.mark.parametrize(
    "error", [SnapshotConnectorError("pg_restore is missing", artifact="photos"), ZeroDivisionError("no bytes")]
)
def test_a_plugin_that_cannot_tell_leaves_the_artifact_unverified(
    storage: GuardedStorage, backup: Backup, error: Exception
) -> None:
    backup("nightly", artifacts())

    found = verified(storage, {"photos": ParsedArtifact(PHOTOS, error=error), "notes": ParsedArtifact(NOTES)})

    assert (found.ok, found.problems, found.level) == (False, (), 1)
    assert str(error) in found.unverified[0].message


def test_what_a_plugin_leaves_unread_is_proved_all_the_same(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("nightly", artifacts(), compression=None)
    memory.files["nightly/photos.bin"] = PHOTOS[:-1] + b"?"

    found = verified(storage, {"photos": ParsedArtifact(PHOTOS, reads=False)})

    assert [artifact for artifact, _ in messages(found)] == ["photos"]


class SealedCodec(Zstd):
    """Encodes here, decodes elsewhere."""

    def cannot_decode(self) -> str | None:
        return "This host has no identity."


def test_what_cannot_be_decoded_here_is_proved_as_far_as_its_stored_bytes(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    plugins = artifacts()
    backup("nightly", plugins)

    found = verified(storage, plugins, codecs=[SealedCodec()])
    memory.files["nightly/photos.bin.zst"] += b"?"
    damaged = verified(storage, plugins, codecs=[SealedCodec()])

    assert (found.ok, found.level) == (True, 1)
    assert "stored bytes were proved. This host has no identity." in found.notes[0].message
    assert [artifact for artifact, _ in messages(damaged)] == ["photos"]


class LockedCodec(Zstd):
    """Its key does not open what is read; by the manifest, or only when it tries."""

    def __init__(self, *, tells_by_manifest: bool) -> None:
        super().__init__()
        self._tells_by_manifest = tells_by_manifest

    def require_key(self, _recipients: Sequence[str]) -> None:
        if self._tells_by_manifest:
            raise SnapshotKeyError("It is for another key.", codec=self.name)

    def decode(self, source: BinaryIO) -> BinaryIO:
        source.read(10)
        raise SnapshotKeyError("It is for another key.", codec=self.name)


@pytest.mark.parametrize("tells_by_manifest", [True, False])
def test_another_key_is_no_damage_and_leaves_the_artifact_unverified(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup, *, tells_by_manifest: bool
) -> None:
    plugins = {"photos": DrilledArtifact(PHOTOS)}
    backup("nightly", plugins)
    codecs = [LockedCodec(tells_by_manifest=tells_by_manifest)]

    found = verified(storage, plugins, codecs=codecs, deep=True)
    memory.files["nightly/photos.bin.zst"] += b"?"
    damaged = verified(storage, plugins, codecs=codecs, deep=True)

    assert (found.ok, found.problems, found.level) == (False, (), 1)
    assert [(one.artifact, one.message) for one in found.unverified] == [
        ("photos", "Only its stored bytes were proved. It is for another key.")
    ]
    assert [artifact for artifact, _ in messages(damaged)] == ["photos"]
    assert "bytes, the manifest says" in damaged.problems[0].message
    assert plugins["photos"].drills == 0


def test_a_codec_that_is_not_known_here_leaves_the_artifact_unverified(storage: GuardedStorage, backup: Backup) -> None:
    plugins = artifacts()
    backup("nightly", plugins)

    found = verified(storage, plugins, codecs=[])

    assert (found.ok, found.problems, found.level) == (False, (), 1)
    assert "'zstd' is not configured here" in found.unverified[0].message


def test_a_file_of_a_storage_that_fails_is_not_damage(backup: Backup, memory: AdvancedMemoryStorage) -> None:
    class Torn(AdvancedMemoryStorage):
        def read(self, path: str) -> IO[bytes]:
            if "photos" in path:
                raise OSError(5, "Input/output error")
            return super().read(path)

    plugins = artifacts()
    backup("nightly", plugins)
    torn = Torn()
    torn.files = memory.files

    found = verified(GuardedStorage(torn), plugins)

    assert (found.ok, found.problems) == (False, ())
    assert "Input/output error" in found.unverified[0].message


class TestDrill:
    @both_formats
    def test_everything_that_is_whole_is_restored_beside_its_target(
        self, storage: GuardedStorage, backup: Backup, snapshot_format: str
    ) -> None:
        plugins = {"photos": DrilledArtifact(PHOTOS), "notes": DrilledArtifact(NOTES)}
        backup("nightly", plugins, snapshot_format=snapshot_format)

        found = verified(storage, plugins, deep=True)

        assert (found.ok, found.level, found.notes) == (True, 3, ())
        assert [plugin.drills for plugin in plugins.values()] == [1, 1]

    def test_without_deep_there_is_no_drill(self, storage: GuardedStorage, backup: Backup) -> None:
        plugins = {"photos": DrilledArtifact(PHOTOS)}
        backup("nightly", plugins)

        assert verified(storage, plugins).level == 2
        assert plugins["photos"].drills == 0

    def test_what_is_damaged_is_not_restored(
        self, storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
    ) -> None:
        plugins = {"photos": DrilledArtifact(PHOTOS), "notes": DrilledArtifact(NOTES)}
        backup("nightly", plugins, compression=None)
        memory.files["nightly/photos.bin"] = PHOTOS[::-1]

        found = verified(storage, plugins, deep=True)

        assert [artifact for artifact, _ in messages(found)] == ["photos"]
        assert [plugin.drills for plugin in plugins.values()] == [0, 1]
        assert found.level == 2

    def test_what_the_drill_finds_is_said(self, storage: GuardedStorage, backup: Backup) -> None:
        outcome = {"problems": ["7 rows are gone"], "notes": ["run migrate"]}
        plugins = {"photos": DrilledArtifact(PHOTOS, outcome=outcome)}
        backup("nightly", plugins)

        found = verified(storage, plugins, deep=True)

        assert messages(found) == [("photos", "7 rows are gone")]
        assert [note.message for note in found.notes] == ["run migrate"]

    @pytest.mark.parametrize(
        "plugin", [DrilledArtifact(PHOTOS, outcome=None), ParsedArtifact(PHOTOS)], ids=["cannot now", "cannot ever"]
    )
    def test_what_cannot_be_drilled_stays_at_level_2(
        self, storage: GuardedStorage, backup: Backup, plugin: ParsedArtifact
    ) -> None:
        plugins = {"photos": plugin}
        backup("nightly", plugins)

        found = verified(storage, plugins, deep=True)

        assert (found.ok, found.level) == (True, 2)
        assert "It was not restored" in found.notes[0].message

    @pytest.mark.parametrize(
        "error", [SnapshotConnectorError("may not create databases", artifact="photos"), ZeroDivisionError("no bytes")]
    )
    def test_a_drill_that_cannot_be_held_is_no_damage(
        self, storage: GuardedStorage, backup: Backup, error: Exception
    ) -> None:
        plugins = {"photos": DrilledArtifact(PHOTOS, drill_error=error)}
        backup("nightly", plugins)

        found = verified(storage, plugins, deep=True)

        assert (found.ok, found.problems, found.level) == (False, (), 2)
        assert str(error) in found.unverified[0].message


def archive_with(memory: AdvancedMemoryStorage, name: str, data: bytes) -> None:
    """Add a member to the archive, as a stranger would."""
    file = io.BytesIO(memory.files["nightly.tar"])
    with tarfile.open(fileobj=file, mode="a") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    memory.files["nightly.tar"] = file.getvalue()


def test_a_member_that_the_manifest_does_not_name_is_damage(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    plugins = artifacts()
    backup("nightly", plugins, snapshot_format="archive")
    archive_with(memory, "photos.bin.zst", b"a second one")

    assert messages(verified(storage, plugins)) == [
        (None, "Its archive holds 'photos.bin.zst', which the manifest does not name.")
    ]


def test_an_archive_that_another_tar_program_packed_again_is_whole(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    plugins = {**artifacts(), "x" * 110: ParsedArtifact(b"a path too long for a header")}
    backup("nightly", plugins, snapshot_format="archive")
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(memory.files["nightly.tar"])) as old,
        tarfile.open(fileobj=packed, mode="w") as new,
    ):
        for member in old:
            member.mode, member.uname = 0o644, "somebody"
            new.addfile(member, old.extractfile(member))
    memory.files["nightly.tar"] = packed.getvalue()

    assert verified(storage, plugins).ok


def test_an_archive_cut_between_two_members_misses_the_rest(
    storage: GuardedStorage, memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    plugins = artifacts()
    backup("nightly", plugins, snapshot_format="archive", compression=None)
    memory.files["nightly.tar"] = memory.files["nightly.tar"][: memory.files["nightly.tar"].index(NOTES) - 512]

    found = verified(storage, plugins)

    assert [artifact for artifact, _ in messages(found)] == [None, "notes"]


class TestSeveral:
    @pytest.fixture
    def plugins(self) -> dict[str, ParsedArtifact]:
        return artifacts()

    def run(
        self, storage: GuardedStorage, plugins: Mapping[str, Artifact], clock: FixedClock, *names: str, **options: Any
    ) -> list[Verified]:
        snapshots = choose_snapshots(storage, names)
        options.setdefault("sample", None)
        return list(
            verify_snapshots(
                storage,
                snapshots,
                verifier_of=lambda record: plugins.get(record.name),
                codecs=[Zstd()],
                clock=clock,
                tool="django-snapshots test",
                **options,
            )
        )

    @both_formats
    def test_the_result_is_kept_beside_the_snapshot(
        self,
        storage: GuardedStorage,
        plugins: dict[str, ParsedArtifact],
        backup: Backup,
        clock: FixedClock,
        snapshot_format: str,
    ) -> None:
        backup("nightly", plugins, snapshot_format=snapshot_format)

        [found] = self.run(storage, plugins, clock, "nightly")

        last = last_verification(catalog.find_snapshot(storage, "nightly"))
        assert found.recorded
        assert last is not None
        assert last.good_at == clock()
        assert last.record is not None
        assert (last.record.level, last.record.ok, last.record.tool) == (2, True, "django-snapshots test")

    def test_damage_is_kept_too_and_the_snapshot_stays_in_the_list(
        self, storage: GuardedStorage, plugins: dict[str, ParsedArtifact], backup: Backup, clock: FixedClock
    ) -> None:
        backup("nightly", plugins)
        plugins["photos"].says = ["torn"]

        self.run(storage, plugins, clock)

        snapshot = catalog.find_snapshot(storage, "latest")
        last = last_verification(snapshot)
        assert snapshot.name == "nightly"
        assert last is not None
        assert last.record is not None
        assert last.good_at is None
        assert [(one.artifact, one.message) for one in last.record.problems] == [("photos", "torn")]

    def test_a_verification_of_other_bytes_counts_for_nothing(
        self,
        storage: GuardedStorage,
        memory: AdvancedMemoryStorage,
        plugins: dict[str, ParsedArtifact],
        backup: Backup,
        clock: FixedClock,
    ) -> None:
        backup("nightly", plugins)
        self.run(storage, plugins, clock)
        kept = memory.files["nightly/verified.json"]
        backup("nightly", plugins, overwrite=True)
        memory.files["nightly/verified.json"] = kept

        last = last_verification(catalog.find_snapshot(storage, "nightly"))

        assert last is not None
        assert (last.record, last.good_at) == (None, None)
        assert "changed or replaced since" in (last.damage or "")

    @pytest.mark.parametrize("data", [b"{", b"{}", b'{"verified_at": "soon"}'])
    def test_a_damaged_record_is_said(
        self,
        storage: GuardedStorage,
        memory: AdvancedMemoryStorage,
        plugins: dict[str, ParsedArtifact],
        backup: Backup,
        data: bytes,
    ) -> None:
        backup("nightly", plugins)
        memory.files["nightly/verified.json"] = data

        last = last_verification(catalog.find_snapshot(storage, "nightly"))

        assert last is not None
        assert last.record is None
        assert last.damage

    def test_many_problems_fit_into_the_record(
        self,
        storage: GuardedStorage,
        memory: AdvancedMemoryStorage,
        plugins: dict[str, ParsedArtifact],
        backup: Backup,
        clock: FixedClock,
    ) -> None:
        backup("nightly", plugins)
        plugins["photos"].says = ["x" * 10_000] * 1000

        [found] = self.run(storage, plugins, clock)

        assert found.recorded
        assert len(found.verification.problems) == 1000
        assert len(json.loads(memory.files["nightly/verified.json"])["problems"]) == 50

    def test_a_storage_that_cannot_be_written_is_verified_and_said_to_keep_nothing(
        self, memory: AdvancedMemoryStorage, plugins: dict[str, ParsedArtifact], backup: Backup, clock: FixedClock
    ) -> None:
        class ReadOnly(MemoryStorage):
            def write(self, path: str, content: IO[bytes]) -> None:
                raise PermissionError(30, "Read-only file system")

        backup("nightly", plugins)
        read_only = ReadOnly()
        read_only.files = memory.files

        [found] = self.run(GuardedStorage(read_only), plugins, clock)

        assert found.verification.ok
        assert not found.recorded
        assert "Read-only file system" in (found.unrecorded_because or "")

    def test_latest_is_the_newest_also_when_it_is_damaged(
        self,
        storage: GuardedStorage,
        memory: AdvancedMemoryStorage,
        plugins: dict[str, ParsedArtifact],
        backup: Backup,
        clock: FixedClock,
    ) -> None:
        backup("older", plugins)
        backup("newest", plugins)
        del memory.files["newest/notes.bin.zst"]

        [found] = self.run(storage, plugins, clock, "latest")

        assert found.verification.snapshot.name == "newest"
        assert found.verification.problems

    def test_latest_is_never_what_a_restore_saved(
        self, storage: GuardedStorage, plugins: dict[str, ParsedArtifact], backup: Backup, clock: FixedClock
    ) -> None:
        backup("pre-restore-1", plugins)
        with pytest.raises(SnapshotNotFoundError, match="only what restores saved.*newest is 'pre-restore-1'"):
            choose_snapshots(storage, ["latest"])
        backup("nightly", plugins)
        backup("pre-restore-2", plugins)

        [found] = self.run(storage, plugins, clock, "latest")

        assert found.verification.snapshot.name == "nightly"
        assert len(choose_snapshots(storage, [])) == 3, "all are all"

    def test_a_storage_without_snapshots_is_an_error(self, storage: GuardedStorage) -> None:
        with pytest.raises(SnapshotNotFoundError, match="holds no snapshot. If you expected some"):
            choose_snapshots(storage, [])

    def test_a_storage_that_goes_away_ends_the_run_after_what_was_found(
        self, memory: AdvancedMemoryStorage, plugins: dict[str, ParsedArtifact], backup: Backup, clock: FixedClock
    ) -> None:
        class Leaving(AdvancedMemoryStorage):
            gone = False

            def read(self, path: str) -> IO[bytes]:
                self.gone = self.gone or path == "older/notes.bin.zst"
                if self.gone:
                    raise ConnectionError("no route to host")
                return super().read(path)

            def list(self, prefix: str) -> list[str]:
                if self.gone:
                    raise ConnectionError("no route to host")
                return super().list(prefix)

        backup("older", plugins)
        backup("newest", plugins)
        leaving = Leaving()
        leaving.files = memory.files
        seen: list[Verified] = []

        storage = GuardedStorage(leaving)
        options: dict[str, Any] = {"codecs": [Zstd()], "sample": None, "clock": clock, "tool": "test"}
        run = verify_snapshots(storage, choose_snapshots(storage, []), verifier_of=lambda _record: None, **options)
        with pytest.raises(SnapshotStorageError, match="no route to host"):
            seen.extend(run)

        assert [each.verification.snapshot.name for each in seen] == ["newest"]

    def test_a_sample_is_that_share_of_the_artifacts(
        self, storage: GuardedStorage, plugins: dict[str, ParsedArtifact], backup: Backup
    ) -> None:
        for number in range(10):
            backup(f"n{number}", plugins)
        snapshots = catalog.list_snapshots(storage)

        samples = [draw_sample(snapshots, 25, Random(seed)) for seed in range(30)]

        assert {sum(map(len, sample.values())) for sample in samples} == {5}
        assert len({name for sample in samples for name in sample}) == 10
        assert [sum(map(len, draw_sample(snapshots, 0.1, Random(1)).values()))] == [1]

    def test_a_sample_is_kept_only_when_it_finds_damage(
        self, storage: GuardedStorage, plugins: dict[str, ParsedArtifact], backup: Backup, clock: FixedClock
    ) -> None:
        backup("nightly", plugins)
        sample = {"nightly": frozenset({"photos"})}

        [whole] = self.run(storage, plugins, clock, sample=sample)
        plugins["photos"].says = ["torn"]
        [damaged] = self.run(storage, plugins, clock, sample=sample)

        assert (whole.verification.artifacts, whole.recorded) == (("photos",), False)
        assert damaged.recorded
