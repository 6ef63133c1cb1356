"""The codec contract: one reversible transform of a byte stream. Structural; nothing to inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Codec", "EncryptionCodec"]


class Codec(Protocol):
    """Compression or encryption of a stream.

    Attributes:
        name: What the manifest calls it, such as "zstd".
        suffix: The file name ending it adds, with its dot, such as ".zst".

    The streams that are passed and returned need `read(size)` and `close()` only, and cannot seek. Closing a
    returned stream frees the codec's resources and leaves `source` open.

    A class may also have `check() -> list[Problem]`, and `cannot_decode() -> str | None`: why this host can encode
    only, a sentence; None when it can decode. What cannot be
    decoded is verified as far as its stored bytes.
    """

    name: str
    suffix: str

    def encode(self, source: BinaryIO) -> BinaryIO:
        """Return a readable stream of the encoded bytes of `source`."""
        ...

    def decode(self, source: BinaryIO) -> BinaryIO:
        """Return a readable stream of the decoded bytes.

        It raises SnapshotCodecError on damaged or cut input, SnapshotKeyError where the key of this host does not
        open it.
        """
        ...


class EncryptionCodec(Codec, Protocol):
    """A codec that keeps what it encodes from everybody without a key: what SNAPSHOTS['ENCRYPTION'] takes.

    What tells it from compression is that it says for whom it encrypts.
    """

    def fingerprints(self) -> list[str]:
        """Return for whom `encode` encrypts, one text each, never a key; they go into the manifest.

        Raises:
            SnapshotCodecError: The options cannot be used; nothing may be encoded then.
        """
        ...

    def require_key(self, recipients: Sequence[str]) -> None:
        """Check, before anything is read, that this host can decode what was encrypted for `recipients`.

        Raises:
            SnapshotKeyError: The key is missing or another one; the text names the option that takes it.
        """
