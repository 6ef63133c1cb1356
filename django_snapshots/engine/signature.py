"""The signature of a manifest: the text of its file, and the judgement on it. Where the file is, the catalog knows.

It covers the exact stored bytes of the manifest, and through the digests in them every byte of the snapshot.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from django_snapshots.errors import SnapshotSigningError, SnapshotStorageError

if TYPE_CHECKING:
    from django_snapshots.signers.contract import Signer
    from django_snapshots.storage.guard import GuardedStorage

__all__ = ["SIGNATURE_MAX_BYTES", "format_signature", "judge_signature", "read_signature_file", "require_signing"]

SIGNATURE_MAX_BYTES = 64 * 1024
"""A larger one is none: it is held in memory, so its size must have a limit."""


def format_signature(signer: Signer, manifest: bytes) -> bytes:
    """Return the content of a signature's file: the signer's name and the signature in base64, one line.

    Raises:
        SnapshotSigningError: This host cannot sign.
    """
    return _line(signer.name, signer.sign(manifest))


def judge_signature(signer: Signer | None, manifest: bytes, stored: bytes | None) -> str | None:
    """Return why nobody vouches for a manifest, in a sentence; None where a trusted key does, or none is configured.

    Args:
        signer: What SNAPSHOTS['SIGNING'] is.
        manifest: The stored bytes of the manifest.
        stored: The content of the signature's file; None where there is none.

    Raises:
        SnapshotSigningError: The keys cannot be read, so that nobody can tell.
    """
    if signer is None:
        return None
    if stored is None:
        return "It is unsigned, and SNAPSHOTS['SIGNING'] wants a signature."
    name, _, text = stored.decode("ascii", "replace").removesuffix("\n").partition(" ")
    if name != signer.name:
        return f"It is signed by another method than {signer.name}, or its signature is damaged."
    try:
        signature = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return "Its signature is damaged."
    # Base64 can write the same bytes in several ways: only the one of `format_signature` is taken.
    if stored != _line(name, signature) or not signer.verify(manifest, signature):
        return "Its signature is wrong: the manifest was changed, or signed with a key that is not trusted here."
    return None


def read_signature_file(storage: GuardedStorage, path: str) -> bytes | None:
    """Return the content of a signature's file, cut at the limit; None where there is none.

    Raises:
        SnapshotStorageError: The storage failed.
    """
    try:
        return storage.read_start(path, SIGNATURE_MAX_BYTES)
    except SnapshotStorageError as error:
        if error.missing:
            return None
        raise


def _line(name: str, signature: bytes) -> bytes:
    return f"{name} {base64.b64encode(signature).decode()}\n".encode()


def require_signing(signer: Signer | None) -> None:
    """Check, before anything is dumped, that this host can sign, and would trust what it signs.

    Raises:
        SnapshotSigningError: It cannot, or would not.
    """
    if signer is not None and not signer.verify(b"", signer.sign(b"")):
        raise SnapshotSigningError(
            "What this host signs it would not trust itself: the signer in SNAPSHOTS['SIGNING'] contradicts itself."
        )
