"""Sidecars: small JSON documents kept beside a snapshot, such as the result of its last verification.

A snapshot is the same with and without them: they are written after it, may be lost, and prove nothing about its
bytes. So one that cannot be read is shown as damaged, and never keeps anybody from the snapshot. Where they are is
the catalog's business.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django_snapshots.digests import digest_of
from django_snapshots.errors import SnapshotStorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["SIDECAR_KINDS", "SIDECAR_MAX_BYTES", "Sidecar", "SidecarKind", "read_sidecar", "store_sidecar"]

SidecarKind = Literal["pinned", "verified"]
SIDECAR_KINDS: tuple[SidecarKind, ...] = ("pinned", "verified")
SIDECAR_MAX_BYTES = 256 * 1024
"""A larger one is damaged or hostile: it is held in memory, so its size must have a limit."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One document beside a snapshot. That it is there may matter even when it cannot be read.

    Attributes:
        content: The JSON object in it; None when it could not be read.
        damage: Why it could not be read, in a sentence; None when it could.
    """

    content: Mapping[str, JsonValue] | None
    damage: str | None = None


def read_sidecar(storage: GuardedStorage, path: str) -> Sidecar | None:
    """Return the document at `path`, None when there is none; what else goes wrong is its damage, never an error."""
    try:
        data = storage.read_start(path, SIDECAR_MAX_BYTES + 1)
    except SnapshotStorageError as error:
        return None if error.missing else Sidecar(None, str(error))
    if len(data) > SIDECAR_MAX_BYTES:
        return Sidecar(None, f"'{path}' is larger than {SIDECAR_MAX_BYTES} bytes.")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        return Sidecar(None, f"'{path}' is not JSON ({error}).")
    return Sidecar(document) if isinstance(document, dict) else Sidecar(None, f"'{path}' is no JSON object.")


def store_sidecar(storage: GuardedStorage, path: str, content: Mapping[str, JsonValue]) -> None:
    """Store the document at `path` in the place of an older one, and prove it.

    Args:
        storage: Where it goes.
        path: Its place.
        content: JSON values; at most 256 KiB of text in all.

    Raises:
        SnapshotStorageError: The storage failed, or did not keep it.
        ValueError: It is too large, or holds what is no JSON value.
    """
    data = (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    if len(data) > SIDECAR_MAX_BYTES:
        raise ValueError(f"a sidecar of {len(data)} bytes; at most {SIDECAR_MAX_BYTES} can be read back")
    storage.store(path, iter([data]))
    storage.confirm(path, len(data), digest_of(data))
