"""In whose name views, routines, triggers and events act, and for whom a role may make them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import Error

from django_snapshots.connectors._mysql_server import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django_snapshots.connectors._mysql_scratch import Scratch

__all__ = ["definer_of", "fit_definers", "with_definer"]

_ACCOUNT = r'(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")'
_DEFINER = re.compile(
    r"^(CREATE (?:OR REPLACE )?(?:AGGREGATE )?(?:ALGORITHM\s*=\s*\w+ )?DEFINER\s*=\s*)"
    rf"({_ACCOUNT}(?:@{_ACCOUNT})?)",
    re.IGNORECASE,
)

_PROBE = "django_snapshots_probe"


def definer_of(statement: str) -> str | None:
    """Return the account in whose name the object acts, quoted; None where the statement names none."""
    found = _DEFINER.match(statement)
    return found[2] if found else None


def with_definer(statement: str, definer: str) -> str:
    """Return the statement with another account."""
    return _DEFINER.sub(lambda found: found[1] + definer, statement, count=1)


def fit_definers(scratch: Scratch, statements: Iterable[str]) -> list[str]:
    """Return the statements with the restoring role in the place of accounts it may not act for."""
    statements = list(statements)
    refused = {
        definer
        for definer in {definer_of(statement) for statement in statements} - {None}
        if definer is not None and not _may_name(scratch, definer)
    }
    return [with_definer(text, "CURRENT_USER") if definer_of(text) in refused else text for text in statements]


def _may_name(scratch: Scratch, definer: str) -> bool:
    probe = quoted(scratch.new, _PROBE)
    try:
        scratch.session.run(f"CREATE DEFINER = {definer} VIEW {probe} AS SELECT 1 AS `1`")
    except Error:
        return False
    scratch.session.run(f"DROP VIEW {probe}")
    return True
