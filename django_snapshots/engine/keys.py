"""Whether the keys of this host open an artifact: by what the manifest says, and by trying."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO

from django_snapshots.errors import SnapshotCodecError, SnapshotKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django_snapshots.codecs.contract import Codec
    from django_snapshots.manifest import ArtifactRecord

__all__ = ["KeyTrial", "require_key", "unreadable"]


def require_key(codec: Codec, record: ArtifactRecord) -> None:
    """Check by the manifest alone that this host can decode an artifact; a passphrase cannot be judged by it.

    Raises:
        SnapshotCodecError: The key is missing or another one; of ours it is a SnapshotKeyError.
    """
    require = _require_key_of(codec)
    if require is not None:
        require(record.encryption.recipients if record.encryption else ())


class KeyTrial:
    """Decrypts the first bytes of a stored file, which is encrypted by its last codec or not at all."""

    def __init__(self, codecs: Sequence[Codec]) -> None:
        """Take the codecs of the file, in the order of encoding."""
        self._codec = codecs[-1] if codecs and _require_key_of(codecs[-1]) else None
        self._failure: SnapshotCodecError | None = None

    def look(self, source: BinaryIO) -> None:
        """Decrypt the start of the file, and remember why that failed: its digest, once it is known, matters more."""
        if self._codec is None:
            return
        try:
            with closing(self._codec.decode(source)) as plain:
                plain.read(1)
        except SnapshotCodecError as error:
            self._failure = error

    def require_success(self, path: str, snapshot: str) -> None:
        """Raise what failed.

        Raises:
            SnapshotKeyError: The key of this host does not open the file.
            SnapshotCodecError: It cannot be decrypted for another reason.
        """
        if isinstance(self._failure, SnapshotKeyError):
            raise unreadable(path, snapshot, self._failure) from self._failure
        if self._failure is not None:
            raise self._failure


def unreadable(path: str, snapshot: str, error: SnapshotCodecError) -> SnapshotKeyError:
    """Return the error that says which file a key does not open."""
    return SnapshotKeyError(f"{path} of '{snapshot}' cannot be read: {error}", codec=error.codec)


def _require_key_of(codec: Codec) -> Callable[[Sequence[str]], None] | None:
    require: Callable[[Sequence[str]], None] | None = getattr(codec, "require_key", None)
    return require
