"""The age format with a passphrase, streamed: https://c2sp.org/age, section "The scrypt recipient type" and "Payload".

pyrage has this mode for bytes in memory only. What is written here is read by `age` and pyrage, and the other way
round; tests hold that. Primitives come from hashlib, hmac and cryptography.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from typing import TYPE_CHECKING

from django_snapshots.errors import SnapshotCodecError, SnapshotKeyError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import BinaryIO

__all__ = ["SCRYPT_START", "WORK_FACTOR_MAX", "decrypt", "encrypt"]

WORK_FACTOR_MAX = 20
"""2**20 rounds need 1 GiB of memory: a hostile header must not choose more."""

SCRYPT_START = b"age-encryption.org/v1\n-> scrypt "
_HEADER = re.compile(
    rb"age-encryption\.org/v1\n"
    rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n"
    rb"([A-Za-z0-9+/]{43})\n"
    rb"--- ([A-Za-z0-9+/]{43})\n"
)
_HEADER_MAX_BYTES = 200
_SALT_LABEL = b"age-encryption.org/v1/scrypt"
_PIECE_BYTES = 64 * 1024
_TAG_BYTES = 16
_NONCE_BYTES = 16
_WRAPPING_NONCE = bytes(12)


def encrypt(source: BinaryIO, passphrase: str, work_factor: int) -> Generator[bytes, None, None]:
    """Yield an age file of the content of `source`.

    Args:
        source: The plain stream.
        passphrase: Any text.
        work_factor: The base-2 logarithm of scrypt's N: 18 takes about a second and 256 MiB.
    """
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415 - at first use

    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(_NONCE_BYTES)
    body = ChaCha20Poly1305(_wrapping_key(passphrase, salt, work_factor)).encrypt(_WRAPPING_NONCE, file_key, None)
    header = SCRYPT_START + b"%s %d\n%s\n---" % (_base64(salt), work_factor, _base64(body))
    yield b"%s %s\n%s" % (header, _base64(_mac(file_key, header)), nonce)
    cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
    for number, piece, last in _pieces(source, b"", _PIECE_BYTES):
        yield cipher.encrypt(_piece_nonce(number, last=last), piece, None)


def decrypt(start: bytes, source: BinaryIO, passphrase: str) -> Generator[bytes, None, None]:
    """Yield the plain content of an age file; nothing of a piece comes out before the piece is proved.

    Args:
        start: What was read of the file already, at least as long as SCRYPT_START.
        source: The rest of it.
        passphrase: What it was encrypted with.

    Raises:
        SnapshotKeyError: It was encrypted with another passphrase.
        SnapshotCodecError: The file is damaged, cut short, or goes on behind its end.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - at first use
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    while len(start) < _HEADER_MAX_BYTES and (more := source.read(_HEADER_MAX_BYTES - len(start))):
        start += more
    match = _HEADER.match(start)
    rest = start[match.end() :] if match else b""
    while match and len(rest) < _NONCE_BYTES and (more := source.read(_NONCE_BYTES - len(rest))):
        rest += more
    if not match or len(rest) < _NONCE_BYTES:
        raise _damaged("its header cannot be read")
    file_key = _file_key(match, start, passphrase)
    cipher = ChaCha20Poly1305(_derived(file_key, rest[:_NONCE_BYTES], b"payload"))
    for number, piece, last in _pieces(source, rest[_NONCE_BYTES:], _PIECE_BYTES + _TAG_BYTES):
        try:
            plain = cipher.decrypt(_piece_nonce(number, last=last), piece, None)
        except InvalidTag as error:
            raise _damaged("it was changed, or cut short") from error
        if not plain and number:
            raise _damaged("it ends with an empty piece")
        yield plain


def _file_key(match: re.Match[bytes], start: bytes, passphrase: str) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - at first use
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    work_factor = int(match[2])
    if work_factor > WORK_FACTOR_MAX:
        raise SnapshotCodecError(
            f"The age stream asks for a work factor of {work_factor}, more than {WORK_FACTOR_MAX}, which would take "
            f"{2 ** (work_factor - 20)} GiB of memory. Decrypt it by hand with `age -d`.",
            codec="age",
        )
    salt, body, mac = (_unbase64(match[group]) for group in (1, 3, 4))
    try:
        key = _wrapping_key(passphrase, salt, work_factor)
        file_key = ChaCha20Poly1305(key).decrypt(_WRAPPING_NONCE, body, None)
    except InvalidTag as error:
        raise SnapshotKeyError(
            "The configured passphrase does not open this age stream: it was encrypted with another one, "
            "or its header is damaged. Configure the passphrase of the day on which it was made.",
            codec="age",
        ) from error
    if not hmac.compare_digest(mac, _mac(file_key, start[: match.start(4) - 1])):
        raise _damaged("its header was changed")
    return file_key


def _pieces(source: BinaryIO, start: bytes, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield number, piece and whether it is the last: all are of `size` bytes but the last, which may be shorter."""
    number, waiting = 0, bytearray(start)
    while True:
        while len(waiting) <= size and (more := source.read(size + 1 - len(waiting))):
            waiting += more
        last = len(waiting) <= size
        yield number, bytes(waiting[:size]), last
        if last:
            return
        del waiting[:size]
        number += 1


def _wrapping_key(passphrase: str, salt: bytes, work_factor: int) -> bytes:
    rounds = 2**work_factor
    return hashlib.scrypt(
        passphrase.encode(),
        salt=_SALT_LABEL + salt,
        n=rounds,
        r=8,
        p=1,
        maxmem=128 * 8 * rounds + 1024 * 1024,
        dklen=32,
    )


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    """Return 32 bytes by HKDF-SHA-256 (RFC 5869); one block of output needs no loop."""
    extracted = hmac.digest(salt, key, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), header, "sha256")


def _piece_nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _unbase64(text: bytes) -> bytes:
    data = base64.b64decode(text + b"=" * (-len(text) % 4))
    if _base64(data) != text:  # bits that stand for nothing must be zero, else one file has many spellings
        raise _damaged("its header cannot be read")
    return data


def _damaged(reason: str) -> SnapshotCodecError:
    return SnapshotCodecError(f"The age stream is damaged: {reason}. Restore another snapshot.", codec="age")
