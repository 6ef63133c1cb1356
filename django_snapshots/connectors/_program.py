"""Runs the client programs of database servers: started without a shell, streamed in large pieces, always reaped.

A program inherits no password: its environment is a list of known variables, and what it writes is masked.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import threading
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from django_snapshots.cancellation import ended_by_cancellation
from django_snapshots.conf.masking import scrub
from django_snapshots.digests import CHUNK_SIZE, FLOW_SIZE
from django_snapshots.errors import SnapshotConnectorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

__all__ = [
    "Command",
    "RunningProgram",
    "find_programs",
    "inherited_environment",
    "parse_version",
    "running",
    "stream_in",
    "stream_out",
    "version_line",
]

_INHERITED = re.compile(r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|KRB5\w+|LD_LIBRARY_PATH")
_STDERR_LINES = 30
_STDERR_LINE_BYTES = 2000
_GRACE_S = 5.0
"""A program that was told to end may take this long; then it is killed."""

_VERSION_DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class Command:
    """A program to be run.

    Attributes:
        arguments: The program's path and its arguments; never a secret, every user of the host can read them.
        environment: All of its environment; never a secret.
        artifact: What it is run for, such as "database/default".
        secrets: Texts that are masked in what it writes.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    artifact: str
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def name(self) -> str:
        """The program's name."""
        return Path(self.arguments[0]).name

    def error(self, message: str) -> SnapshotConnectorError:
        """Return an error about this program, without its secrets."""
        return SnapshotConnectorError(scrub(message, self.secrets), artifact=self.artifact)


def inherited_environment() -> dict[str, str]:
    """Return what a program may know of our own environment: where things are and what language is spoken."""
    return {name: value for name, value in os.environ.items() if _INHERITED.fullmatch(name)}


def find_programs(name: str, directories: Iterable[Path] = ()) -> list[Path]:
    """Return the programs called `name`: the one on PATH first, then those in `directories`."""
    on_path = shutil.which(name)
    found = [Path(on_path)] if on_path else []
    beside = (directory / name for directory in directories)
    return [*found, *(path for path in beside if path.is_file() and os.access(path, os.X_OK))]


def version_line(program: Path, *, artifact: str) -> str:
    """Return the first line that `program --version` writes.

    Raises:
        SnapshotConnectorError: It cannot be run, or does not end well within 20 seconds.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a program found by its name, with a fixed argument
            [program, "--version"],
            env=inherited_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_VERSION_DEADLINE_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SnapshotConnectorError(
            f"{program} --version failed: {error}. Install the program again.", artifact=artifact
        ) from error
    return done.stdout.decode(errors="replace").partition("\n")[0].strip()


def parse_version(text: str) -> tuple[int, ...]:
    """Return the first dotted number in `text`, such as (15, 20) of "pg_dump (PostgreSQL) 15.20"; () for none."""
    found = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()


class RunningProgram:
    """A program that was started; see `running`.

    Attributes:
        command: What was run.
    """

    def __init__(self, command: Command, *, stdin: bool, stdout: bool) -> None:
        self.command = command
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                command.arguments,
                env=dict(command.environment),
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                bufsize=0,
                process_group=0,  # Ctrl-C in a terminal is for us; we end it in order
            )
        except OSError as error:
            raise command.error(f"{command.arguments[0]} could not be started: {error}.") from error
        for pipe in (self._process.stdin, self._process.stdout):
            _enlarge(pipe)
        self._written: deque[str] = deque(maxlen=_STDERR_LINES)
        self._listener = threading.Thread(target=self._listen, name="snapshots-stderr", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def read_chunk(self) -> bytes:
        """Return what it wrote, at most 128 KiB; b"" at the end. Call it from one thread."""
        assert self._process.stdout is not None  # noqa: S101 - asked for when it was started
        return os.read(self._process.stdout.fileno(), FLOW_SIZE)

    def feed(self, source: BinaryIO) -> bool:
        """Write all of `source` to it and say that this was the end.

        Returns:
            False when it stopped reading before the end; `finish` tells why.
        """
        assert self._process.stdin is not None  # noqa: S101 - asked for when it was started
        descriptor = self._process.stdin.fileno()
        try:
            while chunk := source.read(CHUNK_SIZE):
                _write_all(descriptor, chunk)
        except BrokenPipeError:
            return False
        finally:
            self._process.stdin.close()
        return True

    def finish(self, *, deadline_s: float | None = None) -> list[str]:
        """Wait for its end and return the last lines it wrote to stderr, masked.

        Args:
            deadline_s: Seconds to wait, None for no limit: a server may have long work left.

        Raises:
            SnapshotConnectorError: It failed, or has not ended by then; with its last words.
        """
        try:
            status = self._process.wait(deadline_s)
        except subprocess.TimeoutExpired as error:
            raise self.command.error(f"{self.command.name} did not end within {deadline_s:.0f} s.") from error
        self._listener.join(_GRACE_S)
        if status != 0:
            raise self._failure(status)
        return [scrub(line, self.command.secrets) for line in self._written]

    def terminate(self) -> None:
        """Tell it to end, from any thread; whoever reads from it sees the end of its output."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def close(self) -> None:
        """End it if it still runs, reap it, and close the pipes."""
        if self._process.poll() is None:
            self.terminate()
            try:
                self._process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._listener.join(_GRACE_S)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _failure(self, status: int) -> SnapshotConnectorError:
        how = f"with exit status {status}" if status > 0 else f"by signal {-status}"
        words = "\n".join(self._written) or "It wrote no message."
        return self.command.error(f"{self.command.name} ended {how}:\n{words}")

    def _listen(self) -> None:
        pipe = self._process.stderr
        assert pipe is not None  # noqa: S101 - always asked for
        rest = b""
        with suppress(OSError, ValueError):  # closed under us when the program had to be killed
            while piece := pipe.read(65536):
                *lines, rest = (rest + piece).split(b"\n")
                self._note(*lines)
                rest = rest[:_STDERR_LINE_BYTES]
        self._note(rest)

    def _note(self, *lines: bytes) -> None:
        self._written.extend(
            line[:_STDERR_LINE_BYTES].decode(errors="replace").rstrip() for line in lines if line.strip()
        )


@contextmanager
def running(command: Command, *, stdin: bool = False, stdout: bool = False) -> Iterator[RunningProgram]:
    """Run a program for the time of a `with` block; when it ends, for whatever reason, so has the program.

    A cancellation of this thread's work tells the program to end.

    Args:
        command: What to run.
        stdin: It will be fed; else its input is empty.
        stdout: It will be read from; else its output goes nowhere.

    Raises:
        SnapshotConnectorError: It could not be started.
    """
    program = RunningProgram(command, stdin=stdin, stdout=stdout)
    try:
        with ended_by_cancellation(program.terminate):
            yield program
    finally:
        program.close()


def stream_out(command: Command, sink: BinaryIO) -> list[str]:
    """Run a program, write its output to `sink`, and return the last lines of its stderr.

    Raises:
        SnapshotConnectorError: It failed; what `sink` has got is not complete.
    """
    with running(command, stdout=True) as program:
        while chunk := program.read_chunk():
            sink.write(chunk)
        return program.finish()


def stream_in(command: Command, source: BinaryIO) -> list[str]:
    """Run a program, feed it all of `source`, and return the last lines of its stderr.

    Raises:
        SnapshotConnectorError: It failed, or did not read to the end.
    """
    with running(command, stdin=True) as program:
        complete = program.feed(source)
        lines = program.finish()
    if not complete:
        raise command.error(f"{command.name} ended well before it had read everything. Try again with another version.")
    return lines


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _enlarge(pipe: object) -> None:
    # 64 KiB are refilled 16 times for each of our reads; Linux lets everyone have 1 MiB (pipe(7)), others have no say.
    resize = getattr(fcntl, "F_SETPIPE_SZ", None)
    if pipe is not None and resize is not None:
        with suppress(OSError):
            fcntl.fcntl(pipe, resize, CHUNK_SIZE)  # type: ignore[call-overload]
