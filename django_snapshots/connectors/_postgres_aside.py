"""Sets many tables aside in one transaction and drops them in later ones.

Dropping a table takes a lock on each of its indexes, types, constraints and triggers, about 16 in all, and the lock
table of a server with default settings has room for some 7,000 (max_locks_per_transaction). Moving it to another
schema takes two. What is aside is no part of the database any more: no dump has it, and every run drops it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.connectors._postgres_facts import FIRST_USER_OID

if TYPE_CHECKING:
    from django_snapshots.connectors._postgres_session import Session
    from django_snapshots.connectors._postgres_target import Target

__all__ = ["ASIDE", "drop_aside", "is_worth_it", "set_aside"]

ASIDE = "django_snapshots_replaced_"
"""What the names of the schemas begin with."""

_TABLES_MAX = 100
"""So many tables are dropped at once without a thought."""

_DROPPED_AT_ONCE = 20

_TABLES = f"""
SELECT pg_catalog.quote_ident(n.nspname), pg_catalog.format('%%I.%%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid >= {FIRST_USER_OID} AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
) AND n.nspname LIKE %s ORDER BY c.oid
"""  # noqa: S608 - constants of this module
_SCHEMAS = f"""
SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_namespace n
WHERE n.oid >= {FIRST_USER_OID} AND n.nspname !~ '^pg_' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e'
) ORDER BY n.oid
"""  # noqa: S608 - constants of this module
_LEFT = """
SELECT nspname::text FROM pg_catalog.pg_namespace
WHERE pg_catalog.starts_with(nspname, %s) AND pg_catalog.pg_has_role(nspowner, 'MEMBER')
"""


def is_worth_it(session: Session) -> bool:
    """Say whether there are many tables, and this role may make the schemas they would go to."""
    may = "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')"
    return len(session.rows(_TABLES, ["%"])) > _TABLES_MAX and bool(session.value(may))


def set_aside(session: Session, target: Target) -> None:
    """Move every table out of the way, inside the open transaction: whole schemas where they do not stay."""
    number = 0
    for (schema,) in session.rows(_SCHEMAS):
        if schema not in target.kept_schemas:
            number += 1
            session.execute(f"ALTER SCHEMA {schema} RENAME TO {ASIDE}{number}")
    tables = [(schema, table) for schema, table in session.rows(_TABLES, ["%"]) if not schema.startswith(ASIDE)]
    for schema in sorted({schema for schema, _ in tables}):
        number += 1
        moves = [f"ALTER TABLE {table} SET SCHEMA {ASIDE}{number};" for found, table in tables if found == schema]
        session.execute(f"CREATE SCHEMA {ASIDE}{number}; {' '.join(moves)}")


def drop_aside(session: Session) -> None:
    """Drop what a restore has set aside, a few tables in each transaction.

    Raises:
        SnapshotConnectorError: A lock was not given, or the server is gone; the next run goes on with it.
    """
    for (schema,) in session.rows(_LEFT, [ASIDE]):
        tables = [table for _, table in session.rows(_TABLES, [schema.replace("_", "\\_")])]
        for start in range(0, len(tables), _DROPPED_AT_ONCE):
            session.execute(f"DROP TABLE IF EXISTS {', '.join(tables[start : start + _DROPPED_AT_ONCE])} CASCADE")
        session.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
