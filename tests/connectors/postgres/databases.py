"""A database of the test server: what is in it, told in a way that can be compared."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.servers.postgres import PostgresServer

__all__ = ["ALIAS", "Database", "dump", "restore"]

ALIAS = "live"

_DIGESTS = r"""
SELECT format('SELECT %L, count(*), md5(string_agg(md5(t::text), '''' ORDER BY md5(t::text)))
    FROM ONLY %I.%I t', n.nspname || '.' || c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relispopulated
AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1 \gexec
"""
_LARGE_OBJECTS = "SELECT oid, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY 1"
_SEQUENCES = r"""
SELECT format('SELECT %L, last_value, is_called FROM %I.%I', schemaname || '.' || sequencename,
    schemaname, sequencename)
FROM pg_sequences ORDER BY 1 \gexec
"""


@dataclass(frozen=True)
class Database:
    """A database and the role that its Django project connects as."""

    server: PostgresServer
    name: str
    role: str

    def settings(self, **options: Any) -> dict[str, Any]:
        return self.server.settings(self.name, self.role, **options)

    def sql(self, script: str, role: str | None = None) -> str:
        return self.server.sql(self.name, script, role or self.role)

    def schema(self) -> str:
        """Return the schema and the settings as pg_dump tells them, without the name of the database."""
        text = self.server.run("pg_dump", "--schema-only", "--create", self.name)
        text = re.sub(r"^\\.*\n+", "", text, flags=re.MULTILINE)
        return text.replace('"' + self.name.replace('"', '""') + '"', "DATABASE").replace(self.name, "DATABASE").strip()

    def digests(self) -> str:
        """Return a line for each table, sequence and large object, with a digest of what is in it."""
        return self.sql(_DIGESTS + _SEQUENCES + _LARGE_OBJECTS + ";", role="postgres")

    def state(self) -> tuple[str, str]:
        """Return everything that a restore has to bring back."""
        return self.schema(), self.digests()


def dump(connector: Any) -> tuple[bytes, dict[str, Any]]:
    """Dump the alias "live"."""
    sink = io.BytesIO()
    facts = connector.dump(ALIAS, sink)
    return sink.getvalue(), facts


def restore(connector: Any, dumped: tuple[bytes, dict[str, Any]]) -> None:
    """Restore the alias "live"."""
    connector.restore(ALIAS, io.BytesIO(dumped[0]), dumped[1])
