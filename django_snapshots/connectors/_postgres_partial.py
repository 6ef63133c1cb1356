"""Dumps of a part of a database: which tables are left out, and that the rest can be restored without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_snapshots.connectors._postgres_facts import FIRST_USER_OID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django_snapshots.connectors._postgres_session import Session

__all__ = ["find_left_out", "partial_options", "refuse_loss"]

_SHOWN_MAX = 5

_TABLES = f"""
SELECT c.oid, n.nspname::text, n.nspname || '.' || c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid >= {FIRST_USER_OID} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_'
AND n.nspname <> 'information_schema' AND n.nspname !~ '^django_snapshots_replaced_' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
) ORDER BY 2, 3
"""  # noqa: S608 - a constant of another module

_NEEDED = """
WITH gone AS (
    SELECT unnest(%s::oid[]) AS oid
), gone_with AS (
    SELECT oid FROM gone UNION SELECT d.objid FROM pg_catalog.pg_depend d JOIN gone ON gone.oid = d.refobjid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
)
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid),
    pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)
FROM pg_catalog.pg_depend d JOIN gone_with ON gone_with.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
LEFT JOIN pg_catalog.pg_constraint con ON d.classid = 'pg_constraint'::regclass AND con.oid = d.objid
LEFT JOIN pg_catalog.pg_rewrite rule ON d.classid = 'pg_rewrite'::regclass AND rule.oid = d.objid
LEFT JOIN pg_catalog.pg_attrdef def ON d.classid = 'pg_attrdef'::regclass AND def.oid = d.objid
LEFT JOIN pg_catalog.pg_policy pol ON d.classid = 'pg_policy'::regclass AND pol.oid = d.objid
LEFT JOIN pg_catalog.pg_class rel ON d.classid = 'pg_class'::regclass AND rel.oid = d.objid AND rel.relkind <> 'i'
WHERE coalesce(con.conrelid, rule.ev_class, def.adrelid, pol.polrelid, rel.oid) NOT IN (SELECT oid FROM gone_with)
ORDER BY 1
"""


def partial_options(schemas: Sequence[str], exclude_tables: Sequence[str]) -> list[str]:
    """Return the options of pg_dump, whose patterns are quoted: names mean themselves."""
    tables = (name.partition(".") for name in exclude_tables)
    return [
        *(f"--schema={_pattern(schema)}" for schema in schemas),
        *(f"--exclude-table={_pattern(schema)}.{_pattern(table)}" for schema, _, table in tables),
    ]


def _pattern(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def find_left_out(session: Session, schemas: Sequence[str], exclude_tables: Sequence[str]) -> list[str]:
    """Return the tables and views that such a dump leaves out, "schema.name".

    Args:
        session: To the database.
        schemas: The only schemas that are dumped; none for all.
        exclude_tables: Tables that are not, "schema.name".

    Raises:
        SnapshotConnectorError: There is no such schema or table, or what is dumped needs what is not.
    """
    if not schemas and not exclude_tables:
        return []
    tables = session.rows(_TABLES)
    _refuse_unknown(session, "schema", schemas, {schema for (schema,) in session.rows(_ALL_SCHEMAS)})
    _refuse_unknown(session, "table", exclude_tables, {name for _, _, name in tables})
    gone = [row for row in tables if (schemas and row[1] not in schemas) or row[2] in exclude_tables]
    needed = session.rows(_NEEDED, [[oid for oid, *_ in gone]])
    if needed:
        shown = "; ".join(f"{what} needs {target}" for what, target in needed[:_SHOWN_MAX])
        raise session.error(
            f"Database '{session.alias}' could not be dumped in part: {shown}. The dump could not be restored. "
            "Leave that out too, or take the rows out only, by OPTIONS['exclude_table_data']."
        )
    return [name for _, _, name in gone]


_ALL_SCHEMAS = "SELECT nspname::text FROM pg_catalog.pg_namespace"


def _refuse_unknown(session: Session, kind: str, wanted: Sequence[str], known: set[str]) -> None:
    unknown = [name for name in wanted if name not in known]
    if unknown:
        option = "schemas" if kind == "schema" else "exclude_tables"
        raise session.error(
            f"Database '{session.alias}' has no {kind} '{unknown[0]}', which OPTIONS['{option}'] names"
            f"{'' if kind == 'schema' else ' (a table is named with its schema, such as public.shop_order)'}. "
            "Correct the name, or take it out."
        )


def refuse_loss(session: Session, facts: Mapping[str, Any]) -> None:
    """Raise when the target has tables that the dump was told to leave out: a restore would take them away.

    Raises:
        SnapshotConnectorError: It has.
    """
    left_out = set(facts.get("left_out") or ())
    if not left_out:
        return
    here = [name for _, _, name in session.rows(_TABLES) if name in left_out]
    if here:
        more = f" and {len(here) - _SHOWN_MAX} more" if len(here) > _SHOWN_MAX else ""
        raise session.error(
            f"The snapshot was made without {', '.join(here[:_SHOWN_MAX])}{more}, and database '{session.alias}' has "
            "them: they would be lost, for a restore makes the database exactly the snapshot's. Nothing was changed. "
            "Restore into another database, or take out what you need by hand (pg_restore --table), or drop them first."
        )
