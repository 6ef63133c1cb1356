"""The form of the tables of wrong configurations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLUGINS = "tests.conf.plugins"
LOCAL = "django_snapshots.storage.LocalFileSystemBackend"
DJANGO = "django_snapshots.storage.DjangoStorageBackend"


@dataclass(frozen=True)
class Wrong:
    """One wrong configuration, and everything the check says about it.

    Attributes:
        name: What somebody did.
        snapshots: Returns SNAPSHOTS, made anew for each test.
        environ: Variables; "{tmp}" in a value is the folder of `files`.
        files: Contents by name.
        settings: Other settings.
        expected: What the check prints, in its order, with the hint on the same line and ids without their prefix;
            "{tmp}" as above, "***" stands for what differs between versions of Python and machines.
    """

    name: str
    snapshots: Callable[[], Any]
    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    expected: list[str] = field(default_factory=list)


def storage(backend: str = LOCAL, **options: Any) -> dict[str, Any]:
    """Return SNAPSHOTS with a storage of that class."""
    return {"STORAGE": {"BACKEND": backend, "OPTIONS": options}}
