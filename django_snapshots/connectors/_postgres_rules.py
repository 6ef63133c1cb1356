"""Which statements of a dump are run on the target, and how: the transaction is ours, the database keeps its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_snapshots.connectors._postgres_target import Target

__all__ = ["Rules"]

_NAME = rb'(?:"(?:[^"]|"")+"|[^\s"]+)'
_TRANSACTION = frozenset({b"BEGIN;", b"COMMIT;"})
"""pg_dump puts them around large objects; the COMMIT would end our transaction half-way."""

_OF_THE_DATABASE = re.compile(
    rb"CREATE DATABASE |ALTER DATABASE |COMMENT ON DATABASE |SECURITY LABEL .*ON DATABASE "
    rb"|(?:GRANT|REVOKE) [A-Z, ]+ ON DATABASE ",
    re.DOTALL,
)
"""They name the database that was dumped, which may be another one than the target and still be in use."""

_DATABASE_SETTING = re.compile(
    rb"((?:ALTER DATABASE |ALTER ROLE " + _NAME + rb" IN DATABASE ))" + _NAME + rb"( SET .*)", re.DOTALL
)
_SET = re.compile(rb"SET ([a-z_.]+) (?:=|TO) ")
_KEPT_SETTINGS = frozenset({"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"})
_CREATE_SCHEMA = re.compile(rb"CREATE SCHEMA (" + _NAME + rb");\Z")
_COMMENT_ON_EXTENSION = re.compile(rb"COMMENT ON EXTENSION (" + _NAME + rb") IS ")
_OWNER = re.compile(rb"ALTER .* OWNER TO " + _NAME + rb";\Z", re.DOTALL)
_GRANT = re.compile(rb"GRANT |REVOKE |ALTER DEFAULT PRIVILEGES ")
_COPY_TABLE = re.compile(rb"COPY (" + _NAME + rb"|" + rb'"(?:[^"]|"")+"\.' + _NAME + rb") ")


@dataclass(frozen=True, slots=True)
class Rules:
    """How a dump is put into a target.

    Attributes:
        target: What is there.
        owners: Give objects to their owners.
        grants: Grant what was granted.
        settings: Repeat `ALTER DATABASE … SET`.
    """

    target: Target
    owners: bool = True
    grants: bool = True
    settings: bool = True

    def rewrite(self, statement: bytes) -> bytes | None:
        """Return the statement to run in place of this one; None to leave it out."""
        first = statement[:6]
        if first == b"SET de" or first[:4] == b"SET ":
            return statement if self._is_wanted_setting(statement) else None
        if found := _DATABASE_SETTING.fullmatch(statement):
            return found[1] + self.target.name.encode() + found[2] if self.settings else None
        if statement in _TRANSACTION or _OF_THE_DATABASE.match(statement):
            return None
        if (not self.owners and _OWNER.match(statement)) or (not self.grants and _GRANT.match(statement)):
            return None
        return None if self._is_there(statement) else statement

    def refuses_rows(self, copy: bytes) -> bool:
        """Say whether a COPY fills a table of an extension that this role may not fill."""
        found = _COPY_TABLE.match(copy)
        return found is not None and found[1].decode(errors="replace") in self.target.closed_tables

    def _is_wanted_setting(self, statement: bytes) -> bool:
        # A newer pg_dump sets what an older server does not know (transaction_timeout came with 17).
        found = _SET.match(statement)
        name = found[1].decode() if found else ""
        return not name or (name in self.target.known_settings and name not in _KEPT_SETTINGS)

    def _is_there(self, statement: bytes) -> bool:
        if found := _CREATE_SCHEMA.match(statement):
            return found[1].decode(errors="replace") in self.target.kept_schemas
        if found := _COMMENT_ON_EXTENSION.match(statement):
            name = found[1].decode(errors="replace").strip('"').replace('""', '"')
            return self.target.extensions.get(name) is False
        return False
