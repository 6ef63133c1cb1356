"""Digests as text, `sha256:<hex>`, and the objects that compute them. Pure; opens nothing."""

from __future__ import annotations

import hashlib
from typing import Protocol

__all__ = ["CHUNK_SIZE", "DIGEST_PATTERN", "FLOW_SIZE", "Hasher", "digest_of", "format_digest", "new_hasher"]

CHUNK_SIZE = 1024 * 1024
"""The most that is read, written or passed on at once (1 MiB)."""

FLOW_SIZE = 128 * 1024
"""What is passed between threads and read from pipes at once. Against pieces of 1 MiB a backup of 300 MB of PostgreSQL
peaks 10 MiB lower, for 3 % more processor time."""

DIGEST_PATTERN = r"^sha256:[0-9a-f]{64}$"


class Hasher(Protocol):
    """What `hashlib` objects offer and we use."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Add bytes."""

    def hexdigest(self) -> str:
        """Return the digest of all bytes so far, in hexadecimal."""
        ...


def new_hasher() -> Hasher:
    """Return a fresh SHA-256 hasher; it releases the GIL for chunks over 2 KiB."""
    return hashlib.sha256(usedforsecurity=True)


def format_digest(hasher: Hasher) -> str:
    """Return the digest of what `hasher` has seen, as `sha256:<hex>`."""
    return f"sha256:{hasher.hexdigest()}"


def digest_of(data: bytes) -> str:
    """Return the digest of `data`, as `sha256:<hex>`; for small data, streams go through a hasher."""
    hasher = new_hasher()
    hasher.update(data)
    return format_digest(hasher)
