"""HMAC-SHA-256 (RFC 2104): one secret key, which every host that signs or verifies holds."""

from __future__ import annotations

import hmac
import os  # noqa: TC003 - the annotations of __init__ are evaluated when OPTIONS are validated

from django_snapshots.conf.problems import Problem
from django_snapshots.errors import SnapshotSigningError
from django_snapshots.key_texts import from_environment, read_key_file, reason

__all__ = ["HMAC"]

_SHORTEST = 32
_MAKE = "Put the key there that signed the snapshots, or a new one: openssl rand -hex 32"


class HMAC:
    """Signs with a secret key; whoever can verify can also sign. It needs no package."""

    name = "hmac-sha256"

    def __init__(self, key_env: str | None = None, key_file: str | os.PathLike[str] | None = None) -> None:
        """Store the options; keys are read at use.

        Args:
            key_env: Name of an environment variable with the key.
            key_file: A file with the key. Of several lines the first signs, and each verifies: so keys are changed.
        """
        self.key_env = key_env
        self.key_file = key_file

    def sign(self, data: bytes) -> bytes:
        """Return the 32 bytes of the first key's HMAC."""
        return hmac.digest(self._require_keys()[0], data, "sha256")

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Say whether one of the keys gives this HMAC, in a time that tells nothing about it."""
        return any(hmac.compare_digest(hmac.digest(key, data, "sha256"), signature) for key in self._require_keys())

    def check(self) -> list[Problem]:
        """Say what keeps the key from being used."""
        if (self.key_env is None) == (self.key_file is None):
            message = "There is no key to sign with." if self.key_env is None else "There are two places for the key."
            return [Problem("snapshots.E004", ("key_env",), message, f"Name a variable in key_env. {_MAKE}")]
        place = ("key_env",) if self.key_file is None else ("key_file",)
        try:
            keys = self._keys()
        except (OSError, ValueError) as error:
            return [Problem("snapshots.E002", place, f"It {reason(error)}.", _MAKE)]
        if not keys:
            found = "The variable is not set." if self.key_file is None else "The file holds no key."
            return [Problem("snapshots.E004", place, found, _MAKE)]
        if any(len(key) < _SHORTEST for key in keys):
            message = f"A key is shorter than {_SHORTEST} characters, and could be guessed."
            return [Problem("snapshots.E002", place, message, _MAKE)]
        return []

    def _keys(self) -> list[bytes]:
        text = from_environment(self.key_env) if self.key_file is None else read_key_file(self.key_file)
        return [line.strip().encode() for line in (text or "").splitlines() if line.strip()]

    def _require_keys(self) -> list[bytes]:
        for problem in self.check():
            raise SnapshotSigningError(f"HMAC cannot be used: {problem.message} {problem.hint}")
        return self._keys()
