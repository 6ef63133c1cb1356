"""Keys of the age format: recipients, identities, their fingerprints, and what is wrong with the text of one.

No message shows the text of a key: a secret one may stand where a public one belongs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django_snapshots.key_texts import key_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Identities",
    "fingerprint",
    "joined",
    "load_pyrage",
    "parse_identities",
    "parse_recipient",
]

_SECRET_PREFIX = "AGE-SECRET-KEY-"  # noqa: S105 - what a secret key begins with
_PRIVATE_PEM = "-----BEGIN"


def load_pyrage() -> Any:
    """Return the library, which is loaded at first use and has no types.

    Raises:
        ImportError: It is not installed.
    """
    return import_module("pyrage")


def fingerprint(recipient: str) -> str:
    """Return what the manifest calls a recipient: "SHA256:" and base64, of an ssh key as `ssh-keygen -l` shows it.

    Of an age recipient it is the digest of its text, "age1…".
    """
    words = recipient.split()
    data = base64.b64decode(words[1]) if recipient.startswith("ssh-") else recipient.encode()
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def parse_recipient(text: str) -> Any:
    """Return pyrage's recipient for the text of a public key.

    Raises:
        ValueError: It is none; the message says what it looks like, and does not show it.
    """
    pyrage = load_pyrage()

    if text.startswith((_SECRET_PREFIX, _PRIVATE_PEM)):
        raise ValueError("is a secret key; a recipient is its public half, which begins with age1 or ssh-")
    kind = pyrage.ssh.Recipient if text.startswith("ssh-") else pyrage.x25519.Recipient
    try:
        recipient = kind.from_str(text)
        fingerprint(text)
    except (pyrage.RecipientError, IndexError, binascii.Error) as error:
        raise ValueError(f"is no recipient ({_shape(text)})") from error
    return recipient


def _shape(text: str) -> str:
    if text.startswith("ssh-"):
        return "only complete ssh-ed25519 and ssh-rsa public keys are"
    if text.startswith("age1"):
        return "it begins with age1 and has a wrong or missing character"
    return "one begins with age1, ssh-ed25519 or ssh-rsa"


@dataclass(frozen=True, slots=True)
class Identities:
    """Secret keys that open files.

    Attributes:
        keys: pyrage's identities.
        recipients: Their public halves; None when one is an ssh key, whose public half is not known here.
    """

    keys: tuple[Any, ...]
    recipients: tuple[str, ...] | None

    @property
    def fingerprints(self) -> tuple[str, ...] | None:
        """Those of the recipients; None where these are not known."""
        return None if self.recipients is None else tuple(map(fingerprint, self.recipients))


def parse_identities(text: str) -> Identities:
    """Return the identities in a file of `age-keygen`, or in an OpenSSH private key without a passphrase.

    Raises:
        ValueError: There is none, or one cannot be read; the message does not show it.
    """
    pyrage = load_pyrage()

    if text.lstrip().startswith(_PRIVATE_PEM):
        try:
            return Identities((pyrage.ssh.Identity.from_buffer(text.strip().encode() + b"\n"),), None)
        except pyrage.IdentityError as error:
            raise ValueError(f"holds an ssh key that cannot be used: {error}") from error
    keys = [_identity(number, line) for number, line in enumerate(key_lines(text), start=1)]
    if not keys:
        raise ValueError("holds no identity")
    return Identities(tuple(keys), tuple(str(key.to_public()) for key in keys))


def joined(several: Sequence[Identities]) -> Identities:
    """Return all of several identities as one."""
    keys = tuple(key for identities in several for key in identities.keys)
    known: tuple[str, ...] = ()
    for identities in several:
        if identities.recipients is None:
            return Identities(keys, None)
        known += identities.recipients
    return Identities(keys, known)


def _identity(number: int, line: str) -> Any:
    pyrage = load_pyrage()

    try:
        return pyrage.x25519.Identity.from_str(line)
    except pyrage.IdentityError as error:
        raise ValueError(f"has a key {number} that is no identity; one begins with {_SECRET_PREFIX}1") from error
