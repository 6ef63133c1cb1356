"""Every error the library raises; foreign exceptions are translated into these at the plugins' border.

    SnapshotError
    ├── SnapshotNameError               a name or a storage path that may not be used
    ├── SnapshotNotFoundError           no snapshot of that name
    ├── SnapshotExistsError             the name is taken
    ├── SnapshotStorageError            the storage failed, or did not keep what it was given
    │   └── SnapshotStorageCapabilityError   the storage lacks methods that are needed
    ├── SnapshotManifestError           a manifest that cannot be trusted
    │   ├── SnapshotVersionError        a manifest of a version this release does not read
    │   └── SnapshotSignatureError      a manifest that is unsigned, or wrongly signed, where a signature is wanted
    ├── SnapshotSigningError            this host cannot sign or judge a signature: its keys cannot be used
    ├── SnapshotDigestError             stored or decoded bytes differ from the manifest
    ├── SnapshotFileMissingError        a file that the manifest names is not in the storage
    ├── SnapshotArtifactError           an artifact is unknown, or could not be dumped or staged
    │   └── SnapshotConnectorError      the same of a database
    ├── SnapshotCodecError              bytes that a codec cannot encode or decode
    │   └── SnapshotKeyError            the key for them is missing here, or another one
    ├── SnapshotSpaceError              too little free disk space, found before writing
    ├── SnapshotBusyError               another run is at work on the same storage or target
    ├── SnapshotPinnedError             a pin holds the snapshot
    ├── SnapshotReplicaError            there is no replica of that number
    ├── SnapshotPruneError              pruning was refused; nothing was deleted
    └── SnapshotRestoreError            a restore was refused, or ended part-way

`SnapshotsConfigError` (in `django_snapshots.conf`) stands beside them: it is Django's ImproperlyConfigured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

__all__ = [
    "SnapshotArtifactError",
    "SnapshotBusyError",
    "SnapshotCodecError",
    "SnapshotConnectorError",
    "SnapshotDigestError",
    "SnapshotError",
    "SnapshotExistsError",
    "SnapshotFileMissingError",
    "SnapshotKeyError",
    "SnapshotManifestError",
    "SnapshotNameError",
    "SnapshotNotFoundError",
    "SnapshotPinnedError",
    "SnapshotPruneError",
    "SnapshotReplicaError",
    "SnapshotRestoreError",
    "SnapshotSignatureError",
    "SnapshotSigningError",
    "SnapshotSpaceError",
    "SnapshotStorageCapabilityError",
    "SnapshotStorageError",
    "SnapshotVersionError",
]


class SnapshotError(Exception):
    """Base of every error raised by django-snapshots; `str()` of it is text for a user."""


class SnapshotNameError(SnapshotError):
    """A snapshot name, artifact name or storage path that may not be used.

    Attributes:
        name: The name as it was given.
    """

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message)
        self.name = name


class SnapshotNotFoundError(SnapshotError):
    """No snapshot of that name exists.

    Attributes:
        name: The name that was asked for.
        available: The nearest names that do exist.
    """

    def __init__(self, message: str, *, name: str, available: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.available = tuple(available)


class SnapshotExistsError(SnapshotError):
    """A snapshot of that name exists already.

    Attributes:
        name: The name that is taken.
    """

    def __init__(self, name: str, text: str | None = None) -> None:
        super().__init__(
            text
            or f"Snapshot '{name}' exists already and was left as it is. "
            "Choose another name, or replace it with --overwrite (overwrite=True)."
        )
        self.name = name


class SnapshotStorageError(SnapshotError):
    """The storage failed, or did not keep what it was given. The storage's own exception is the cause.

    Attributes:
        operation: The method that failed, such as "write".
        path: The path it was called with.
        missing: True when the storage answers, and says that it has no object of that path.
        full: True when there was no space left for what was to be written, or its quota was used up.
    """

    def __init__(
        self, message: str, *, operation: str = "", path: str = "", missing: bool = False, full: bool = False
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.path = path
        self.missing = missing
        self.full = full


class SnapshotStorageCapabilityError(SnapshotStorageError):
    """The storage lacks methods that a feature needs.

    Attributes:
        feature: What was asked for, such as "the archive format".
        methods: The names of the methods it lacks.
    """

    def __init__(self, feature: str, *, storage: str, methods: Iterable[str]) -> None:
        self.feature = feature
        self.methods = tuple(methods)
        super().__init__(
            f"{feature} needs a storage of the advanced tier; {storage} has no {', '.join(self.methods)}. "
            'Use SNAPSHOT_FORMAT "directory", or a storage that has these methods.'
        )


class SnapshotManifestError(SnapshotError):
    """A manifest that cannot be read or trusted.

    Attributes:
        snapshot: The name of the snapshot it belongs to, or "" where it is not known.
        reason: What is wrong with it.
    """

    def __init__(self, reason: str, *, snapshot: str = "") -> None:
        whose = f"The manifest of '{snapshot}'" if snapshot else "The manifest"
        super().__init__(f"{whose} is damaged: {reason} Restore another snapshot, or take the files out by hand.")
        self.snapshot = snapshot
        self.reason = reason


class SnapshotVersionError(SnapshotManifestError):
    """A manifest of a version that this release does not read.

    Attributes:
        version: The version found in the manifest.
    """

    def __init__(self, version: object, *, supported: Sequence[int], snapshot: str = "") -> None:
        readable = ", ".join(map(str, supported))
        whose = f"Snapshot '{snapshot}'" if snapshot else "The snapshot"
        self.version = version
        self.snapshot = snapshot
        self.reason = f"it has version {version!r}, this release reads {readable}."
        SnapshotError.__init__(
            self,
            f"{whose} has manifest version {version!r}; this release of django-snapshots reads version {readable}. "
            "Upgrade django-snapshots to the release that made it, or a newer one.",
        )


class SnapshotSignatureError(SnapshotManifestError):
    """A manifest that nobody vouches for: unsigned or wrongly signed, where SNAPSHOTS['SIGNING'] wants a signature.

    Attributes:
        snapshot: The snapshot's name.
        reason: What is wrong with its signature.
    """

    def __init__(self, reason: str, *, snapshot: str) -> None:
        self.snapshot = snapshot
        self.reason = reason
        SnapshotError.__init__(
            self,
            f"Snapshot '{snapshot}' is not to be trusted. {reason} Whoever can write to the storage could have put it "
            "there. Restore another one, or say --allow-unsigned (allow_unsigned=True) if you know where it is from.",
        )


class SnapshotSigningError(SnapshotError):
    """This host cannot sign, or cannot judge a signature: a key is missing or cannot be used."""


class SnapshotDigestError(SnapshotError):
    """Bytes differ from what the manifest says.

    Attributes:
        snapshot: The snapshot's name.
        path: The file inside the snapshot.
        expected: What the manifest says: a digest, or a number of bytes.
        found: What was found instead.
    """

    def __init__(self, *, snapshot: str, path: str, expected: str | int, found: str | int) -> None:
        if isinstance(expected, int):
            difference = f"has {found} bytes, the manifest says {expected}"
        else:
            difference = f"has digest {found}, the manifest says {expected}"
        super().__init__(
            f"{path} of '{snapshot}' {difference}. "
            "The file is damaged or was changed after the backup; use another snapshot."
        )
        self.snapshot = snapshot
        self.path = path
        self.expected = expected
        self.found = found


class SnapshotFileMissingError(SnapshotError):
    """A file that the manifest names is not in the storage.

    Attributes:
        snapshot: The snapshot's name.
        path: The file inside the snapshot.
    """

    def __init__(self, *, snapshot: str, path: str) -> None:
        super().__init__(
            f"{path} of '{snapshot}' is missing from the storage. Put the file back, or use another snapshot."
        )
        self.snapshot = snapshot
        self.path = path


class SnapshotArtifactError(SnapshotError):
    """An artifact is unknown, or could not be dumped or staged.

    Attributes:
        artifact: The artifact's name, such as "media" or "database/default".
    """

    def __init__(self, message: str, *, artifact: str) -> None:
        super().__init__(message)
        self.artifact = artifact


class SnapshotConnectorError(SnapshotArtifactError):
    """A database could not be dumped, or its dump could not be staged or loaded."""


class SnapshotCodecError(SnapshotError):
    """Bytes that a codec cannot encode or decode.

    Attributes:
        codec: The codec's name, such as "zstd".
    """

    def __init__(self, message: str, *, codec: str) -> None:
        super().__init__(message)
        self.codec = codec


class SnapshotKeyError(SnapshotCodecError):
    """What was encrypted cannot be read with the keys of this host: its key is missing, or another one. No damage."""


class SnapshotSpaceError(SnapshotError):
    """Too little free disk space for what must be staged, found before anything is written.

    Attributes:
        location: The directory that would be written to.
        needed_bytes: What the operation needs there.
        free_bytes: What is free there.
    """

    def __init__(self, message: str, *, location: str, needed_bytes: int, free_bytes: int) -> None:
        super().__init__(message)
        self.location = location
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes


class SnapshotBusyError(SnapshotError):
    """Another run is at work on the same storage, database or folder; this one did nothing.

    Attributes:
        resource: What both need: "the storage", or an artifact's name.
        verb: What the other run does, such as "backup".
        host: Where it runs.
        pid: Its process id there; None where the lock does not say.
        since: Since when it has the lock, aware; None where the lock does not say.
        until: When the lock of the storage ends, aware, unless it is renewed; None for a lock of this host, which ends
            with the process.
        lock: The lock's path: in the storage, or on this host.
    """

    def __init__(
        self,
        resource: str,
        *,
        verb: str,
        host: str,
        pid: int | None,
        since: datetime | None,
        until: datetime | None,
        lock: str,
    ) -> None:
        moment = "%Y-%m-%d %H:%M:%S %Z"
        who = f"{verb} (process {pid} on {host})" if pid else f"{verb} on {host}"
        held = f", since {since.strftime(moment)}" if since else ""
        if until:
            way_out = (
                f"Wait for it to end. When you know that it is gone, delete {lock} from the storage, "
                f"or wait until {until.strftime(moment)}."
            )
        else:
            way_out = "Wait for it to end."
        super().__init__(f"Busy: {resource} is in use by {who}{held}. {way_out}")
        self.resource = resource
        self.verb = verb
        self.host = host
        self.pid = pid
        self.since = since
        self.until = until
        self.lock = lock


class SnapshotPinnedError(SnapshotError):
    """A pin holds the snapshot: it was not deleted or replaced.

    Attributes:
        name: The snapshot's name.
        pin: The pin in words, such as "pinned until 2027-01-01: audit".
    """

    def __init__(self, name: str, *, pin: str, doing: str) -> None:
        super().__init__(
            f"Snapshot '{name}' is {pin}. It was not {doing}. Take the pin away first: manage.py snapshots unpin {name}"
        )
        self.name = name
        self.pin = pin


class SnapshotPruneError(SnapshotError):
    """Pruning was refused, and nothing was deleted.

    Attributes:
        reason: Why: "empty policy", "incomplete listing" or "below the floor".
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class SnapshotReplicaError(SnapshotError):
    """There is no replica of that number.

    Attributes:
        number: The number, counted from 1.
        count: How many replicas there are.
    """

    def __init__(self, number: int, *, count: int) -> None:
        text = f"There is no replica {number}: SNAPSHOTS['REPLICAS'] has {count}, counted from 1. Nothing was done."
        if not count:
            text = (
                "There are no replicas: SNAPSHOTS['REPLICAS'] is empty. Nothing was done. "
                "List there each further storage that is to have the snapshots."
            )
        super().__init__(text)
        self.number = number
        self.count = count


class SnapshotRestoreError(SnapshotError):
    """A restore was refused, or ended part-way.

    Attributes:
        restored: Artifacts that were already replaced when it ended.
        untouched: Artifacts that are as before.
    """

    def __init__(self, message: str, *, restored: Sequence[str] = (), untouched: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.restored = tuple(restored)
        self.untouched = tuple(untouched)
