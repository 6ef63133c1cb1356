"""The connector contract: dumps and restores one kind of database. Structural; nothing to inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

__all__ = ["Connector", "StageableConnector", "StagedDatabase"]


class Connector(Protocol):
    """What moves a database out and in, as a stream.

    Attributes:
        suffix: The file name ending of the dump, without a dot, such as "sqlite3" or "pgdump".

    A class may also have `stage(alias, source, facts)`, `size_hint(alias)`, `obstacle(alias)`, `plan(alias, facts)`,
    `plain_on_disk` and `check()`:
    the same as of an artifact (`django_snapshots.artifacts.contract.Artifact`), with the alias first. So may it have
    `verify(alias, source, facts) -> list[str]`, which asks no server: the alias is for messages, and may be of a
    database that this project does not have any more. For drills it may have `scratch_database(alias)`, a context
    manager that gives the alias of a database on the same server, ready for `restore`, and drops it at the end,
    whatever happened, or None on an engine that has none; and `inspect(alias, facts) -> list[str]`, what the engine
    itself finds wrong with a restored one. And, for `manage.py check --database ALIAS`,
    `check_server(alias) -> list[Problem]`, which may ask the server.

    `holds_anything(alias) -> bool` says whether a restore could take anything away: what is empty gets no safety
    snapshot, and its name is not asked for. A SnapshotError means that it cannot be told, and counts as something.
    Without the method a database is empty when Django's introspection finds neither table nor view in it; that sees no
    objects of other kinds, and on PostgreSQL only schemas of the `search_path`.

    A connector that can be told to leave something out has `complete() -> Connector`, one that does the same and leaves
    nothing out: it saves the database before a restore, which replaces all of it.
    """

    suffix: str

    def dump(self, alias: str, sink: BinaryIO) -> Mapping[str, JsonValue]:
        """Write one consistent dump of the database `alias` to `sink` and return facts.

        Facts hold at least `engine`, `server_version` and `client_version` (None where there is no client program).
        """
        ...

    def restore(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        """Replace the content of the database `alias` by the dump."""


class StagedDatabase(Protocol):
    """A database made ready beside the live one; see `django_snapshots.artifacts.contract.Staged`."""

    def commit(self) -> None:
        """Replace the live content; afterwards it is wholly new, or as before and raises."""

    def discard(self) -> None:
        """Remove what was made ready; never raises."""


@runtime_checkable
class StageableConnector(Connector, Protocol):
    """A connector that can do all that may fail beside the live database."""

    def stage(self, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> StagedDatabase:
        """Decode and check the dump beside the live database, reading `source` to its end."""
        ...
