"""A MariaDB server of our own for tests: new data in a temporary directory, a socket, ended with the block."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.programs import require_program
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PASSWORD", "MariaDBServer", "serving_mariadb"]

PASSWORD = "s3cret pass:word#\\'\";%x"
"""Of every role but the server's root; holds what option files, shells and drivers treat in a way of their own."""

START_SECONDS = 60


@dataclass
class MariaDBServer:
    """A running server.

    Attributes:
        folder: Holds the data, the socket and the log.
        user: The user of the system it runs as, None for ours.
        options: Of mariadbd, beside our own.
        port: On 127.0.0.1, None where it listens on its socket alone.
    """

    folder: Path
    user: str | None
    options: tuple[str, ...] = ()
    port: int | None = None
    _process: subprocess.Popen[bytes] = field(init=False, repr=False)

    @property
    def socket(self) -> str:
        return str(self.folder / "s.sock")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        return self._process.pid

    def settings(self, database: str, role: str = "root", **options: Any) -> dict[str, Any]:
        """Return what DATABASES says of a database here."""
        return {
            "ENGINE": "django.db.backends.mysql",
            "NAME": database,
            "USER": role,
            "PASSWORD": "" if role == "root" else PASSWORD,
            "HOST": "127.0.0.1" if self.port else self.socket,
            "PORT": self.port or "",
            "OPTIONS": {"charset": "utf8mb4", **options},
        }

    def sql(self, script: str, database: str = "") -> str:
        """Run a script as the server's root and return what it prints: tabs between columns, no headings."""
        program = require_program("mariadb")
        done = subprocess.run(
            [
                program,
                "--no-defaults",
                f"--socket={self.socket}",
                "--user=root",
                "-N",
                "-B",
                "--default-character-set=utf8mb4",
                *([database] if database else []),
            ],
            input=script,
            capture_output=True,
            text=True,
            check=False,
            env={name: value for name, value in os.environ.items() if name != "MYSQL_PWD"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def make_role(self, role: str, *grants: str, requires: str = "NONE") -> None:
        """Make a role with PASSWORD that holds `grants`, each such as "ALL ON `app`.*"; of TLS it `requires` that."""
        escaped = PASSWORD.replace("\\", "\\\\").replace("'", "''")
        self.sql(f"CREATE OR REPLACE USER `{role}`@`localhost` IDENTIFIED BY '{escaped}' REQUIRE {requires}")
        for grant in grants:
            self.sql(f"GRANT {grant} TO `{role}`@`localhost`")

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = require_program("mariadbd")
        arguments = [
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self.folder / 'tmp'}",
            f"--socket={self.socket}",
            f"--pid-file={self.folder / 'pid'}",
            *(["--skip-networking"] if self.port is None else ["--bind-address=127.0.0.1", f"--port={self.port}"]),
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",  # a killed process loses nothing by it, only a power cut would
            "--sync-frm=0",
            "--innodb-log-file-size=16M",
            "--innodb-buffer-pool-size=64M",
            "--skip-log-bin",
            *self.options,
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
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
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=START_SECONDS)

    def kill(self) -> None:
        """End it as a power cut would: `start` has to recover."""
        self._process.kill()
        self._process.wait(timeout=START_SECONDS)

    def _answers(self) -> bool:
        program = require_program("mariadb-admin")
        arguments = ["--no-defaults", f"--socket={self.socket}", "--user=root", "--silent", "ping"]
        return subprocess.run([program, *arguments], check=False, capture_output=True).returncode == 0


@contextmanager
def serving_mariadb(*options: str, listening: bool = False) -> Iterator[MariaDBServer]:
    """Make new data, start a server on it, and end and remove both.

    Args:
        options: Of mariadbd.
        listening: On a port too, which it is then reached by; else on a socket alone.
    """
    folder = Path(tempfile.mkdtemp(prefix="mariadb-"))  # a short path: a socket's may have 107 bytes
    user = ("mysql" if _has_user("mysql") else "nobody") if os.geteuid() == 0 else None
    server = MariaDBServer(folder, user, options, free_port() if listening else None)
    try:
        _make_data(server)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_data(server: MariaDBServer) -> None:
    program = require_program("mariadb-install-db")
    data, temporary = server.folder / "data", server.folder / "tmp"
    data.mkdir()
    temporary.mkdir()  # in /tmp two servers with the same process id, of two containers, take each other's tables away
    server.folder.chmod(0o755)
    if server.user is not None:
        for path in (server.folder, data, temporary):
            shutil.chown(path, server.user)
    done = subprocess.run(
        [
            program,
            "--no-defaults",
            f"--datadir={data}",
            f"--tmpdir={temporary}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=server.folder,
        **_as_user(server.user),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _as_user(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
