"""Client programs: what they inherit, what is told of their failure, and that none is left behind."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from django_snapshots.connectors._program import (
    Command,
    find_programs,
    inherited_environment,
    parse_version,
    running,
    stream_in,
    stream_out,
    version_line,
)
from django_snapshots.errors import SnapshotConnectorError

MIB = 1024 * 1024


def python(code: str, *arguments: str, secrets: frozenset[str] = frozenset()) -> Command:
    return Command((sys.executable, "-c", code, *arguments), inherited_environment(), "database/x", secrets)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_output_of_any_size_reaches_the_sink() -> None:
    sink = io.BytesIO()

    stream_out(python("import sys; sys.stdout.buffer.write(bytes(range(256)) * 40000)"), sink)

    assert sink.getvalue() == bytes(range(256)) * 40000


def test_input_of_any_size_reaches_the_program(tmp_path: Path) -> None:
    data = os.urandom(3 * MIB + 17)
    code = "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, open(sys.argv[1], 'wb'))"

    stream_in(python(code, str(tmp_path / "out")), io.BytesIO(data))

    assert (tmp_path / "out").read_bytes() == data


def test_a_failing_program_raises_with_its_status_and_its_last_words() -> None:
    with pytest.raises(SnapshotConnectorError) as caught:
        stream_out(python("import sys; sys.exit('the disk is on fire')"), io.BytesIO())

    assert caught.value.artifact == "database/x"
    assert "ended with exit status 1:\nthe disk is on fire" in str(caught.value)


def test_a_program_ended_by_a_signal_says_which() -> None:
    with pytest.raises(SnapshotConnectorError, match="ended by signal 9"):
        stream_out(python("import os; os.kill(os.getpid(), 9)"), io.BytesIO())


def test_secrets_are_masked_in_what_a_program_wrote() -> None:
    command = python("import sys; sys.exit('password ' + 'hunter' + '2 is wrong')", secrets=frozenset({"hunter2"}))

    with pytest.raises(SnapshotConnectorError) as caught:
        stream_out(command, io.BytesIO())

    assert "password ******** is wrong" in str(caught.value)
    assert "hunter2" not in repr(command) + str(caught.value)


def test_only_the_last_lines_of_a_long_complaint_are_kept() -> None:
    code = "import sys\nfor n in range(100000): print('line', n, file=sys.stderr)\nsys.exit(3)"

    with pytest.raises(SnapshotConnectorError) as caught:
        stream_out(python(code), io.BytesIO())

    assert "line 99999" in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_complaint_without_line_ends_is_bounded() -> None:
    with pytest.raises(SnapshotConnectorError) as caught:
        stream_out(python("import sys; sys.stderr.write('x' * 50_000_000); sys.exit(1)"), io.BytesIO())

    assert len(str(caught.value)) < 5000


def test_a_program_does_not_inherit_what_it_need_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPASSWORD", "MYSQL_PWD", "SECRET_KEY", "SNAPSHOTS_X"):
        monkeypatch.setenv(name, "hunter2")
    sink = io.BytesIO()

    stream_out(python("import os; print(*os.environ.items(), sep='\\n')"), sink)

    assert b"PATH" in sink.getvalue()
    assert b"hunter2" not in sink.getvalue()


def test_a_program_is_ended_when_the_sink_fails() -> None:
    class FullSink(io.BytesIO):
        def write(self, data: Any, /) -> int:
            pids.append(int(bytes(data)))
            raise OSError(28, "No space left on device")

    pids: list[int] = []
    code = "import os, sys, time\nsys.stdout.write(str(os.getpid())); sys.stdout.flush(); time.sleep(600)"

    with pytest.raises(OSError, match="No space left"):
        stream_out(python(code), FullSink())

    assert not is_alive(pids[0])


def test_a_program_that_ignores_termination_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_snapshots.connectors._program._GRACE_S", 0.3)
    code = (
        "import os, signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "sys.stdout.write('ready'); sys.stdout.flush(); time.sleep(600)"
    )

    with running(python(code), stdout=True) as program:
        assert program.read_chunk() == b"ready"
        pid = program.pid

    assert not is_alive(pid)


def test_a_program_is_ended_by_an_interrupt() -> None:
    class InterruptedSink(io.BytesIO):
        def write(self, data: Any, /) -> int:
            pids.append(int(bytes(data)))
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            return len(data)

    pids: list[int] = []
    code = "import os, sys, time\nsys.stdout.write(str(os.getpid())); sys.stdout.flush(); time.sleep(600)"
    started = time.monotonic()

    with pytest.raises(KeyboardInterrupt):
        stream_out(python(code), InterruptedSink())

    assert not is_alive(pids[0])
    assert time.monotonic() - started < 60


def test_a_program_that_stops_reading_and_fails_tells_why() -> None:
    with pytest.raises(SnapshotConnectorError, match="syntax error at the beginning"):
        stream_in(python("import sys; sys.exit('syntax error at the beginning')"), io.BytesIO(bytes(10 * MIB)))


def test_a_program_that_stops_reading_is_no_success() -> None:
    with pytest.raises(SnapshotConnectorError, match="before it had read everything"):
        stream_in(python("pass"), io.BytesIO(bytes(10 * MIB)))


def test_a_program_that_does_not_end_in_time_is_given_up() -> None:
    with (
        running(python("import time; time.sleep(600)")) as program,
        pytest.raises(SnapshotConnectorError, match="did not end within 0 s"),
    ):
        program.finish(deadline_s=0.2)

    assert not is_alive(program.pid)


def test_a_program_that_is_not_there_is_an_error() -> None:
    command = Command(("/nowhere/pg_dump",), {}, "database/x")

    with pytest.raises(SnapshotConnectorError, match="/nowhere/pg_dump could not be started"):
        stream_out(command, io.BytesIO())


def test_programs_are_found_on_path_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("path", "beside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tool").write_text("#!/bin/sh\necho tool 1.2\n")
        (tmp_path / name / "tool").chmod(0o755)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "tool").write_text("no program")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))

    found = find_programs("tool", [tmp_path / "plain", tmp_path / "beside"])

    assert found == [tmp_path / "path" / "tool", tmp_path / "beside" / "tool"]


def test_a_version_is_read_from_what_the_program_says() -> None:
    line = version_line(Path(sys.executable), artifact="database/x")

    assert re.match(r"Python 3\.", line)
    assert parse_version(line) == sys.version_info[:3]


@pytest.mark.parametrize(
    ("text", "version"),
    [("pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", (15, 20)), ("pg_dump 17beta1", (17,)), ("none", ())],
)
def test_a_version_is_the_first_dotted_number(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version
