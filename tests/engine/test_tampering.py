"""Somebody who can write to the storage, and keeps sizes and digests right: nothing he does reaches further than data.

Without SIGNING he can replace what is restored; these tests are about what else he could try. Every attack must end in
one of our errors, soon, in little memory, with the target as it was. Hostile tars are in `tests/artifacts`.
"""

from __future__ import annotations

import io
import json
import random
import tarfile
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from backports import zstd

from django_snapshots.artifacts import DirectoryArtifact
from django_snapshots.codecs import Gzip, Zstd
from django_snapshots.digests import CHUNK_SIZE, digest_of
from django_snapshots.engine.catalog import find_snapshot, list_snapshots
from django_snapshots.engine.create import create_snapshot
from django_snapshots.engine.holder import parse_holder
from django_snapshots.engine.incomplete import find_leftovers
from django_snapshots.engine.outcome import read_outcome
from django_snapshots.engine.removal import find_removals
from django_snapshots.engine.restore import plan_restore, restore_snapshot
from django_snapshots.engine.verify import verify_snapshot
from django_snapshots.errors import (
    SnapshotDigestError,
    SnapshotError,
    SnapshotFileMissingError,
    SnapshotManifestError,
    SnapshotStorageError,
)
from django_snapshots.storage.guard import GuardedStorage
from tests.fakes import HOST, AdvancedMemoryStorage, BytesArtifact, FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from django_snapshots.engine.catalog import Format

GIB = 1024 * CHUNK_SIZE
CONTENT = b"what the site is made of" * 1000
BEFORE = b"as before"


@pytest.fixture
def memory() -> AdvancedMemoryStorage:
    return AdvancedMemoryStorage()


@pytest.fixture
def storage(memory: AdvancedMemoryStorage) -> GuardedStorage:
    return GuardedStorage(memory)


def back_up(
    storage: GuardedStorage, name: str = "nightly", content: bytes = CONTENT, format_: Format = "directory"
) -> None:
    create_snapshot(
        storage,
        {"media": BytesArtifact(content)},
        name=name,
        created_at=FixedClock()(),
        host=HOST,
        compression=Zstd(),
        snapshot_format=format_,
    )


def edit(memory: AdvancedMemoryStorage, change: Callable[[dict[str, Any]], object], name: str = "nightly") -> None:
    document = json.loads(memory.files[f"{name}/manifest.json"])
    change(document)
    memory.files[f"{name}/manifest.json"] = json.dumps(document, indent=2).encode()


def put(memory: AdvancedMemoryStorage, data: bytes, **fields: Any) -> None:
    """Replace the stored file, and make the manifest say that it is right."""

    def change(document: dict[str, Any]) -> None:
        (record,) = document["artifacts"]
        record.update(stored_size=len(data), stored_digest=digest_of(data), **fields)
        memory.files[f"nightly/{record['path']}"] = data

    edit(memory, change)


def attempt(storage: GuardedStorage, name: str = "nightly") -> SnapshotError:
    """Try to restore; return the error, after proof that nothing was changed."""
    target = BytesArtifact(BEFORE)
    with pytest.raises(SnapshotError) as caught:
        restore_into(storage, name, target)
    assert target.data == BEFORE
    return caught.value


def restore_into(storage: GuardedStorage, name: str, target: BytesArtifact) -> None:
    plan = plan_restore(find_snapshot(storage, name), {"media": target}, codecs=[Zstd(), Gzip()])
    restore_snapshot(storage, plan)


def test_files_swapped_between_two_snapshots_are_found(memory: AdvancedMemoryStorage, storage: GuardedStorage) -> None:
    back_up(storage, "monday", b"of monday" * 100)
    back_up(storage, "tuesday", b"of tuesday" * 100)
    monday, tuesday = "monday/media.bin.zst", "tuesday/media.bin.zst"
    memory.files[monday], memory.files[tuesday] = memory.files[tuesday], memory.files[monday]

    assert isinstance(attempt(storage, "monday"), SnapshotDigestError)
    assert isinstance(attempt(storage, "tuesday"), SnapshotDigestError)


@pytest.mark.parametrize("format_", ["directory", "archive"])
def test_an_older_manifest_under_a_newer_name_is_damaged(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, format_: Format
) -> None:
    back_up(storage, "monday", format_=format_)
    for path in list(memory.files):
        memory.files[path.replace("monday", "tuesday")] = memory.files[path]

    error = attempt(storage, "tuesday")

    assert isinstance(error, SnapshotManifestError)
    assert "it says its name is 'monday'" in str(error)


@pytest.mark.parametrize(
    "path",
    ["../other/media.bin.zst", "/etc/passwd", "a/../../x", "./media.bin.zst", "a//b", "", "a\\b", "a\0b", "\ud800"],
)
def test_a_path_that_leads_elsewhere_is_refused_before_anything_is_opened(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, path: str
) -> None:
    back_up(storage)
    edit(memory, lambda document: document["artifacts"][0].update(path=path))

    assert isinstance(attempt(storage), SnapshotManifestError)


@pytest.mark.parametrize("path", ["manifest.json", "manifest.json.0123456789abcdef.sig"])
def test_an_artifact_cannot_take_the_place_of_manifest_or_signature(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, path: str
) -> None:
    back_up(storage)
    edit(memory, lambda document: document["artifacts"][0].update(path=path))

    assert "an artifact takes the place of the manifest itself" in str(attempt(storage))


def bomb(size: int) -> bytes:
    """Return `size` zeros, compressed with zstd into a ten-thousandth of it."""
    compressor = zstd.ZstdCompressor()
    pieces = [compressor.compress(bytes(CHUNK_SIZE)) for _ in range(size // CHUNK_SIZE)]
    return b"".join([*pieces, compressor.flush()])


class Counting(Zstd):
    """Counts what was decoded."""

    decoded_bytes = 0

    def decode(self, source: BinaryIO) -> BinaryIO:
        counting = self

        class Counted(io.RawIOBase):
            def __init__(self, inner: BinaryIO) -> None:
                self._inner = inner

            def read(self, size: int = -1, /) -> bytes:
                piece = self._inner.read(size)
                counting.decoded_bytes += len(piece)
                return piece

            def close(self) -> None:
                self._inner.close()
                super().close()

        return Counted(super().decode(source))  # type: ignore[return-value]


def test_a_bomb_stops_right_behind_the_recorded_size(memory: AdvancedMemoryStorage, storage: GuardedStorage) -> None:
    back_up(storage)
    put(memory, bomb(4 * GIB))
    counting, target = Counting(), BytesArtifact(BEFORE)
    plan = plan_restore(find_snapshot(storage, "nightly"), {"media": target}, codecs=[counting])

    tracemalloc.start()
    with pytest.raises(SnapshotDigestError, match=f"the manifest says {len(CONTENT)}"):
        restore_snapshot(storage, plan)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert counting.decoded_bytes < 24 * CHUNK_SIZE
    assert peak < 48 * CHUNK_SIZE
    assert target.data == BEFORE


def test_verify_too_stops_at_a_bomb(memory: AdvancedMemoryStorage, storage: GuardedStorage) -> None:
    back_up(storage)
    put(memory, bomb(4 * GIB))
    counting = Counting()

    found = verify_snapshot(storage, find_snapshot(storage, "nightly"), verifier_of=lambda _: None, codecs=[counting])

    assert len(found.problems) == 1
    assert counting.decoded_bytes < 24 * CHUNK_SIZE


def test_bombs_inside_of_bombs_are_refused_unseen(memory: AdvancedMemoryStorage, storage: GuardedStorage) -> None:
    back_up(storage)
    put(memory, bomb(CHUNK_SIZE), codecs=["zstd"] * 20)

    assert "encoded twice by the same codec" in str(attempt(storage))


@pytest.mark.parametrize(
    "field", [{"stored_size": 10 * GIB}, {"plain_size": 10 * GIB}, {"stored_size": 10**40}, {"plain_size": 10**40}]
)
def test_sizes_that_are_only_claimed_cost_nothing(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, field: dict[str, int]
) -> None:
    back_up(storage)
    edit(memory, lambda document: document["artifacts"][0].update(field))

    tracemalloc.start()
    error = attempt(storage)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(error, SnapshotDigestError)
    assert peak < 48 * CHUNK_SIZE


def test_a_folder_that_claims_10_gib_is_refused_and_leaves_nothing(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, tmp_path: Path
) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "note.txt").write_text("as before")
    artifact = DirectoryArtifact(tmp_path / "media")
    create_snapshot(storage, {"media": artifact}, name="nightly", created_at=FixedClock()(), host=HOST)
    info = tarfile.TarInfo("film.bin")
    info.size = 10 * GIB
    put(memory, info.tobuf() + bytes(4096), plain_size=10 * GIB)

    with pytest.raises(SnapshotError):
        restore_snapshot(storage, plan_restore(find_snapshot(storage, "nightly"), {"media": artifact}))

    assert [path.name for path in tmp_path.iterdir()] == ["media"]
    assert [path.name for path in (tmp_path / "media").iterdir()] == ["note.txt"]


def nested(depth: int, inner: str = "1") -> str:
    return "[" * depth + inner + "]" * depth


HOSTILE_JSON = {
    "a key twice": lambda text: text.replace('"name": "nightly"', '"name": "nightly", "name": "nightly"'),
    "a key twice in a record": lambda text: text.replace('"kind"', '"path": "x", "kind"'),
    "100,000 levels": lambda text: text.replace('"metadata": {}', f'"metadata": {{"a": {nested(100_000)}}}'),
    "900 levels": lambda text: text.replace('"metadata": {}', f'"metadata": {{"a": {nested(900)}}}'),
    "200 levels": lambda text: text.replace('"metadata": {}', f'"metadata": {{"a": {nested(200)}}}'),
    "200 levels of objects": lambda text: text.replace('"facts": {}', '"facts": ' + '{"a":' * 200 + "1" + "}" * 200),
    "a number beyond floats": lambda text: text.replace('"metadata": {}', '"metadata": {"a": 1e999}'),
    "NaN": lambda text: text.replace('"metadata": {}', '"metadata": {"a": NaN}'),
    "a number of 10,000 digits": lambda text: text.replace('"metadata": {}', f'"metadata": {{"a": {"9" * 10_000}}}'),
    "half a character": lambda text: text.replace('"metadata": {}', r'"metadata": {"a": "\ud800"}'),
    "half a character in a field": lambda text: text.replace('"web-1"', r'"\ud800"'),
    "no object": lambda _: "[]",
    "nothing": lambda _: "",
    "a million brackets": lambda _: "[" * 1_000_000,
}


@pytest.mark.parametrize("change", HOSTILE_JSON.values(), ids=HOSTILE_JSON)
def test_hostile_json_is_a_damaged_manifest_and_nothing_worse(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, change: Callable[[str], str]
) -> None:
    back_up(storage)
    text = memory.files["nightly/manifest.json"].decode()
    assert change(text) != text
    memory.files["nightly/manifest.json"] = change(text).encode()

    (listed,) = list_snapshots(storage)
    found = verify_snapshot(storage, listed, verifier_of=lambda _: None, codecs=[Zstd()])

    assert listed.status == "damaged"
    assert isinstance(attempt(storage), SnapshotManifestError)
    assert len(found.problems) == 1


def test_a_manifest_larger_than_64_mib_is_not_held(memory: AdvancedMemoryStorage, storage: GuardedStorage) -> None:
    back_up(storage)
    memory.files["nightly/manifest.json"] += b" " * (64 * CHUNK_SIZE)

    assert "it is larger than" in str(attempt(storage))


@pytest.mark.parametrize("marker", ["[" * 4000, "", "{}", '{"begun_at": 1e999}', '{"begun_at": "9999999-01-01"}', "\0"])
def test_a_hostile_marker_ends_no_prune(memory: AdvancedMemoryStorage, storage: GuardedStorage, marker: str) -> None:
    back_up(storage)
    memory.files["other/incomplete.json"] = marker.encode()
    memory.files["other/media.bin"] = b"data"

    assert find_leftovers(storage, now=FixedClock()()) == []


@pytest.mark.parametrize("text", ["[" * 100_000, '{"names": ' + "[" * 3000, '{"pid": 1e999}', "{}", "\0", '"text"'])
def test_hostile_notes_of_other_runs_are_none(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, text: str
) -> None:
    holder = {"verb": "backup", "host": "web-1", "machine": "m", "born": "1", "since": "2026-11-22T02:00:00+00:00"}
    memory.files[".outcome/backup.json"] = text.encode()
    memory.files[".removing/note.json"] = text.encode()

    assert read_outcome(storage, "backup") in (None, {}, {"pid": float("inf")})
    assert find_removals(storage, list(memory.files)) in ([], find_removals(storage, []))
    assert parse_holder(text.encode()) is None
    assert parse_holder(json.dumps({**holder, "pid": float("inf")}).encode()) is None


def archive_of(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def members_of(archive: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return [(info, opened.extractfile(info).read()) for info in opened]  # type: ignore[union-attr]


def special(name: str, kind: bytes, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, b""


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "../../etc/passwd"),
        (tarfile.LNKTYPE, "manifest.json"),
        (tarfile.CHRTYPE, ""),
        (tarfile.FIFOTYPE, ""),
        (tarfile.DIRTYPE, ""),
    ],
)
def test_a_member_that_is_no_file_is_no_artifact_and_no_manifest(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, kind: bytes, link: str
) -> None:
    back_up(storage, format_="archive")
    manifest, media = members_of(memory.files["nightly.tar"])

    memory.files["nightly.tar"] = archive_of([manifest, special(media[0].name, kind, link)])
    assert isinstance(attempt(storage), SnapshotFileMissingError)
    memory.files["nightly.tar"] = archive_of([special("manifest.json", kind, link), media])
    assert isinstance(attempt(storage), SnapshotManifestError)


def test_a_second_manifest_or_artifact_in_an_archive_is_found_by_verify_and_never_used(
    memory: AdvancedMemoryStorage, storage: GuardedStorage
) -> None:
    back_up(storage, format_="archive")
    manifest, media = members_of(memory.files["nightly.tar"])
    evil = zstd.compress(b"evil")
    memory.files["nightly.tar"] = archive_of([manifest, media, manifest, (tarfile.TarInfo(media[0].name), evil)])
    target = BytesArtifact(BEFORE)

    found = verify_snapshot(storage, find_snapshot(storage, "nightly"), verifier_of=lambda _: None, codecs=[Zstd()])
    restore_snapshot(storage, plan_restore(find_snapshot(storage, "nightly"), {"media": target}, codecs=[Zstd()]))

    assert target.data == CONTENT
    assert found.problems != ()


class Endless(AdvancedMemoryStorage):
    """A storage whose archive claims 10 GiB for its manifest, and never ends."""

    def read(self, path: str) -> Any:
        info = tarfile.TarInfo("manifest.json")
        info.size = 10 * GIB
        chance = random.Random(1)

        class Stream(io.RawIOBase):
            start = info.tobuf()

            def read(self, size: int = -1, /) -> bytes:
                assert size >= 0
                piece, self.start = self.start[:size], self.start[size:]
                return piece or chance.randbytes(size)

        return Stream()


def test_an_archive_whose_manifest_claims_10_gib_is_not_read(storage: GuardedStorage) -> None:
    endless = Endless()
    endless.files["nightly.tar"] = b""

    (listed,) = list_snapshots(GuardedStorage(endless))

    assert listed.damage is not None
    assert "it is larger than" in listed.damage


def test_a_storage_that_gives_more_than_the_manifest_says_is_cut_off(
    memory: AdvancedMemoryStorage, storage: GuardedStorage
) -> None:
    back_up(storage)
    handed_out = 0

    class Growing(AdvancedMemoryStorage):
        def read(self, path: str) -> Any:
            if not path.endswith(".zst"):
                return super().read(path)

            class Stream(io.RawIOBase):
                def readable(self) -> bool:
                    return True

                def read(self, size: int = -1, /) -> bytes:
                    nonlocal handed_out
                    handed_out += size
                    return bytes(size) if handed_out < GIB else b""

            return Stream()

    growing = Growing()
    growing.files = memory.files

    assert isinstance(attempt(GuardedStorage(growing)), (SnapshotDigestError, SnapshotStorageError))
    assert handed_out < 16 * CHUNK_SIZE
