"""Stores one file on an S3 server and proves it: `python -m benchmarks.upload_one fsspec|django URL FILE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings

from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.storage import DjangoStorageBackend, FsspecBackend
from django_snapshots.storage.guard import GuardedStorage

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "uploads"


def backend(kind: str, url: str) -> Any:
    """Return the storage; both are given what they need by name, as settings do."""
    if kind == "fsspec":
        keys = {"key": "bench", "secret": "only-for-tests", "client_kwargs": {"region_name": "us-east-1"}}
        return FsspecBackend(f"s3://{BUCKET}/ours", endpoint_url=url, **keys)
    options = {"access_key": "bench", "secret_key": "only-for-tests", "region_name": "us-east-1"}
    options |= {"bucket_name": BUCKET, "location": "ours", "endpoint_url": url}
    return DjangoStorageBackend({"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options})


def chunks(path: Path) -> Iterator[bytes]:
    """Yield the file as a backup would yield an artifact."""
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_SIZE):
            yield chunk


def main(kind: str, url: str, path: Path) -> None:
    """Store, and confirm the size; the digest is compared where the storage cannot tell the size."""
    settings.configure(INSTALLED_APPS=["django_snapshots"])
    django.setup()
    storage = GuardedStorage(backend(kind, url))
    storage.store("artifact", chunks(path))
    storage.confirm("artifact", path.stat().st_size, "")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
