"""A database of one test, and how two states of it are compared."""

from __future__ import annotations

import hashlib
import io
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django_snapshots.connectors import MySQLConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.mysql import DatabaseServer

__all__ = ["House"]


@dataclass(frozen=True)
class House:
    """The database.

    Attributes:
        server: Where it is.
        alias: Its alias in DATABASES.
        name: Its name, and that of its role.
    """

    server: DatabaseServer
    alias: str
    name: str

    @property
    def scratch_names(self) -> tuple[str, str]:
        return f"{self.name}_snapshot_new", f"{self.name}_snapshot_old"

    def sql(self, script: str) -> str:
        """Run a script as the server's root, in the database."""
        return self.server.sql(script, self.name)

    def as_role(self, script: str) -> str:
        """Run a script as the database's own role."""
        from django.db import connections

        with connections[self.alias].cursor() as cursor:
            cursor.execute(script)
            return str(cursor.fetchall()) if cursor.description else ""

    def dump(self) -> tuple[bytes, dict[str, Any]]:
        sink = io.BytesIO()
        facts = MySQLConnector().dump(self.alias, sink)
        return sink.getvalue(), facts

    def restore(self, content: bytes, facts: Mapping[str, Any]) -> None:
        MySQLConnector().restore(self.alias, io.BytesIO(content), facts)

    def may_handle_roots(self) -> None:
        """Let the role read and replace the routines and events that root made."""
        self.server.sql(f"GRANT {self.server.rights_on_roots} TO `{self.name}`@`localhost`")

    def state(self) -> tuple[list[str], str, str]:
        """Return everything that a restore must bring back: the schema's lines, a digest of all rows, the charset.

        As the engine's own tool tells it, a row a line; tables without a key have no order of their own.
        """
        done = subprocess.run(
            [self.server.program(self.server.dumper), *self.server.connect,
             "--routines", "--events", "--triggers", "--hex-blob", "--order-by-primary", "--skip-extended-insert",
             "--skip-dump-date", "--skip-comments", "--default-character-set=utf8mb4", self.name],
            capture_output=True,
            check=True,
        )  # fmt: skip
        lines = done.stdout.split(b"\n")
        rows = sorted(line for line in lines if line.startswith(b"INSERT INTO"))
        schema = [line.decode("utf-8", "surrogateescape") for line in lines if not line.startswith(b"INSERT INTO")]
        charset = self.sql("SELECT @@character_set_database, @@collation_database")
        return schema, f"{len(rows)} rows, {hashlib.sha256(b' '.join(rows)).hexdigest()}", charset

    def scratch(self) -> str:
        """Return the scratch databases that exist."""
        return self.server.sql(f"SHOW DATABASES LIKE '{self.name}\\_%'")

    def left_over(self) -> str:
        """Return the tables in the scratch databases."""
        new, old = self.scratch_names
        return self.server.sql(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema IN ('{new}', '{old}')"
        )
