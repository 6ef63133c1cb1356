"""Which plugin parses an artifact of a snapshot: the project's own, else one of ours that made such dumps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

from django_snapshots.artifacts import DatabaseArtifact, DirectoryArtifact, EnvironmentArtifact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.manifest import ArtifactRecord

__all__ = ["verifier_of"]

_CONNECTORS = frozenset(
    f"django_snapshots.connectors.{name}Connector"
    for name in ("dumpdata.DumpData", "mysql.MySQL", "postgres.Postgres", "sqlite.SQLite")
)
"""Ours, as a manifest names them; one is imported when it is needed."""


def verifier_of(record: ArtifactRecord, artifacts: Mapping[str, Artifact]) -> Artifact | None:
    """Return what can parse the artifact, which may have been made by other settings than today's; None for nothing.

    Args:
        record: The artifact's record in the manifest.
        artifacts: The artifacts of this project, by name.
    """
    own = artifacts.get(record.name)
    if record.kind != "database":
        ours: dict[str, Artifact] = {"directory": DirectoryArtifact("."), "environment": EnvironmentArtifact()}
        return own or ours.get(record.kind)
    connector = record.facts.get("connector")
    if isinstance(own, DatabaseArtifact) and own.connector_path == connector:
        return own
    if connector not in _CONNECTORS:
        return None
    return DatabaseArtifact(record.name.removeprefix("database/"), import_string(str(connector))())
