"""What a role may not see is missing from a dump without a word: the rights to see everything are asked for first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import Error

from django_snapshots.connectors._mysql_objects import libraries
from django_snapshots.connectors._mysql_server import MAY_NOT_ALTER, NEEDS_A_RIGHT, code_of, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_snapshots.connectors._mysql_server import Session

__all__ = ["refuse_missing_rights", "refuse_protected_routines", "system_user_advice"]

_NEEDED = {
    "SELECT": "tables and their rows",
    "SHOW VIEW": "the text of views",
    "TRIGGER": "triggers",
    "EVENT": "events",
    "EXECUTE": "routines",
}
_GRANT = re.compile(
    r"^(?P<verb>GRANT|REVOKE) (?P<rights>.+?) ON (?:TABLE )?(?P<schema>\*|`(?:[^`]|``)*`)\.\* (?:TO|FROM) "
    r"(?P<grantee>.+?)(?: WITH .*)?$",
    re.IGNORECASE | re.DOTALL,
)
"""MySQL lists with REVOKE what partial_revokes takes from rights on all databases."""


def refuse_missing_rights(session: Session) -> None:
    """Raise when the role may not see all of the database.

    Raises:
        SnapshotConnectorError: Names the rights, and how to grant them.
    """
    database = session.database
    held, where = _rights(session, database.name)
    missing = [right for right in _NEEDED if right not in held]
    if not missing:
        return
    hidden = ", ".join(_NEEDED[right] for right in missing)
    raise database.error(
        f"The role {session.role} may not see all of {database}: {hidden} would be missing from the dump without a "
        f"word. As an administrator: GRANT {', '.join(missing)} ON {where}.* TO {session.account}; "
        f"or dump it by SNAPSHOTS['DATABASE_CONNECTORS']['{database.alias}'] = 'dumpdata'."
    )


def refuse_protected_routines(session: Session) -> None:
    """Raise where MySQL would not let the role replace a routine or library of another account.

    It needs ALTER ROUTINE, and SYSTEM_USER where that account has it, which shows only when something is altered or
    dropped. An ALTER that alters nothing sets the time of its last change.

    Raises:
        SnapshotConnectorError: Names the routines, and what to grant.
    """
    if session.is_mariadb:
        return
    found = session.rows(
        "SELECT routine_type, routine_name, definer FROM information_schema.routines"
        " WHERE routine_schema = DATABASE() AND definer <> CURRENT_USER() ORDER BY 1, 2"
    )
    role = session.role
    protected = [
        (f"{kind.lower()} {name}", definer)
        for kind, name, definer in found
        if _is_protected(session, f"{kind} {quoted(session.database.name, name)}")
    ]
    protected += [
        (f"library {name}", creator)
        for name, comment, creator in libraries(session, session.database.name)
        if creator != role
        and _is_protected(session, f"LIBRARY {_in_format(session.database.name, name)} COMMENT %s", [comment])
    ]
    if not protected:
        return
    names = ", ".join(name for name, _ in protected)
    definers = " and ".join(sorted({definer for _, definer in protected}))
    raise session.database.error(
        f"{names} in {session.database} cannot be replaced: made in the name of {definers}. "
        f"{system_user_advice(session)} Nothing was changed."
    )


def system_user_advice(session: Session) -> str:
    """Return what to do where MySQL refuses to drop something of an account with SYSTEM_USER."""
    return (
        f"What acts in the name of an account with SYSTEM_USER only such an account may drop, which {session.role} is "
        f"not. As an administrator: GRANT SYSTEM_USER ON *.* TO {session.account}, or drop it, and make it again as "
        "that role."
    )


def _is_protected(session: Session, altered: str, parameters: Sequence[str] | None = None) -> bool:
    try:
        session.run(f"ALTER {altered}", parameters)
    except Error as error:
        if code_of(error) == MAY_NOT_ALTER:
            database = session.database
            raise database.error(
                f"{database} cannot be replaced: {' '.join(str(error).split())}. As an administrator: "
                f"GRANT ALTER ROUTINE ON {quoted(database.name)}.* TO {session.account}. Nothing was changed."
            ) from error
        return code_of(error) == NEEDS_A_RIGHT
    return False


def _in_format(*names: str) -> str:
    return quoted(*names).replace("%", "%%")


def _rights(session: Session, schema: str) -> tuple[set[str], str]:
    """Return the rights on the whole of `schema` that the role holds, its active roles' among them.

    Returns:
        The rights, and the database, quoted, on which to grant the account more.
    """
    everywhere, taken, here = set[str](), set[str](), dict[str, dict[str, set[str]]]()
    # With it a pattern is the name of one database.
    literally = ("partial_revokes", "ON") in session.rows("SHOW VARIABLES LIKE 'partial_revokes'")
    for (line,) in session.rows(_show_grants(session)):
        if found := _GRANT.match(str(line)):
            rights, pattern = _listed(found["rights"]), found["schema"]
            if found["verb"].upper() == "REVOKE":
                taken |= rights if pattern == quoted(schema) else set()
            elif pattern == "*":
                everywhere |= rights
            elif pattern == quoted(schema) if literally else _covers(pattern, schema):
                here.setdefault(found["grantee"], {})[pattern] = rights
    counting = {grantee: _nearest(patterns) for grantee, patterns in here.items()}
    of_account = next((patterns for grantee, patterns in counting.items() if "@" in grantee), {})
    where = min(of_account, key=lambda pattern: len(of_account[pattern]), default=quoted(schema))
    held = (set.intersection(*patterns.values()) for patterns in counting.values())
    return (everywhere - taken).union(*held), where


def _listed(rights: str) -> set[str]:
    found = {right.strip().upper() for right in rights.split(",")}
    return set(_NEEDED) if "ALL PRIVILEGES" in found else found


def _nearest(patterns: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the grants of an account that count: beside one on `shop`, those on `sh%` give nothing.

    Of two that begin with as many characters the server takes any.
    """

    def literal_chars(pattern: str) -> int:
        wild = re.search(r"(?<!\\)[%_]", pattern)
        return wild.start() if wild else len(pattern)

    nearest = max(map(literal_chars, patterns))
    return {pattern: rights for pattern, rights in patterns.items() if literal_chars(pattern) == nearest}


def _show_grants(session: Session) -> str:
    # MariaDB adds the rights of the active role by itself, MySQL wants to be asked.
    roles = None if session.is_mariadb else session.value("SELECT CURRENT_ROLE()")
    return f"SHOW GRANTS FOR CURRENT_USER() USING {roles}" if roles and roles != "NONE" else "SHOW GRANTS"


def _covers(pattern: str, schema: str) -> bool:
    r"""Say whether a grant's database, where % and _ stand for any text and \ escapes them, is `schema`."""
    text = pattern[1:-1].replace("``", "`")
    pieces = re.findall(r"\\.|.", text, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(piece) or re.escape(piece[-1]) for piece in pieces)
    return re.fullmatch(expression, schema, re.DOTALL | re.IGNORECASE) is not None
