"""Dumps and restores MariaDB and MySQL databases with the client programs of either family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import Error, connections

from django_snapshots.conf.problems import Problem
from django_snapshots.connectors._mismatch import ways_out
from django_snapshots.connectors._mysql_definers import definer_of
from django_snapshots.connectors._mysql_drill import inspect_database, scratch_database
from django_snapshots.connectors._mysql_foreign import refuse_columns_of_mysql
from django_snapshots.connectors._mysql_load import load
from django_snapshots.connectors._mysql_objects import OWN_SETTINGS, find_objects, statements_of
from django_snapshots.connectors._mysql_programs import CLIENTS, DUMPERS, find_program, write_option_file
from django_snapshots.connectors._mysql_rights import refuse_missing_rights, refuse_protected_routines
from django_snapshots.connectors._mysql_scratch import Scratch
from django_snapshots.connectors._mysql_sequences import WithoutDatabase, has_sequence_defaults
from django_snapshots.connectors._mysql_server import Session, locate, session
from django_snapshots.connectors._mysql_staged import StagedMySQL, recover, refuse_interrupted
from django_snapshots.connectors._mysql_stream import CutDumpError, DumpReader, DumpWriter
from django_snapshots.connectors._program import find_programs, parse_version, running
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from pydantic import JsonValue

    from django_snapshots.connectors._mysql_objects import Objects
    from django_snapshots.connectors._mysql_programs import Program
    from django_snapshots.connectors._mysql_server import MySQLDatabase

__all__ = ["MySQLConnector"]

_DUMP = (
    *("--single-transaction", "--quick", "--skip-lock-tables", "--skip-add-locks", "--no-autocommit"),
    *("--hex-blob", "--no-tablespaces", "--skip-triggers", "--skip-dump-date", "--default-character-set=utf8mb4"),
    "--max-allowed-packet=1G",
)
_DUMP_OF_MYSQL = ("--column-statistics=0", "--set-gtid-purged=OFF")
_ANY_FOREIGN_KEY = b"/*!80400 SET SESSION restrict_fk_on_non_standard_key = OFF */;\n"
"""Lets foreign keys lead to columns without a unique key, which MySQL keeps and no longer takes."""

_ENGINES = {True: "mariadb", False: "mysql"}


class MySQLConnector:
    """All of a MariaDB or MySQL database as SQL, which `mariadb` and `mysql` read as well."""

    suffix = "sql"

    def dump(self, alias: str, sink: BinaryIO) -> dict[str, JsonValue]:
        """Write tables, rows, views, routines, triggers and events to `sink`.

        The rows are of one moment, without a lock, in tables of transactional engines (InnoDB).

        Raises:
            SnapshotConnectorError: A program is missing or failed, or the role may not see everything.
        """
        database = locate(alias)
        with session(database, "dumped", "No dump was made.") as connection:
            refuse_missing_rights(connection)
            refuse_interrupted(Scratch.of(connection))
            dumper = find_program(DUMPERS, prefer_mysql=not connection.is_mariadb, artifact=database.artifact)
            refuse_columns_of_mysql(connection, dumper)
            found = find_objects(connection, database.name)
            statements = [*_database_statements(connection), *statements_of(connection, found)]
            size_bytes = _size_bytes(connection)
            facts = _facts(connection, dumper, found)
            writer = DumpWriter(sink)
            name = str(facts["database"])
            if connection.takes_any_foreign_key:
                writer.write(_ANY_FOREIGN_KEY)
            sequences = has_sequence_defaults(connection, name)
            _dump_tables(database, dumper, found, WithoutDatabase(writer, name) if sequences else writer)
        try:
            writer.finish(statements)
        except CutDumpError as error:
            raise database.error(
                f"{dumper.path.name} ended well without its mark of completion. No dump was made."
            ) from error
        definers = sorted({definer for text in statements if (definer := definer_of(text))})
        return {
            **facts,
            "definers": [*definers],
            "longest_statement_bytes": writer.longest_line_bytes,
            "size_bytes": size_bytes,
        }

    def restore(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        """Load the dump beside the live tables and replace those by it; see `stage`."""
        self.stage(alias, source, facts).commit()

    def stage(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> StagedMySQL:
        """Load the dump into a database of its own on the same server.

        Args:
            alias: The database to be replaced.
            source: The dump, read to its end.
            facts: What `dump` returned.

        Raises:
            SnapshotConnectorError: The dump cannot be loaded here, or the role may not. Nothing was changed.
        """
        database = locate(alias)
        if connections[alias].in_atomic_block:
            raise database.error(
                f"A restore cannot run inside transaction.atomic() on {database}: it would wait for itself. "
                "Call it outside the block."
            )
        connection: Session | None = None
        scratch: Scratch | None = None
        recovery = ""
        try:
            connection = Session(database)
            _refuse_misfit(connection, facts)
            scratch = Scratch(connection)
            recovery = recover(scratch)
            refuse_protected_routines(connection)
            scratch.open()
            statements = load(scratch, source, str(facts.get("database") or database.name))
            return StagedMySQL(scratch, statements, recovery)
        except BaseException as error:
            if scratch is not None:
                scratch.remove()
            elif connection is not None:
                connection.close()
            if isinstance(error, Error):
                text = " ".join(str(error).split())
                raise database.error(
                    f"{database} could not be restored: {text}. Nothing was changed. {recovery}".rstrip()
                ) from error
            if recovery:
                error.add_note(recovery)
            raise

    def verify(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> list[str]:  # noqa: ARG002
        """Return what is wrong with the dump in `source`: both its marks of completion must be there."""
        reader = DumpReader(source)
        try:
            while reader.read(CHUNK_SIZE):
                pass
            reader.statements()
        except (CutDumpError, UnicodeDecodeError):
            return ["The dump is not whole: its mark of completion is missing."]
        return []

    def scratch_database(self, alias: str) -> AbstractContextManager[str]:
        """Give the alias of an empty database on the same server, which is dropped at the end, for a drill.

        Raises:
            SnapshotConnectorError: The role may not make one.
        """
        return scratch_database(alias)

    def inspect(self, alias: str, facts: Mapping[str, Any]) -> list[str]:  # noqa: ARG002 - the contract's
        """Return what is wrong with a restored database: CHECK TABLE."""
        return inspect_database(alias)

    def size_hint(self, alias: str) -> int | None:
        """Return the bytes of the rows as the server estimates them, roughly those of the dump."""
        with session(locate(alias), "measured", "No dump was made.") as connection:
            return _size_bytes(connection)

    def holds_anything(self, alias: str) -> bool:
        """Say whether a restore could take anything away: a table, a view, a routine or an event.

        Raises:
            SnapshotConnectorError: The server cannot be reached.
        """
        database = locate(alias)
        with session(database, "asked", "Nothing was changed.") as connection:
            found = find_objects(connection, database.name)
        return any((found.tables, found.views, found.routines, found.events))

    def plan(self, alias: str, facts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Return what a restore would replace: `target`, and `current_size_bytes` as the server estimates them.

        Raises:
            SnapshotConnectorError: The dump is of another engine, or the server would refuse it.
        """
        database = locate(alias)
        with session(database, "asked", "Nothing was changed.") as connection:
            _refuse_misfit(connection, facts)
            engine = _ENGINES[connection.is_mariadb]
            return {
                "target": f"database {alias} ({engine} {database.name} on {database.server})",
                "current_size_bytes": _size_bytes(connection),
                **_lost_grants(connection),
            }

    def check(self) -> list[Problem]:
        """Return a warning for each client program that is not on PATH."""
        return [
            Problem(
                "snapshots.W007",
                (),
                f"The program {' or '.join(names)} is not on PATH.",
                "Install MariaDB's client programs (Debian: mariadb-client) or MySQL's (mysql-client).",
            )
            for names in (DUMPERS, CLIENTS)
            if not any(map(find_programs, names))
        ]

    def check_server(self, alias: str) -> list[Problem]:
        """Return a warning when the dump program is of the server's family and older than the server.

        Raises:
            SnapshotConnectorError: The server cannot be reached, or there is no program at all.
        """
        database = locate(alias)
        with session(database, "asked for its version", "Nothing was done.") as connection:
            dumper = find_program(DUMPERS, prefer_mysql=not connection.is_mariadb, artifact=database.artifact)
            same_family, version = dumper.is_mariadb == connection.is_mariadb, connection.server_version
        if not same_family or dumper.version[:2] >= parse_version(version)[:2]:
            return []
        own = ".".join(map(str, dumper.version))
        message = f"{dumper.path} has version {own}, older than the server's {version}: it may not know all of its SQL."
        return [Problem("snapshots.W008", (), message, "Install the client programs of the server's version.")]


def _dump_tables(
    database: MySQLDatabase, dumper: Program, found: Objects, writer: DumpWriter | WithoutDatabase
) -> None:
    arguments = [*_DUMP, *(() if dumper.is_mariadb else _DUMP_OF_MYSQL)]
    arguments += [f"--ignore-table={database.name}.{view}" for view in found.views]
    with scratch_directory() as directory:
        options = write_option_file(database, dumper, directory)
        command = dumper.command(database, options, arguments, more=["--", database.name])
        with running(command, stdout=True) as program:
            while chunk := program.read_chunk():
                writer.write(chunk)
            program.finish()


def _database_statements(connection: Session) -> list[str]:
    charset, collation = connection.rows("SELECT @@character_set_database, @@collation_database")[0]
    return [*OWN_SETTINGS, f"ALTER DATABASE CHARACTER SET {charset} COLLATE {collation}"]


def _facts(connection: Session, dumper: Program, found: Objects) -> dict[str, JsonValue]:
    notes: list[JsonValue] = []
    if found.not_transactional:
        notes.append(
            "Tables of engines without transactions may have changed while they were read: "
            f"{', '.join(found.not_transactional)}."
        )
    if found.versioned:
        notes.append(f"The history of system-versioned tables was left out: {', '.join(found.versioned)}.")
    charset, collation = connection.rows("SELECT @@character_set_database, @@collation_database")[0]
    return {
        "engine": _ENGINES[connection.is_mariadb],
        "database": connection.value("SELECT DATABASE()"),
        "server_version": connection.server_version,
        "client_version": ".".join(map(str, dumper.version)),
        "client": dumper.version_line,
        "charset": charset,
        "collation": collation,
        "notes": notes,
    }


def _lost_grants(connection: Session) -> dict[str, JsonValue]:
    """Return what a plan says where routines are dropped: MySQL cannot replace one, which MariaDB can."""
    if connection.is_mariadb or not find_objects(connection, connection.database.name).routines:
        return {}
    return {
        "lost_grants": "what is granted on routines (GRANT EXECUTE ON PROCEDURE …) goes with those that are not as the "
        "snapshot has them; grant it again after the restore"
    }


def _size_bytes(connection: Session) -> int:
    return int(
        connection.value(
            "SELECT COALESCE(SUM(data_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
    )


def _refuse_misfit(connection: Session, facts: Mapping[str, Any]) -> None:
    _refuse_another_engine(connection, facts)
    _refuse_large_statements(connection, facts)


def _refuse_another_engine(connection: Session, facts: Mapping[str, Any]) -> None:
    database, engine = connection.database, facts.get("engine")
    here = _ENGINES[connection.is_mariadb]
    if engine == "dumpdata":
        raise database.error(
            f"The dump was made by dumpdata. Set SNAPSHOTS['DATABASE_CONNECTORS']['{database.alias}'] = 'dumpdata' "
            "for this restore. Nothing was changed."
        )
    if engine != here:
        raise database.error(
            f"The dump is of engine {engine!r}, {database} is {here}: it cannot be loaded there. "
            f"{ways_out(database.alias)}"
        )


def _refuse_large_statements(connection: Session, facts: Mapping[str, Any]) -> None:
    needed, allowed = facts.get("longest_statement_bytes"), connection.value("SELECT @@max_allowed_packet")
    if isinstance(needed, int) and needed > int(allowed):
        raise connection.database.error(
            f"The dump has a statement of {needed} bytes, and the server of {connection.database} takes {allowed}. "
            f"As an administrator: SET GLOBAL max_allowed_packet = {min(-(-needed // 2**20) * 2**21, 2**30)}. "
            "Nothing was changed."
        )
