"""The signer contract: proves that a manifest was written by somebody with a key. Structural; nothing to inherit."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Signer"]


class Signer(Protocol):
    """Signs the stored bytes of a manifest, and judges signatures of others.

    Attributes:
        name: What the file of a signature calls the method, such as "ed25519": no white space.

    A class may also have `check() -> list[Problem]`.
    """

    name: str

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`.

        Raises:
            SnapshotSigningError: This host has no key to sign with, or it cannot be used.
        """
        ...

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Say whether `signature` was made of exactly `data` with a key that is trusted here.

        Raises:
            SnapshotSigningError: The keys cannot be read: nobody can tell.
        """
        ...
