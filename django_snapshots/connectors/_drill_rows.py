"""Do the rows of a restored database add up to those that were dumped? The same for every connector that counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["other_rows"]


def other_rows(found: Mapping[str, int], facts: Mapping[str, Any], *, noun: str = "") -> list[str]:
    """Return a sentence for each name that has other rows than the fact `rows` says.

    Args:
        found: Name -> rows, as they are now.
        facts: Those of the dump; nothing is compared where it counted nothing.
        noun: Stands before each name, such as "Table ".
    """
    recorded: Mapping[str, int] = facts.get("rows") or {}
    return [
        f"{noun}{name} has {found.get(name, 'no')} rows, the manifest says {count}."
        for name, count in recorded.items()
        if found.get(name) != count
    ]
