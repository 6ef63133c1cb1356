"""Signals, log records and e-mail: what each run tells, and that telling it never changes what became of the run."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail

from django_snapshots import create_snapshot, list_snapshots, restore_snapshot, signals
from django_snapshots._mail import Mail, send_in_time
from django_snapshots.engine.lease import holding_storage
from django_snapshots.errors import (
    SnapshotArtifactError,
    SnapshotBusyError,
    SnapshotError,
    SnapshotExistsError,
    SnapshotNameError,
    SnapshotStorageError,
)
from django_snapshots.project import Project
from tests.conf.checking import project
from tests.fakes import BytesArtifact, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage as StandardMessage
    from pathlib import Path

    from tests.site import Site

ADMINS = [("Ada", "ada@example.com")]


class FailingArtifact(BytesArtifact):
    """Raises what it is told to while it is dumped."""

    problem: BaseException | None = None

    def dump(self, sink: Any) -> Any:
        if self.problem is not None:
            raise self.problem
        return super().dump(sink)


class ReadOnlyStorage(MemoryStorage):
    def write(self, path: str, content: Any) -> None:
        raise PermissionError("read-only")


@contextmanager
def garden(artifact: Any = None, storage: Any = None, **more: Any) -> Iterator[FailingArtifact]:
    artifact = artifact or FailingArtifact(b"tulips")
    settings = {"STORAGE": storage or MemoryStorage(), "ARTIFACTS": {"bulbs": artifact}, "DEFAULT_ARTIFACTS": ["bulbs"]}
    with project({**settings, **more}, ADMINS=ADMINS):
        yield artifact


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Every signal that is sent, with its arguments."""
    told: list[tuple[str, dict[str, Any]]] = []
    receivers = {}
    for name in signals.__all__:

        def receiver(sender: object, *, event: str = name, **arguments: Any) -> None:
            told.append((event, arguments))

        receivers[name] = receiver
        getattr(signals, name).connect(receiver)
    yield told
    for name, connected in receivers.items():
        getattr(signals, name).disconnect(connected)


def events(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    fields = ("event", "snapshot", "seconds", "bytes")
    return [
        {name: getattr(record, name) for name in fields}
        for record in caplog.records
        if record.name == "django_snapshots.events"
    ]


def test_a_backup_sends_its_start_and_its_end(heard: list[tuple[str, dict[str, Any]]]) -> None:
    with garden():
        created = create_snapshot(name="nightly")

    assert [name for name, _ in heard] == ["snapshot_started", "snapshot_completed"]
    assert heard[0][1]["name"] == "nightly"
    completed = heard[1][1]
    assert completed["snapshot"] == created.snapshot
    assert completed["problems"] == ()
    assert completed["size_bytes"] == created.snapshot.require_manifest().stored_size_bytes
    assert completed["seconds"] > 0


def test_a_failed_backup_sends_its_error(heard: list[tuple[str, dict[str, Any]]]) -> None:
    with garden() as artifact:
        artifact.problem = OSError("the bulbs are gone")
        with pytest.raises(SnapshotArtifactError) as caught:
            create_snapshot(name="nightly")

    assert [name for name, _ in heard] == ["snapshot_started", "snapshot_failed"]
    assert heard[1][1]["error"] is caught.value
    assert heard[1][1]["name"] == "nightly"


@pytest.mark.parametrize(
    ("artifacts", "name", "error"),
    [(["roses"], "later", SnapshotArtifactError), ([], "nightly", SnapshotExistsError), ([], "a/b", SnapshotNameError)],
    ids=["unknown artifact", "taken name", "no name"],
)
def test_what_was_typed_wrong_raises_no_alarm(
    heard: list[tuple[str, dict[str, Any]]], artifacts: list[str], name: str, error: type[SnapshotError]
) -> None:
    storage = MemoryStorage()
    with garden(storage=storage):
        create_snapshot(name="nightly")
        heard.clear()
        with pytest.raises(error):
            create_snapshot(artifacts, name=name)

    assert heard == []
    assert mail.outbox == []
    assert not [path for path in storage.files if path.startswith(".outcome")]


@pytest.mark.parametrize("late", [False, True])
def test_a_backup_that_meets_another_run_raises_an_alarm_only_where_a_backup_is_due(
    heard: list[tuple[str, dict[str, Any]]], late: bool
) -> None:
    storage = MemoryStorage()
    with garden(storage=storage):
        if not late:
            create_snapshot(name="nightly")
        heard.clear()
        here = Project()
        with holding_storage(here.storage, "prune", clock=here.clock), pytest.raises(SnapshotBusyError):
            create_snapshot(name="later")

    assert [name for name, _ in heard] == ["snapshot_started", "snapshot_failed"]
    assert [message.subject.partition(" on ")[0] for message in mail.outbox] == (
        ["[Django] [snapshots] Backup 'later' failed"] if late else []
    )
    assert bool([path for path in storage.files if path.startswith(".outcome")]) == late


def test_a_restore_and_a_prune_are_told(heard: list[tuple[str, dict[str, Any]]]) -> None:
    with garden():
        create_snapshot(name="nightly")
        restore_snapshot("nightly")
        Project().remove_leftovers()
        Project().remove_leftovers(dry_run=True)

    restored = next(arguments for name, arguments in heard if name == "restore_completed")
    assert restored["name"] == "nightly"
    assert restored["artifacts"] == ["bulbs"]
    assert [arguments["names"] for name, arguments in heard if name == "pruned"] == [[]]


@pytest.mark.parametrize("signal", ["snapshot_started", "snapshot_completed"])
def test_a_receiver_that_raises_changes_nothing_and_is_logged(signal: str, caplog: pytest.LogCaptureFixture) -> None:
    def careless(**_: Any) -> None:
        raise RuntimeError("who reads this?")

    getattr(signals, signal).connect(careless)
    try:
        with garden():
            create_snapshot(name="nightly")
            names = [snapshot.name for snapshot in list_snapshots()]
    finally:
        getattr(signals, signal).disconnect(careless)

    assert names == ["nightly"]
    (record,) = [record for record in caplog.records if record.name == "django_snapshots.notices"]
    assert "careless failed: RuntimeError: who reads this?" in record.getMessage()


def test_records_carry_event_snapshot_seconds_and_bytes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "django_snapshots")
    with garden() as artifact:
        created = create_snapshot(name="nightly")
        artifact.problem = OSError("the bulbs are gone")
        with pytest.raises(SnapshotArtifactError):
            create_snapshot(name="later")

    started, completed, _, failed = events(caplog)
    assert started["event"] == "snapshot_started"
    assert completed["event"] == "snapshot_completed"
    assert completed["snapshot"] == "nightly"
    assert completed["bytes"] == created.snapshot.require_manifest().stored_size_bytes
    assert completed["seconds"] >= 0
    assert failed["event"] == "snapshot_failed"
    assert failed["snapshot"] == "later"
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "INFO", "ERROR"]


def test_a_failure_and_the_first_success_after_it_are_mailed_to_the_admins() -> None:
    with garden() as artifact:
        create_snapshot(name="one")
        assert mail.outbox == []
        artifact.problem = OSError("the bulbs are gone")
        for name in ("two", "three"):
            with pytest.raises(SnapshotArtifactError):
                create_snapshot(name=name)
        artifact.problem = None
        create_snapshot(name="four")
        create_snapshot(name="five")

    subjects = [message.subject.partition("] [snapshots] ")[2] for message in mail.outbox]
    host = socket.gethostname()
    assert subjects == [
        f"Backup 'two' failed on {host}",
        f"Backup 'three' failed on {host}",
        f"Backups work again on {host}",
    ]
    assert "the bulbs are gone" in mail.outbox[0].body
    assert "No snapshot was made" in mail.outbox[0].body
    assert "'three'" in mail.outbox[2].body
    assert mail.outbox[0].to == ["ada@example.com"]


def test_a_degraded_backup_is_mailed_and_so_is_its_recovery() -> None:
    with garden() as artifact:
        artifact.facts = {"problems": ["one bulb could not be read"]}
        create_snapshot(name="one")
        artifact.facts = {}
        create_snapshot(name="two")

    assert ["degraded" in message.subject for message in mail.outbox] == [True, False]
    assert "one bulb could not be read" in mail.outbox[0].body
    assert "work again" in mail.outbox[1].subject


def test_what_is_remembered_between_runs_is_no_snapshot() -> None:
    storage = MemoryStorage()
    with garden(storage=storage) as artifact:
        artifact.problem = OSError("the bulbs are gone")
        with pytest.raises(SnapshotArtifactError):
            create_snapshot(name="one")
        assert list(storage.files) == [".outcome/backup.json"]
        assert list_snapshots() == []
        artifact.problem = None
        create_snapshot(name="two")
        assert not [path for path in storage.files if path.startswith(".outcome")]


@pytest.mark.parametrize(("notify", "to"), [(["ops@example.com", "Bea <bea@example.com>"], 1), ([], 0)])
def test_notify_names_who_is_told_instead_of_the_admins(notify: list[str], to: int) -> None:
    with garden(NOTIFY=notify) as artifact:
        artifact.problem = OSError("the bulbs are gone")
        with pytest.raises(SnapshotArtifactError):
            create_snapshot(name="one")

    assert [message.to for message in mail.outbox] == [notify] * to


def test_where_nobody_is_told_nothing_is_written_beside_the_snapshots() -> None:
    storage = MemoryStorage()
    with garden(storage=storage, NOTIFY=[]) as artifact:
        artifact.problem = OSError("the bulbs are gone")
        with pytest.raises(SnapshotArtifactError):
            create_snapshot(name="one")

    assert storage.files == {}


def test_a_mail_server_that_refuses_changes_nothing_and_is_logged(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with garden() as artifact:
        artifact.facts = {"problems": ["one bulb could not be read"]}
        created = create_snapshot(name="one")

    assert created.snapshot.status == "complete"
    (record,) = [record for record in caplog.records if record.name == "django_snapshots.notices"]
    assert "The e-mail 'Backup 'one' is degraded' could not be sent: ConnectionRefusedError" in record.getMessage()


def test_a_mail_server_that_is_silent_is_given_up(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        with pytest.raises(TimeoutError, match="did not take it within"):
            send_in_time(Mail("subject", "text", ["ops@example.com"]), limit_s=0.3)
        answered, _ = silent.accept()
        answered.close()
    for thread in threading.enumerate():
        if thread.name == "snapshots-mail":
            thread.join(10)


def test_a_storage_that_failed_is_told_by_mail_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    with garden(storage=ReadOnlyStorage()), pytest.raises(SnapshotStorageError):
        create_snapshot(name="one")

    assert len(mail.outbox) == 1
    assert "The failure could not be remembered" in caplog.text


def test_no_secret_is_mailed_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "django_snapshots")
    with garden(METADATA={"api_key": "tulip-mania-1637"}) as artifact:
        artifact.problem = OSError("401 for https://ada:hunter22@example.com with key tulip-mania-1637")
        with pytest.raises(SnapshotArtifactError):
            create_snapshot(name="one")

    told = mail.outbox[0].body + caplog.text
    assert "401 for" in told
    assert "tulip-mania-1637" not in told
    assert "hunter22" not in told


def test_the_command_mails_its_failure_and_prints_it_once(tmp_path: Path) -> None:
    site = notified_site(tmp_path)
    media = site.media.rename(site.folder / "elsewhere")
    site.media.symlink_to("nowhere")
    failed = site.run("backup", "--name", "one", exit_code=1)
    site.media.unlink()
    media.rename(site.media)
    site.run("backup", "--name", "two")

    assert failed.stderr.count("No snapshot was made") == 1
    subjects = [message["Subject"] for message in mails(tmp_path / "mail")]
    assert ["failed" in subject for subject in subjects] == [True, False]
    assert "work again" in subjects[1]


def notified_site(tmp_path: Path) -> Site:
    from tests.site import make_site

    lines = [
        'EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"',
        f'EMAIL_FILE_PATH = "{tmp_path / "mail"}"',
        'SNAPSHOTS = {"NOTIFY": ["ops@example.com"]}',
    ]
    return make_site(tmp_path / "site", "\n".join(lines))


def mails(folder: Path) -> list[StandardMessage]:
    from email import message_from_bytes, policy

    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
