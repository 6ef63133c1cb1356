"""Dumps of a part of a database: which tables are left out, and that the rest can be restored without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_snapshots.connectors._postgres_aside import ASIDE
from django_snapshots.connectors._postgres_facts import FIRST_USER_OID, OBJECTS, OWN, Needs
from django_snapshots.connectors._postgres_objects import config_tables, kept_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django_snapshots.connectors._postgres_session import Session

__all__ = ["find_contents", "find_left_out", "partial_options", "refuse_loss"]

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

_ALL_OBJECTS = f"""
SELECT i.type || ' ' || i.identity, n.nspname::text, n.nspname || '.' || c.relname
FROM ({OBJECTS}) o
LEFT JOIN pg_catalog.pg_class c ON o.classid = 'pg_class'::regclass AND c.oid = o.objid
LEFT JOIN pg_catalog.pg_namespace n
    ON n.oid = CASE WHEN o.classid = 'pg_namespace'::regclass THEN o.objid ELSE o.schema END
CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.classid, o.objid, 0) i
WHERE {OWN} AND i.identity IS NOT NULL AND (i.type, i.identity) <> ('schema', 'public')
AND NOT pg_catalog.starts_with(coalesce(n.nspname, ''), '{ASIDE}') ORDER BY 1
"""  # noqa: S608 - constants of other modules
"""Each with its schema, which is itself for a schema, and the unquoted name of tables and the like."""

_EXTENSIONS = f"""
SELECT extname::text FROM pg_catalog.pg_extension
WHERE oid >= {FIRST_USER_OID} AND pg_catalog.pg_has_role(extowner, 'MEMBER') ORDER BY 1
"""  # noqa: S608 - a constant of another module
_DEFAULT_PRIVILEGES = """
SELECT DISTINCT pg_catalog.pg_get_userbyid(a.defaclrole)::text FROM pg_catalog.pg_default_acl a
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = a.defaclnamespace
WHERE n.nspname IS NULL OR n.nspname <> ALL (%s) ORDER BY 1
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


def find_contents(session: Session, schemas: Sequence[str], exclude_tables: Sequence[str]) -> list[str] | None:
    """Return the objects that such a dump holds, "kind name", where it holds a part; None for all of the database.

    Args:
        session: To the database.
        schemas: The only schemas that are dumped; none for all.
        exclude_tables: Tables that are not, "schema.name".
    """
    if not schemas and not exclude_tables:
        return None
    return [
        what
        for what, schema, name in session.rows(_ALL_OBJECTS)
        if (not schemas or schema in schemas) and name not in exclude_tables
    ]


def refuse_loss(session: Session, facts: Mapping[str, Any]) -> None:
    """Raise when the dump is of a part and the target has something else: a restore would take it away.

    Raises:
        SnapshotConnectorError: It has.
    """
    lost = _find_lost(session, facts)
    if lost:
        more = f" and {len(lost) - _SHOWN_MAX} more" if len(lost) > _SHOWN_MAX else ""
        raise session.error(
            f"The snapshot holds a part of a database, and database '{session.alias}' has what is not in it: "
            f"{', '.join(lost[:_SHOWN_MAX])}{more}. It would be lost, for a restore makes the database exactly the "
            "snapshot's. Nothing was changed. Restore into another, empty database, or take out what you need by hand "
            "(pg_restore --table), or remove what is named here first."
        )


def _find_lost(session: Session, facts: Mapping[str, Any]) -> list[str]:
    contents = facts.get("contents")
    if contents is None:  # all of a database, or made before contents were recorded
        left_out = set(facts.get("left_out") or ())
        return [f"table {name}" for _, _, name in session.rows(_TABLES) if name in left_out] if left_out else []
    needs = Needs.from_facts(facts)
    stays = {*contents, *(f"schema {quoted}" for quoted in kept_schemas(session, needs).values())}
    lost = [what for what, _, _ in session.rows(_ALL_OBJECTS) if what not in stays]
    wanted = {name for name, _ in needs.extensions}
    lost += [f"extension {name}" for (name,) in session.rows(_EXTENSIONS) if name not in wanted]
    return [*lost, *_lost_beside_schemas(session, needs, list(facts.get("only_schemas") or ()))]


def _lost_beside_schemas(session: Session, needs: Needs, schemas: list[str]) -> Iterator[str]:
    """Yield what belongs to no schema, or to another one, and is in no dump of these schemas only."""
    if not schemas:
        return
    large_objects = session.value("SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata")
    if large_objects:
        yield f"large objects ({large_objects})"
    yield from (f"default privileges of {role}" for (role,) in session.rows(_DEFAULT_PRIVILEGES, [schemas]))
    quoted = {name for (name,) in session.rows("SELECT pg_catalog.quote_ident(unnest(%s::text[]))", [schemas])}
    for table, condition, is_open in config_tables(session, needs):
        dumped = any(table.startswith(f"{name}.") for name in quoted)
        if is_open and not dumped and session.rows(f"SELECT FROM {table} {condition} LIMIT 1"):
            yield f"rows of table {table}"
