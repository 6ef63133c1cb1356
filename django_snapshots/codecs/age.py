"""Encryption in the age format (https://age-encryption.org/v1), which the programs `age` and `rage` open."""

from __future__ import annotations

import os  # noqa: TC003 - the annotations of __init__ are evaluated when OPTIONS are validated
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from django_snapshots.codecs import _age_passphrase as passphrase_mode
from django_snapshots.codecs._age_keys import (
    fingerprint,
    joined,
    load_pyrage,
    parse_identities,
    parse_recipient,
)
from django_snapshots.codecs._pushed import pushed_stream
from django_snapshots.codecs._stream import chunk_stream, refuse_wrong_options
from django_snapshots.conf.problems import Problem
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotCodecError, SnapshotKeyError
from django_snapshots.key_texts import from_environment, key_lines, read_key_file, reason

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from typing import BinaryIO

    from django_snapshots.codecs._age_keys import Identities

__all__ = ["PASSPHRASE", "Age", "fingerprint", "generate_pair"]

PASSPHRASE = "passphrase"  # noqa: S105 - what stands for a recipient, not a passphrase
"""What the manifest names where a passphrase takes the place of recipients."""

_PACKAGES = ("pyrage", "cryptography")
_INSTALL = 'pip install "django-snapshots[age]"'
_WORK_FACTOR_MIN = 10
_IDENTITIES = ("identity_file", "identity_env")
_KEYGEN = "Make a pair with `manage.py snapshots keygen`, and write its recipient here: age1…"
_NO_RECIPIENT = (
    f"{_KEYGEN} Or name an identity that you have in identity_file: an age identity tells its recipient, of an ssh key "
    "write the line of its .pub file here."
)
_OLD_OR_NEW = "Put the passphrase there that the snapshots were made with, or a new one: openssl rand -base64 32"
_BACKEND = "django_snapshots.codecs.Age"
_BY_PASSPHRASE = f'{{"BACKEND": "{_BACKEND}", "OPTIONS": {{"passphrase_file": "FILE"}}}}'
_SETTING = "SNAPSHOTS['ENCRYPTION']"
_HINTS = {
    "recipients_file": "Name a file with one recipient a line: age1…, ssh-ed25519 … or ssh-rsa …",
    "identity_file": "Name a file that `snapshots keygen` or `age-keygen` made; leave it out where you do not restore.",
    "identity_env": "Set the variable to the text of an identity file; leave it unset where you do not restore.",
    "passphrase_file": "Name a file whose first line is the passphrase.",
    "passphrase_env": "Set the variable to the passphrase.",
}
Place = tuple[str | int, ...]


class Age:
    """Encryption for recipients, who alone can read; a host that has their public keys only can write.

    With a passphrase instead, every host that can write can read.
    """

    name = "age"
    suffix = ".age"

    def __init__(
        self,
        recipients: list[str] | None = None,
        recipients_file: str | os.PathLike[str] | None = None,
        *,
        identity_file: str | os.PathLike[str] | None = None,
        identity_env: str | None = None,
        passphrase_file: str | os.PathLike[str] | None = None,
        passphrase_env: str | None = None,
        work_factor: int = 18,
    ) -> None:
        """Store the options; keys are read at use.

        Args:
            recipients: Public keys, "age1…", "ssh-ed25519 …" or "ssh-rsa …"; each of them can read. Without any, those
                of the identities, where these are no ssh keys.
            recipients_file: A file with one of them a line; added to `recipients`.
            identity_file: The secret key that reads: a file of `age-keygen` or `snapshots keygen`, or an OpenSSH
                private key without a passphrase. Only where snapshots are restored or verified.
            identity_env: Name of an environment variable with the text of such a file. A host on which it is not set
                can back up, and not read back.
            passphrase_file: A file whose first line is the passphrase; in place of recipients.
            passphrase_env: Name of an environment variable with the passphrase.
            work_factor: Of a passphrase: the base-2 logarithm of scrypt's N, 10 to 20. 18 takes about a second and
                256 MiB of memory for each artifact.
        """
        self.recipients = recipients
        self.recipients_file = recipients_file
        self.identity_file = identity_file
        self.identity_env = identity_env
        self.passphrase_file = passphrase_file
        self.passphrase_env = passphrase_env
        self.work_factor = work_factor

    def encode(self, source: BinaryIO) -> BinaryIO:
        """Return a readable stream of one age file.

        Raises:
            SnapshotCodecError: When it is read: the options cannot be used. Nothing of `source` comes out plain.
        """
        if self._has_passphrase:
            return chunk_stream(self._encode_by_passphrase(source))
        return pushed_stream(source, self._encode_for_recipients, _not_encrypted)

    def decode(self, source: BinaryIO) -> BinaryIO:
        """Return a readable stream of the content of the age file `source`."""
        return chunk_stream(self._decode(source))

    def fingerprints(self) -> list[str]:
        """Return whom `encode` encrypts for, as the manifest names them; "passphrase" for a passphrase.

        Raises:
            SnapshotCodecError: The options cannot be used.
        """
        refuse_wrong_options(self)
        return [PASSPHRASE] if self._has_passphrase else [fingerprint(text) for _, text in self._recipient_texts()]

    def require_key(self, recipients: Sequence[str]) -> None:
        """Check that this host can decode what was encrypted for `recipients`, without reading any of it.

        Args:
            recipients: Fingerprints as the manifest names them; none where it does not say.

        Raises:
            SnapshotKeyError: The key is missing, or is another one.
        """
        if list(recipients) == [PASSPHRASE]:
            self._require_passphrase()
            return
        known = self._require_identities().fingerprints
        if recipients and known is not None and not set(known) & set(recipients):
            raise SnapshotKeyError(
                f"It was encrypted for {', '.join(recipients)}; the identity that is configured here is of "
                f"{', '.join(known)} and does not open it. "
                f"{self._where_to_put_it(recipients)}",
                codec=self.name,
            )

    def cannot_decode(self) -> str | None:
        """Return why this host can encode only; None when it has a key, be it the right one or not."""
        try:
            self.require_key([PASSPHRASE] if self._has_passphrase else [])
        except SnapshotCodecError as error:
            return str(error)
        return None

    def check(self) -> list[Problem]:
        """Say what keeps the options from being used. A host that has no identity can back up, which is no problem."""
        missing = _missing_package()
        if missing:
            return [Problem("snapshots.E019", (), missing, _INSTALL)]
        if self._has_passphrase:
            return list(self._passphrase_problems())
        return [*self._recipient_problems(), *self._identity_problems()]

    @property
    def _is_configured(self) -> bool:
        """Whether somebody said anything of a key; what this library decodes with by itself has no options."""
        return any((self.recipients, self.recipients_file, self.identity_file, self._has_passphrase))

    @property
    def _has_passphrase(self) -> bool:
        return self.passphrase_env is not None or self.passphrase_file is not None

    def _encode_for_recipients(self, source: BinaryIO, sink: BinaryIO) -> None:
        refuse_wrong_options(self)
        load_pyrage().encrypt_io(source, sink, [parse_recipient(text) for _, text in self._recipient_texts()])

    def _encode_by_passphrase(self, source: BinaryIO) -> Generator[bytes, None, None]:
        refuse_wrong_options(self)
        yield from passphrase_mode.encrypt(source, self._require_passphrase(), self.work_factor)

    def _decode(self, source: BinaryIO) -> Generator[bytes, None, None]:
        _require_packages()
        start = b""
        while len(start) < len(passphrase_mode.SCRYPT_START) and (more := source.read(CHUNK_SIZE)):
            start += more
        if start.startswith(passphrase_mode.SCRYPT_START):
            yield from passphrase_mode.decrypt(start, source, self._require_passphrase())
            return
        keys = list(self._require_identities().keys)
        pyrage = load_pyrage()

        def decrypt(encrypted: BinaryIO, sink: BinaryIO) -> None:
            pyrage.decrypt_io(encrypted, sink, keys)

        with pushed_stream(source, decrypt, _not_decrypted, start=start) as plain:
            while chunk := plain.read(CHUNK_SIZE):
                yield chunk

    def _recipient_texts(self) -> list[tuple[Place, str]]:
        """Return place and text of each recipient; without any, of those that belong to the identities.

        Raises:
            OSError, ValueError: A file cannot be read.
        """
        return self._named_recipients() or self._recipients_of_identities()

    def _named_recipients(self) -> list[tuple[Place, str]]:
        texts: list[tuple[Place, str]] = [(("recipients", at), text) for at, text in enumerate(self.recipients or [])]
        if self.recipients_file is not None:
            lines = key_lines(read_key_file(self.recipients_file))
            texts += [(("recipients_file",), text) for text in lines]
        return texts

    def _recipients_of_identities(self) -> list[tuple[Place, str]]:
        found = [(option, self._identities_of(option)) for option in _IDENTITIES]
        return [((option,), text) for option, several in found if several for text in several.recipients or ()]

    def _recipient_problems(self) -> Iterator[Problem]:
        try:
            texts = self._named_recipients()
        except (OSError, ValueError) as error:
            yield _unusable("recipients_file", error)
            return
        with suppress(OSError, ValueError):  # what is wrong with an identity is said of that
            if not texts and not self._recipients_of_identities():
                yield Problem("snapshots.E004", ("recipients",), "There is no recipient to encrypt for.", _NO_RECIPIENT)
        for place, text in texts:
            try:
                parse_recipient(text)
            except ValueError as error:
                yield Problem("snapshots.E002", place, f"A recipient {error}.", _KEYGEN)

    def _identity_problems(self) -> Iterator[Problem]:
        for option in ("identity_file", "identity_env"):
            try:
                self._identities_of(option)
            except (OSError, ValueError) as error:
                yield _unusable(option, error)

    def _passphrase_problems(self) -> Iterator[Problem]:
        if self.recipients or self.recipients_file is not None:
            message = "A snapshot is encrypted for recipients or by a passphrase, not for both."
            yield Problem("snapshots.E002", (), message, "Take out the recipients, or the passphrase.")
        most = passphrase_mode.WORK_FACTOR_MAX
        if not _WORK_FACTOR_MIN <= self.work_factor <= most:
            message = f"There is no work factor {self.work_factor}; it is {_WORK_FACTOR_MIN} to {most}."
            yield Problem("snapshots.E002", ("work_factor",), message, "Leave it out, which means 18.")
        option = "passphrase_file" if self.passphrase_file is not None else "passphrase_env"
        try:
            if not self._passphrase():
                message = (
                    "The file's first line is empty." if option == "passphrase_file" else "The variable is not set."
                )
                yield Problem("snapshots.E004", (option,), message, _OLD_OR_NEW)
        except (OSError, ValueError) as error:
            yield _unusable(option, error)

    def _identities_of(self, option: str) -> Identities | None:
        """Return the identities that an option leads to; None where there are none on this host.

        Raises:
            OSError, ValueError: The file cannot be read, or the text holds none.
        """
        if option == "identity_file":
            text = None if self.identity_file is None else read_key_file(self.identity_file)
        else:
            text = from_environment(self.identity_env)
        return None if text is None else parse_identities(text)

    def _require_identities(self) -> Identities:
        _require_packages()
        try:
            found = [identities for option in _IDENTITIES if (identities := self._identities_of(option))]
        except (OSError, ValueError) as error:
            raise SnapshotKeyError(f"The identity cannot be used: it {reason(error)}.", codec=self.name) from error
        if not found:
            raise SnapshotKeyError(
                f"It is encrypted with age, and this host has no identity to read it with. {self._where_to_put_it()}",
                codec=self.name,
            )
        return joined(found)

    def _where_to_put_it(self, whose: Sequence[str] = ()) -> str:
        """Return where an identity is configured; the one of these fingerprints, where they are known."""
        file = f"the file of the identity {' or '.join(whose)}" if whose else "the identity file"
        if self.identity_env is not None:
            return f"Set the environment variable {self.identity_env} to the text of {file} (AGE-SECRET-KEY-…)."
        if self._is_configured:
            return (
                f"Name {file} in {_SETTING}['OPTIONS']['identity_file'], "
                "or by the variable SNAPSHOTS_ENCRYPTION__OPTIONS__IDENTITY_FILE."
            )
        return (
            f"{_SETTING} is not configured here. Set the variables SNAPSHOTS_ENCRYPTION__BACKEND={_BACKEND} and "
            "SNAPSHOTS_ENCRYPTION__OPTIONS__IDENTITY_FILE=FILE, where FILE holds the identity, or write the same into "
            f"the settings: {_SETTING} = {{'BACKEND': '{_BACKEND}', 'OPTIONS': {{'identity_file': FILE}}}}."
        )

    def _passphrase(self) -> str | None:
        if self.passphrase_file is not None:
            return next(iter(read_key_file(self.passphrase_file).splitlines()), None)
        return from_environment(self.passphrase_env)

    def _require_passphrase(self) -> str:
        try:
            passphrase = self._passphrase()
        except (OSError, ValueError) as error:
            raise SnapshotKeyError(f"The passphrase cannot be used: it {reason(error)}.", codec=self.name) from error
        if not passphrase:
            raise SnapshotKeyError(
                "It is encrypted by a passphrase, which is not configured here. To read it, set the variable "
                f"SNAPSHOTS_ENCRYPTION='{_BY_PASSPHRASE}', where FILE holds it, or write the same into {_SETTING}, in "
                "the place of recipients.",
                codec=self.name,
            )
        return passphrase


def generate_pair() -> tuple[str, str]:
    """Return a new pair: the identity, which is secret, and its recipient.

    Raises:
        SnapshotCodecError: A package is missing.
    """
    _require_packages()
    identity = load_pyrage().x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def _require_packages() -> None:
    missing = _missing_package()
    if missing:
        raise SnapshotCodecError(f"{missing} {_INSTALL}", codec="age")


def _missing_package() -> str | None:
    for package in _PACKAGES:
        try:
            import_module(package)
        except ImportError as error:
            return f"Encryption needs the package {package}, which cannot be imported ({error})."
    return None


def _unusable(option: str, error: Exception) -> Problem:
    return Problem("snapshots.E002", (option,), f"It {reason(error)}.", _HINTS[option])


def _not_encrypted(error: Exception) -> SnapshotCodecError:
    return error if isinstance(error, SnapshotCodecError) else SnapshotCodecError(f"age: {error}", codec="age")


def _not_decrypted(error: Exception) -> SnapshotCodecError:
    if "No matching keys" in str(error):
        return SnapshotKeyError(
            "The configured identity does not open this age stream: it was encrypted for other recipients. "
            "Configure the identity of one of them.",
            codec="age",
        )
    return SnapshotCodecError(
        f"This is no age stream, or a damaged one ({error}). Restore another snapshot.", codec="age"
    )
