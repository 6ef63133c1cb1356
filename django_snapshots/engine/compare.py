"""Would a snapshot fit this code? Its packages and migrations against those here; nothing but the manifest is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django_snapshots.artifacts._target_state import migrations_difference
from django_snapshots.artifacts.environment import compare_requirements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import JsonValue

    from django_snapshots.manifest import Manifest

__all__ = ["Comparison", "compare_snapshot"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a snapshot and this code differ.

    Attributes:
        manifest: The snapshot's.
        packages: `missing` and `extra`, requirements that only the snapshot and only this environment has; `changed`,
            a list of {"name", "snapshot", "here"}.
        migrations: Alias -> `only_in_snapshot` and `only_in_code`, such as "shop.0002_price"; without the databases
            that have no migrations, and those of which the snapshot does not say.
    """

    manifest: Manifest
    packages: Mapping[str, JsonValue]
    migrations: Mapping[str, Mapping[str, JsonValue]]

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return any(self.packages.values()) or any(any(found.values()) for found in self.migrations.values())


def compare_snapshot(manifest: Manifest, installed: Iterable[str]) -> Comparison:
    """Return how a snapshot differs from this code.

    Args:
        manifest: The snapshot's.
        installed: The distributions that are installed here, as "name==version".
    """
    migrations = {}
    for record in manifest.artifacts:
        recorded = record.facts.get("migrations")
        found = migrations_difference(recorded) if record.kind == "database" and recorded else None
        if found is not None:
            migrations[record.name.removeprefix("database/")] = found
    return Comparison(manifest, compare_requirements(manifest.packages, installed), migrations)
