"""Ed25519 (RFC 8032): the private key signs, and hosts that verify hold its public half only."""

from __future__ import annotations

import os  # noqa: TC003 - the annotations of __init__ are evaluated when OPTIONS are validated
from typing import TYPE_CHECKING, Any

from django_snapshots.conf.problems import Problem
from django_snapshots.errors import SnapshotSigningError
from django_snapshots.key_texts import from_environment, key_lines, read_key_file, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Ed25519"]

_INSTALL = 'pip install "django-snapshots[signing]"'
_MAKE = "Name the key that signed the snapshots, or make a new pair: ssh-keygen -t ed25519 -N '' -f snapshots_key"
_PEM = "-----BEGIN"
_OPENSSH = "-----BEGIN OPENSSH"
Place = tuple[str | int, ...]


class Ed25519:
    """Signs with a private key; whoever has the public keys can verify, and not sign."""

    name = "ed25519"

    def __init__(
        self,
        public_keys: list[str] | None = None,
        public_keys_file: str | os.PathLike[str] | None = None,
        *,
        private_key_file: str | os.PathLike[str] | None = None,
        private_key_env: str | None = None,
    ) -> None:
        """Store the options; keys are read at use.

        Args:
            public_keys: Who is trusted: "ssh-ed25519 …", the line in a .pub file.
            public_keys_file: A file with one of them a line, or with one key as PEM; added to `public_keys`.
            private_key_file: The key that signs, of ssh-keygen or as PEM, without a passphrase. Only on hosts that
                back up; its own public half is trusted as well.
            private_key_env: Name of an environment variable with the text of such a file. Where it is not set, a host
                can verify and restore, and not back up.
        """
        self.public_keys = public_keys
        self.public_keys_file = public_keys_file
        self.private_key_file = private_key_file
        self.private_key_env = private_key_env

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        self._refuse_problems()
        key = self._private_key()
        if key is None:
            raise SnapshotSigningError(
                "This host has no private key to sign with, so it can verify and restore, and not back up. Name its "
                "file in SNAPSHOTS['SIGNING']['OPTIONS']['private_key_file'], or a variable in ['private_key_env']."
            )
        signature: bytes = key.sign(data)
        return signature

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Say whether one of the trusted keys made the signature."""
        self._refuse_problems()
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - at first use

        for key in self._trusted_keys():
            try:
                key.verify(signature, data)
            except InvalidSignature:
                continue
            return True
        return False

    def check(self) -> list[Problem]:
        """Say what keeps the keys from being used. A host that has public keys only is no problem."""
        try:
            import cryptography.hazmat.primitives.asymmetric.ed25519  # noqa: F401, PLC0415 - whether it is there
        except ImportError as error:
            message = f"Ed25519 needs the package cryptography, which cannot be imported ({error})."
            return [Problem("snapshots.E019", (), message, _INSTALL)]
        return list(self._key_problems())

    def _key_problems(self) -> Iterator[Problem]:
        some, wrong = False, False
        for place, texts in self._public_texts():
            for text in texts if isinstance(texts, list) else []:
                some = True
                try:
                    _parse_public(text)
                except ValueError as error:
                    wrong = True
                    yield Problem("snapshots.E002", place, f"It {error}.", _MAKE)
            if isinstance(texts, Exception):
                wrong = True
                yield Problem("snapshots.E002", place, f"It {reason(texts)}.", _MAKE)
        try:
            some = self._private_key() is not None or some
        except (OSError, ValueError) as error:
            wrong = True
            option = "private_key_env" if self.private_key_file is None else "private_key_file"
            yield Problem("snapshots.E002", (option,), f"It {reason(error)}.", _MAKE)
        if not some and not wrong:
            yield Problem("snapshots.E004", ("public_keys",), "There is no key, neither to sign nor to verify.", _MAKE)

    def _public_texts(self) -> Iterator[tuple[Place, list[str] | Exception]]:
        for at, text in enumerate(self.public_keys or []):
            yield ("public_keys", at), [text]
        if self.public_keys_file is not None:
            try:
                yield ("public_keys_file",), _keys_in(read_key_file(self.public_keys_file))
            except (OSError, ValueError) as error:
                yield ("public_keys_file",), error

    def _trusted_keys(self) -> list[Any]:
        texts = [text for _, found in self._public_texts() if isinstance(found, list) for text in found]
        private = self._private_key()
        own = [] if private is None else [private.public_key()]
        return [*map(_parse_public, texts), *own]

    def _private_key(self) -> Any:
        if self.private_key_file is not None:
            return _parse_private(read_key_file(self.private_key_file))
        text = from_environment(self.private_key_env)
        return None if text is None else _parse_private(text)

    def _refuse_problems(self) -> None:
        for problem in self.check():
            raise SnapshotSigningError(f"Ed25519 cannot be used: {problem.message} {problem.hint}")


def _keys_in(text: str) -> list[str]:
    if text.lstrip().startswith(_PEM):
        return [text]
    return key_lines(text)


def _parse_public(text: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - at first use
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    load = serialization.load_pem_public_key if text.lstrip().startswith(_PEM) else serialization.load_ssh_public_key
    try:
        key = load(text.strip().encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("is no public key; one begins with ssh-ed25519") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("is a public key of another kind than Ed25519")  # noqa: TRY004 - wrong text, not a wrong type
    return key


def _parse_private(text: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - at first use
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    ssh = text.lstrip().startswith(_OPENSSH)
    load = serialization.load_ssh_private_key if ssh else serialization.load_pem_private_key
    try:
        key = load(text.strip().encode() + b"\n", password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("holds no private key that can be used; a passphrase on it is not supported") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("holds a private key of another kind than Ed25519")  # noqa: TRY004 - wrong text, not a type
    return key
