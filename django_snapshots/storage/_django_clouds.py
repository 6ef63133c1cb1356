"""The storages of django-storages for S3, Azure and Google Cloud: read and listed through their own clients.

Their files fetch the whole object first, S3's and Google's by default into memory, and give back ".gz" objects
decompressed, because they stored them with that Content-Encoding. Their `listdir` asks once per folder; Azure's
returns whole names, of everything below.
"""

from __future__ import annotations

import io
import posixpath
import sys
from contextlib import nullcontext
from copy import copy
from typing import IO, TYPE_CHECKING, Any, Protocol

from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.storage._streams import ForeignStream

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Cloud", "cloud_of"]

_READ_AHEAD = 8 * 1024 * 1024
_PARTS = 4
_REPLACED = ("open", "_open", "listdir")
_HIDDEN = ".locks/name"
_NO_LOCATION = "AzureStorage has no location"
_AZURE_HINT = (
    'Name a folder of the container, such as "location": "snapshots", in its OPTIONS. What is stored in the container '
    "already is found again when it is moved into that folder."
)


class Cloud(Protocol):
    """How the objects of a storage are reached past its files."""

    def open(self, path: str) -> IO[bytes]:
        """Open the object as a stream of its stored bytes."""
        ...

    def find(self, prefix: str) -> Iterator[str]:
        """Yield the paths that start with `prefix`, from one listing."""
        ...

    def writer(self) -> Any:
        """Return the storage to save to: the same, or one like it that needs less memory."""

    def mistake(self) -> tuple[str, str] | None:
        """Return what is wrong with how the storage is configured, and what to do; None where nothing is."""


def cloud_of(storage: object) -> Cloud | None:
    """Return the way past the files of `storage`, None for other storages.

    A subclass that opens or lists in its own manner (one that decrypts, say) is another storage.
    """
    for module, name, cloud in _CLOUDS:
        # Not imported: where the class was never loaded, no storage is one of it.
        cls = getattr(sys.modules.get(module), name, None)
        if (
            cls
            and isinstance(storage, cls)
            and all(getattr(type(storage), method) is getattr(cls, method) for method in _REPLACED)
        ):
            return cloud(storage)
    return None


class _Based:
    """The names of objects below the storage's `location`."""

    def __init__(self, storage: Any) -> None:
        self.storage = storage
        location = storage.location.strip("/")
        self.base = f"{location}/" if location else ""

    def writer(self) -> Any:
        return self.storage

    def mistake(self) -> tuple[str, str] | None:
        return None

    def key(self, path: str) -> str:
        return self.base + path

    def paths(self, keys: Iterator[str]) -> Iterator[str]:
        # A key that ends with a slash stands for a folder; consoles make them.
        return (key.removeprefix(self.base) for key in keys if not key.endswith("/"))


class _S3(_Based):
    def open(self, path: str) -> IO[bytes]:
        from boto3.s3.transfer import S3Transfer  # noqa: PLC0415 - there when an S3Storage is

        parameters = self.storage.get_object_parameters(path)
        wanted = {name: value for name, value in parameters.items() if name in S3Transfer.ALLOWED_DOWNLOAD_ARGS}
        answer = self._client.get_object(Bucket=self.storage.bucket_name, Key=self.key(path), **wanted)
        body: IO[bytes] = answer["Body"]
        return body

    def find(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.storage.bucket_name, Prefix=self.key(prefix))
        return self.paths(entry["Key"] for page in found for entry in page.get("Contents", ()))

    def writer(self) -> Any:
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415

        # With what boto3 has by default, ten parts are in memory at a time: 97 MiB where four need 45.
        default, chosen = vars(TransferConfig()), vars(self.storage.transfer_config)
        if {**chosen, "use_threads": True} != {**default, "use_threads": True}:
            return self.storage
        lean = copy(self.storage)
        lean.transfer_config = TransferConfig(max_concurrency=_PARTS, use_threads=chosen["use_threads"])
        lean.transfer_config.max_in_memory_upload_chunks = _PARTS
        return lean

    @property
    def _client(self) -> Any:
        return self.storage.connection.meta.client


class _Azure(_Based):
    def key(self, path: str) -> str:
        # AzureStorage stores every name without dots and slashes at its ends.
        return super().key(path).strip("./")

    def mistake(self) -> tuple[str, str] | None:
        if posixpath.normpath(self.key(_HIDDEN)) == self.base + _HIDDEN:
            return None
        found = f"The location of AzureStorage is '{self.storage.location}'" if self.base else _NO_LOCATION
        return f"{found}: it stores '{_HIDDEN}', the lock of a run, under another name.", _AZURE_HINT

    def open(self, path: str) -> IO[bytes]:
        source = self.storage.client.download_blob(self.key(path), timeout=self.storage.timeout, decompress=False)
        # It has `read(size)` alone.
        return io.BufferedReader(ForeignStream(source, nullcontext), CHUNK_SIZE)

    def find(self, prefix: str) -> Iterator[str]:
        found = self.storage.client.list_blob_names(name_starts_with=self.base + prefix, timeout=self.storage.timeout)
        return self.paths(iter(found))


class _Google(_Based):
    def open(self, path: str) -> IO[bytes]:
        blob = self.storage.bucket.blob(self.key(path))
        source: IO[bytes] = blob.open("rb", chunk_size=_READ_AHEAD, raw_download=True)
        return source

    def find(self, prefix: str) -> Iterator[str]:
        found = self.storage.bucket.list_blobs(prefix=self.base + prefix)
        return self.paths(blob.name for blob in found)


_CLOUDS: tuple[tuple[str, str, type[_S3 | _Azure | _Google]], ...] = (
    ("storages.backends.s3", "S3Storage", _S3),
    ("storages.backends.azure_storage", "AzureStorage", _Azure),
    ("storages.backends.gcloud", "GoogleCloudStorage", _Google),
)
