"""A database as an artifact: its connector's stream, with what the project's migrations say beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from django_snapshots.artifacts._target_state import database_content, database_facts, database_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    from pydantic import JsonValue

    from django_snapshots.artifacts._target_state import Content
    from django_snapshots.artifacts.contract import Staged
    from django_snapshots.connectors.contract import Connector, StageableConnector

__all__ = ["DatabaseArtifact"]


class DatabaseArtifact:
    """The database of one alias, dumped and restored by a connector."""

    kind = "database"

    def __new__(cls, alias: str, connector: Connector, **_options: object) -> DatabaseArtifact:  # noqa: ARG004, PYI034 - see below
        """Choose a class that has `stage`, which the engine looks for, when the connector has it."""
        can_stage = callable(getattr(connector, "stage", None))
        return object.__new__(_StageableDatabaseArtifact if can_stage else cls)

    def __init__(
        self,
        alias: str,
        connector: Connector,
        *,
        choose: Callable[[Mapping[str, Any]], Connector] | None = None,
        choose_saver: Callable[[Mapping[str, Any]], Connector] | None = None,
    ) -> None:
        """Store the arguments.

        Args:
            alias: A key of DATABASES.
            connector: What dumps it.
            choose: Returns what restores a dump with these facts; `connector` without it.
            choose_saver: Returns what saves the database before such a restore; `connector` without it.
        """
        self.alias = alias
        self.connector = connector
        self._choose = choose
        self._choose_saver = choose_saver
        self.suffix = connector.suffix

    def dump(self, sink: BinaryIO) -> dict[str, JsonValue]:
        """Write the connector's dump to `sink`; return its facts with `connector`, `migrations` and `notes`."""
        facts = dict(self.connector.dump(self.alias, sink))
        facts.setdefault("notes", [])
        # After the dump, because Django would make the file of a missing SQLite database to read from it.
        migrations: dict[str, JsonValue] = dict(_last_migrations(self.alias))
        return {**facts, "connector": self.connector_path, "migrations": migrations}

    def restore(self, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        """Replace the content of the database by the dump in `source`."""
        self._reader(facts).restore(self.alias, source, facts)

    @property
    def connector_path(self) -> str:
        """The dotted path of the connector's class, as the fact `connector` has it."""
        return _dotted_path(self.connector)

    @property
    def plain_on_disk(self) -> bool:
        """Say whether the connector dumps into files of the temporary directory."""
        return getattr(self.connector, "plain_on_disk", False) is True

    def verify(self, source: BinaryIO, facts: Mapping[str, Any]) -> list[str]:
        """Return what the connector finds wrong with the dump; [] where it has no `verify`."""
        verify: Callable[[str, BinaryIO, Mapping[str, Any]], list[str]] | None
        verify = getattr(self.connector, "verify", None)
        return [] if verify is None else list(verify(self.alias, source, facts))

    def drill(self, source: BinaryIO, facts: Mapping[str, Any]) -> dict[str, list[str]] | None:
        """Restore into a database of its own and return `problems` and `notes`; None where the connector cannot.

        Raises:
            SnapshotError: There can be no such database here.
        """
        from django_snapshots.artifacts._database_drill import drill_database  # noqa: PLC0415 - for drills alone

        return drill_database(self.connector, self.alias, source, facts)

    def size_hint(self) -> int | None:
        """Return the bytes that the dump will have, roughly; None where the connector does not know."""
        hint: Callable[[str], int | None] | None = getattr(self.connector, "size_hint", None)
        return None if hint is None else hint(self.alias)

    def obstacle(self) -> str | None:
        """Return why nothing can be put into the database; None where its connector knows of nothing."""
        obstacle: Callable[[str], str | None] | None = getattr(self.connector, "obstacle", None)
        return None if obstacle is None else obstacle(self.alias)

    def lock_key(self) -> str | None:
        """Return a text that is the same for every alias, here and elsewhere, of this database; None in memory."""
        return database_key(self.alias)

    def content(self) -> Content:
        """Return whether the database holds anything."""
        return database_content(self.alias, self.connector)

    def for_safety(self, facts: Mapping[str, Any]) -> DatabaseArtifact:
        """Return what saves all that a restore of a dump with these facts replaces, whatever backups leave out."""
        return DatabaseArtifact(self.alias, self._saver(facts))

    def plan(self, facts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Return what a restore would replace, in the connector's words where it has them, and `database_facts`.

        Raises:
            SnapshotConnectorError: The dump can never be restored here.
        """
        plan: Callable[[str, Mapping[str, Any]], Mapping[str, JsonValue]] | None
        plan = getattr(self._reader(facts), "plan", None)
        said = {} if plan is None else plan(self.alias, facts)
        return {"target": f"database {self.alias}", **said, **database_facts(self.alias, self._saver(facts), facts)}

    def _reader(self, facts: Mapping[str, Any]) -> Connector:
        return self.connector if self._choose is None else self._choose(facts)

    def _saver(self, facts: Mapping[str, Any]) -> Connector:
        saver = self.connector if self._choose_saver is None else self._choose_saver(facts)
        complete: Callable[[], Connector] | None = getattr(saver, "complete", None)
        return saver if complete is None else complete()


class _StageableDatabaseArtifact(DatabaseArtifact):
    connector: StageableConnector

    def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> Staged:
        """Make the dump ready beside the live database."""
        stage: Callable[[str, BinaryIO, Mapping[str, Any]], Staged] = self._reader(facts).stage  # type: ignore[attr-defined]
        return stage(self.alias, source, facts)


def _dotted_path(connector: Connector) -> str:
    cls = type(connector)
    return f"{cls.__module__}.{cls.__qualname__}"


def _last_migrations(alias: str) -> dict[str, str]:
    recorder = MigrationRecorder(connections[alias])
    if not recorder.has_table():
        return {}
    # In the order they were applied, so that the last of an app stands.
    return dict(recorder.migration_qs.order_by("id").values_list("app", "name"))
