"""What to do about a dump of another engine, in words; the same for every connector."""

from __future__ import annotations

__all__ = ["ways_out"]


def ways_out(alias: str) -> str:
    """Return what gets the data of another engine into the database of `alias`, in sentences."""
    return (
        f"Nothing was changed. Point DATABASES['{alias}'] to a database of that engine; or, to change the engine, make "
        f"a snapshot there with SNAPSHOTS['DATABASE_CONNECTORS']['{alias}'] = 'dumpdata' "
        f"(SNAPSHOTS_DATABASE_CONNECTORS__{alias.upper()}=dumpdata), which can be restored into every engine."
    )
