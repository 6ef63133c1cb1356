"""The database that a restore replaces: what is there, and whether a dump fits. Only looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django_snapshots.connectors._postgres_facts import Needs, read_needs, server_major
from django_snapshots.connectors._postgres_objects import config_tables, kept_schemas, objects_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from django_snapshots.connectors._postgres_session import Session

__all__ = ["Target", "examine", "refuse_misfit"]


@dataclass(frozen=True, slots=True)
class Target:
    """What was found in the database that is to be replaced.

    Attributes:
        major: The server's major version.
        name: The database's name, quoted.
        extensions: The extensions it has; True for those that this role may drop and comment on.
        kept_schemas: Schemas that stay, "public" and those an extension is in, quoted.
        closed_tables: Tables of extensions that this role may not fill, qualified and quoted.
        known_settings: The names that SET knows on this server.
    """

    major: int
    name: str
    extensions: dict[str, bool]
    kept_schemas: frozenset[str]
    closed_tables: frozenset[str]
    known_settings: frozenset[str]


def examine(session: Session, needs: Needs) -> Target:
    """Look at the database, without locking or changing anything."""
    return Target(
        major=server_major(session),
        name=str(session.value("SELECT pg_catalog.quote_ident(pg_catalog.current_database())")),
        extensions=dict(
            session.rows(
                "SELECT extname::text, pg_catalog.pg_has_role(extowner, 'MEMBER') FROM pg_catalog.pg_extension"
            )
        ),
        kept_schemas=frozenset({"public", *kept_schemas(session, needs).values()}),
        closed_tables=frozenset(name for name, _, is_open in config_tables(session, needs) if not is_open),
        known_settings=frozenset(row[0] for row in session.rows("SELECT name FROM pg_catalog.pg_settings")),
    )


def refuse_misfit(session: Session, needs: Needs, *, owners: bool, grants: bool, settings: bool) -> None:
    """Raise when the dump can be told to fail here, before anything is touched.

    Args:
        session: To the target.
        needs: What the dump needs.
        owners: Objects will be given to their owners.
        grants: Roles will be granted what they had.
        settings: `ALTER DATABASE … SET` will be repeated.

    Raises:
        SnapshotConnectorError: A role, a tablespace, an extension or a right is missing; says which and what to do.
    """
    if session.value("SELECT pg_catalog.pg_is_in_recovery()"):
        raise session.error(f"The server of database '{session.alias}' is a standby: restore on its primary.")
    _refuse_missing_roles(session, needs, owners=owners, grants=grants)
    if owners:
        _refuse_foreign_owners(session, needs)
    _refuse_missing_tablespaces(session, needs)
    _refuse_missing_extensions(session, needs)
    _refuse_foreign_objects(session, needs)
    if settings and (needs.has_settings or read_needs(session).has_settings) and not _owns_database(session):
        raise session.error(
            "The snapshot or the database has settings made by ALTER DATABASE … SET, which only the owner of the "
            "database may change. Nothing was changed. Restore as the owner, or leave them as they are with "
            "OPTIONS {'database_settings': False} of the connector."
        )


def _refuse_missing_roles(session: Session, needs: Needs, *, owners: bool, grants: bool) -> None:
    wanted = {*needs.policy_roles, *(needs.owners if owners else ()), *(needs.grantees if grants else ())}
    present = {row[0] for row in session.rows("SELECT rolname::text FROM pg_catalog.pg_roles")}
    if missing := sorted(wanted - present):
        plural = "roles" if len(missing) > 1 else "role"
        raise session.error(
            f"The snapshot needs the {plural} {_quoted(missing)}, which the server of database '{session.alias}' does "
            f"not have. Nothing was changed. Create what is missing (CREATE ROLE {missing[0]};), or restore without "
            "owners and grants: OPTIONS {'owners': False, 'grants': False} of the connector."
        )


def _refuse_foreign_owners(session: Session, needs: Needs) -> None:
    query = (
        "SELECT rolname::text FROM pg_catalog.pg_roles "
        "WHERE rolname = ANY (%s) AND NOT pg_catalog.pg_has_role(oid, 'MEMBER') ORDER BY 1"
    )
    foreign = [row[0] for row in session.rows(query, [list(needs.owners)])]
    if foreign:
        role = session.value("SELECT current_user::text")
        raise session.error(
            f"The snapshot has objects of {_quoted(foreign)}, and role '{role}' may not give objects to them. Nothing "
            f"was changed. Make it a member (GRANT {foreign[0]} TO {role};), restore as a role that is, or restore "
            "everything as its own: OPTIONS {'owners': False} of the connector."
        )


def _refuse_missing_tablespaces(session: Session, needs: Needs) -> None:
    present = {row[0] for row in session.rows("SELECT spcname::text FROM pg_catalog.pg_tablespace")}
    if missing := sorted(set(needs.tablespaces) - present):
        raise session.error(
            f"The snapshot needs the tablespace {_quoted(missing)}, which the server does not have. Nothing was "
            "changed. Have an administrator create it."
        )


def _refuse_missing_extensions(session: Session, needs: Needs) -> None:
    query = (
        "SELECT name::text, pg_catalog.bool_or(not superuser OR trusted) "
        "FROM pg_catalog.pg_available_extension_versions GROUP BY name"
    )
    available = dict(session.rows(query))
    present = {row[0] for row in session.rows("SELECT extname::text FROM pg_catalog.pg_extension")}
    missing = sorted({name for name, _ in needs.extensions} - present)
    if unknown := [name for name in missing if name not in available]:
        raise session.error(
            f"The snapshot needs the extension {_quoted(unknown)}, which is not installed on the server. Nothing was "
            "changed. Install its package there (Debian: postgresql-contrib, or one named after it)."
        )
    may_all = session.value("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user")
    if not may_all and (refused := [name for name in missing if not available[name]]):
        raise session.error(
            f"The snapshot needs the extension {_quoted(refused)}, which only a superuser may create. Nothing was "
            f'changed. Have an administrator run CREATE EXTENSION "{refused[0]}"; in this database.'
        )


def _refuse_foreign_objects(session: Session, needs: Needs) -> None:
    foreign = [(kind, name, owner) for kind, name, owner, mine in objects_of(session, needs) if not mine]
    if foreign:
        role = session.value("SELECT current_user::text")
        named = ", ".join(f"{kind} {name} (owner {owner})" for kind, name, owner in foreign[:3])
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""  # noqa: PLR2004 - as many as are named
        raise session.error(
            f"Database '{session.alias}' has objects that role '{role}' may not replace: {named}{more}. Nothing was "
            "changed. Restore as their owner, or as a role that is a member of it."
        )


def _owns_database(session: Session) -> bool:
    query = (
        "SELECT pg_catalog.pg_has_role(datdba, 'MEMBER') FROM pg_catalog.pg_database "
        "WHERE datname = pg_catalog.current_database()"
    )
    return bool(session.value(query))


def _quoted(names: Collection[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
