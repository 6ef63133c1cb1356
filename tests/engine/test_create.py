from __future__ import annotations

import io
import json
import subprocess
import threading
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import pytest

from django_snapshots.codecs import Gzip, Zstd
from django_snapshots.engine.catalog import find_snapshot, list_snapshots
from django_snapshots.engine.create import create_snapshot
from django_snapshots.errors import (
    SnapshotArtifactError,
    SnapshotExistsError,
    SnapshotNameError,
    SnapshotStorageCapabilityError,
    SnapshotStorageError,
)
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import HOST, AdvancedMemoryStorage, BytesArtifact, FixedClock, MemoryStorage
from tests.programs import require_program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from django_snapshots.engine.events import Progress
    from tests.engine.conftest import Backup

DATA = b"one row and another\n" * 200_000


def test_the_directory_format_holds_a_plain_file_per_artifact_and_the_manifest(
    memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    backup("nightly", {"database/default": BytesArtifact(DATA, suffix="sqlite3"), "media": BytesArtifact(b"x")})

    assert sorted(memory.files) == [
        "nightly/database/default.sqlite3.zst",
        "nightly/manifest.json",
        "nightly/media.bin.zst",
    ]


def test_the_manifest_says_what_was_stored(memory: AdvancedMemoryStorage, backup: Backup) -> None:
    backup("nightly", {"media": BytesArtifact(DATA, facts={"files": 3})}, metadata={"ticket": 7})

    manifest = json.loads(memory.files["nightly/manifest.json"])
    record = manifest["artifacts"][0]
    stored = memory.files["nightly/media.bin.zst"]
    assert manifest["version"] == 2
    assert manifest["name"] == "nightly"
    assert manifest["created_at"] == "2026-11-22T03:00:00.123456+00:00"
    assert manifest["metadata"] == {"ticket": 7}
    assert manifest["hostname"] == "web-1"
    assert record["codecs"] == ["zstd"]
    assert record["facts"] == {"files": 3}
    assert (record["plain_size"], record["stored_size"]) == (len(DATA), len(stored))


def test_the_digests_are_those_that_sha256sum_prints(
    memory: AdvancedMemoryStorage, backup: Backup, tmp_path: Path
) -> None:
    backup("nightly", {"media": BytesArtifact(DATA)})

    record = json.loads(memory.files["nightly/manifest.json"])["artifacts"][0]
    for key, content in (("plain_digest", DATA), ("stored_digest", memory.files["nightly/media.bin.zst"])):
        (tmp_path / key).write_bytes(content)
        printed = subprocess.run(["sha256sum", tmp_path / key], check=True, capture_output=True, text=True).stdout
        assert record[key] == f"sha256:{printed.split()[0]}"


@pytest.mark.parametrize(("codec", "program"), [(Zstd(), "zstd"), (Gzip(), "gzip")])
def test_stored_files_open_with_the_ordinary_tools(
    memory: AdvancedMemoryStorage, backup: Backup, codec: Any, program: str
) -> None:
    backup("nightly", {"media": BytesArtifact(DATA)}, compression=codec)

    stored = memory.files[f"nightly/media.bin{codec.suffix}"]
    opened = subprocess.run([require_program(program), "-dc"], input=stored, check=True, capture_output=True)
    assert opened.stdout == DATA


def test_without_compression_the_file_is_the_stream_itself(memory: AdvancedMemoryStorage, backup: Backup) -> None:
    backup("nightly", {"media": BytesArtifact(DATA)}, compression=None)

    assert memory.files["nightly/media.bin"] == DATA


def test_an_artifact_that_declines_compression_is_stored_as_it_is(
    memory: AdvancedMemoryStorage, backup: Backup
) -> None:
    artifact = BytesArtifact(b"Django==5.2\n", suffix="txt")
    artifact.compress = False  # type: ignore[attr-defined]

    backup("nightly", {"environment": artifact})

    assert memory.files["nightly/environment.txt"] == b"Django==5.2\n"


def test_an_empty_stream_is_an_artifact_of_no_bytes(backup: Backup) -> None:
    created = backup("nightly", {"media": BytesArtifact(b"")})

    assert created.snapshot.require_manifest().artifacts[0].plain_size == 0


def test_a_basic_storage_takes_the_directory_format(clock: FixedClock) -> None:
    basic = MemoryStorage()

    create_snapshot(GuardedStorage(basic), {"media": BytesArtifact(DATA)}, name="a", created_at=clock(), host=HOST)

    assert set(basic.files) == {"a/manifest.json", "a/media.bin"}


def test_the_archive_format_on_a_basic_storage_is_refused_by_the_missing_methods(clock: FixedClock) -> None:
    basic = MemoryStorage()

    with pytest.raises(SnapshotStorageCapabilityError, match="stream_write, atomic_move") as caught:
        create_snapshot(
            GuardedStorage(basic),
            {"media": BytesArtifact(DATA)},
            name="a",
            created_at=clock(),
            host=HOST,
            snapshot_format="archive",
        )

    assert caught.value.feature == "The archive format"
    assert basic.files == {}


def test_a_taken_name_is_refused_and_nothing_is_dumped(memory: AdvancedMemoryStorage, backup: Backup) -> None:
    backup("nightly", {"media": BytesArtifact(b"first")})
    before = dict(memory.files)

    with pytest.raises(SnapshotExistsError, match="'nightly' exists already and was left as it is") as caught:
        backup("nightly", {"media": BytesArtifact(b"second")})

    assert caught.value.name == "nightly"
    assert memory.files == before


@pytest.mark.parametrize("name", ["latest", "../x", "a/b", ".hidden", "x.tar", "", "a" * 129, "ünicode", "a b", "a\n"])
def test_a_name_that_cannot_be_a_snapshots_is_refused(memory: AdvancedMemoryStorage, backup: Backup, name: str) -> None:
    with pytest.raises(SnapshotNameError, match="cannot name a snapshot"):
        backup(name, {"media": BytesArtifact(b"")})

    assert memory.files == {}


class FailingArtifact(BytesArtifact):
    def dump(self, sink: BinaryIO) -> Mapping[str, Any]:
        super().dump(sink)
        raise RuntimeError("the dump program ended with status 1")


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
def test_a_dump_that_fails_leaves_nothing_and_says_why(
    memory: AdvancedMemoryStorage, backup: Backup, snapshot_format: str
) -> None:
    artifacts = {"media": BytesArtifact(DATA), "database/default": FailingArtifact(DATA)}

    with pytest.raises(
        SnapshotArtifactError, match="database/default could not be dumped: RuntimeError: the dump"
    ) as e:
        backup("nightly", artifacts, snapshot_format=snapshot_format)

    assert e.value.artifact == "database/default"
    assert e.value.__notes__ == ["No snapshot was made; those that were there are as before."]
    assert memory.files == {}


def test_facts_that_are_no_json_are_refused(memory: AdvancedMemoryStorage, backup: Backup) -> None:
    with pytest.raises(SnapshotArtifactError, match="media could not be dumped"):
        backup("nightly", {"media": BytesArtifact(b"x", facts={"when": object()})})

    assert memory.files == {}


def test_threads_end_with_the_backup_that_started_them(backup: Backup) -> None:
    with pytest.raises(SnapshotArtifactError):
        backup("nightly", {"media": FailingArtifact(DATA)})
    backup("nightly", {"media": BytesArtifact(DATA)})

    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("snapshots-")] == []


class FullStorage(AdvancedMemoryStorage):
    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        if path.endswith(".zst"):
            next(chunks)
            raise OSError(28, "No space left on device")
        super().stream_write(path, chunks)


def test_threads_of_a_codec_end_with_a_storage_that_failed(clock: FixedClock) -> None:
    storage = GuardedStorage(FullStorage())

    with pytest.raises(SnapshotStorageError) as caught:
        create_snapshot(
            storage,
            {"media": BytesArtifact(bytes(8 * 1024 * 1024))},
            name="a",
            created_at=clock(),
            host=HOST,
            compression=Zstd(workers=2),
        )

    assert caught.value.__traceback__ is not None  # it holds what failed, and all that belongs to it
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("snapshots-")] == []


def test_the_failure_of_a_storage_is_reported_and_not_that_of_the_dump_it_stopped(clock: FixedClock) -> None:
    storage = GuardedStorage(FullStorage())
    endless = BytesArtifact(bytes(64 * 1024 * 1024))

    with pytest.raises(SnapshotStorageError, match="No space left on device") as caught:
        create_snapshot(storage, {"media": endless}, name="a", created_at=clock(), host=HOST, compression=Zstd())

    assert isinstance(caught.value.__cause__, OSError)


class CorruptingStorage(AdvancedMemoryStorage):
    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        super().stream_write(path, chunks)
        if path.endswith(".zst"):
            self.files[path] = b"\0" + self.files[path][1:]


def test_a_storage_that_stores_other_bytes_makes_the_backup_fail(clock: FixedClock) -> None:
    memory = CorruptingStorage()

    with pytest.raises(SnapshotStorageError, match="digest"):
        create_snapshot(
            GuardedStorage(memory),
            {"media": BytesArtifact(DATA)},
            name="a",
            created_at=clock(),
            host=HOST,
            compression=Zstd(),
        )

    assert memory.files == {}


def test_problems_of_an_artifact_make_the_snapshot_degraded_not_absent(backup: Backup, storage: GuardedStorage) -> None:
    created = backup("nightly", {"media": BytesArtifact(b"x", facts={"problems": ["a.jpg could not be read"]})})

    assert created.problems == ("media: a.jpg could not be read",)
    assert find_snapshot(storage, "nightly").status == "complete"


def test_progress_counts_plain_bytes_up_to_their_number(backup: Backup) -> None:
    events: list[Progress] = []

    backup("nightly", {"media": BytesArtifact(DATA)}, on_progress=events.append)

    done = [event.done_bytes for event in events]
    assert done == sorted(done)
    assert (events[-1].finished, events[-1].done_bytes, events[-1].artifact) == (True, len(DATA), "media")


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
def test_overwrite_replaces_a_snapshot_and_leaves_none_of_its_files(
    memory: AdvancedMemoryStorage, backup: Backup, storage: GuardedStorage, snapshot_format: str
) -> None:
    backup("nightly", {"media": BytesArtifact(b"old"), "other": BytesArtifact(b"gone")})

    created = backup("nightly", {"media": BytesArtifact(b"new")}, overwrite=True, snapshot_format=snapshot_format)

    assert created.problems == ()
    assert [snapshot.name for snapshot in list_snapshots(storage)] == ["nightly"]
    assert [record.name for record in find_snapshot(storage, "nightly").require_manifest().artifacts] == ["media"]
    assert len(memory.files) == (2 if snapshot_format == "directory" else 1)


def test_overwriting_an_archive_by_a_directory_leaves_no_archive(memory: AdvancedMemoryStorage, backup: Backup) -> None:
    backup("nightly", {"media": BytesArtifact(b"old")}, snapshot_format="archive")

    backup("nightly", {"media": BytesArtifact(b"new")}, overwrite=True)

    assert set(memory.files) == {"nightly/manifest.json", "nightly/media.bin.zst"}


@pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
def test_a_failed_overwrite_leaves_the_old_snapshot_byte_for_byte(
    memory: AdvancedMemoryStorage, backup: Backup, snapshot_format: str
) -> None:
    backup("nightly", {"media": BytesArtifact(b"old")}, snapshot_format=snapshot_format)
    before = dict(memory.files)

    with pytest.raises(SnapshotArtifactError):
        backup(
            "nightly",
            {"media": BytesArtifact(b"new"), "other": FailingArtifact(DATA)},
            overwrite=True,
            snapshot_format=snapshot_format,
        )

    assert memory.files == before


class LosingStorage(MemoryStorage):
    """Keeps only half of the second manifest."""

    manifests = 0

    def write(self, path: str, content: IO[bytes]) -> None:
        super().write(path, content)
        self.lose(path)

    def lose(self, path: str) -> None:
        if "manifest.json" in path:
            self.manifests += 1
            if self.manifests == 2:
                self.files[path] = self.files[path][:50]


class AdvancedLosingStorage(AdvancedMemoryStorage, LosingStorage):
    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        super().stream_write(path, chunks)
        self.lose(path)


@pytest.mark.parametrize("kind", [LosingStorage, AdvancedLosingStorage])
def test_an_overwrite_whose_manifest_is_not_kept_leaves_the_old_one(
    clock: FixedClock, kind: type[LosingStorage]
) -> None:
    memory = kind()
    storage = GuardedStorage(memory)
    create_snapshot(storage, {"media": BytesArtifact(b"old")}, name="a", created_at=clock(), host=HOST)
    before = dict(memory.files)

    with pytest.raises(SnapshotStorageError, match="stored 50 of"):
        create_snapshot(
            storage, {"media": BytesArtifact(b"new")}, name="a", created_at=clock(), host=HOST, overwrite=True
        )

    assert memory.files == before


class InterruptingArtifact(BytesArtifact):
    def dump(self, sink: BinaryIO) -> Mapping[str, Any]:
        sink.write(DATA)
        raise KeyboardInterrupt


def test_an_interrupt_cleans_up_and_stays_an_interrupt(memory: AdvancedMemoryStorage, backup: Backup) -> None:
    with pytest.raises(KeyboardInterrupt):
        backup("nightly", {"media": InterruptingArtifact(b"")})

    assert memory.files == {}


class WritesViews(BytesArtifact):
    """Writes from one buffer that it uses again, as readinto() loops do."""

    def dump(self, sink: BinaryIO) -> Mapping[str, Any]:
        buffer = bytearray(3_000_000)
        source = io.BytesIO(self.data)
        while count := source.readinto(buffer):
            sink.write(memoryview(buffer)[:count])
        return {}


def test_a_buffer_that_is_used_again_by_the_dump_does_no_harm(memory: AdvancedMemoryStorage, backup: Backup) -> None:
    data = b"".join(number.to_bytes(4, "big") for number in range(2_000_000))

    backup("nightly", {"media": WritesViews(data)}, compression=None)

    assert memory.files["nightly/media.bin"] == data


def test_what_a_storage_reads_from_a_stream_it_may_read_in_any_size(clock: FixedClock) -> None:
    class Nibbling(MemoryStorage):
        def write(self, path: str, content: IO[bytes]) -> None:
            pieces: list[bytes] = []
            while piece := content.read(7 if len(pieces) < 1000 else 1_000_003):
                pieces.append(piece)
            self.files[path] = b"".join(pieces)

    memory = Nibbling()
    create_snapshot(GuardedStorage(memory), {"media": BytesArtifact(DATA)}, name="a", created_at=clock(), host=HOST)

    assert memory.files["a/media.bin"] == DATA
