"""PostgreSQL: pg_dump's archive on the way out; on the way in one transaction that replaces everything."""

from __future__ import annotations

import os  # noqa: TC003 - the annotations of __init__ are evaluated when OPTIONS are validated
from copy import copy
from typing import TYPE_CHECKING, Any, Literal

from django_snapshots.conf.problems import Problem
from django_snapshots.connectors._mismatch import ways_out
from django_snapshots.connectors._postgres_aside import ASIDE, drop_aside
from django_snapshots.connectors._postgres_clean import empty, lock_tables
from django_snapshots.connectors._postgres_directory import dump_directory, unpack_directory
from django_snapshots.connectors._postgres_drill import inspect_database, scratch_database
from django_snapshots.connectors._postgres_facts import Needs, read_needs, server_major, server_version
from django_snapshots.connectors._postgres_load import load_archive, load_directory, load_script
from django_snapshots.connectors._postgres_objects import holds_anything
from django_snapshots.connectors._postgres_partial import find_contents, find_left_out, partial_options, refuse_loss
from django_snapshots.connectors._postgres_programs import dump_command, find_client, installed_clients, newest_client
from django_snapshots.connectors._postgres_rules import Rules
from django_snapshots.connectors._postgres_session import (
    LOCK_STATES,
    connection_of,
    open_session,
    refuse_in_transaction,
    sql_state,
)
from django_snapshots.connectors._postgres_staged import StagedPostgres, begin, name_blockers
from django_snapshots.connectors._postgres_target import examine, refuse_misfit
from django_snapshots.connectors._postgres_verify import verify_dump
from django_snapshots.connectors._program import Command, inherited_environment, parse_version, stream_out
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from pydantic import JsonValue

    from django_snapshots.connectors._postgres_session import Session

__all__ = ["PostgresConnector"]

_SUFFIXES = {"custom": "pgdump", "plain": "sql", "directory": "pgdir.tar"}
_JOBS_MAX = 64


class PostgresConnector:
    """Dumps and restores PostgreSQL databases with the client programs of PostgreSQL and Django's own psycopg."""

    def __init__(
        self,
        *,
        format: Literal["custom", "plain", "directory"] = "custom",  # noqa: A002 - the name that pg_dump gives it
        jobs: int = 1,
        owners: bool = True,
        grants: bool = True,
        database_settings: bool = True,
        schemas: tuple[str, ...] = (),
        exclude_tables: tuple[str, ...] = (),
        exclude_table_data: tuple[str, ...] = (),
        lock_timeout_s: float = 30.0,
        bin_directory: str | os.PathLike[str] | None = None,
    ) -> None:
        """Store the options.

        Args:
            format: "custom" for pg_dump's archive, "plain" for SQL that people can read, "directory" for a dump that
                several jobs make, on disk, before it is stored as a tar.
            jobs: How many tables are dumped at a time in directory format, each over a connection of its own.
            owners: A restore gives objects to the roles that owned them; False: to the role that restores.
            grants: A restore grants what was granted.
            database_settings: A restore repeats `ALTER DATABASE … SET`.
            schemas: The only schemas that are dumped, by their exact names; none for all.
            exclude_tables: Tables that are not dumped, by their exact names with the schema, such as "public.log".
            exclude_table_data: Patterns of tables that are dumped without their rows, as pg_dump takes them.
            lock_timeout_s: Seconds that a lock of somebody else is waited for.
            bin_directory: Where pg_dump and pg_restore are; None for PATH and the usual places.
        """
        self.format = format
        self.suffix = _SUFFIXES.get(format, "")
        self.owners = owners
        self.grants = grants
        self.database_settings = database_settings
        self.jobs = jobs
        self.schemas = schemas
        self.exclude_tables = exclude_tables
        self.exclude_table_data = exclude_table_data
        self.lock_timeout_s = lock_timeout_s
        self.bin_directory = bin_directory

    @property
    def plain_on_disk(self) -> bool:
        """Say whether pg_dump writes files: it cannot stream the directory format."""
        return self.format == "directory"

    def check(self) -> list[Problem]:
        """Return what is wrong without a connection: a program that is missing, a time that is none."""
        problems = [
            Problem(
                "snapshots.W007",
                () if self.bin_directory is None else ("bin_directory",),
                f"The program {name} was not found"
                + ("." if self.bin_directory is None else f" in {self.bin_directory}."),
                "Install the client programs of PostgreSQL (Debian: postgresql-client), of the server's version "
                "or newer, or name their directory in OPTIONS['bin_directory'].",
            )
            for name in ("pg_dump", "pg_restore")
            if not installed_clients(name, self.bin_directory)
        ]
        if self.lock_timeout_s <= 0:
            problems.append(
                Problem("snapshots.E002", ("lock_timeout_s",), "Input should be greater than 0.", "Such as 30.")
            )
        if not self.suffix:
            message = "Input should be 'custom', 'plain' or 'directory'."
            problems.append(Problem("snapshots.E002", ("format",), message, "Write 'custom'."))
        if not 1 <= self.jobs <= _JOBS_MAX or (self.jobs > 1 and self.format != "directory"):
            message = f"Input should be 1 to {_JOBS_MAX}, and 1 unless format is 'directory'."
            problems.append(Problem("snapshots.E002", ("jobs",), message, "Write 'format': 'directory' beside it."))
        return problems

    def check_server(self, alias: str) -> list[Problem]:
        """Return a warning when every installed pg_dump is older than the server: it refuses to dump that one.

        Raises:
            SnapshotConnectorError: The server cannot be reached, or there is no pg_dump at all.
        """
        session = open_session(alias, doing="be asked for its version")
        try:
            version, major = server_version(session), server_major(session)
            newest = newest_client("pg_dump", session, bin_directory=self.bin_directory)
        finally:
            session.close()
        if newest.major >= major:
            return []
        message = f"{newest.path} has version {newest.version}, older than the server's {version}: it will refuse."
        hint = f"Install pg_dump {major} or newer (Debian: postgresql-client-{major})."
        return [Problem("snapshots.W008", (), message, hint)]

    def dump(self, alias: str, sink: BinaryIO) -> dict[str, JsonValue]:
        """Write what pg_dump writes, uncompressed, to `sink`; only the directory format is put on disk on the way.

        Writers go on; the dump is of the moment it begins. Only schema changes wait for it, and it for them.

        Raises:
            SnapshotConnectorError: The server cannot be reached, pg_dump is missing, older than the server, or failed;
                or what is to be dumped needs what is to be left out.
            SnapshotSpaceError: The temporary directory has no room for the directory format.
        """
        with scratch_directory() as scratch:
            session = open_session(alias, doing="be dumped")
            try:
                version, major = server_version(session), server_major(session)
                reason = f"the server has version {version}"
                client = find_client("pg_dump", major, session, bin_directory=self.bin_directory, reason=reason)
                facts = self._facts(session, version) | {"client_version": client.version}
                folder = scratch / _FOLDER_NAME
                command = dump_command(client, self._dump_options(alias, folder), session, scratch)
                needed_bytes = int(session.value(_SIZE))
            finally:
                session.close()
            if self.format == "directory":
                facts["directory_bytes"], words = dump_directory(command, folder, sink, needed_bytes=needed_bytes)
            else:
                words = stream_out(command, sink)
        return {**facts, "notes": [*self._notes(facts), *words]}

    def restore(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        """Replace the content of the database by the dump in `source`; see `stage`."""
        self.stage(alias, source, facts).commit()

    def stage(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> StagedPostgres:
        """Empty the database and load the dump, inside a transaction that is left open.

        From here until `commit` or `discard` other connections wait when they touch the database's tables.

        Args:
            alias: The database to be replaced.
            source: The dump, read to its end.
            facts: What `dump` returned; `engine` must be "postgresql".

        Raises:
            SnapshotConnectorError: The dump does not fit here, a lock was not given in time, or a statement failed.
                Nothing was changed.
        """
        refuse_in_transaction(alias)
        _refuse_other_engine(alias, facts)
        connection_of(alias).close()  # an idle transaction of our own would block us
        session = open_session(alias, doing="be restored")
        try:
            drop_aside(session)
            needs = Needs.from_facts(facts)
            command = self._restore_command(session, facts)
            refuse_loss(session, facts)
            self._refuse_misfit(session, needs, facts)
            target = examine(session, needs)
            settings = self._restores_settings(facts)
            rules = Rules(target, owners=self.owners, grants=self.grants, settings=settings)
            begin(session, lock_timeout_s=self.lock_timeout_s)
            self._take(session, needs, rules)
            self._load(session, command, source, rules, facts)
            if needs.schemas and "public" not in needs.schemas:
                session.execute("DROP SCHEMA public")
            return StagedPostgres(session)
        except BaseException:
            session.close()
            raise

    def verify(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with the dump in `source`: all of it is turned into SQL, no server is asked.

        Raises:
            SnapshotConnectorError: No pg_restore that is new enough is installed.
        """
        return verify_dump(alias, source, facts, self.bin_directory)

    def scratch_database(self, alias: str) -> AbstractContextManager[str]:
        """Give the alias of an empty database on the same server, which is dropped at the end, for a drill.

        Raises:
            SnapshotConnectorError: The role may not make one.
        """
        return scratch_database(alias)

    def inspect(self, alias: str, facts: Mapping[str, Any]) -> list[str]:  # noqa: ARG002 - the contract's
        """Return what is wrong with a restored database: its indexes."""
        return inspect_database(alias)

    def size_hint(self, alias: str) -> int | None:
        """Return the bytes of the tables, roughly those of the dump."""
        session = open_session(alias, doing="be dumped")
        try:
            return int(session.value(_SIZE))
        finally:
            session.close()

    def holds_anything(self, alias: str) -> bool:
        """Say whether a restore could take anything away: an object in any schema, a large object, a setting.

        Raises:
            SnapshotConnectorError: The server cannot be reached.
        """
        session = open_session(alias, doing="be restored")
        try:
            return holds_anything(session, settings=self.database_settings)
        finally:
            session.close()

    def complete(self) -> PostgresConnector:
        """Return one that leaves nothing out, to save what a restore replaces, and is like this one otherwise."""
        twin = copy(self)
        twin.schemas = twin.exclude_tables = twin.exclude_table_data = ()
        if self.format == "plain":  # it does not hold the settings of the database
            twin.format = "custom"
            twin.suffix = _SUFFIXES[twin.format]
        return twin

    def plan(self, alias: str, facts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Return what a restore would replace: `target` and its `current_size_bytes`.

        Raises:
            SnapshotConnectorError: The dump does not fit: another engine, a program that is too old, a role, an
                extension or a right that is missing.
        """
        _refuse_other_engine(alias, facts)
        session = open_session(alias, doing="be restored")
        try:
            self._restore_command(session, facts)
            refuse_loss(session, facts)
            self._refuse_misfit(session, Needs.from_facts(facts), facts)
            parameters = session.parameters()
            where = parameters.get("host", "local")
            size_bytes = int(session.value("SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"))
            name = session.value("SELECT pg_catalog.current_database()::text")
            return {"target": f"database {alias} (postgresql {name} at {where})", "current_size_bytes": size_bytes}
        finally:
            session.close()

    def _facts(self, session: Session, version: str) -> dict[str, JsonValue]:
        contents = find_contents(session, self.schemas, self.exclude_tables)
        return {
            "engine": "postgresql",
            "format": self.format,
            "server_version": version,
            "encoding": session.value("SHOW server_encoding"),
            "left_out": [*find_left_out(session, self.schemas, self.exclude_tables)],
            "only_schemas": [*self.schemas],
            "contents": None if contents is None else [*contents],
            **read_needs(session).facts(),
        }

    def _dump_options(self, alias: str, folder: Path) -> list[str]:
        role = connection_of(alias).settings_dict["OPTIONS"].get("assume_role")
        return [
            f"--format={self.format}",
            *(["--compress=0"] if self.format != "plain" else []),
            *([f"--file={folder}", f"--jobs={self.jobs}"] if self.format == "directory" else []),
            *partial_options(self.schemas, self.exclude_tables),
            "--no-subscriptions",
            f"--exclude-schema={ASIDE}*",
            f"--lock-wait-timeout={max(1, round(self.lock_timeout_s * 1000))}",
            *([f"--role={role}"] if role else []),
            *(f"--exclude-table-data={pattern}" for pattern in self.exclude_table_data),
        ]

    def _notes(self, facts: Mapping[str, JsonValue]) -> list[str]:
        notes = [f"The rows of tables like '{pattern}' were left out." for pattern in self.exclude_table_data]
        left_out = facts["left_out"]
        if isinstance(left_out, list) and left_out:
            notes.append(f"These tables and views were left out: {', '.join(map(str, left_out))}.")
        if self.schemas:
            notes.append(
                f"Only these schemas were dumped: {', '.join(self.schemas)}. Large objects and the settings of the "
                "database (ALTER DATABASE … SET) were left out."
            )
        elif self.format == "plain" and facts["has_database_settings"]:
            notes.append("A plain dump does not hold the settings of the database (ALTER DATABASE … SET).")
        return notes

    def _restore_command(self, session: Session, facts: Mapping[str, Any]) -> Command | None:
        if facts.get("format") == "plain":
            return None
        written_by = str(facts.get("client_version") or "")
        client = find_client(
            "pg_restore",
            next(iter(parse_version(written_by)), 0),
            session,
            bin_directory=self.bin_directory,
            reason=f"the dump was made by pg_dump {written_by}",
        )
        # With --create it writes the settings of the database too; the rules leave the database itself alone.
        archive = "directory" if facts.get("format") == "directory" else "custom"
        arguments = (str(client.path), f"--format={archive}", "--create", "--no-subscriptions", "--file=-")
        return Command(arguments, inherited_environment(), f"database/{session.alias}", session.secrets)

    def _load(
        self, session: Session, command: Command | None, source: BinaryIO, rules: Rules, facts: Mapping[str, Any]
    ) -> None:
        if command is None:
            load_script(session, source, rules)
        elif facts.get("format") != "directory":
            load_archive(session, command, source, rules)
        else:
            with scratch_directory() as scratch:
                folder = scratch / _FOLDER_NAME
                needed_bytes = int(facts.get("directory_bytes") or 0)
                unpack_directory(source, folder, artifact=f"database/{session.alias}", needed_bytes=needed_bytes)
                load_directory(session, command, folder, rules)

    def _restores_settings(self, facts: Mapping[str, Any]) -> bool:
        # A dump without them must not undo those of its target: pg_dump writes none into SQL, nor beside --schema.
        return self.database_settings and facts.get("format") != "plain" and not facts.get("only_schemas")

    def _refuse_misfit(self, session: Session, needs: Needs, facts: Mapping[str, Any]) -> None:
        settings = self._restores_settings(facts)
        refuse_misfit(session, needs, owners=self.owners, grants=self.grants, settings=settings)

    def _take(self, session: Session, needs: Needs, rules: Rules) -> None:
        try:
            lock_tables(session)
            empty(session, needs, rules.target, settings=rules.settings)
        except SnapshotConnectorError as error:
            if sql_state(error) not in LOCK_STATES:
                raise
            raise name_blockers(session, error) from error


_FOLDER_NAME = "dump"

_SIZE = """
SELECT pg_catalog.pg_database_size(pg_catalog.current_database()) - coalesce(pg_catalog.sum(
    c.relpages::bigint * pg_catalog.current_setting('block_size')::int), 0)::bigint
FROM pg_catalog.pg_class c WHERE c.relkind = 'i'
"""


def _refuse_other_engine(alias: str, facts: Mapping[str, Any]) -> None:
    connection_of(alias)
    if facts.get("engine") != "postgresql":
        raise SnapshotConnectorError(
            f"The dump is of engine {facts.get('engine')!r}, database '{alias}' is PostgreSQL: it cannot be loaded "
            f"there. {ways_out(alias)}",
            artifact=f"database/{alias}",
        )
