"""The verb `health`: one line as Nagios reads it, a line per check, JSON, and a text file for Prometheus."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from django_snapshots.cli.session import HEALTH_UNKNOWN

if TYPE_CHECKING:
    from django_snapshots.cli.session import Session
    from django_snapshots.engine.health import HealthReport
    from django_snapshots.project import Project

__all__ = ["HEALTH_EXIT_CODES", "health", "health_document", "health_text", "prometheus_text"]

HEALTH_EXIT_CODES = {"ok": 0, "warning": 1, "critical": 2}
"""What monitors take from Nagios: the exit codes of this verb are its own."""

_PREFIX = "django_snapshots"
_HELP = {
    "complete_snapshots": "Complete snapshots in the storage.",
    "damaged_snapshots": "Damaged snapshots in the storage.",
    "stored_bytes": "Size of all snapshots, as stored.",
    "newest_timestamp_seconds": "When the newest complete snapshot was begun.",
    "newest_size_bytes": "Size of the newest complete snapshot, as stored.",
    "verified_timestamp_seconds": "When a snapshot was last verified.",
    "free_bytes": "Free space where the snapshots are.",
}
"""The measures that are exported; the age is for whoever reads the text, Prometheus subtracts by itself."""

_REPLICA_MEASURE = re.compile(r"replica_(?P<number>\d+)_(?P<name>\w+)")
_REPLICA_HELP = {
    "replica_missing_snapshots": "Snapshots that the replica should have, and lacks.",
    "replica_newest_timestamp_seconds": "When the newest snapshot of which the replica has a copy was begun.",
}


def health(project: Project, session: Session) -> None:
    """Show how the backups are; the exit code is the state's.

    Raises:
        CommandError: With the exit code of a state that is not ok, or 3 when the text file could not be written.
    """
    report = project.health()
    if session.options["prometheus"]:
        _write_prometheus(Path(session.options["prometheus"]), prometheus_text(report))
    session.finish(health_document(report), lambda: health_text(report))
    if report.state != "ok":
        bad = [f"{check.name}: {check.state}: {check.message}" for check in report.checks if check.state != "ok"]
        raise session.not_well(f"The backups are not well: {report.state}.", bad, HEALTH_EXIT_CODES[report.state])


def health_document(report: HealthReport) -> dict[str, Any]:
    """Return the document of `health`."""
    return {
        "state": report.state,
        "checks": [{"name": check.name, "state": check.state, "message": check.message} for check in report.checks],
        "measures": dict(report.measures),
    }


def health_text(report: HealthReport) -> str:
    """Return a line for a monitor, with its numbers behind the bar, and a line for each check.

    The form is that of the Nagios plugin guidelines: text, "|", then 'label'=value with its unit.
    """
    worst = [check for check in report.checks if check.state == report.state]
    shown = report.checks[0] if report.state == "ok" else worst[0]
    numbers = " ".join(f"{name}={_number(value)}{_unit(name)}" for name, value in report.measures.items())
    first = f"SNAPSHOTS {report.state.upper()} - {_one_line(shown.message)}"
    lines = [f"{check.name}: {check.state}: {_one_line(check.message)}" for check in report.checks]
    return "\n".join([f"{first} | {numbers}" if numbers else first, *lines])


def prometheus_text(report: HealthReport) -> str:
    """Return the metrics in Prometheus' text format, version 0.0.4."""
    lines = _metric("health_state", "0 ok, 1 warning, 2 critical.", HEALTH_EXIT_CODES[report.state])
    lines += _head("check_state", "The state of each check: 0 ok, 1 warning, 2 critical.")
    lines += [
        f'{_PREFIX}_check_state{{check="{check.name}"}} {HEALTH_EXIT_CODES[check.state]}' for check in report.checks
    ]
    lines += _metric("checked_timestamp_seconds", "When this was looked at.", report.now.timestamp())
    for name, text in _HELP.items():
        if name in report.measures:
            lines += _metric(name, text, report.measures[name])
    for name, text in _REPLICA_HELP.items():
        samples = _samples_of_replicas(name, report)
        lines += [*_head(name, text), *samples] if samples else []
    return "\n".join(lines) + "\n"


def _samples_of_replicas(name: str, report: HealthReport) -> list[str]:
    found = ((_REPLICA_MEASURE.fullmatch(measure), value) for measure, value in report.measures.items())
    return [
        f'{_PREFIX}_{name}{{replica="{matched["number"]}"}} {_number(value)}'
        for matched, value in found
        if matched is not None and name == f"replica_{matched['name']}"
    ]


def _metric(name: str, text: str, value: float) -> list[str]:
    return [*_head(name, text), f"{_PREFIX}_{name} {_number(value)}"]


def _head(name: str, text: str) -> list[str]:
    return [f"# HELP {_PREFIX}_{name} {text}", f"# TYPE {_PREFIX}_{name} gauge"]


def _write_prometheus(path: Path, text: str) -> None:
    """Write the file in one step: the collector of the node exporter may read it at any moment."""
    try:
        descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o644)  # the collector is another user
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink()
            raise
    except OSError as error:
        raise CommandError(f"{path} could not be written: {error.strerror}.", returncode=HEALTH_UNKNOWN) from error


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"


def _unit(name: str) -> str:
    return {"bytes": "B", "seconds": "s"}.get(name.rpartition("_")[2], "")
