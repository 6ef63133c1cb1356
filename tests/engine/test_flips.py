"""One byte changed, or the end of one file cut off, anywhere: `verify` finds it, and no restore lets it through.

In a manifest that is not signed there are values that nothing else tells: `UNTOLD`. A change in one of them may stay
unfound, and only there.
"""

from __future__ import annotations

import json
import math
import random
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from django_snapshots.artifacts import DatabaseArtifact, DirectoryArtifact, EnvironmentArtifact
from django_snapshots.codecs import Age, Gzip, Zstd
from django_snapshots.codecs.age import generate_pair
from django_snapshots.connectors import SQLiteConnector
from django_snapshots.engine import catalog
from django_snapshots.engine.archive import read_manifest
from django_snapshots.engine.create import create_snapshot
from django_snapshots.engine.restore import plan_restore, restore_snapshot
from django_snapshots.engine.verify import verify_snapshot
from django_snapshots.errors import SnapshotError
from django_snapshots.signers import HMAC
from django_snapshots.storage.guard import GuardedStorage
from tests.connectors.databases import alias_of
from tests.docs.pages import DOCS
from tests.fakes import HOST, AdvancedMemoryStorage, FixedClock
from tests.soak import sized
from tests.trees import tree_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.codecs.contract import Codec

ROUNDS = sized(1000, full=10_000)
UNTOLD = {"created_at", "tool", "python", "django", "hostname", "packages", "metadata", "encryption", "kind", "facts"}


@dataclass(frozen=True)
class Kind:
    """How a snapshot was made.

    Attributes:
        snapshot_format: "directory" or "archive".
        codec: What compresses its files; None for nothing.
        encrypted: Whether they are encrypted after that.
        signed: Whether the manifest is signed.
        untold: Fields of the manifest in which a change may stay unfound.
    """

    snapshot_format: str
    codec: Codec | None
    encrypted: bool = False
    signed: bool = False
    untold: frozenset[str] = frozenset(UNTOLD)


KINDS = {
    "directory": Kind("directory", Zstd()),
    "archive": Kind("archive", Zstd()),
    "directory of files as they are": Kind("directory", None),
    "archive of gzip": Kind("archive", Gzip()),
    "encrypted directory": Kind("directory", Zstd(), encrypted=True),
    "encrypted archive": Kind("archive", Zstd(), encrypted=True),
    "encrypted and signed directory": Kind("directory", Zstd(), encrypted=True, signed=True, untold=frozenset()),
    "signed directory": Kind("directory", Zstd(), signed=True, untold=frozenset()),
    "signed archive": Kind("archive", Zstd(), signed=True, untold=frozenset()),
}


@dataclass
class Target:
    """A small project: a database, a folder, and what they held when they were backed up."""

    database: Path
    media: Path
    artifacts: dict[str, Artifact]
    age: Age

    @property
    def codecs(self) -> list[Codec]:
        return [Zstd(), Gzip(), self.age]

    def state(self) -> tuple[list[Any], str]:
        connections["flipped"].close()
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute("SELECT * FROM note ORDER BY id").fetchall(), tree_digest(self.media)

    def write(self, text: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT)")
            connection.execute("DELETE FROM note")
            connection.executemany("INSERT INTO note (text) VALUES (?)", [(f"{text} {n}",) for n in range(50)])
        (self.media / "photo.bin").write_bytes(text.encode() * 300)


@pytest.fixture
def target(tmp_path: Path, django_db_blocker: Any) -> Iterator[Target]:
    database, media = tmp_path / "db.sqlite3", tmp_path / "media"
    (media / "2026").mkdir(parents=True)
    (media / "2026" / "plan.txt").write_text("a plan")
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": database}
    with django_db_blocker.unblock(), alias_of("flipped", settings) as alias:
        artifacts: dict[str, Artifact] = {
            f"database/{alias}": DatabaseArtifact(alias, SQLiteConnector()),
            "media": DirectoryArtifact(media),
            "environment": EnvironmentArtifact(),
        }
        secret, public = generate_pair()
        (tmp_path / "identity").write_text(secret)
        yield Target(database, media, artifacts, Age([public], identity_file=tmp_path / "identity"))


def changed(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes with another value at one place, or, one time in five, without their end."""
    place = chance.randrange(len(data))
    if chance.random() < 0.2:
        return data[:place]
    return data[:place] + bytes([data[place] ^ chance.randrange(1, 256)]) + data[place + 1 :]


def verified(storage: GuardedStorage, target: Target) -> bool:
    snapshot = catalog.find_snapshot(storage, "nightly")
    found = verify_snapshot(
        storage, snapshot, verifier_of=lambda record: target.artifacts.get(record.name), codecs=target.codecs
    )
    return found.ok


def restored(storage: GuardedStorage, target: Target) -> bool:
    try:
        plan = plan_restore(catalog.find_snapshot(storage, "nightly"), target.artifacts, codecs=target.codecs)
        restore_snapshot(storage, plan)
    except SnapshotError:
        return False
    return True


def manifest_in(memory: AdvancedMemoryStorage) -> dict[str, Any]:
    if "nightly/manifest.json" in memory.files:
        found: dict[str, Any] = json.loads(memory.files["nightly/manifest.json"])
        return found
    return json.loads(read_manifest(memory.read("nightly.tar"), "nightly"))  # type: ignore[arg-type, no-any-return]


def fields_that_differ(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    found = {key for key in one if key != "artifacts" and one[key] != other.get(key)}
    for record, changed_record in zip(one["artifacts"], other["artifacts"], strict=True):
        found |= {key for key in record if record[key] != changed_record.get(key)}
    return found


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_no_changed_byte_stays_unfound_or_reaches_a_target(
    target: Target, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    whole = AdvancedMemoryStorage()
    monkeypatch.setenv("FLIPS_KEY", "0123456789abcdef" * 4)
    signer = HMAC(key_env="FLIPS_KEY") if kind.signed else None
    target.write("of the snapshot")
    options: dict[str, Any] = {"snapshot_format": kind.snapshot_format, "compression": kind.codec}
    options["encryption"] = target.age if kind.encrypted else None
    options |= {"name": "nightly", "created_at": FixedClock()(), "host": HOST}
    create_snapshot(GuardedStorage(whole, signer=signer), target.artifacts, **options)
    right = target.state()
    target.write("that are live")
    live = target.state()
    manifest = manifest_in(whole)
    assert verified(GuardedStorage(whole, signer=signer), target)

    for number in range(math.ceil(ROUNDS / len(KINDS))):
        memory = AdvancedMemoryStorage()
        path = chance.choice(sorted(whole.files))
        memory.files = {**whole.files, path: changed(whole.files[path], chance)}
        storage = GuardedStorage(memory, signer=signer)
        where = f"seed {seed}, round {number}, {path}"

        if verified(storage, target):
            differ = fields_that_differ(manifest, manifest_in(memory))
            assert differ, where
            assert differ <= kind.untold, where
        reached = restored(storage, target)

        state = target.state()
        assert state == (right if reached else live), where
        if reached:
            target.write("that are live")
            live = target.state()


def test_the_page_on_signing_lists_what_nothing_else_tells() -> None:
    page = (DOCS / "how-to" / "sign.md").read_text("utf-8")
    listed = page.partition("Nothing tells a change in")[2].partition("Nor does")[0]

    assert set(re.findall(r"`(\w+)`", listed)) == UNTOLD
