"""The client programs of MariaDB and MySQL, and the option file that tells them how to connect.

Everything secret is in the file, which nobody else may read (0600 in a 0700 directory); the programs read no other
option file, so what stands in those of the host or the user changes nothing.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django_snapshots.connectors._program import (
    Command,
    find_programs,
    inherited_environment,
    parse_version,
    version_line,
)
from django_snapshots.errors import SnapshotConnectorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django_snapshots.connectors._mysql_server import MySQLDatabase

__all__ = ["CLIENTS", "DUMPERS", "Program", "find_program", "write_option_file"]

DUMPERS = ("mariadb-dump", "mysqldump")
CLIENTS = ("mariadb", "mysql")
"""Names of the programs, MariaDB's own first."""

_INSTALL = "Install MariaDB's client programs (Debian: mariadb-client) or MySQL's."
_SSL_KEYS = {"ca": "ssl-ca", "capath": "ssl-capath", "cert": "ssl-cert", "key": "ssl-key", "cipher": "ssl-cipher"}


@dataclass(frozen=True, slots=True)
class Program:
    """An installed client program.

    Attributes:
        path: Where it is.
        version_line: What it says of its version.
    """

    path: Path
    version_line: str

    @property
    def is_mariadb(self) -> bool:
        """Say whether it is of MariaDB's family; Debian installs MariaDB's under both names."""
        return "mariadb" in self.version_line.lower()

    @property
    def version(self) -> tuple[int, ...]:
        """The version in numbers."""
        # "mysqldump  Ver 10.19 Distrib 10.11.6-MariaDB" and "Ver 8.0.36 for Linux" and "from 11.8.2-MariaDB"
        for mark in ("Distrib", "from", "Ver"):
            _, found, rest = self.version_line.partition(mark)
            if found:
                return parse_version(rest)
        return ()

    def command(
        self, database: MySQLDatabase, option_file: Path, arguments: Sequence[str], *, more: Sequence[str] = ()
    ) -> Command:
        """Return the command that runs it on `database`; its option file must be its first argument."""
        environment = inherited_environment()
        environment["MYSQL_TEST_LOGIN_FILE"] = os.devnull  # MySQL's programs read ~/.mylogin.cnf all the same
        return Command(
            arguments=[str(self.path), f"--defaults-file={option_file}", *arguments, *more],
            environment=environment,
            artifact=database.artifact,
            secrets=frozenset(filter(None, [database.password])),
        )


def find_program(names: Sequence[str], *, prefer_mysql: bool, artifact: str) -> Program:
    """Return an installed program of one of the names, of the server's family where there is a choice.

    Raises:
        SnapshotConnectorError: None is installed.
    """
    found = [Program(path, version_line(path, artifact=artifact)) for name in names for path in find_programs(name)]
    if not found:
        raise SnapshotConnectorError(f"The program {' or '.join(names)} is not on PATH. {_INSTALL}", artifact=artifact)
    return next((program for program in found if program.is_mariadb != prefer_mysql), found[0])


def write_option_file(database: MySQLDatabase, program: Program, directory: Path) -> Path:
    """Write how to connect for one program, and return the file.

    Args:
        database: What to connect to.
        program: Who will read it; the families differ in their names for TLS.
        directory: A private directory.

    Raises:
        SnapshotConnectorError: OPTIONS name an option file that cannot be read.
    """
    path = directory / f"{program.path.name}.cnf"
    lines = ["[client]", *_from_option_files(database)]
    lines += [
        name if value is None else f"{name}={_option_value(value)}" for name, value in _options(database, program)
    ]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def _options(database: MySQLDatabase, program: Program) -> Iterator[tuple[str, str | None]]:
    """Yield what Django's parameters say; later lines win over those of the project's own option file."""
    parameters = database.parameters
    for name, keys in {"user": ("user",), "password": ("password", "passwd"), "host": ("host",)}.items():
        value = next((parameters[key] for key in keys if parameters.get(key)), None)
        if value is not None:
            yield name, str(value)
    if parameters.get("unix_socket"):
        yield "socket", str(parameters["unix_socket"])
        yield "protocol", "socket"
    elif parameters.get("host") not in {None, "", "localhost"}:
        yield "protocol", "tcp"
    if parameters.get("port"):
        yield "port", str(parameters["port"])
    yield from _tls(database, program)


def _tls(database: MySQLDatabase, program: Program) -> Iterator[tuple[str, str | None]]:
    parameters = database.parameters
    given: dict[str, Any] = dict(parameters["ssl"]) if isinstance(parameters.get("ssl"), dict) else {}
    files = given | {key: parameters[f"ssl_{key}"] for key in _SSL_KEYS if parameters.get(f"ssl_{key}")}
    for key, name in _SSL_KEYS.items():
        if files.get(key):
            yield name, str(files[key])
    trusts = bool(files.get("ca") or files.get("capath"))
    mode = _tls_mode(database, given, trusts=trusts, wanted=bool(parameters.get("ssl") or files))
    if program.is_mariadb:
        yield from _tls_of_mariadb(mode, trusts=trusts)
        return
    if mode:
        yield "ssl-mode", mode
    if database.driver == "pymysql" and mode in {"", "DISABLED", "PREFERRED"}:
        # It asks the server for the key that hides a password where TLS does not (caching_sha2_password), and so must
        # they, or a server that has just forgotten whom it let in refuses them.
        yield "loose-get-server-public-key", None


def _tls_mode(database: MySQLDatabase, given: Mapping[str, Any], *, trusts: bool, wanted: bool) -> str:
    """Return what the driver makes of the parameters as one of MySQL's words for it, "" for nothing said.

    PyMySQL looks at the server's name wherever `ssl` names an authority, unless it is told not to.
    """
    parameters = database.parameters
    if parameters.get("ssl_mode") or parameters.get("ssl_disabled"):
        return str(parameters.get("ssl_mode") or "DISABLED").upper()
    by_itself = database.driver == "pymysql" and bool(given.get("ca") or given.get("capath"))
    if parameters.get("ssl_verify_identity") or given.get("check_hostname", by_itself):
        return "VERIFY_IDENTITY"
    if trusts or parameters.get("ssl_verify_cert"):
        return "VERIFY_CA"
    return "REQUIRED" if wanted else ""


def _tls_of_mariadb(mode: str, *, trusts: bool) -> Iterator[tuple[str, str | None]]:
    if mode == "DISABLED":
        yield "skip-ssl", None
    elif mode not in {"", "PREFERRED"}:
        yield "ssl", None
    if mode == "VERIFY_IDENTITY" or (mode == "VERIFY_CA" and not trusts):
        yield "ssl-verify-server-cert", None
    elif not trusts:
        # They verify by default since 11.4, which no driver does: what Django reaches must be reached. Beside an
        # authority it is left to them: until 11.4 they verify all but the name, and this would end that since.
        yield "skip-ssl-verify-server-cert", None


def _option_value(value: str) -> str:
    """Return a value for an option file (mariadb.com/kb/en/configuring-mariadb-with-option-files)."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return f'"{"".join(escapes.get(character, character) for character in value)}"'


def _from_option_files(database: MySQLDatabase) -> list[str]:
    """Return the lines of the option file and group that OPTIONS name, read by the family's own program."""
    file, group = (database.parameters.get(key) for key in ("read_default_file", "read_default_group"))
    if not file and not group:
        return []
    readers = [*find_programs("my_print_defaults"), *find_programs("mariadb-print-defaults")]
    if not readers:
        raise database.error(
            f"OPTIONS of {database} name an option file, which the program my_print_defaults reads; it is not on PATH. "
            f"{_INSTALL}"
        )
    if file and not os.access(file, os.R_OK):
        raise database.error(f"The option file {file} in OPTIONS of {database} cannot be read.")
    which = [f"--defaults-file={Path(file).absolute()}"] if file else []
    groups = ["client", *([group] if group else [])]
    # MySQL's shows a password only with --show, which MariaDB's does not know.
    done = _run_quietly([str(readers[0]), *which, "--show", *groups])
    if done.returncode != 0:
        done = _run_quietly([str(readers[0]), *which, *groups])
    if done.returncode != 0:
        raise database.error(f"The option file of {database} could not be read: {done.stderr.decode(errors='replace')}")
    options = (line[2:].partition("=") for line in done.stdout.decode().splitlines() if line.startswith("--"))
    return [f"{name}={_option_value(value)}" if equals else name for name, equals, value in options if _is_ours(name)]


def _run_quietly(command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - a program found by its name, no shell
        command, env=inherited_environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )


def _is_ours(name: str) -> bool:
    # A group may hold options of one program only, which others refuse; these all of them know.
    known = {"user", "password", "host", "port", "socket", "protocol", "default-auth", "plugin-dir"}
    return name.replace("_", "-") in known or name.startswith("ssl")
