"""Is a copied file a whole SQLite database? Looks at structure, not at what an application means by its rows."""

from __future__ import annotations

import re
import sqlite3

__all__ = ["find_damage"]

_LINES_MAX = 1000
_SHOWN_MAX = 3
_MISSING_FUNCTION = re.compile(r"(?:unknown|no such) function: (\w+)")
_MISSING_COLLATION = re.compile(r"no such collation sequence: (\S+)")

_NO_DAMAGE = re.compile(r"^(ok$|\*\*\* in database )")

# NOT NULL, STRICT and affinity: a table may hold such rows since its declaration was changed. They are the data.
# CHECK constraints are not looked at: SQLite leaves them out of the schema of a database that is opened read-only.
_ABOUT_VALUES = re.compile(r"^\S+ value in ")
_ABOUT_ORDER = re.compile(r"^row not in PRIMARY KEY order for ")


def find_damage(connection: sqlite3.Connection, *, thorough: bool = False) -> list[str]:
    """Return the first lines of `PRAGMA quick_check` that speak of damage; [] for a sound database.

    Args:
        connection: Reads a private copy that nobody changes; gets functions in place of those that are missing.
        thorough: Ask `PRAGMA integrity_check`, which also holds each index against its table.

    Raises:
        sqlite3.DatabaseError: It is no database at all.
    """
    lines, dummies = _check(connection, "integrity_check" if thorough else "quick_check")
    ignored = [_NO_DAMAGE, _ABOUT_VALUES, *([_ABOUT_ORDER] if "collation" in dummies else [])]
    return [line for line in lines if not any(pattern.match(line) for pattern in ignored)][:_SHOWN_MAX]


def _check(connection: sqlite3.Connection, pragma: str) -> tuple[list[str], set[str]]:
    # SQLite will not check a table whose generated columns or indexes need a function or collation that it does
    # not know. Those of Django and of the project belong to their connections; what a dummy in their place returns
    # is seen in lines about values only.
    dummies: set[str] = set()
    known: set[str] = set()
    while True:
        try:
            return _check_lines(connection, pragma), dummies
        except sqlite3.OperationalError as error:
            missing = _MISSING_FUNCTION.search(str(error)) or _MISSING_COLLATION.search(str(error))
            if missing is None or missing[0] in known:
                raise
            known.add(missing[0])
            dummies.add(_add_dummy(connection, missing))


def _check_lines(connection: sqlite3.Connection, pragma: str) -> list[str]:
    # The check itself gives up on some damage, and Python's cursor then loses the lines before: with a lower limit
    # it ends in time to be read.
    failure: list[str] = []
    for limit in (_LINES_MAX, _SHOWN_MAX, 1):
        try:
            rows = connection.execute(f"PRAGMA {pragma}({limit})").fetchall()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            failure = [str(error)]
        else:
            return [line for (text,) in rows for line in str(text).splitlines()] + failure
    return failure


def _add_dummy(connection: sqlite3.Connection, missing: re.Match[str]) -> str:
    if missing.re is _MISSING_COLLATION:
        connection.create_collation(missing[1], lambda one, other: (one > other) - (one < other))
        return "collation"
    connection.create_function(missing[1], -1, lambda *_arguments: None, deterministic=True)
    return "function"
