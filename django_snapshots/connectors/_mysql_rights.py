"""What a role may not see is missing from a dump without a word: the rights to see everything are asked for first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django_snapshots.connectors._mysql_server import quoted

if TYPE_CHECKING:
    from django_snapshots.connectors._mysql_server import Session

__all__ = ["refuse_missing_rights"]

_NEEDED = {
    "SELECT": "tables and their rows",
    "SHOW VIEW": "the text of views",
    "TRIGGER": "triggers",
    "EVENT": "events",
    "EXECUTE": "routines",
}
_GRANT = re.compile(r"^GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<schema>\*|`(?:[^`]|``)*`)\.\* TO ", re.IGNORECASE)


def refuse_missing_rights(session: Session) -> None:
    """Raise when the role may not see all of the database.

    Raises:
        SnapshotConnectorError: Names the rights, and how to grant them.
    """
    database = session.database
    held = _rights(session, database.name)
    missing = [right for right in _NEEDED if right not in held and "ALL PRIVILEGES" not in held]
    if not missing:
        return
    role = str(session.value("SELECT CURRENT_USER()"))
    user, _, host = role.rpartition("@")
    account = f"{quoted(user)}@{quoted(host)}"
    hidden = ", ".join(_NEEDED[right] for right in missing)
    raise database.error(
        f"The role {role} may not see all of {database}: {hidden} would be missing from the dump without a word. "
        f"As an administrator: GRANT {', '.join(missing)} ON {quoted(database.name)}.* TO {account}; "
        f"or dump it by SNAPSHOTS['DATABASE_CONNECTORS']['{database.alias}'] = 'dumpdata'."
    )


def _rights(session: Session, schema: str) -> set[str]:
    """Return the rights on the whole of `schema` that the role holds, its active roles' among them."""
    held: set[str] = set()
    for (line,) in session.rows(_show_grants(session)):
        found = _GRANT.match(str(line))
        if found and (found["schema"] == "*" or _covers(found["schema"], schema)):
            held |= {right.strip().upper() for right in found["rights"].split(",")}
    return held


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
