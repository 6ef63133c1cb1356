"""A PostgreSQL server of our own for tests: a new cluster in a temporary directory, ended with the block."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.programs import require_postgres
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PASSWORD", "PostgresServer", "serving_postgres"]

PASSWORD = "s3cret pass:wörd\\'\""
"""Of every role; holds what passfiles, connection strings and shells treat in a way of their own."""

START_SECONDS = 60
_LOCALE = ("--locale=C", "--encoding=UTF8")


@dataclass
class PostgresServer:
    """A running server.

    Attributes:
        programs: The directory of its programs.
        folder: Holds the cluster, the socket and the log.
        port: Its port, on 127.0.0.1 and as the name of its socket.
        user: The user of the system it runs as, None for ours.
    """

    programs: Path
    folder: Path
    port: int
    user: str | None

    @property
    def socket_directory(self) -> str:
        return str(self.folder)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def version(self) -> str:
        text = subprocess.run([self.programs / "postgres", "--version"], capture_output=True, text=True, check=True)
        return re.sub(r"^.*?(\d+\.\d+).*$", r"\1", text.stdout.strip())

    def settings(self, database: str, role: str = "postgres", **options: Any) -> dict[str, Any]:
        """Return what DATABASES says of a database here."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": database,
            "USER": role,
            "PASSWORD": PASSWORD,
            "HOST": self.socket_directory,
            "PORT": str(self.port),
            "OPTIONS": options,
        }

    def environment(self, role: str = "postgres") -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        own = {"PGHOST": self.socket_directory, "PGPORT": str(self.port), "PGUSER": role, "PGPASSWORD": PASSWORD}
        return {**kept, **own}

    def run(self, program: str, *arguments: str, role: str = "postgres", text: str | None = None) -> str:
        """Run a client program and return its output."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment(role),
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"
        return done.stdout

    def sql(self, database: str, script: str, role: str = "postgres") -> str:
        """Run a script in psql and return what it prints: one line a row, no headings."""
        arguments = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-")
        return self.run("psql", *arguments, role=role, text=script).strip()

    def start(self) -> None:
        """Start it and wait until it answers."""
        arguments = ["-D", str(self.folder / "data"), "-k", self.socket_directory, "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.programs / "postgres", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=_plain_environment(),
                **_as_user(self.user),
            )
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in order."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=START_SECONDS)

    def kill(self) -> None:
        """End it as a power cut would: nothing is flushed, `start` has to recover."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=START_SECONDS)

    def _answers(self) -> bool:
        arguments = ["-q", "-h", self.socket_directory, "-p", str(self.port), "-d", "postgres"]
        return subprocess.run([self.programs / "pg_isready", *arguments], check=False).returncode == 0


@contextmanager
def serving_postgres(
    programs: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """Make a cluster, start its server, and end and remove both.

    Args:
        programs: The directory with initdb and the others; the installed ones without it.
        settings: Lines of postgresql.conf beside our own, which trade safety at a power cut for speed.
    """
    directory = require_postgres() if programs is None else programs
    user = "postgres" if _has_user("postgres") else "nobody"
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # a short path: a socket's may have 107 bytes
    server = PostgresServer(directory, folder, free_port(), user if os.geteuid() == 0 else None)
    try:
        _make_cluster(server, settings or {})
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _make_cluster(server: PostgresServer, settings: Mapping[str, str]) -> None:
    words = server.folder / "password"
    words.write_text(PASSWORD)
    server.folder.chmod(0o711)
    if server.user is not None:
        for path in (server.folder, words):
            shutil.chown(path, server.user)
    arguments = ["-D", str(server.folder / "data"), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", str(words)]
    done = subprocess.run(
        [server.programs / "initdb", *arguments, *_LOCALE, "--no-sync", "--no-instructions"],
        capture_output=True,
        text=True,
        check=False,
        cwd=server.folder,
        env=_plain_environment(),
        **_as_user(server.user),
    )
    assert done.returncode == 0, done.stderr
    ours = {
        "fsync": "off",
        "full_page_writes": "off",
        "listen_addresses": "'127.0.0.1'",
        "shared_buffers": "64MB",
        "max_connections": "100",
        "max_wal_size": "4GB",
        "autovacuum": "off",
        **settings,
    }
    with (server.folder / "data" / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in ours.items())


def _plain_environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _as_user(name: str | None) -> dict[str, Any]:
    """Return the arguments of Popen that run a program as a user; PostgreSQL refuses to run as root."""
    if name is None:
        return {}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
