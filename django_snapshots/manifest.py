"""The manifest: what a snapshot says of itself. Parses and writes `manifest.json`; opens nothing."""

from __future__ import annotations

import json
import math
from datetime import UTC
from typing import Annotated, Any, NoReturn

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from django_snapshots.digests import DIGEST_PATTERN
from django_snapshots.errors import SnapshotManifestError, SnapshotNameError, SnapshotVersionError
from django_snapshots.names import check_path, check_snapshot_name

__all__ = [
    "MANIFEST_NAME",
    "MANIFEST_VERSION",
    "ArtifactRecord",
    "EncryptionRecord",
    "Manifest",
    "format_manifest",
    "parse_manifest",
]

MANIFEST_NAME = "manifest.json"
MANIFEST_VERSION = 2
MANIFEST_MAX_BYTES = 64 * 1024 * 1024
"""A larger manifest is damaged or hostile: it is held in memory, so its size must have a limit."""

DEPTH_MAX = 128
"""Levels of values in values: METADATA may have 100, and programs that read JSON fail at some 1,000."""

Digest = Annotated[str, Field(pattern=DIGEST_PATTERN)]
SizeBytes = Annotated[int, Field(ge=0, strict=True)]


def _path(value: str) -> str:
    try:
        return check_path(value)
    except SnapshotNameError as error:
        raise ValueError(str(error)) from error


def _name(value: str) -> str:
    try:
        return check_snapshot_name(value)
    except SnapshotNameError as error:
        raise ValueError(str(error)) from error


_FROM_JSON = object()
"""Says, as the context of a validation, that all values in the document come from a reader of JSON."""


def _json_values(value: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    # Checked one by one, the values of a manifest took a third of the time that it takes to parse.
    return value if info.context is _FROM_JSON and type(value) is dict else check(value)


JsonObject = Annotated[dict[str, JsonValue], WrapValidator(_json_values)]


class EncryptionRecord(BaseModel):
    """How an artifact was encrypted, and who can read it. Never a key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: Annotated[str, Field(min_length=1, description="Name of the codec that encrypted, the last one.")]
    recipients: Annotated[
        tuple[str, ...],
        Field(description='Fingerprints of the public keys it was encrypted for; ["passphrase"] for a passphrase.'),
    ]


class ArtifactRecord(BaseModel):
    """One artifact of a snapshot: where its file is, how it was encoded, and what it must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, description='Such as "database/default", "media", "environment".')]
    kind: Annotated[str, Field(min_length=1, description='Such as "database", "directory", "environment".')]
    path: Annotated[str, AfterValidator(_path), Field(description="The file, relative to the snapshot.")]
    codecs: Annotated[tuple[str, ...], Field(description="Names of the codecs, in the order of encoding.")]
    plain_size: Annotated[SizeBytes, Field(description="Bytes before encoding.")]
    plain_digest: Annotated[Digest, Field(description="Digest of the bytes before encoding.")]
    stored_size: Annotated[SizeBytes, Field(description="Bytes of the file in the storage.")]
    stored_digest: Annotated[Digest, Field(description="Digest of the file in the storage.")]
    facts: Annotated[JsonObject, Field(description="What the artifact's plugin recorded; `notes` is for people.")]
    encryption: Annotated[EncryptionRecord | None, Field(description="Left out where the file is not encrypted.")] = (
        None
    )

    @property
    def problems(self) -> tuple[str, ...]:
        """What belongs in the artifact and is missing, such as a file that could not be read; none for a whole one."""
        texts = self.facts.get("problems")
        return tuple(str(text) for text in texts) if isinstance(texts, list) else ()

    @property
    def lacks(self) -> str | None:
        """The first of its problems, and whether there are more, for one line; None for a whole one."""
        first, *more = self.problems or (None,)
        return f"{first}; and more" if more else first


class Manifest(BaseModel):
    """`manifest.json`, version 2. A snapshot exists exactly when its manifest does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(strict=True, description="Version of this format.")]
    name: Annotated[str, AfterValidator(_name), Field(description="The snapshot's name.")]
    created_at: Annotated[AwareDatetime, Field(description="When the backup began, UTC.")]
    tool: Annotated[str, Field(description="What made it, with its version.")]
    python: Annotated[str, Field(description="Version of Python.")]
    django: Annotated[str, Field(description="Version of Django.")]
    hostname: Annotated[str, Field(description="The host it was made on.")]
    packages: Annotated[tuple[str, ...], Field(description='Installed distributions, as "name==version", sorted.')]
    metadata: Annotated[JsonObject, Field(description="SNAPSHOTS['METADATA'] at the time.")]
    artifacts: Annotated[tuple[ArtifactRecord, ...], Field(description="The artifacts, in the order they were made.")]

    def artifact(self, name: str) -> ArtifactRecord | None:
        """Return the record of the artifact called `name`, or None."""
        return next((record for record in self.artifacts if record.name == name), None)

    @property
    def problems(self) -> dict[str, tuple[str, ...]]:
        """What is missing of each artifact, by its name; those that are whole are left out."""
        return {record.name: record.problems for record in self.artifacts if record.problems}

    @property
    def stored_size_bytes(self) -> int:
        """Bytes of all artifacts as stored."""
        return sum(record.stored_size for record in self.artifacts)

    @property
    def encrypted(self) -> bool:
        """Whether every artifact is encrypted; False for a snapshot of nothing."""
        return bool(self.artifacts) and all(record.encryption is not None for record in self.artifacts)


def format_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as UTF-8 JSON, indented for people, with a newline at the end."""
    document = manifest.model_dump(mode="json")
    for record in document["artifacts"]:
        if record["encryption"] is None:
            del record["encryption"]
    document["created_at"] = manifest.created_at.astimezone(UTC).isoformat(timespec="microseconds")
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parse_manifest(data: bytes, *, snapshot: str = "") -> Manifest:
    """Return the manifest in `data`.

    Args:
        data: The bytes of a `manifest.json`.
        snapshot: The name it was found under, for messages and compared with the name inside; "" for any.

    Raises:
        SnapshotVersionError: Its version is not one this release reads.
        SnapshotManifestError: It is no JSON, has a key twice, or does not fit the schema.
    """
    document = _load_json(data, snapshot)
    version = document.get("version")
    if version != MANIFEST_VERSION or isinstance(version, bool):
        raise SnapshotVersionError(version, supported=(MANIFEST_VERSION,), snapshot=snapshot)
    try:
        manifest = Manifest.model_validate(document, context=_FROM_JSON)
    except ValidationError as error:
        raise SnapshotManifestError(_first_mistake(error), snapshot=snapshot) from error
    _check_consistency(manifest, snapshot)
    return manifest


def _load_json(data: bytes, snapshot: str) -> dict[str, Any]:
    if len(data) > MANIFEST_MAX_BYTES:
        raise SnapshotManifestError(f"it is larger than {MANIFEST_MAX_BYTES} bytes.", snapshot=snapshot)
    try:
        text = data.decode()
        document = _DECODER.decode(text)
        if _may_be_unwritable(text):
            _refuse_unwritable(document)
    except (ValueError, RecursionError) as error:
        raise SnapshotManifestError(f"it is not JSON ({error}).", snapshot=snapshot) from error
    if not isinstance(document, dict):
        raise SnapshotManifestError("it is no JSON object.", snapshot=snapshot)
    return document


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 8259 section 4 leaves duplicate names undefined: two readers could see two different snapshots.
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"key {twice!r} stands twice")
    return result


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is beyond all numbers")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_no_constant, parse_float=_finite)


def _may_be_unwritable(text: str) -> bool:
    # Half a character can only be written as an escape, and what opens fewer brackets cannot be nested deeper. To look
    # at each value took as long as to read the JSON and to validate it. One character is found much faster than two.
    return ("\\" in text and "\\u" in text) or text.count("{") + text.count("[") > DEPTH_MAX


def _refuse_unwritable(document: object) -> None:
    """Raise ValueError for what no backup writes, and what reads or shows it could fail on: depth, half characters."""
    waiting = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEPTH_MAX:
            raise ValueError(f"it is nested deeper than {DEPTH_MAX} levels")
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, dict):
            waiting += [(inner, depth + 1) for pair in value.items() for inner in pair]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]


def _first_mistake(error: ValidationError) -> str:
    mistake = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, mistake["loc"]))
    return f"{place}: {mistake['msg']}."


def _check_consistency(manifest: Manifest, snapshot: str) -> None:
    if snapshot and manifest.name != snapshot:
        raise SnapshotManifestError(f"it says its name is '{manifest.name}'.", snapshot=snapshot)
    for field in ("name", "path"):
        values = [getattr(record, field) for record in manifest.artifacts]
        if len(set(values)) != len(values):
            raise SnapshotManifestError(f"two artifacts have the same {field}.", snapshot=snapshot)
    for record in manifest.artifacts:
        if len(set(record.codecs)) != len(record.codecs):
            # Nobody has a use for it but a bomb inside of a bomb, whose middle no recorded size limits.
            raise SnapshotManifestError(f"{record.path} is encoded twice by the same codec.", snapshot=snapshot)
        if record.encryption is not None and record.codecs[-1:] != (record.encryption.codec,):
            raise SnapshotManifestError(f"{record.path} is not encoded as it says it is encrypted.", snapshot=snapshot)
    if any(record.path.startswith(MANIFEST_NAME) for record in manifest.artifacts):
        raise SnapshotManifestError("an artifact takes the place of the manifest itself.", snapshot=snapshot)
