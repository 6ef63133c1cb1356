"""What is in a database beside what a new one has, by the names that DROP understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.connectors._postgres_aside import ASIDE
from django_snapshots.connectors._postgres_facts import FIRST_USER_OID, OBJECTS, OWN, Needs, read_needs

if TYPE_CHECKING:
    from django_snapshots.connectors._postgres_session import Session

__all__ = ["KINDS", "ONE_BY_ONE", "config_tables", "holds_anything", "kept_schemas", "objects_of"]

KINDS = {
    "event trigger": "EVENT TRIGGER",
    "publication": "PUBLICATION",
    "view": "VIEW",
    "materialized view": "MATERIALIZED VIEW",
    "table": "TABLE",
    "foreign table": "FOREIGN TABLE",
    "sequence": "SEQUENCE",
    "cast": "CAST",
    "access method": "ACCESS METHOD",
    "operator class": "OPERATOR CLASS",
    "operator family": "OPERATOR FAMILY",
    "operator": "OPERATOR",
    "function": "ROUTINE",
    "procedure": "ROUTINE",
    "aggregate": "ROUTINE",
    "text search configuration": "TEXT SEARCH CONFIGURATION",
    "text search dictionary": "TEXT SEARCH DICTIONARY",
    "text search parser": "TEXT SEARCH PARSER",
    "text search template": "TEXT SEARCH TEMPLATE",
    "statistics object": "STATISTICS",
    "collation": "COLLATION",
    "conversion": "CONVERSION",
    "type": "TYPE",
    "server": "SERVER",
    "foreign-data wrapper": "FOREIGN DATA WRAPPER",
    "language": "LANGUAGE",
    "schema": "SCHEMA",
}
"""What pg_identify_object calls a kind, and what DROP calls it, in the order of dropping."""

ONE_BY_ONE = frozenset({"cast", "access method", "operator class", "operator family", "event trigger"})
"""Kinds that DROP takes one of."""

_MINE = f"""
SELECT i.type, i.identity, pg_catalog.pg_get_userbyid(o.owner)::text,
    coalesce(pg_catalog.pg_has_role(o.owner, 'MEMBER'), true)
    OR coalesce(pg_catalog.pg_has_role(n.nspowner, 'MEMBER'), false)
FROM ({OBJECTS}) o
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.schema
CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.classid, o.objid, 0) i
WHERE {OWN} AND i.identity IS NOT NULL
AND (o.schema = 0 OR n.oid < {FIRST_USER_OID} OR n.nspname = 'public' OR n.nspname = ANY (%s))
AND NOT (o.classid = 'pg_namespace'::regclass
    AND (i.name = 'public' OR i.identity = ANY (%s) OR pg_catalog.starts_with(i.name, '{ASIDE}')))
"""  # noqa: S608 - constants of this module
_KEPT_SCHEMAS = f"""
SELECT n.nspname::text, pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_namespace n
WHERE n.oid >= {FIRST_USER_OID} AND EXISTS (
    SELECT FROM pg_catalog.pg_extension e WHERE e.extnamespace = n.oid AND e.extname = ANY (%s)
)
"""  # noqa: S608 - constants of this module
_CONFIG_TABLES = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname), coalesce(x.condition, ''),
    pg_catalog.has_table_privilege(c.oid, 'INSERT') AND pg_catalog.has_table_privilege(c.oid, 'DELETE')
FROM pg_catalog.pg_extension e
CROSS JOIN LATERAL ROWS FROM (
    pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)
) AS x(oid, condition)
JOIN pg_catalog.pg_class c ON c.oid = x.oid AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE e.extname = ANY (%s)
"""

_BESIDE_OBJECTS = f"""
SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata) OR EXISTS (SELECT FROM pg_catalog.pg_default_acl)
OR EXISTS (
    SELECT FROM pg_catalog.pg_extension
    WHERE oid >= {FIRST_USER_OID} AND pg_catalog.pg_has_role(extowner, 'MEMBER')
)
"""  # noqa: S608 - a constant of another module


def holds_anything(session: Session, *, settings: bool) -> bool:
    """Say whether there is anything that a restore could take away, in whichever schema.

    Args:
        session: To the database.
        settings: A restore undoes `ALTER DATABASE … SET` too.
    """
    needs = read_needs(session)
    return bool(
        objects_of(session, Needs())
        or session.value(_BESIDE_OBJECTS)
        or any(is_open for _, _, is_open in config_tables(session, needs))
        or (settings and needs.has_settings)
    )


def objects_of(session: Session, needs: Needs) -> list[tuple[str, str, str | None, bool]]:
    """Return kind, identity, owner of what has to be dropped by name, and whether this role may.

    What lies in a schema that is dropped as a whole is not among it.
    """
    kept = kept_schemas(session, needs)
    found = session.rows(_MINE, [list(kept), list(kept.values())])
    return [(kind, identity, owner, mine) for kind, identity, owner, mine in found if kind in KINDS]


def kept_schemas(session: Session, needs: Needs) -> dict[str, str]:
    """Return the schemas, by their names plain and quoted, that stay because an extension of the dump is in them."""
    return dict(session.rows(_KEPT_SCHEMAS, [_names(needs)]))


def config_tables(session: Session, needs: Needs) -> list[tuple[str, str, bool]]:
    """Return the tables of the dump's extensions whose rows are dumped: qualified name, condition, may be filled."""
    return [(name, condition, is_open) for name, condition, is_open in session.rows(_CONFIG_TABLES, [_names(needs)])]


def _names(needs: Needs) -> list[str]:
    return [name for name, _ in needs.extensions]
