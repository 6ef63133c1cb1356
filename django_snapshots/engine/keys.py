"""Whether the keys of this host open an artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django_snapshots.codecs.contract import Codec
    from django_snapshots.manifest import ArtifactRecord

__all__ = ["require_key"]


def require_key(codec: Codec, record: ArtifactRecord) -> None:
    """Check by the manifest alone that this host can decode an artifact; a passphrase cannot be judged by it.

    Raises:
        SnapshotCodecError: The key is missing or another one; of ours it is a SnapshotKeyError.
    """
    require: Callable[[Sequence[str]], None] | None = getattr(codec, "require_key", None)
    if require is not None:
        require(record.encryption.recipients if record.encryption else ())
