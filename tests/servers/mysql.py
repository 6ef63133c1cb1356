"""A MariaDB or MySQL server of our own for tests: new data in a temporary directory, a socket, ended with the block."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tests.programs import require_program
from tests.servers import mysql_programs
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

__all__ = ["PASSWORD", "DatabaseServer", "MariaDBServer", "MySQLServer", "serving", "serving_mariadb"]

PASSWORD = "s3cret pass:word#\\'\";%x"
"""Of every role but the server's root; holds what option files, shells and drivers treat in a way of their own."""

START_SECONDS = 60


@dataclass
class DatabaseServer(ABC):
    """A running server of either family.

    Attributes:
        engine: The family, as the facts of a dump call it.
        client: The name of the family's client program.
        dumper: The name of the family's dump program.
        rights_on_roots: What to grant for reading and replacing the routines and events that root made.
        reloads_certificates: What makes it read its certificates again.
        folder: Holds the data, the socket and the log.
        user: The user of the system it runs as, None for ours.
        options: Of the server's program, beside our own.
        port: On 127.0.0.1, None where it listens on its socket alone.
    """

    engine: ClassVar[str]
    client: ClassVar[str]
    dumper: ClassVar[str]
    rights_on_roots: ClassVar[str]
    reloads_certificates: ClassVar[str]
    _admin: ClassVar[str]
    _server: ClassVar[str]
    _own_options: ClassVar[tuple[str, ...]]

    folder: Path
    user: str | None
    options: tuple[str, ...] = ()
    port: int | None = None
    _process: subprocess.Popen[bytes] = field(init=False, repr=False)

    @staticmethod
    @abstractmethod
    def program(name: str) -> str:
        """Return the path of one of the family's programs; without it the test skips."""

    @abstractmethod
    def make_data(self) -> None:
        """Fill the empty folder of data."""

    @staticmethod
    @abstractmethod
    def numbers(count: int) -> str:
        """Return what stands behind FROM for rows with the numbers from 1 in their column `seq`."""

    @property
    def is_mariadb(self) -> bool:
        return self.engine == "mariadb"

    @property
    def connect(self) -> list[str]:
        """How a program becomes the server's root, as its first arguments."""
        return ["--no-defaults", f"--socket={self.socket}", "--user=root"]

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
        shown = ["-N", "-B", "--default-character-set=utf8mb4"]
        done = subprocess.run(
            [self.program(self.client), *self.connect, *shown, *([database] if database else [])],
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
        account = f"`{role}`@`localhost`"
        self.sql(f"DROP USER IF EXISTS {account}; CREATE USER {account} IDENTIFIED BY '{escaped}' REQUIRE {requires}")
        for grant in grants:
            self.sql(f"GRANT {grant} TO {account}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        arguments = [
            *self._places(),
            f"--socket={self.socket}",
            f"--pid-file={self.folder / 'pid'}",
            *(["--skip-networking"] if self.port is None else ["--bind-address=127.0.0.1", f"--port={self.port}"]),
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",  # a killed process loses nothing by it, only a power cut would
            "--innodb-buffer-pool-size=64M",
            "--skip-log-bin",
            *self._own_options,
            *self.options,
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.program(self._server), *arguments],
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
        command = [self.program(self._admin), *self.connect, "--silent", "ping"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def _places(self) -> list[str]:
        return ["--no-defaults", f"--datadir={self.folder / 'data'}", f"--tmpdir={self.folder / 'tmp'}"]

    def _make_data_by(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.program(program), *self._places(), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            **_as_user(self.user),
        )
        assert done.returncode == 0, done.stdout + done.stderr


class MariaDBServer(DatabaseServer):
    """The system's MariaDB."""

    engine = "mariadb"
    client = "mariadb"
    dumper = "mariadb-dump"
    rights_on_roots = "SELECT ON mysql.proc"
    reloads_certificates = "FLUSH SSL"
    _admin = "mariadb-admin"
    _server = "mariadbd"
    _own_options = ("--sync-frm=0", "--innodb-log-file-size=16M")

    program = staticmethod(require_program)

    def make_data(self) -> None:
        self._make_data_by("mariadb-install-db", "--auth-root-authentication-method=normal", "--skip-test-db")

    @staticmethod
    def numbers(count: int) -> str:
        return f"seq_1_to_{count}"


class MySQLServer(DatabaseServer):
    """The MySQL that `make mysql` fetches."""

    engine = "mysql"
    client = "mysql"
    dumper = "mysqldump"
    rights_on_roots = "SHOW_ROUTINE, SYSTEM_USER ON *.*"
    reloads_certificates = "ALTER INSTANCE RELOAD TLS"
    _admin = "mysqladmin"
    _server = "mysqld"
    _own_options = (
        "--innodb-redo-log-capacity=32M",
        "--mysqlx=OFF",
        "--secure-file-priv=NULL",
        "--cte-max-recursion-depth=9000000",  # for `numbers`
    )

    program = staticmethod(mysql_programs.require)

    def make_data(self) -> None:
        self._make_data_by("mysqld", "--initialize-insecure")

    @staticmethod
    def numbers(count: int) -> str:
        counted = f"SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM counted WHERE seq < {count}"
        return f"(WITH RECURSIVE counted AS ({counted}) SELECT seq FROM counted) AS counted"


FAMILIES: dict[str, type[DatabaseServer]] = {family.engine: family for family in (MariaDBServer, MySQLServer)}


@contextmanager
def serving(family: str, *options: str, listening: bool = False) -> Iterator[DatabaseServer]:
    """Make new data, start a server on it, and end and remove both.

    Args:
        family: "mariadb" or "mysql".
        options: Of the server's program.
        listening: On a port too, which it is then reached by; else on a socket alone.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{family}-"))  # a short path: a socket's may have 107 bytes
    user = ("mysql" if _has_user("mysql") else "nobody") if os.geteuid() == 0 else None
    server = FAMILIES[family](folder, user, options, free_port() if listening else None)
    try:
        _make_folders(server)
        server.make_data()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def serving_mariadb(*options: str, listening: bool = False) -> AbstractContextManager[DatabaseServer]:
    """Start a MariaDB server; see `serving`."""
    return serving("mariadb", *options, listening=listening)


def _make_folders(server: DatabaseServer) -> None:
    data, temporary = server.folder / "data", server.folder / "tmp"
    data.mkdir()
    temporary.mkdir()  # in /tmp two servers with the same process id, of two containers, take each other's tables away
    server.folder.chmod(0o755)
    if server.user is not None:
        for path in (server.folder, data, temporary):
            shutil.chown(path, server.user)


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
