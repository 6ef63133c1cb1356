"""Signed manifests: who can write to the storage cannot slip in a snapshot, and none is ever half signed."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.codecs import Zstd
from django_snapshots.digests import digest_of
from django_snapshots.engine.catalog import find_snapshot, latest_snapshot, list_snapshots, signature_name
from django_snapshots.engine.create import create_snapshot
from django_snapshots.engine.incomplete import find_leftovers
from django_snapshots.engine.restore import plan_restore, restore_snapshot
from django_snapshots.engine.verify import verify_snapshot
from django_snapshots.errors import (
    SnapshotManifestError,
    SnapshotNotFoundError,
    SnapshotSignatureError,
    SnapshotSigningError,
    SnapshotStorageError,
)
from django_snapshots.signers import HMAC, Ed25519
from django_snapshots.storage import LocalFileSystemBackend
from django_snapshots.storage.guard import GuardedStorage
from tests.codecs.keys import ssh_pair
from tests.fakes import HOST, BytesArtifact, FixedClock, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django_snapshots.engine.catalog import Format
    from django_snapshots.signers import Signer

CONTENT = b"what the site is made of" * 10_000
FORMATS = pytest.mark.parametrize("format_", ["directory", "archive"])


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch) -> Signer:
    monkeypatch.setenv("TEST_SIGNING_KEY", "0123456789abcdef" * 4)
    return HMAC("TEST_SIGNING_KEY")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


def guarded(folder: Path, signer: Signer | None) -> GuardedStorage:
    return GuardedStorage(LocalFileSystemBackend(folder), signer=signer)


def back_up(storage: GuardedStorage, name: str = "nightly", content: bytes = CONTENT, **more: Any) -> None:
    create_snapshot(
        storage,
        {"media": BytesArtifact(content)},
        name=name,
        created_at=more.pop("created_at", FixedClock()()),
        host=HOST,
        compression=Zstd(),
        **more,
    )


def restore(storage: GuardedStorage, name: str = "nightly", *, allow_unsigned: bool = False) -> bytes:
    target = BytesArtifact(b"as before")
    plan = plan_restore(find_snapshot(storage, name), {"media": target}, codecs=[Zstd()], allow_unsigned=allow_unsigned)
    restore_snapshot(storage, plan)
    return target.data


@FORMATS
def test_a_signed_snapshot_is_complete_and_comes_back(folder: Path, signer: Signer, format_: Format) -> None:
    storage = guarded(folder, signer)
    back_up(storage, snapshot_format=format_)

    assert [snapshot.damage for snapshot in list_snapshots(storage)] == [None]
    assert restore(storage) == CONTENT


@FORMATS
def test_an_unsigned_snapshot_is_refused_and_shown_as_damaged(folder: Path, signer: Signer, format_: Format) -> None:
    back_up(guarded(folder, None), snapshot_format=format_)
    storage = guarded(folder, signer)

    (listed,) = list_snapshots(storage)
    with pytest.raises(SnapshotSignatureError, match="^Snapshot 'nightly' is not to be trusted. It is unsigned, and"):
        restore(storage)

    assert listed.status == "damaged"
    assert listed.damage == "It is unsigned, and SNAPSHOTS['SIGNING'] wants a signature."
    with pytest.raises(SnapshotNotFoundError, match="all 1 in the storage are unsigned, or signed with another key"):
        latest_snapshot(storage)


def test_where_no_snapshot_is_complete_the_untrusted_are_told_from_the_damaged(folder: Path, signer: Signer) -> None:
    back_up(guarded(folder, None), "unsigned")
    back_up(guarded(folder, signer), "torn")
    (folder / "torn/media.bin.zst").unlink()

    with pytest.raises(SnapshotNotFoundError) as caught:
        latest_snapshot(guarded(folder, signer))

    assert str(caught.value) == (
        "No complete snapshot: 1 of the 2 in the storage are unsigned, or signed with another key than "
        "SNAPSHOTS['SIGNING'] has. The others are damaged. Configure the key that signed them, or restore one whose "
        "origin you know by its name, with --allow-unsigned. See `manage.py snapshots list`."
    )


@FORMATS
def test_allow_unsigned_restores_it_all_the_same(folder: Path, signer: Signer, format_: Format) -> None:
    back_up(guarded(folder, None), snapshot_format=format_)

    assert restore(guarded(folder, signer), allow_unsigned=True) == CONTENT


@FORMATS
def test_without_a_signer_a_signed_snapshot_is_an_ordinary_one(folder: Path, signer: Signer, format_: Format) -> None:
    back_up(guarded(folder, signer), snapshot_format=format_)

    assert restore(guarded(folder, None)) == CONTENT


@FORMATS
def test_verify_finds_nothing_wrong_with_a_signed_snapshot_and_says_unsigned_of_another(
    folder: Path, signer: Signer, format_: Format
) -> None:
    storage = guarded(folder, signer)
    back_up(storage, "signed", snapshot_format=format_)
    back_up(guarded(folder, None), "unsigned", snapshot_format=format_)

    found = {
        name: verify_snapshot(storage, find_snapshot(storage, name), verifier_of=lambda _: None, codecs=[Zstd()])
        for name in ("signed", "unsigned")
    }

    assert found["signed"].problems == ()
    assert [problem.message for problem in found["unsigned"].problems] == [
        "It is unsigned, and SNAPSHOTS['SIGNING'] wants a signature."
    ]


def changed_by(edit: Callable[[dict[str, Any]], object], indent: int = 2) -> Callable[[Path], object]:
    """Return what edits the manifest of 'nightly' and gives it the signature of the manifest that was there."""

    def change(folder: Path) -> None:
        manifest = folder / "nightly" / "manifest.json"
        (signature,) = (folder / "nightly").glob("*.sig")
        document = json.loads(manifest.read_text())
        edit(document)
        manifest.write_text(json.dumps(document, indent=indent) + "\n")
        signature.rename(folder / "nightly" / signature_name(digest_of(manifest.read_bytes())))

    return change


def with_signature(text: str) -> Callable[[Path], object]:
    return lambda folder: next((folder / "nightly").glob("*.sig")).write_text(text)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed_by(lambda document: document.update(hostname="evil")), "Its signature is wrong"),
        (changed_by(lambda document: document["metadata"].update(note="evil")), "Its signature is wrong"),
        (changed_by(lambda document: document["artifacts"][0].update(plain_size=1)), "Its signature is wrong"),
        (changed_by(lambda _: None, indent=1), "Its signature is wrong"),
        (with_signature(""), "It is signed by another method"),
        (with_signature("hmac-sha256"), "Its signature is wrong"),
        (with_signature("hmac-sha256 AAAA\n"), "Its signature is wrong"),
        (with_signature("hmac-sha256 not base64\n"), "Its signature is damaged"),
        (with_signature("none AAAA\n"), "It is signed by another method"),
        (with_signature("hmac-sha256 " + "A" * 200_000), "Its signature is"),
        (lambda folder: next((folder / "nightly").glob("*.sig")).unlink(), "It is unsigned"),
    ],
)
def test_a_manifest_or_signature_that_was_changed_is_refused(
    folder: Path, signer: Signer, change: Callable[[Path], object], reason: str
) -> None:
    storage = guarded(folder, signer)
    back_up(storage, metadata={"note": "ours"})
    change(folder)

    with pytest.raises(SnapshotSignatureError, match=reason):
        restore(storage)


def test_every_byte_of_manifest_and_signature_counts(folder: Path, signer: Signer) -> None:
    storage = guarded(folder, signer)
    back_up(storage)
    for file in [folder / "nightly" / "manifest.json", *(folder / "nightly").glob("*.sig")]:
        right = file.read_bytes()
        for at in range(0, len(right), 3):
            file.write_bytes(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
            with pytest.raises(SnapshotManifestError):
                restore(storage)
        file.write_bytes(right)

    assert restore(storage) == CONTENT


def test_an_older_snapshot_under_a_newer_name_is_refused(folder: Path, signer: Signer) -> None:
    storage = guarded(folder, signer)
    back_up(storage, "monday")
    shutil.copytree(folder / "monday", folder / "tuesday")

    with pytest.raises(SnapshotManifestError, match="it says its name is 'monday'"):
        restore(storage, "tuesday")

    changed = folder / "tuesday" / "manifest.json"
    changed.write_text(changed.read_text().replace('"name": "monday"', '"name": "tuesday"'))
    with pytest.raises(SnapshotSignatureError):
        restore(storage, "tuesday")


def test_an_archive_with_the_signature_of_another_is_refused(folder: Path, signer: Signer) -> None:
    storage = guarded(folder, signer)
    back_up(storage, "monday", snapshot_format="archive")
    back_up(guarded(folder, None), "tuesday", b"evil", snapshot_format="archive")
    with tarfile.open(folder / "monday.tar") as archive:
        stolen = [member.name for member in archive][1]
        signature = archive.extractfile(stolen).read()  # type: ignore[union-attr]
    with tarfile.open(folder / "tuesday.tar") as archive:
        members = [(member, archive.extractfile(member).read()) for member in archive]  # type: ignore[union-attr]
    for name in (stolen, stolen.replace(stolen[14:30], _digest(members[0][1]))):
        with tarfile.open(folder / "tuesday.tar", "w") as archive:
            info = tarfile.TarInfo(name)
            info.size = len(signature)
            for member, data in [members[0], (info, signature), *members[1:]]:
                archive.addfile(member, io.BytesIO(data))

        with pytest.raises(SnapshotSignatureError):
            restore(storage, "tuesday")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def test_swapped_files_of_two_signed_snapshots_change_nothing(folder: Path, signer: Signer) -> None:
    storage = guarded(folder, signer)
    back_up(storage, "monday", b"of monday" * 1000)
    back_up(storage, "tuesday", b"of tuesday" * 1000)
    shutil.copy(folder / "monday" / "media.bin.zst", folder / "tuesday" / "media.bin.zst")

    with pytest.raises(Exception, match="the manifest says"):
        restore(storage, "tuesday")


def test_an_overwrite_that_fails_at_any_call_leaves_a_signed_snapshot(signer: Signer) -> None:
    failing = FailingAt(0)
    storage = GuardedStorage(failing, signer=signer)
    back_up(storage, content=b"old" * 1000)
    files = dict(failing.files)
    for calls in range(1, 60):
        failing.files, failing.left = dict(files), calls
        try:
            back_up(storage, content=b"new" * 1000, overwrite=True)
            outcomes = {b"new" * 1000}
        except SnapshotStorageError:
            outcomes = {b"old" * 1000, b"new" * 1000}
        got_through, failing.left = failing.left > 0, 0
        assert restore(storage) in outcomes
        if got_through:
            break

    assert got_through
    assert len([path for path in failing.files if path.endswith(".sig")]) == 1


class FailingAt(MemoryStorage):
    """Fails at one call, the `left`-th from now; 0 means never."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError("no answer")

    def read(self, path: str) -> Any:
        self._count()
        return super().read(path)

    def write(self, path: str, content: Any) -> None:
        self._count()
        super().write(path, content)

    def list(self, prefix: str) -> Any:
        self._count()
        return super().list(prefix)

    def delete(self, path: str) -> None:
        self._count()
        super().delete(path)


def test_the_signature_is_stored_before_the_manifest(signer: Signer) -> None:
    class Recording(MemoryStorage):
        written: list[str] = []  # noqa: RUF012 - of this test only

        def write(self, path: str, content: Any) -> None:
            self.written.append(path.partition("/")[2])
            super().write(path, content)

    back_up(GuardedStorage(Recording(), signer=signer))

    manifest = Recording.written.index("manifest.json")
    assert Recording.written[manifest - 1].endswith(".sig")


def test_a_signature_is_no_leftover(folder: Path, signer: Signer) -> None:
    storage = guarded(folder, signer)
    back_up(storage)
    clock = FixedClock()
    marker = {"begun_at": "2020-01-01T00:00:00+00:00", "hostname": "web-1"}
    (folder / "nightly" / "incomplete.json").write_text(json.dumps(marker))

    (leftover,) = find_leftovers(storage, now=clock())

    assert leftover.paths == ("nightly/incomplete.json",)


def test_a_host_that_cannot_sign_stores_nothing(folder: Path, tmp_path: Path) -> None:
    public = ssh_pair(tmp_path).recipient

    with pytest.raises(SnapshotSigningError, match="This host has no private key to sign with"):
        back_up(guarded(folder, Ed25519([public])))

    assert not folder.exists() or files_in(folder) == []


def test_a_signer_that_does_not_trust_itself_stores_nothing(folder: Path) -> None:
    class Forgetful:
        name = "forgetful"

        def sign(self, data: bytes) -> bytes:
            return data

        def verify(self, data: bytes, signature: bytes) -> bool:
            return False

    with pytest.raises(SnapshotSigningError, match="What this host signs it would not trust itself"):
        back_up(guarded(folder, Forgetful()))

    assert not folder.exists() or files_in(folder) == []


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_public_half_is_enough_to_restore(folder: Path, tmp_path: Path) -> None:
    pair = ssh_pair(tmp_path)
    back_up(guarded(folder, Ed25519(private_key_file=pair.identity_file)))

    assert restore(guarded(folder, Ed25519([pair.recipient]))) == CONTENT
