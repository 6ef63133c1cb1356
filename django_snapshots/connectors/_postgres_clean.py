"""Empties the database that a restore replaces, inside the transaction.

Nothing is dropped that the dump cannot bring back: extensions of the snapshot stay, with the schemas they are in, and
so do the database itself, its grants and its subscriptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.connectors._postgres_aside import is_worth_it, set_aside
from django_snapshots.connectors._postgres_facts import FIRST_USER_OID
from django_snapshots.connectors._postgres_objects import KINDS, ONE_BY_ONE, config_tables, objects_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.connectors._postgres_facts import Needs
    from django_snapshots.connectors._postgres_session import Session
    from django_snapshots.connectors._postgres_target import Target

__all__ = ["empty", "lock_tables"]

_BATCH = 100
"""Objects named in one statement."""

_TABLES = f"""
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid >= {FIRST_USER_OID} AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_'
AND pg_catalog.pg_has_role(c.relowner, 'MEMBER') ORDER BY c.oid
"""  # noqa: S608 - a constant of another module


def lock_tables(session: Session) -> None:
    """Take every table of the database for ourselves, so that what follows never waits.

    Raises:
        SnapshotConnectorError: Another connection holds one; its cause has one of `LOCK_STATES`.
    """
    for batch in _batches([row[0] for row in session.rows(_TABLES)]):
        session.execute(f"LOCK TABLE ONLY {', ONLY '.join(batch)} IN ACCESS EXCLUSIVE MODE")


def empty(session: Session, needs: Needs, target: Target, *, settings: bool) -> None:
    """Drop everything that the dump does not keep, inside the open transaction.

    Args:
        session: To the target, in a transaction.
        needs: What the dump needs.
        target: What was found there.
        settings: Undo `ALTER DATABASE … SET` as well.
    """
    wanted = {name for name, _ in needs.extensions}
    for name, may_drop in target.extensions.items():
        if name not in wanted and may_drop:
            session.execute(f"DROP EXTENSION IF EXISTS {_quote_ident(name)} CASCADE")
    if is_worth_it(session):
        set_aside(session, target)
    objects = objects_of(session, needs)
    for kind, word in KINDS.items():
        names = sorted(identity for found, identity, _, _ in objects if found == kind)
        for batch in _batches(names, 1 if kind in ONE_BY_ONE else _BATCH):
            session.execute(f"DROP {word} IF EXISTS {', '.join(batch)} CASCADE")
    session.rows("SELECT pg_catalog.count(pg_catalog.lo_unlink(oid)) FROM pg_catalog.pg_largeobject_metadata")
    for table, condition, is_open in config_tables(session, needs):
        if is_open:
            session.execute(f"DELETE FROM {table} {condition}")  # noqa: S608 - the extension's own words
    _reset_defaults(session)
    _reset_public(session, target)
    if settings:
        _reset_settings(session, target)


def _reset_defaults(session: Session) -> None:
    """Undo ALTER DEFAULT PRIVILEGES: take what was granted, give what PostgreSQL gives by itself."""
    words = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES", "n": "SCHEMAS", "L": "LARGE OBJECTS"}
    found = session.rows(
        "SELECT a.defaclobjtype::text, pg_catalog.quote_ident(r.rolname), pg_catalog.quote_ident(n.nspname), "
        "ARRAY(SELECT DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE "
        "pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END FROM pg_catalog.aclexplode(a.defaclacl) x) "
        "FROM pg_catalog.pg_default_acl a JOIN pg_catalog.pg_roles r ON r.oid = a.defaclrole "
        "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = a.defaclnamespace"
    )
    for kind, role, schema, grantees in found:
        scope = f"ALTER DEFAULT PRIVILEGES FOR ROLE {role}" + (f" IN SCHEMA {schema}" if schema else "")
        for grantee in grantees:
            session.execute(f"{scope} REVOKE ALL ON {words[kind]} FROM {grantee}")
        if not schema:
            session.execute(f"{scope} GRANT ALL ON {words[kind]} TO {role}")
            if kind in "fT":
                session.execute(f"{scope} GRANT {'EXECUTE' if kind == 'f' else 'USAGE'} ON {words[kind]} TO PUBLIC")


def _reset_public(session: Session, target: Target) -> None:
    """Put the schema "public" into the state of a new database, from which pg_dump writes the difference."""
    if not session.rows("SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public'"):
        session.execute("CREATE SCHEMA public")
    # PostgreSQL 15 gave it to the database's owner and took CREATE away from everyone.
    usual = "pg_database_owner" if target.major >= 15 else session.value("SELECT pg_catalog.pg_get_userbyid(10)::text")  # noqa: PLR2004
    owner, mine, may_give = session.rows(
        "SELECT pg_catalog.pg_get_userbyid(nspowner)::text, pg_catalog.pg_has_role(nspowner, 'MEMBER'), "
        "pg_catalog.pg_has_role(%s::name, 'MEMBER') FROM pg_catalog.pg_namespace WHERE nspname = 'public'",
        [usual],
    )[0]
    if not mine:
        return
    if owner != usual and may_give:
        session.execute(f"ALTER SCHEMA public OWNER TO {_quote_ident(usual)}")
        owner = usual
    grantees = session.rows(
        "SELECT DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC' "
        "ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END "
        "FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) x WHERE n.nspname = 'public'"
    )
    for (grantee,) in grantees:
        session.execute(f"REVOKE ALL ON SCHEMA public FROM {grantee} CASCADE")
    everyone = "USAGE" if target.major >= 15 else "ALL"  # noqa: PLR2004 - as above
    session.execute(f"GRANT ALL ON SCHEMA public TO {_quote_ident(owner)}; GRANT {everyone} ON SCHEMA public TO PUBLIC")
    session.execute("COMMENT ON SCHEMA public IS 'standard public schema'")


def _reset_settings(session: Session, target: Target) -> None:
    found = session.rows(
        "SELECT pg_catalog.quote_ident(r.rolname) FROM pg_catalog.pg_db_role_setting s "
        "LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = "
        "(SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    )
    for (role,) in found:
        if role is None:
            session.execute(f"ALTER DATABASE {target.name} RESET ALL")
        else:
            session.execute(f"ALTER ROLE {role} IN DATABASE {target.name} RESET ALL")


def _quote_ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _batches(names: list[str], size: int = _BATCH) -> Iterator[list[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))
