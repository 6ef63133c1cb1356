"""pg_dump and pg_restore: which of the installed ones fits, and how pg_dump is told where to connect.

Arguments hold no secret: every user of the host can read them. The password goes into a passfile (0600).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from django_snapshots.connectors._program import (
    Command,
    find_programs,
    inherited_environment,
    parse_version,
    version_line,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django_snapshots.connectors._postgres_session import Session

__all__ = ["Client", "Directory", "dump_command", "find_client", "installed_clients", "newest_client"]

Directory = str | os.PathLike[str]

_LAYOUTS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
"""Where Debian, the PostgreSQL project's RPMs and Homebrew put each major version beside the others."""

_WRAPPER = "pg_wrapper"
"""Debian's /usr/bin/pg_dump: a script that picks a version by its own rules; we pick by the server's."""

_NEVER_PASSED = frozenset({"password", "passfile", "service", "servicefile", "client_encoding"})
"""Settled already, or ours to choose: with the client encoding of Django pg_dump would not write the database's."""

_NEW_DEFAULTS = {
    "sslcertmode": "allow",
    "gssdelegation": "0",
    "load_balance_hosts": "disable",
    "sslnegotiation": "postgres",
}
"""libpq lists these even where nobody asked for them, and a pg_dump older than 17 does not know them."""


class Client(NamedTuple):
    """An installed client program.

    Attributes:
        path: Where it is.
        version: Such as "15.20".
    """

    path: Path
    version: str

    @property
    def major(self) -> int:
        """The major version; 0 where it says none."""
        return next(iter(parse_version(self.version)), 0)


def installed_clients(name: str, bin_directory: Directory | None) -> list[Path]:
    """Return the programs of that name, the preferred first, without running any.

    Args:
        name: "pg_dump" or "pg_restore".
        bin_directory: Only this directory is looked at; None for PATH, then every version that is installed.
    """
    if bin_directory is not None:
        path = Path(bin_directory, name)
        # Path.is_file raises for a name that no file can have.
        return [path] if os.path.isfile(path) and os.access(path, os.X_OK) else []  # noqa: PTH113
    directories = [directory for layout in _LAYOUTS for directory in Path("/").glob(layout[1:])]
    directories.sort(key=lambda directory: parse_version(str(directory)), reverse=True)
    found = find_programs(name, directories)
    real = [path for path in found if path.resolve().name != _WRAPPER]
    return real or found


def find_client(name: str, at_least: int, session: Session, *, bin_directory: Directory | None, reason: str) -> Client:
    """Return the first program of that name whose major version is at least that.

    Args:
        name: "pg_dump" or "pg_restore".
        at_least: The major version that is needed.
        session: For the error.
        bin_directory: As of `installed_clients`.
        reason: Why it must be that version, as in "the server has version 17.2".

    Raises:
        SnapshotConnectorError: There is none; says what to install.
    """
    for path in installed_clients(name, bin_directory):
        client = _client(path, session)
        if client.major >= at_least:
            return client
    newest = newest_client(name, session, bin_directory=bin_directory)
    install = f"Install {name} {at_least} or newer (Debian package: postgresql-client-{at_least})"
    raise session.error(
        f"{newest.path} has version {newest.version}, which is too old: {reason}. Nothing was done. {install}, "
        f"or name its directory in OPTIONS['bin_directory'] of the connector."
    )


def newest_client(name: str, session: Session, *, bin_directory: Directory | None) -> Client:
    """Return the newest program of that name; arguments as of `find_client`.

    Raises:
        SnapshotConnectorError: There is none; says what to install.
    """
    clients = [_client(path, session) for path in installed_clients(name, bin_directory)]
    if not clients:
        where = "on PATH" if bin_directory is None else f"in {bin_directory}"
        raise session.error(
            f"The program {name} is not {where}. Install it, of the server's version or newer "
            "(Debian package: postgresql-client)."
        )
    return max(clients, key=lambda client: client.major)


def _client(path: Path, session: Session) -> Client:
    found = re.search(r"\d+[\w.]*", version_line(path, artifact=f"database/{session.alias}"))
    return Client(path, found[0] if found else "")


def dump_command(client: Client, options: Sequence[str], session: Session, scratch: Path) -> Command:
    """Return the command that dumps the session's database, from the very server the session speaks to.

    Args:
        client: A pg_dump.
        options: Its options but those of the connection.
        session: What it connects as.
        scratch: A private directory that outlives the command; gets the passfile.

    Raises:
        SnapshotConnectorError: The password cannot be put into a passfile.
    """
    parameters, secrets = _parameters(session)
    password = session.info.password or ""
    if "\n" in password or "\0" in password:
        raise session.error("The password holds a line end, which pg_dump cannot be told. Choose another password.")
    passfile = scratch / "passfile"
    with os.fdopen(os.open(passfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"*:*:*:*:{_escape_passfile(password)}\n")
    secret_parameters = {name: parameters.pop(name) for name in secrets & parameters.keys()}
    environment = inherited_environment() | {"PGPASSFILE": str(passfile)}
    if secret_parameters:
        service = scratch / "service"
        with os.fdopen(os.open(service, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("[snapshots]\n" + "".join(f"{name}={value}\n" for name, value in secret_parameters.items()))
        environment["PGSERVICEFILE"] = str(service)
        parameters["service"] = "snapshots"
    arguments = [str(client.path), "--no-password", *options, f"--dbname={format_conninfo(parameters)}"]
    return Command(
        tuple(arguments),
        environment,
        f"database/{session.alias}",
        frozenset({*session.secrets, *secret_parameters.values(), password} - {""}),
    )


def _parameters(session: Session) -> tuple[dict[str, str], set[str]]:
    parameters = {
        name: value
        for name, value in session.parameters().items()
        if value and name not in _NEVER_PASSED and _NEW_DEFAULTS.get(name) != value
    }
    if "," in parameters.get("host", ""):
        # Several hosts to choose from: the one we are connected to, whose facts go into the manifest.
        parameters["host"], parameters["port"] = session.info.host, str(session.info.port)
        parameters.pop("hostaddr", None)
    secrets = {name for name in parameters if name in {"sslpassword", "oauth_client_secret"} or "scram_" in name}
    return parameters, secrets


def _escape_passfile(password: str) -> str:
    # postgresql.org/docs/current/libpq-pgpass.html
    return password.replace("\\", "\\\\").replace(":", "\\:")


def format_conninfo(parameters: Mapping[str, str]) -> str:
    """Return the parameters as a connection string (postgresql.org/docs/current/libpq-connect.html)."""

    def quote(value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    return " ".join(f"{name}={quote(value)}" for name, value in parameters.items())
