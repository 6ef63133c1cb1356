"""The promises under random histories: backup, modify, corrupt, prune, verify and restore against a model.

What is corrupted is any file: what was dumped, a manifest, and the documents beside a snapshot.

Any step may meet a storage whose n-th call fails, or a program that ends badly. After each step the storage is looked
at without faults: what is listed is whole, what was there is there byte for byte, and each target is wholly old or
wholly new.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import sqlite3
import tempfile
from contextlib import ExitStack, closing
from datetime import UTC, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from django_snapshots.artifacts import DatabaseArtifact, DirectoryArtifact
from django_snapshots.connectors import SQLiteConnector
from django_snapshots.connectors._program import Command, stream_in, stream_out
from django_snapshots.engine.catalog import list_snapshots
from django_snapshots.engine.pins import find_pin
from django_snapshots.engine.verified import last_verification
from django_snapshots.errors import SnapshotError, SnapshotPruneError
from django_snapshots.project import Project
from django_snapshots.retention import Policy
from django_snapshots.storage import LocalFileSystemBackend
from django_snapshots.storage.guard import GuardedStorage
from django_snapshots.verification import verify_snapshots
from tests.conf.checking import project
from tests.connectors.databases import alias_of
from tests.fakes import HOST, FixedClock
from tests.soak import sized

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pytest

Thing = TypeVar("Thing")
SEQUENCES = sized(500, 5000)
BASIC = ("read", "write", "list", "delete", "exists")
ADVANCED = (*BASIC, "delete_many", "stream_read", "stream_write", "atomic_move", "recursive_list", "sync")
NAMES = st.sampled_from(["a", "b"])
OUTAGES = st.tuples(st.integers(1, 30), st.sampled_from(["before", "after", "half"]), st.booleans())
"""Which call fails, whether it does its work first, and whether all later calls fail too."""

FAULTS = st.none() | OUTAGES
PLACES = st.integers(0, 2**16 - 1)
"""Which of several things, by `one_of`. What is drawn must not depend on how many there are: which call of a storage
fails is a matter of threads, and a history that is drawn again may then find another state where it was before."""

WAYS = st.tuples(st.sampled_from(["flip", "flip", "cut", "swap"]), PLACES, st.integers(0, 7))
"""How a small document is spoiled: in which way, at which place or by which other one, and at which bit."""

ENDINGS = st.sampled_from(["exit 0"] * 6 + ["exit 3", "kill -9 $$", "head -c 1 /dev/zero; exit 1"])
"""How the programs end."""

DECISIVE = re.compile(rb"(?<=sha256:)[0-9a-f]{64}|[{}\[\]]")
"""What a manifest cannot have otherwise: digests, and the marks that make it JSON."""


class OutageError(Exception):
    """What the storage raises."""


class FaultyStorage:
    """A local folder whose n-th call fails while `fault` is set; of the basic or of the advanced tier."""

    def __init__(self, location: Path, *, advanced: bool) -> None:
        self.real = LocalFileSystemBackend(location)
        self.fault: tuple[int, str, bool] | None = None
        for method in ADVANCED if advanced else BASIC:
            setattr(self, method, self._wrapped(method))

    def _wrapped(self, method: str) -> Callable[..., Any]:
        original = getattr(self.real, method)

        @wraps(original)  # so that the check of the settings sees the real arguments
        def call(*arguments: Any) -> Any:
            if self.fault is None:
                return original(*arguments)
            left, manner, for_good = self.fault
            self.fault = (left - 1, manner, for_good)
            if left > 1 or (left < 1 and not for_good):
                return original(*arguments)
            if manner == "after":
                answer = original(*arguments)
                if method == "read":
                    answer.close()
            elif manner == "half" and method in {"write", "stream_write"}:
                path, content = arguments
                data = content.read() if method == "write" else b"".join(content)
                self.real.write(path, io.BytesIO(data[: len(data) // 2]))
            raise OutageError(f"{method} failed")

        return call


class ProgramArtifact:
    """A file that real child processes write and read; `ending` is how the next ones end."""

    suffix = "txt"

    def __init__(self, file: Path) -> None:
        self.file = file
        self.ending = "exit 0"

    def dump(self, sink: BinaryIO) -> Mapping[str, Any]:
        stream_out(self._command(f"cat '{self.file}'; {self.ending}"), sink)
        return {}

    def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> ProgramArtifact:
        stream_in(self._command(f"cat > '{self.file}.new'; {self.ending}"), source)
        return self

    def restore(self, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        self.stage(source, facts).commit()

    def commit(self) -> None:
        Path(f"{self.file}.new").replace(self.file)

    def discard(self) -> None:
        Path(f"{self.file}.new").unlink(missing_ok=True)

    def _command(self, script: str) -> Command:
        return Command(("/bin/sh", "-c", script), {}, artifact="program")


class Targets:
    """What is backed up: a database, a folder and a file, each holding the number of its last change, several times."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "live.sqlite3"
        self.media = folder / "media"
        self.program = ProgramArtifact(folder / "program.txt")
        with closing(self._connect()) as connection, connection:
            connection.execute("CREATE TABLE mark (text TEXT)")
            connection.executemany("INSERT INTO mark VALUES (?)", [("",), ("",)])

    def change(self, number: int) -> None:
        """Write the number everywhere; what is written is told from all else by its text."""
        with closing(self._connect()) as connection, connection:
            connection.execute("UPDATE mark SET text = ?", (marker(number),))
        shutil.rmtree(self.media, ignore_errors=True)
        (self.media / "folder").mkdir(parents=True)
        for path in (f"{number}.txt", "folder/same.txt"):
            (self.media / path).write_text(marker(number))
        self.program.file.write_text(marker(number))

    def look(self) -> tuple[str, str, str]:
        """Return what each target holds; each must be wholly of one change."""
        with closing(self._connect()) as connection:
            rows = {text for (text,) in connection.execute("SELECT text FROM mark")}
        files = [path for path in self.media.rglob("*") if path.is_file()]
        texts = {path.read_text() for path in files}
        assert (len(rows), len(texts), len(files)) == (1, 1, 2), "a target that is neither old nor new"
        return rows.pop(), texts.pop(), self.program.file.read_text()

    def require_unlocked(self) -> None:
        """Prove that nobody holds a lock on the database, not even for a moment."""
        with closing(self._connect(timeout_s=0)) as connection:
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                raise AssertionError(f"the library left a lock on the live database: {error}") from error
            connection.rollback()

    def _connect(self, timeout_s: float = 60) -> sqlite3.Connection:
        return sqlite3.connect(self.database, timeout=timeout_s)


def marker(number: int) -> str:
    return f"plaintext-marker-{number};"


class History(RuleBasedStateMachine):
    """One project, its storage, and what is known of both."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        shared = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else None))
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.clock = FixedClock()
        self.changes = 0
        self.states: dict[Any, tuple[str, str, str]] = {}
        self.corrupted: set[str] = set()
        self.pinned: set[str] = set()

    @initialize(advanced=st.booleans(), archive=st.booleans(), encrypted=st.booleans(), signed=st.booleans())
    def begin(self, advanced: bool, archive: bool, encrypted: bool, signed: bool) -> None:
        self.encrypted, self.signed = encrypted, signed
        self.storage = FaultyStorage(self.folder / "storage", advanced=advanced)
        self.targets = Targets(self.folder)
        name, path = "DJANGO_SNAPSHOTS_MACHINE_KEY", str(self.targets.database)
        self.stack.enter_context(alias_of("machine", {"ENGINE": "django.db.backends.sqlite3", "NAME": path}))
        artifacts = {
            "rows": DatabaseArtifact("machine", SQLiteConnector()),
            "tree": DirectoryArtifact(self.targets.media),
            "program": self.targets.program,
        }
        age = {"BACKEND": "django_snapshots.codecs.Age", "OPTIONS": {"passphrase_env": name, "work_factor": 10}}
        configured = {
            "STORAGE": self.storage,
            "ARTIFACTS": artifacts,
            "DEFAULT_ARTIFACTS": [*artifacts],
            "SNAPSHOT_FORMAT": "archive" if archive and advanced else "directory",
            "COMPRESSION": {"BACKEND": "django_snapshots.codecs.Gzip", "OPTIONS": {"level": 1}},
            "ENCRYPTION": age if encrypted else None,
            "SIGNING": {"BACKEND": "django_snapshots.signers.HMAC", "OPTIONS": {"key_env": name}} if signed else None,
        }
        self.stack.enter_context(project(configured, {name: "a passphrase, and a key of 32 characters"}))
        self.project = Project(clock=self.clock)
        self.modify()

    @rule()
    def modify(self) -> None:
        self.changes += 1
        self.targets.change(self.changes)

    @rule(name=NAMES, overwrite=st.booleans(), fault=FAULTS, ending=ENDINGS)
    def backup(self, name: str, overwrite: bool, fault: Any, ending: str) -> None:
        before = self.listed()

        error = self.attempt(
            lambda: self.project.create_snapshot(name=name, overwrite=overwrite), fault=fault, ending=ending
        )

        after = self.listed()
        assert {other: files for other, files in after.items() if other != name} == {
            other: files for other, files in before.items() if other != name
        }, "promise 1: what was there is as it was"
        if error is None:
            assert after[name] != before.get(name)
        if deciding(after.get(name)) != deciding(before.get(name)):
            assert name in after, "promise 1: the old one or the new one"
            self.corrupted.discard(name)
            assert self.verified(name), "promises 1 and 2: what is listed is whole"
        elif name not in self.corrupted:  # where one of its files was missing, a run that failed may have left another
            assert after.get(name) == before.get(name), "promise 1: the old one is as it was"

    @rule(which=PLACES, fault=OUTAGES, ending=ENDINGS)
    def overwrite(self, which: int, fault: Any, ending: str) -> None:
        free = sorted(self.some().keys() - self.pinned)
        if free:
            self.modify()
            self.backup(one_of(free, which), True, fault, ending)

    @rule(which=PLACES, safety=st.booleans(), fault=FAULTS, ending=ENDINGS)
    def restore(self, which: int, safety: bool, fault: Any, ending: str) -> None:
        before, live = self.some(), self.targets.look()
        name = one_of(sorted(before), which)
        wanted = self.state_of(name)

        error = self.attempt(
            lambda: self.project.restore(self.project.plan_restore(name), safety_snapshot=safety),
            fault=fault,
            ending=ending,
        )

        after, now = self.listed(), self.targets.look()
        assert before.items() <= after.items(), "promise 1: a restore takes no snapshot away"
        assert {new.startswith("pre-restore-") for new in after.keys() - before} <= {True}
        if error is None:
            assert name not in self.corrupted, "promise 3: damage is found"
            assert now == wanted, "promise 3: wholly the snapshot's"
            assert len(after) == len(before) + safety
        elif name in self.corrupted or "Nothing was changed." in getattr(error, "__notes__", []):
            assert now == live, "promise 3: nothing is changed before all is proved"
        else:
            assert all(one in {old, new} for one, old, new in zip(now, live, wanted or live, strict=True)), "promise 3"
        for new in after.keys() - before:
            assert self.verified(new), "promise 2: the safety snapshot is whole"

    @rule(which=PLACES, file=PLACES, how=st.sampled_from(["flip", "cut", "delete"]))
    def corrupt(self, which: int, file: int, how: str) -> None:
        whole = sorted(self.some().keys() - self.damaged())
        if not whole:
            return  # flipped twice a byte would be right again
        name = one_of(whole, which)
        path = one_of([path for path in self.listed()[name] if not path.endswith("manifest.json")], file)
        content = self.content_of(path)
        if how == "delete" and not path.endswith(".tar"):
            self.storage.real.delete(path)
        elif how == "cut":
            self.storage.real.write(path, io.BytesIO(content[: len(content) // 2]))
        else:
            # In an archive the end of the last file, or of the manifest's block, may be padding that nobody reads.
            at = len(content) // 2 if not path.endswith(".tar") else content.rfind(b"program.txt") + 512
            self.storage.real.write(path, io.BytesIO(flipped(content, at, 6)))
        self.corrupted.add(name)

    @rule(which=PLACES, ways=st.lists(WAYS, min_size=4, max_size=8))
    def corrupt_manifest(self, which: int, ways: list[tuple[str, int, int]]) -> None:
        whole = sorted(name for name in self.some().keys() - self.damaged() if not self.is_archive(name))
        if not whole:
            return
        name = one_of(whole, which)
        path, live = f"{name}/manifest.json", self.targets.look()
        right = self.content_of(path)
        for how, place, bit in ways:
            other = self.content_of(f"{one_of(whole, place)}/manifest.json")
            wrong = other if how == "swap" else self.changed(right, how, place, bit)
            if wrong == right:
                continue  # swapped with itself
            self.storage.real.write(path, io.BytesIO(wrong))
            self.corrupted.add(name)

            assert not self.verified(name), "what a manifest decides is proved"
            error = self.attempt(lambda: self.project.restore(self.project.plan_restore(name), safety_snapshot=False))
            assert error is not None, "promise 3: damage is found"
            assert self.targets.look() == live, "promise 3: nothing is changed before all is proved"

    def changed(self, right: bytes, how: str, place: int, bit: int) -> bytes:
        """Return a manifest cut short, or one with a flipped bit."""
        if how == "cut":
            return right[: place % len(right.rstrip())]
        # Without a signature nothing tells the values that decide about no bytes, such as a host's name.
        places = range(len(right)) if self.signed else [at.start() for at in DECISIVE.finditer(right)]
        return flipped(right, one_of(places, place), bit)

    @rule(which=PLACES, way=WAYS)
    def corrupt_sidecar(self, which: int, way: tuple[str, int, int]) -> None:
        """What stands beside a snapshot may say anything: the snapshot stays what it is, and a pin holds."""
        before = self.listed()
        real = self.storage.real
        sidecars = [path for path in sorted(real.list("")) if path.endswith(("verified.json", "pinned.json"))]
        sidecars = [path for path in sidecars if self.content_of(path)]  # one may have been cut to nothing before
        if not sidecars:
            return
        path, (how, place, bit) = one_of(sidecars, which), way
        content = self.content_of(path)
        if how == "cut":
            content = content[: place % len(content)]
        elif how == "swap":
            content = self.content_of(one_of(sidecars, place))
        else:
            content = flipped(content, place % len(content), bit)
        real.write(path, io.BytesIO(content))

        assert self.listed() == before
        for snapshot in self.snapshots():
            last = last_verification(snapshot)
            if last is not None and last.record is not None:
                assert last.record.manifest_digest == snapshot.manifest_digest, "what was said of another snapshot"
            pin = find_pin(snapshot, now=self.clock(), zone=UTC)
            assert pin is not None or snapshot.name not in self.pinned, "a pin that cannot be read holds"

    @rule(which=PLACES, fault=FAULTS)
    def verify(self, which: int, fault: Any) -> None:
        before = self.some()
        name = one_of(sorted(before), which)
        said: list[bool] = []

        error = self.attempt(lambda: said.append(self.verified(name)), fault=fault)

        if fault is None:
            assert error is None
            assert said == [name not in self.corrupted]
        assert said != [True] or name not in self.corrupted, "a snapshot that is damaged is never called whole"
        assert self.listed() == before

    @rule(which=PLACES)
    def pin(self, which: int) -> None:
        whole = sorted(self.some().keys() - self.damaged())
        if whole:
            name = one_of(whole, which)
            assert self.attempt(lambda: self.project.upkeep.pin(name)) is None
            self.pinned.add(name)

    @rule(keep=st.integers(1, 3), fault=FAULTS)
    def prune(self, keep: int, fault: Any) -> None:
        before = self.listed()
        whole = [snapshot for snapshot in self.snapshots() if snapshot.damage is None]
        backups = [snapshot.name for snapshot in whole if not snapshot.is_safety]
        saved = [snapshot.name for snapshot in whole if snapshot.is_safety]

        error = self.attempt(lambda: self.project.prune(Policy(keep=keep)), fault=fault)

        after = self.listed()
        assert after.items() <= before.items(), "promise 4: what is kept is as it was"
        kept = {*backups[:keep], *saved[:keep], *(self.pinned & before.keys())}
        assert kept <= after.keys(), "promise 4: never below what is to be kept"
        if isinstance(error, SnapshotPruneError):
            assert after == before
        if error is None and not self.damaged():
            assert after.keys() == kept
        self.corrupted &= after.keys()

    @invariant()
    def no_plaintext_is_stored(self) -> None:
        if getattr(self, "encrypted", False):
            for path in (self.folder / "storage").rglob("*"):
                assert not path.is_file() or b"plaintext-marker" not in path.read_bytes(), "promise 5"

    def teardown(self) -> None:
        try:
            if hasattr(self, "project"):
                self.finish()
        finally:
            self.stack.close()

    def finish(self) -> None:
        """The next run works, whatever happened before."""
        assert self.attempt(lambda: self.project.create_snapshot(name="last")) is None
        wanted = self.targets.look()
        self.modify()
        plan = self.project.plan_restore("last")
        assert self.attempt(lambda: self.project.restore(plan, safety_snapshot=False)) is None
        assert self.targets.look() == wanted

    def attempt(
        self, act: Callable[[], object], *, fault: tuple[int, str, bool] | None = None, ending: str = "exit 0"
    ) -> SnapshotError | None:
        """Do something an hour later, with a fault; return the error. Any other exception or a lock fails the test."""
        self.clock.advance(timedelta(hours=1))
        self.states[self.clock()] = self.targets.look()
        if fault and fault[1] == "half" and not hasattr(self.storage, "atomic_move"):
            # A basic storage that keeps half of a manifest and falls silent cannot be helped.
            fault = (fault[0], "half", False)
        self.storage.fault, self.targets.program.ending = fault, ending
        failure = None
        try:
            act()
        except SnapshotError as error:
            failure = error
        finally:
            self.storage.fault, self.targets.program.ending = None, "exit 0"
        self.targets.require_unlocked()
        return failure

    def snapshots(self) -> list[Any]:
        return list_snapshots(GuardedStorage(self.storage.real, signer=self.project.storage.signer))

    def damaged(self) -> set[str]:
        return {snapshot.name for snapshot in self.snapshots() if snapshot.damage is not None} | self.corrupted

    def listed(self) -> dict[str, dict[str, str]]:
        """Return the listed snapshots with the digest of each file that makes them."""
        found = {}
        for snapshot in self.snapshots():
            name, real = snapshot.name, self.storage.real
            paths = [f"{name}.tar"]
            if snapshot.format == "directory":
                records = snapshot.manifest.artifacts if snapshot.manifest else ()
                paths = [f"{name}/manifest.json", *(f"{name}/{record.path}" for record in records)]
            found[name] = {path: digest_of(real, path) for path in paths if real.exists(path)}
        return found

    def some(self) -> dict[str, dict[str, str]]:
        """Return the listed snapshots; where there is none, make one first."""
        if not self.listed():
            self.backup("a", False, None, "exit 0")
        return self.listed()

    def state_of(self, name: str) -> tuple[str, str, str] | None:
        """Return what was live when the snapshot was made; None where its manifest cannot be read."""
        snapshot = next(one for one in self.snapshots() if one.name == name)
        return None if snapshot.manifest is None else self.states.get(snapshot.manifest.created_at)

    def is_archive(self, name: str) -> bool:
        return self.storage.real.exists(f"{name}.tar")

    def content_of(self, path: str) -> bytes:
        with self.storage.real.read(path) as stream:
            return stream.read()

    def verified(self, name: str) -> bool:
        """Return what `verify` says."""
        (found,) = verify_snapshots(self.project, [name])
        return found.verification.ok


def deciding(files: dict[str, str] | None) -> dict[str, str]:
    """Return the files that make a snapshot the one it is: a manifest names all others."""
    return {path: digest for path, digest in (files or {}).items() if path.endswith(("/manifest.json", ".tar"))}


def one_of(things: Sequence[Thing], place: int) -> Thing:
    return things[place % len(things)]


def flipped(content: bytes, at: int, bit: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def digest_of(storage: LocalFileSystemBackend, path: str) -> str:
    with storage.read(path) as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def test_the_promises_hold_in_every_history(django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The list of installed packages is the same in every history, and takes a third of the time.
    for module in ("project", "verification"):
        monkeypatch.setattr(f"django_snapshots.{module}.this_host", lambda: HOST)
    limits = settings(
        max_examples=SEQUENCES,
        stateful_step_count=8,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate],  # to make a failing history shorter takes minutes
    )
    with django_db_blocker.unblock():
        run_state_machine_as_test(History, settings=limits)
