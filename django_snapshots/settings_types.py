"""Types for settings.py: with them a type checker and an editor know the keys of SNAPSHOTS. Imports no pydantic.

from django_snapshots.settings_types import SnapshotsDict

SNAPSHOTS: SnapshotsDict = {"STORAGE": {"BACKEND": "django_snapshots.storage.LocalFileSystemBackend"}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.codecs.contract import Codec, EncryptionCodec
    from django_snapshots.connectors.contract import Connector
    from django_snapshots.signers.contract import Signer
    from django_snapshots.storage.contract import SnapshotStorage

__all__ = ["BackendDict", "HealthDict", "PruneDict", "ReplicaDict", "SnapshotsDict"]


class BackendDict(TypedDict):
    """What names a plugin: the dotted path of a class, and its keyword arguments."""

    BACKEND: str
    OPTIONS: NotRequired[dict[str, Any]]


class PruneDict(TypedDict, total=False):
    """A retention policy; what each rule keeps stands in docs/explanation/retention."""

    KEEP: int | None
    KEEP_HOURLY: int | None
    KEEP_DAILY: int | None
    KEEP_WEEKLY: int | None
    KEEP_MONTHLY: int | None
    KEEP_YEARLY: int | None
    KEEP_WITHIN: str | timedelta | None
    MAX_SIZE: str | int | None
    MIN_KEEP: int


class HealthDict(TypedDict, total=False):
    """What `health` takes for well, and a URL to ping; each key stands in docs/reference/settings."""

    AGE_WARNING: str | timedelta | None
    AGE_CRITICAL: str | timedelta | None
    SIZE_FACTOR: float
    VERIFY_AGE: str | timedelta | None
    MIN_FREE: str | int | None
    PING_URL: str | None


class ReplicaDict(BackendDict):
    """What names the storage of a replica, and what is kept there."""

    PRUNE: NotRequired[PruneDict | None]


class SnapshotsDict(TypedDict, total=False):
    """SNAPSHOTS; every key is optional. What each means stands in docs/reference/settings."""

    STORAGE: BackendDict | SnapshotStorage
    SNAPSHOT_FORMAT: Literal["directory", "archive"]
    SNAPSHOT_NAME: str | Callable[[datetime], str]
    DEFAULT_ARTIFACTS: Sequence[str]
    ARTIFACTS: Mapping[str, BackendDict | Artifact]
    DATABASE_CONNECTORS: Mapping[str, str | BackendDict | Connector]
    COMPRESSION: BackendDict | Codec | None
    ENCRYPTION: BackendDict | EncryptionCodec | None
    SIGNING: BackendDict | Signer | None
    JOBS: int | None
    PRUNE: PruneDict | None
    REPLICAS: Sequence[ReplicaDict | SnapshotStorage]
    METADATA: Mapping[str, Any]
    ALLOW_RESTORE: bool
    NOTIFY: Sequence[str] | None
    HEALTH: HealthDict
