"""The Python environment as an artifact: recorded and compared, never changed."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING, Any

from django_snapshots.artifacts._distributions import compare_requirements, installed, installed_distributions
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from pydantic import JsonValue

    from django_snapshots.manifest import Manifest

__all__ = ["EnvironmentArtifact", "compare_requirements", "installed_distributions"]

_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(==| @ )\S.*")
_SIZE_MAX_BYTES = 16 * CHUNK_SIZE
"""Two hundred thousand packages: more is no list of packages, and it is held in memory."""


class EnvironmentArtifact:
    """The installed distributions, as a requirements file."""

    kind = "environment"
    suffix = "txt"
    compress = False
    compare_only = True

    def dump(self, sink: BinaryIO) -> dict[str, JsonValue]:
        """Write the requirements to `sink`; return `python`, `direct_references` and `notes`.

        The manifest has name and version of every package. The direct references are the lines of those that came from
        elsewhere than a package index, such as "app @ git+https://…".
        """
        found = installed()
        lines = [one.requirement for one in found]
        python = platform.python_version()
        header = [f"# Python {python}", "# Installed when the snapshot was made; for pip install -r"]
        sink.write("".join(f"{line}\n" for line in [*header, *lines]).encode())
        direct: list[JsonValue] = [one.requirement for one in found if one.url is not None]
        return {"python": python, "direct_references": direct, "notes": []}

    def restore(self, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        """Check the stream, as `stage` does."""
        self.stage(source, facts).commit()

    def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> StagedEnvironment:  # noqa: ARG002 - the contract's
        """Check that the stream is a list of requirements. Nothing is installed, now or later.

        Raises:
            SnapshotArtifactError: It is none.
        """
        for number, line in enumerate(_read_lines(source), start=1):
            if line and not line.startswith("#") and not _REQUIREMENT.fullmatch(line):
                raise _no_requirements(f"line {number} is {line[:80]!r}")
        return StagedEnvironment()

    def verify(self, source: BinaryIO, facts: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with the list in `source`."""
        try:
            self.stage(source, facts)
        except SnapshotArtifactError as error:
            return [str(error)]
        return []

    def drill(self, source: BinaryIO, facts: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return `problems`: nothing is ever installed, so it is the same as `verify`."""
        return {"problems": self.verify(source, facts), "notes": []}

    def plan(self, facts: Mapping[str, Any]) -> dict[str, JsonValue]:  # noqa: ARG002 - the contract's
        """Return `target`."""
        return {"target": "the environment is compared, never changed"}

    def compare(self, manifest: Manifest, facts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Return how the packages here differ from those of the snapshot: `missing`, `extra`, `changed`."""
        direct = facts.get("direct_references")
        lines = [line for line in direct if isinstance(line, str)] if isinstance(direct, list) else []
        return compare_requirements([*manifest.packages, *lines], [one.requirement for one in installed()])


class StagedEnvironment:
    """A checked list; there is nothing to replace by it."""

    def commit(self) -> None:
        """Leave the environment as it is."""

    def discard(self) -> None:
        """Leave the environment as it is."""


def _read_lines(source: BinaryIO) -> list[str]:
    data = b""
    while chunk := source.read(CHUNK_SIZE):
        data += chunk
        if len(data) > _SIZE_MAX_BYTES:
            raise _no_requirements(f"it is larger than {_SIZE_MAX_BYTES} bytes")
    try:
        return data.decode().splitlines()
    except UnicodeDecodeError as error:
        raise _no_requirements(str(error)) from error


def _no_requirements(reason: str) -> SnapshotArtifactError:
    return SnapshotArtifactError(
        f"The environment of the snapshot is no list of requirements: {reason}. Restore without it.",
        artifact="environment",
    )
