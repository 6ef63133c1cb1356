"""What a dump says of its database beside its data: versions, encoding, and what must exist where it is restored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django_snapshots.connectors._postgres_session import Session

__all__ = ["FIRST_USER_OID", "OBJECTS", "OWN", "Needs", "read_needs", "server_major", "server_version"]

FIRST_USER_OID = 16384
"""Objects with smaller oids came with initdb (FirstNormalObjectId of access/transam.h)."""

_SOURCES = (
    ("pg_class", "relowner", "relnamespace", "o.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"),
    ("pg_proc", "proowner", "pronamespace", "true"),
    ("pg_type", "typowner", "typnamespace", "true"),
    ("pg_collation", "collowner", "collnamespace", "true"),
    ("pg_conversion", "conowner", "connamespace", "true"),
    ("pg_operator", "oprowner", "oprnamespace", "true"),
    ("pg_opclass", "opcowner", "opcnamespace", "true"),
    ("pg_opfamily", "opfowner", "opfnamespace", "true"),
    ("pg_ts_config", "cfgowner", "cfgnamespace", "true"),
    ("pg_ts_dict", "dictowner", "dictnamespace", "true"),
    ("pg_ts_parser", "NULL::oid", "prsnamespace", "true"),
    ("pg_ts_template", "NULL::oid", "tmplnamespace", "true"),
    ("pg_statistic_ext", "stxowner", "stxnamespace", "true"),
    ("pg_namespace", "nspowner", "0::oid", "o.nspname !~ '^pg_'"),
    ("pg_cast", "NULL::oid", "0::oid", "true"),
    ("pg_am", "NULL::oid", "0::oid", "true"),
    ("pg_language", "lanowner", "0::oid", "true"),
    ("pg_foreign_data_wrapper", "fdwowner", "0::oid", "true"),
    ("pg_foreign_server", "srvowner", "0::oid", "true"),
    ("pg_event_trigger", "evtowner", "0::oid", "true"),
    ("pg_publication", "pubowner", "0::oid", "true"),
)

OBJECTS = " UNION ALL ".join(
    f"SELECT '{catalog}'::regclass::oid AS classid, o.oid AS objid, {owner} AS owner, {schema} AS schema "  # noqa: S608
    f"FROM pg_catalog.{catalog} o WHERE o.oid >= {FIRST_USER_OID} AND {condition}"
    for catalog, owner, schema, condition in _SOURCES
)
"""Every object of its own that a database has; parts of others and members of extensions are to be taken out."""

OWN = """
    NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = o.classid AND d.objid = o.objid AND d.objsubid = 0 AND d.deptype IN ('i', 'e')
    )
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = o.schema AND n.nspname ~ '^pg_')
"""
"""Of `OBJECTS` as o: not made along with another object (a row type, an identity's sequence) nor by an extension."""

_OWNERS = f"""
SELECT DISTINCT r.rolname::text FROM ({OBJECTS}) o JOIN pg_catalog.pg_roles r ON r.oid = o.owner
WHERE {OWN} AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_extension e
    WHERE o.classid = 'pg_namespace'::regclass AND e.extnamespace = o.objid
)
UNION SELECT r.rolname FROM pg_catalog.pg_largeobject_metadata l JOIN pg_catalog.pg_roles r ON r.oid = l.lomowner
UNION SELECT r.rolname FROM pg_catalog.pg_default_acl a JOIN pg_catalog.pg_roles r ON r.oid = a.defaclrole
"""  # noqa: S608 - constants of this module
_NAMED = """
SELECT DISTINCT r.rolname::text FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid
WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
AND s.refclassid = 'pg_authid'::regclass AND s.deptype = %s
"""
_TABLESPACES = """
SELECT DISTINCT t.spcname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
WHERE c.oid >= 16384 AND t.spcname <> 'pg_global'
"""
_SETTINGS = """
SELECT DISTINCT r.rolname::text FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
"""


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to exist on a server before the dump fits there.

    Attributes:
        owners: Roles that own objects.
        grantees: Roles that were granted something.
        policy_roles: Roles that row-level policies name.
        extensions: Name and version of each extension.
        schemas: The schemas; a restore takes "public" away where it is not among them.
        tablespaces: Tablespaces of tables and indexes, beside the default one.
        has_settings: `ALTER DATABASE … SET` was used on it.
    """

    owners: tuple[str, ...] = ()
    grantees: tuple[str, ...] = ()
    policy_roles: tuple[str, ...] = ()
    extensions: tuple[tuple[str, str], ...] = ()
    schemas: tuple[str, ...] = ()
    tablespaces: tuple[str, ...] = ()
    has_settings: bool = False

    def facts(self) -> dict[str, Any]:
        """Return it as JSON values, for the manifest."""
        return {
            "owners": list(self.owners),
            "grantees": list(self.grantees),
            "policy_roles": list(self.policy_roles),
            "extensions": dict(self.extensions),
            "schemas": list(self.schemas),
            "tablespaces": list(self.tablespaces),
            "has_database_settings": self.has_settings,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Needs:
        """Return what the facts of a dump say; nothing where they do not."""
        return cls(
            owners=_texts(facts.get("owners")),
            grantees=_texts(facts.get("grantees")),
            policy_roles=_texts(facts.get("policy_roles")),
            extensions=tuple((str(name), str(version)) for name, version in (facts.get("extensions") or {}).items()),
            schemas=_texts(facts.get("schemas")),
            tablespaces=_texts(facts.get("tablespaces")),
            has_settings=bool(facts.get("has_database_settings")),
        )


def _texts(value: Iterable[object] | None) -> tuple[str, ...]:
    return tuple(map(str, value or ()))


def read_needs(session: Session) -> Needs:
    """Return what a dump of this database needs."""

    def names(query: str, *parameters: object) -> tuple[str, ...]:
        return tuple(sorted(row[0] for row in session.rows(query, parameters or None)))

    return Needs(
        owners=names(_OWNERS),
        grantees=names(_NAMED, "a"),
        policy_roles=names(_NAMED, "r"),
        extensions=tuple(session.rows("SELECT extname::text, extversion FROM pg_catalog.pg_extension ORDER BY 1")),
        schemas=names(
            "SELECT nspname::text FROM pg_catalog.pg_namespace "
            "WHERE nspname !~ '^(pg_|django_snapshots_replaced_)' AND nspname <> 'information_schema'"
        ),
        tablespaces=names(_TABLESPACES),
        has_settings=bool(session.rows(_SETTINGS)),
    )


def server_version(session: Session) -> str:
    """Return the server's version, such as "15.20"."""
    return str(session.value("SHOW server_version")).split()[0]


def server_major(session: Session) -> int:
    """Return the server's major version."""
    return int(session.value("SHOW server_version_num")) // 10000
