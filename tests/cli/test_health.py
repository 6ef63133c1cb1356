"""`snapshots health` as monitors run it, and the pings and changes that are told on the way."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail
from prometheus_client.parser import text_string_to_metric_families

from django_snapshots import create_snapshot, signals
from django_snapshots.engine.lease import holding_storage
from django_snapshots.errors import SnapshotArtifactError, SnapshotBusyError
from django_snapshots.project import Project
from tests.fakes import MemoryStorage
from tests.site import make_site
from tests.test_notices import garden

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.site import Site

OLD = 'SNAPSHOTS = {"HEALTH": {"AGE_WARNING": "PT1S", "AGE_CRITICAL": %s}}'


def test_a_healthy_site_ends_with_zero_and_one_line_for_the_monitor(site: Site) -> None:
    site.run("backup", "--name", "nightly")

    done = site.run("health")

    first, *others = done.stdout.splitlines()
    assert re.fullmatch(
        r"SNAPSHOTS OK - .*'nightly', is 0 hours old\. \| .*complete_snapshots=1 .*free_bytes=\d+B", first
    )
    assert "age: ok: The newest complete snapshot, 'nightly', is 0 hours old." in others


@pytest.mark.parametrize(("critical", "code", "state"), [("None", 1, "WARNING"), ('"PT1S"', 2, "CRITICAL")])
def test_the_exit_code_is_that_of_the_state(tmp_path: Path, critical: str, code: int, state: str) -> None:
    import time

    site = make_site(tmp_path / "site", OLD % critical)
    site.run("backup", "environment", "--name", "nightly")
    time.sleep(1.1)

    done = site.run("health", exit_code=code)

    assert done.stdout.startswith(f"SNAPSHOTS {state} - The newest complete snapshot, 'nightly', is 0 hours old, more")


def test_with_verbosity_0_what_is_not_well_is_said_and_nothing_else(site: Site) -> None:
    done = site.run("health", "--verbosity", "0", exit_code=2)

    assert done.stdout == ""
    first, *others = done.stderr.splitlines()
    assert first == "CommandError: The backups are not well: critical."
    assert others[0].startswith("age: critical: ")
    assert not any(": ok: " in line for line in others)


def test_settings_that_are_wrong_are_unknown(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"HEALTH": {"AGE": 1}}')

    assert "snapshots.E003" in site.run("health", exit_code=3).stderr


def test_prometheus_reads_the_file(site: Site, tmp_path: Path) -> None:
    site.run("backup", "--name", "nightly")
    file = tmp_path / "metrics" / "snapshots.prom"
    file.parent.mkdir()
    file.write_text("what was there before")

    site.run("health", "--prometheus", str(file))

    text = file.read_text()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    document = site.json("health")
    assert text.endswith("\n")
    assert families["django_snapshots_health_state"].samples[0].value == 0
    assert families["django_snapshots_newest_size_bytes"].samples[0].value == document["measures"]["newest_size_bytes"]
    checks = {sample.labels["check"]: sample.value for sample in families["django_snapshots_check_state"].samples}
    assert checks == {check["name"]: 0 for check in document["checks"]}
    assert all(family.type == "gauge" and family.documentation for family in families.values())
    assert [path.name for path in file.parent.iterdir()] == ["snapshots.prom"]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_text_file_that_cannot_be_written_is_unknown(site: Site, tmp_path: Path) -> None:
    done = site.run("health", "--prometheus", str(tmp_path / "absent" / "x.prom"), exit_code=3)

    assert "could not be written: No such file or directory." in done.stderr


class Monitor:
    """A real HTTP server that notes what it is asked for.

    Attributes:
        asked: The paths, with their queries.
        status: What it answers.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200

    @contextmanager
    def serving(self) -> Iterator[str]:
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                monitor.asked.append(self.path)
                self.send_response(monitor.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}/token-1637?x=1"
            server.shutdown()
            thread.join()


def test_a_monitor_is_told_of_start_success_and_failure() -> None:
    monitor = Monitor()
    with monitor.serving() as url, garden(HEALTH={"PING_URL": url}) as artifact:
        create_snapshot(name="one")
        artifact.facts = {"problems": ["one bulb could not be read"]}
        create_snapshot(name="two")
        artifact.problem = OSError("the bulbs are gone")
        with pytest.raises(SnapshotArtifactError):
            create_snapshot(name="three")

    one, two, three = ["/start", ""], ["/start", "/fail"], ["/start", "/fail"]
    assert monitor.asked == [f"/token-1637{event}?x=1" for event in [*one, *two, *three]]


def test_a_monitor_is_not_asked_by_a_backup_that_meets_another_run() -> None:
    monitor = Monitor()
    with monitor.serving() as url, garden(HEALTH={"PING_URL": url}):
        create_snapshot(name="one")
        here = Project()
        with holding_storage(here.storage, "prune", clock=here.clock), pytest.raises(SnapshotBusyError):
            create_snapshot(name="two")

    assert monitor.asked == ["/token-1637/start?x=1", "/token-1637?x=1"]


@pytest.mark.parametrize("status", [404, 503, None])
def test_a_monitor_that_fails_changes_nothing_and_its_url_stays_secret(
    status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = Monitor()
    monitor.status = status or 200
    with monitor.serving() as url:
        if status is not None:
            with garden(HEALTH={"PING_URL": url}):
                create_snapshot(name="one")
    if status is None:
        with garden(HEALTH={"PING_URL": url}):
            create_snapshot(name="one")

    told = [record.getMessage() for record in caplog.records if record.name == "django_snapshots.notices"]
    assert len(told) == 2
    assert all("The monitor was not told" in text and "token" not in text for text in told)


def test_the_url_of_the_monitor_is_not_shown(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"HEALTH": {"PING_URL": "https://hc-ping.com/token-1637"}}')

    shown = site.run("config").stdout + site.run("config", "--env").stdout + site.run("config", "--json").stdout

    assert "PING_URL" in shown
    assert "token-1637" not in shown


def test_a_change_of_health_is_told_once_and_its_end_too() -> None:
    heard: list[tuple[str, str]] = []

    def hear(*, state: str, previous: str, checks: Any, **_: Any) -> None:
        heard.append((previous, state))

    storage = MemoryStorage()
    signals.health_changed.connect(hear)
    try:
        with garden(storage=storage):
            for _ in range(2):
                assert Project().health().state == "critical"
            create_snapshot(name="one")
            for _ in range(2):
                assert Project().health().state == "ok"
    finally:
        signals.health_changed.disconnect(hear)

    assert heard == [("ok", "critical"), ("critical", "ok")]
    assert [message.subject.split("] [snapshots] ")[1].split(" on ")[0] for message in mail.outbox] == [
        "Health of the backups: critical",
        "Health of the backups: ok",
    ]
    assert not [path for path in storage.files if path.startswith(".outcome")]


def test_a_storage_that_takes_no_writes_can_be_asked_for_its_health(caplog: pytest.LogCaptureFixture) -> None:
    from tests.test_notices import ReadOnlyStorage

    with garden(storage=ReadOnlyStorage()):
        assert Project().health().state == "critical"

    assert "read-only" in caplog.text


def test_the_check_of_django_health_check_says_what_health_says() -> None:
    import asyncio

    from django_snapshots.health_check import SnapshotsHealth

    with garden():
        before = asyncio.run(SnapshotsHealth().get_result())
        create_snapshot(name="one")
        after = asyncio.run(SnapshotsHealth().get_result())

    assert "There is no complete snapshot." in str(before.error)
    assert after.error is None
    assert mail.outbox == []


def test_without_django_health_check_the_module_says_what_to_install() -> None:
    import subprocess
    import sys

    script = "import sys; sys.modules['health_check'] = None; import django_snapshots.health_check"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert "pip install django-health-check" in done.stderr


def test_the_document_carries_state_checks_and_measures(site: Site) -> None:
    document = json.loads(json.dumps(site.json("health", exit_code=2)))

    assert document["state"] == "critical"
    assert document["checks"][0] == {"name": "age", "state": "critical", "message": "There is no complete snapshot."}
    assert document["measures"]["complete_snapshots"] == 0
