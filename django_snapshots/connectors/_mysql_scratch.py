"""The two databases that a restore works in, beside the live one: for new tables, and for those they replace.

Both carry a table that says whose they are; databases of these names with anything else in them are never touched.
A named lock of the server, which ends with our connection, tells a restore at work from one that was killed.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django.db import Error

from django_snapshots.connectors._mysql_objects import drops, find_objects
from django_snapshots.connectors._mysql_server import Session, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django_snapshots.connectors._mysql_server import MySQLDatabase

__all__ = ["ARMED", "OWN_TABLES", "SWAPPED", "Scratch"]

_MARKER = "django_snapshots_scratch"
_MADE_BY_US = "The database is to be dropped after a restore."
ARMED = "django_snapshots_armed"
"""The steps of a replacement that is about to begin."""

SWAPPED = "django_snapshots_swapped"
"""The same table after the tables were replaced: it is renamed with them, in the same statement."""

OWN_TABLES = frozenset({_MARKER, ARMED, SWAPPED})


class Scratch:
    """The two databases, locked for one restore.

    Attributes:
        session: Holds the lock; its default database is the live one.
        database: The live database.
        new: Where the dump is loaded.
        old: Where the replaced tables go.
    """

    def __init__(self, session: Session) -> None:
        """Lock the names.

        Raises:
            SnapshotConnectorError: Another restore of the database is at work.
            django.db.Error: The server failed.
        """
        self.session = session
        self.database: MySQLDatabase = session.database
        self.new, self.old = self.database.scratch_names
        self._lock = f"django-snapshots:{self.new[-40:]}"
        if session.value("SELECT GET_LOCK(%s, 0)", [self._lock]) != 1:
            holder = session.value("SELECT IS_USED_LOCK(%s)", [self._lock])
            raise self.database.error(
                f"Another restore of {self.database} is at work (connection {holder} of the server). Wait for its end."
            )

    @classmethod
    def of(cls, session: Session) -> Scratch:
        """Return the databases without locking them, to look at."""
        scratch = cls.__new__(cls)
        scratch.session, scratch.database = session, session.database
        scratch.new, scratch.old = session.database.scratch_names
        return scratch

    @property
    def is_locked(self) -> bool:
        """Say whether the lock is still ours: not when the connection was lost and made again."""
        return bool(self.session.value("SELECT IS_USED_LOCK(%s) <=> CONNECTION_ID()", [self._lock]))

    def open(self) -> None:
        """Make both databases, empty. What a killed restore left in them is removed, but for steps still to be done.

        Raises:
            SnapshotConnectorError: The role may not make them, or they hold something that is not ours.
            django.db.Error: The server failed.
        """
        for name in (self.new, self.old):
            if not self._exists(name):
                self._create(name)
            elif not self._is_ours(name) and self._tables(name):
                raise self.database.error(
                    f"The database {name} is needed to restore {self.database}, and holds tables that are not ours. "
                    "Rename it and try again."
                )
            else:
                self._clear(name)
            self._mark(name)

    def remove(self) -> None:
        """Remove both databases, or what is in them where an administrator made them; never raises.

        Steps that are still to be done are left for the next restore.
        """
        with suppress(Error):
            pending = self.has(ARMED) or self.has(SWAPPED)
            for name in () if pending else (self.new, self.old):
                if self._exists(name) and self._is_ours(name):
                    if self._was_made_by_us(name):
                        self.session.run("SET foreign_key_checks = 0")
                        self.session.run(f"DROP DATABASE {quoted(name)}")
                    else:
                        self._clear(name)
                        # Last: whoever is killed before leaves what the next restore knows for ours.
                        self.session.run(f"DROP TABLE {quoted(name, _MARKER)}")
        self.session.close()

    @property
    def marker(self) -> str:
        """The table, quoted, that says whose the database of new tables is: a key named `nothing`, and no row."""
        return quoted(self.new, _MARKER)

    def has(self, table: str) -> bool:
        """Say whether `table` is in the database of new tables."""
        return table in self._tables(self.new)

    def loaded_tables(self) -> list[str]:
        """Return the tables of the dump."""
        return [name for name in self._tables(self.new) if name not in OWN_TABLES]

    def run_in(self, schema: str, statements: Iterable[str]) -> None:
        """Execute statements with `schema` as the default database."""
        with self.inside(schema):
            for statement in statements:
                self.session.run(statement)

    @contextmanager
    def inside(self, schema: str) -> Iterator[None]:
        """Make `schema` the default database for the time of a `with` block."""
        self.session.run(f"USE {quoted(schema)}")
        try:
            yield
        except BaseException:
            with suppress(Error):  # the connection may be what was lost
                self.session.run(f"USE {quoted(self.database.name)}")
            raise
        self.session.run(f"USE {quoted(self.database.name)}")

    def _exists(self, schema: str) -> bool:
        return bool(
            self.session.value("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %s", [schema])
        )

    def _tables(self, schema: str) -> tuple[str, ...]:
        return find_objects(self.session, schema).tables

    def _is_ours(self, schema: str) -> bool:
        return _MARKER in self._tables(schema)

    def _create(self, schema: str) -> None:
        try:
            self.session.run(f"CREATE DATABASE {quoted(schema)}")
        except Error as error:
            role, account = self.session.role, self.session.account
            raise self.database.error(
                f"A restore of {self.database} loads the dump into a database of its own first, and the role {role} "
                f"may not make one ({error}). Once, as an administrator: CREATE DATABASE {quoted(self.new)}; "
                f"CREATE DATABASE {quoted(self.old)}; GRANT ALL PRIVILEGES ON {quoted(self.new)}.* TO {account}; "
                f"GRANT ALL PRIVILEGES ON {quoted(self.old)}.* TO {account}. Nothing was changed."
            ) from error
        self._mark(schema, made_by_us=True)

    def _mark(self, schema: str, *, made_by_us: bool = False) -> None:
        if not self._is_ours(schema):
            comment = _MADE_BY_US if made_by_us else ""
            table = quoted(schema, _MARKER)
            # With a key, as sql_require_primary_key of MySQL takes no table without one.
            self.session.run(f"CREATE TABLE {table} (nothing TINYINT PRIMARY KEY) COMMENT = %s", [comment])

    def _was_made_by_us(self, schema: str) -> bool:
        return bool(
            self.session.rows(
                "SELECT 1 FROM information_schema.tables"
                " WHERE table_schema = %s AND table_name = %s AND table_comment = %s",
                [schema, _MARKER, _MADE_BY_US],
            )
        )

    def _clear(self, schema: str) -> None:
        found = find_objects(self.session, schema)
        self.run_in(schema, drops(found))
        kept = OWN_TABLES if schema == self.new else {_MARKER}
        tables = [table for table in found.tables if table not in kept]
        if tables:
            self.session.run("SET foreign_key_checks = 0")
            self.session.run(f"DROP TABLE IF EXISTS {', '.join(quoted(schema, table) for table in tables)}")
            self.session.run("SET foreign_key_checks = 1")
