"""Telling people and programs what became of a run: signals, log records, e-mail. Never changes what became of it.

Log records go to `django_snapshots.events` (one per event, with the fields `event`, `snapshot`, `seconds` and `bytes`)
and to `django_snapshots.notices` (what could not be told).
"""

from __future__ import annotations

import logging
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django_snapshots import signals
from django_snapshots.conf.masking import scrub
from django_snapshots.engine.outcome import BACKUP, HEALTH, forget_outcome, read_outcome, write_outcome
from django_snapshots.errors import SnapshotBusyError
from django_snapshots.scratch import format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from django.dispatch import Signal

    from django_snapshots._ping import PingEvent
    from django_snapshots.engine.create import CreatedSnapshot
    from django_snapshots.engine.health import HealthReport
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["Notices", "RunningBackup"]

_events = logging.getLogger("django_snapshots.events")
# Each event is also an exit code, an exception or a line on the screen: without a handler of the project's it is not
# printed a second time.
_events.addHandler(logging.NullHandler())
_log = logging.getLogger("django_snapshots.notices")


@dataclass(slots=True)
class RunningBackup:
    """A backup at work.

    Attributes:
        begin: To be called when nothing stands in its way any more.
        created: What it made; set by the caller once it is there.
    """

    begin: Callable[[], None]
    created: CreatedSnapshot | None = None


class Notices:
    """Tells what happens to the snapshots of one storage."""

    def __init__(
        self,
        storage: GuardedStorage,
        *,
        recipients: Sequence[str] | None,
        ping_url: str | None = None,
        clock: Callable[[], datetime],
        secrets: Callable[[], frozenset[str]],
        backup_is_due: Callable[[], bool],
    ) -> None:
        """Prepare; nothing is called yet.

        Args:
            storage: Holds the snapshots, and remembers between runs that a backup failed.
            recipients: E-mail addresses, maybe none; None means ADMINS.
            ping_url: What a cron monitor gave out; None for no monitor.
            clock: Gives the present, aware.
            secrets: Gives what no text may show; asked when there is a text of somebody else's.
            backup_is_due: Says whether the newest backup is too old; asked when another run was in the way of one.
        """
        self._storage = storage
        self._recipients = recipients
        self._ping_url = ping_url
        self._clock = clock
        self._secrets = secrets
        self._backup_is_due = backup_is_due

    @contextmanager
    def backup(self, name: str) -> Iterator[RunningBackup]:
        """Tell of the backup that runs inside the block: its start, and how it ended."""
        started, running = time.monotonic(), RunningBackup(begin=lambda: self._ping("start"))
        self._send(signals.snapshot_started, name=name)
        self._event(logging.INFO, f"Backup '{name}' begins.", "snapshot_started", name)
        try:
            yield running
        except BaseException as error:
            self._backup_failed(name, error, time.monotonic() - started)
            raise
        if running.created is not None:
            self._backup_completed(running.created, time.monotonic() - started)

    @contextmanager
    def restore(self, name: str, artifacts: Sequence[str]) -> Iterator[None]:
        """Tell of the restore that runs inside the block, when it ends well."""
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        text = f"Snapshot '{name}' was restored: {', '.join(artifacts)}."
        self._event(logging.INFO, text, "restore_completed", name, seconds=seconds)
        self._send(signals.restore_completed, name=name, artifacts=list(artifacts), seconds=seconds)

    def pruned(self, names: Sequence[str]) -> None:
        """Tell what a prune removed."""
        text = f"Pruned: {', '.join(names) or 'nothing to remove'}."
        self._event(logging.INFO, text, "pruned", None)
        self._send(signals.pruned, names=list(names))

    def health(self, report: HealthReport) -> None:
        """Tell of a state that differs from the time before; that time's is remembered in the storage unless ok."""
        with self._logging_failure("The state of the time before could not be looked up"):
            before = read_outcome(self._storage, HEALTH)
            previous = before.get("state") if before else "ok"
            if previous != report.state:
                self._health_changed(report, str(previous))

    def _health_changed(self, report: HealthReport, previous: str) -> None:
        bad = [f"{check.name}: {check.message}" for check in report.checks if check.state != "ok"]
        text = self._clean("\n".join([f"The health of the backups was {previous}, and is {report.state}.", *bad]))
        self._event(logging.INFO if report.state == "ok" else logging.WARNING, text, "health_changed", None)
        self._send(signals.health_changed, state=report.state, previous=previous, checks=report.checks)
        self._mail(f"Health of the backups: {report.state}", text)
        if report.state == "ok":
            forget_outcome(self._storage, HEALTH)
        else:
            write_outcome(self._storage, HEALTH, {"state": report.state, "since": report.now.isoformat()})

    def _ping(self, event: PingEvent) -> None:
        if self._ping_url is not None:
            with self._logging_failure(f"The monitor was not told of the {event}"):
                from django_snapshots._ping import ping  # noqa: PLC0415 - a run that tells nobody saves the memory

                ping(self._ping_url, event)

    def _backup_completed(self, created: CreatedSnapshot, seconds: float) -> None:
        snapshot, problems = created.snapshot, [self._clean(problem) for problem in created.problems]
        size_bytes = snapshot.manifest.stored_size_bytes if snapshot.manifest else 0
        self._ping("fail" if problems else "success")
        text = f"Snapshot '{snapshot.name}' is stored: {format_size(size_bytes)} in {seconds:.0f} s."
        level = logging.WARNING if problems else logging.INFO
        told = "\n".join([text, *problems])
        self._event(level, told, "snapshot_completed", snapshot.name, seconds=seconds, size_bytes=size_bytes)
        self._send(
            signals.snapshot_completed,
            name=snapshot.name,
            snapshot=snapshot,
            problems=created.problems,
            seconds=seconds,
            size_bytes=size_bytes,
        )
        if problems:
            self._remember_failure(snapshot.name)
            self._mail(f"Backup '{snapshot.name}' is degraded", f"{told}\n\nWhat it holds can be restored.")
        else:
            self._tell_recovery(text)

    def _backup_failed(self, name: str, error: BaseException, seconds: float) -> None:
        text = self._clean("\n".join([str(error) or type(error).__name__, *getattr(error, "__notes__", [])]))
        self._event(logging.ERROR, f"Backup '{name}' failed: {text}", "snapshot_failed", name, seconds=seconds)
        self._send(signals.snapshot_failed, name=name, error=error, seconds=seconds)
        if self._is_no_alarm(error):
            return
        self._ping("fail")
        self._remember_failure(name)
        self._mail(f"Backup '{name}' failed", f"{type(error).__name__} after {seconds:.0f} s:\n{text}")

    def _is_no_alarm(self, error: BaseException) -> bool:
        """Whether a backup only met another run, while the newest one is not too old."""
        if isinstance(error, SnapshotBusyError):
            with self._logging_failure("The age of the newest backup could not be looked up"):
                return not self._backup_is_due()
        return False

    def _remember_failure(self, name: str) -> None:
        """Leave word of it for the next run; where the storage itself failed there is nowhere to leave it."""
        if not self._told:
            return
        document = {"snapshot": name, "failed_at": self._clock().isoformat()}
        with self._logging_failure("The failure could not be remembered, so the recovery will not be announced"):
            write_outcome(self._storage, BACKUP, document)

    def _tell_recovery(self, text: str) -> None:
        if not self._told:
            return
        with self._logging_failure("Whether the backup before this one failed could not be looked up"):
            before = read_outcome(self._storage, BACKUP)
            if before is not None:
                forget_outcome(self._storage, BACKUP)
                since = f"The last one before it that did not end well: '{before.get('snapshot')}'."
                self._mail("Backups work again", f"{text}\n{since}")

    @property
    def _told(self) -> bool:
        """Whether anybody gets e-mail; where nobody does, nothing is written to the storage either."""
        return self._recipients is None or bool(self._recipients)

    def _mail(self, subject: str, text: str) -> None:
        from django_snapshots._mail import Mail, send_in_time  # noqa: PLC0415 - a run that tells nobody saves the memory

        hostname = socket.gethostname()
        mail = Mail(f"[snapshots] {subject} on {hostname}", f"{text}\n\nHost: {hostname}\n", self._recipients)
        with self._logging_failure(f"The e-mail '{subject}' could not be sent"):
            send_in_time(mail)

    def _send(self, signal: Signal, **arguments: Any) -> None:
        for receiver, answer in signal.send_robust(sender=Notices, **arguments):
            if isinstance(answer, Exception):
                self._log_failure(f"The receiver {_dotted(receiver)} failed", answer)

    def _event(
        self, level: int, text: str, event: str, name: str | None, *, seconds: float = 0.0, size_bytes: int = 0
    ) -> None:
        more = {"event": event, "snapshot": name, "seconds": round(seconds, 3), "bytes": size_bytes}
        _events.log(level, "%s", text, extra=more)

    @contextmanager
    def _logging_failure(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the border: a notice must not change the outcome of the run
            self._log_failure(what, error)

    def _log_failure(self, what: str, error: Exception) -> None:
        _log.error("%s: %s: %s", what, type(error).__name__, self._clean(str(error)))

    def _clean(self, text: str) -> str:
        return scrub(text, self._secrets())


def _dotted(receiver: object) -> str:
    return f"{getattr(receiver, '__module__', '?')}.{getattr(receiver, '__qualname__', type(receiver).__name__)}"
