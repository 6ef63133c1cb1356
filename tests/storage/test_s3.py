"""S3 servers that lose their bucket, are killed in mid-upload, or keep parts: what a user is told and what stays."""

from __future__ import annotations

import tempfile
import threading
import time
import tracemalloc
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import InMemoryStorage

from django_snapshots.codecs import Zstd
from django_snapshots.engine.catalog import list_snapshots
from django_snapshots.engine.create import create_snapshot
from django_snapshots.engine.restore import plan_restore, verify_stored
from django_snapshots.errors import SnapshotStorageError
from django_snapshots.storage import DjangoStorageBackend, FsspecBackend, _fsspec_deletions
from django_snapshots.storage._django_clouds import cloud_of
from django_snapshots.storage.guard import GuardedStorage
from django_snapshots.testing._content import HalfWayError, as_file, breaking_off, patterned
from tests.fakes import HOST, BytesArtifact, FixedClock
from tests.storage.servers import require_module, serving_moto, serving_rclone_s3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIB = 1024 * 1024
KEYS = {"aws_access_key_id": "tests", "aws_secret_access_key": "only-for-tests", "region_name": "us-east-1"}


@pytest.fixture(autouse=True)
def packages() -> None:
    require_module("s3fs", "'django-snapshots[s3]'")
    require_module("storages.backends.s3", "'django-storages[s3]'")


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_moto(tmp_path_factory.mktemp("moto")) as url:
        with speaking_to(url) as client:
            client.create_bucket(Bucket="snapshots")
        yield url


@contextmanager
def speaking_to(url: str) -> Iterator[Any]:
    import boto3

    with closing(boto3.client("s3", endpoint_url=url, **KEYS)) as client:
        yield client


@pytest.fixture
def client(moto: str) -> Iterator[Any]:
    with speaking_to(moto) as client:
        yield client


def by_fsspec(url: str, bucket: str = "snapshots") -> FsspecBackend:
    quick = {"retries": {"max_attempts": 1}, "connect_timeout": 2, "read_timeout": 60}
    options = {"key": "tests", "secret": "only-for-tests", "client_kwargs": {"region_name": "us-east-1"}}
    return FsspecBackend(f"s3://{bucket}/some/folder", endpoint_url=url, config_kwargs=quick, **options)


def by_django(url: str, bucket: str = "snapshots") -> DjangoStorageBackend:
    from botocore.config import Config

    quick = Config(retries={"max_attempts": 1}, connect_timeout=2, read_timeout=60)
    options = {"access_key": "tests", "secret_key": "only-for-tests", "region_name": "us-east-1"}
    options |= {"bucket_name": bucket, "location": "site", "endpoint_url": url, "client_config": quick}
    return DjangoStorageBackend({"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options})


BACKENDS = pytest.mark.parametrize("make", [by_fsspec, by_django])


@BACKENDS
def test_a_bucket_that_does_not_exist_is_an_error_and_not_an_empty_one(make: Callable[..., Any], moto: str) -> None:
    guard = GuardedStorage(make(moto, "no-such-bucket"))

    for prefix in ("", "nightly/"):
        with pytest.raises(SnapshotStorageError, match="could not list"):
            guard.list(prefix)
    with pytest.raises(SnapshotStorageError, match="could not (stream_)?write"):
        guard.store("a", iter([b"x"]))


@BACKENDS
def test_an_empty_bucket_is_empty(make: Callable[..., Any], moto: str, client: Any) -> None:
    client.create_bucket(Bucket="empty")
    guard = GuardedStorage(make(moto, "empty"))

    assert guard.list("") == []
    assert guard.list("nightly/") == []


@BACKENDS
def test_folders_that_a_console_made_are_no_objects(make: Callable[..., Any], moto: str, client: Any) -> None:
    storage = make(moto)
    base = "some/folder" if make is by_fsspec else "site"
    for key in (f"{base}/", f"{base}/made/"):
        client.put_object(Bucket="snapshots", Key=key, Body=b"")
    GuardedStorage(storage).store("made/a", iter([b"x"]))

    assert storage.list("") == ["made/a"]
    assert not storage.exists("made")
    storage.delete("made/a")


@pytest.mark.parametrize("size_bytes", [0, MIB, 9 * MIB, 40 * MIB])
def test_a_failed_upload_leaves_no_parts(size_bytes: int, moto: str, client: Any) -> None:
    storage = by_fsspec(moto)

    with pytest.raises(HalfWayError):
        storage.stream_write("a", breaking_off(size_bytes))

    assert client.list_multipart_uploads(Bucket="snapshots").get("Uploads", []) == []
    assert storage.list("") == []


def test_parts_are_sent_while_the_object_is_made(moto: str, client: Any) -> None:
    seen: list[int] = []

    def chunks() -> Iterator[bytes]:
        yield from patterned(40 * MIB)
        time.sleep(1)
        seen.append(len(client.list_multipart_uploads(Bucket="snapshots").get("Uploads", [])))

    storage = by_fsspec(moto)
    storage.stream_write("a", chunks())

    assert seen == [1]
    assert storage.size("a") == 40 * MIB
    storage.delete("a")


@BACKENDS
def test_a_server_killed_in_mid_upload_leaves_earlier_snapshots_and_the_next_backup_succeeds(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    buckets = tmp_path / "buckets"
    (buckets / "snapshots").mkdir(parents=True)
    clock = FixedClock()

    def backup(storage: GuardedStorage, name: str, artifact: Any) -> None:
        create_snapshot(storage, {"media": artifact}, name=name, created_at=clock(), host=HOST)

    with serving_rclone_s3(buckets) as (url, server):
        storage = GuardedStorage(make(url))
        backup(storage, "earlier", BytesArtifact(b"earlier" * 1000))
        with pytest.raises(SnapshotStorageError, match="could not") as caught:
            backup(storage, "lost", Killing(server, spooled=make is by_django))
    assert "lost/media" in str(caught.value)

    with serving_rclone_s3(buckets) as (url, _):
        storage = GuardedStorage(make(url))
        assert names_of_whole_snapshots(storage) == ["earlier"]
        backup(storage, "next", BytesArtifact(b"next" * 1000))
        assert sorted(names_of_whole_snapshots(storage)) == ["earlier", "next"]


class Killing(BytesArtifact):
    """Kills the server while its bytes are sent; spooled ones are sent when all have been dumped."""

    def __init__(self, server: Any, *, spooled: bool) -> None:
        super().__init__(b"")
        self.server = server
        self.spooled = spooled

    def dump(self, sink: Any) -> Any:
        for number, chunk in enumerate(patterned(60 * MIB)):
            if number == 300 and not self.spooled:
                self.server.kill()
            sink.write(chunk)
        if self.spooled:
            threading.Timer(0.1, self.server.kill).start()
        return {}


def names_of_whole_snapshots(storage: GuardedStorage) -> list[str]:
    snapshots = list_snapshots(storage)
    for snapshot in snapshots:
        verify_stored(storage, plan_restore(snapshot, {"media": BytesArtifact(b"")}, codecs=[Zstd()]))
    return [snapshot.name for snapshot in snapshots]


def test_streaming_needs_no_temporary_file(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    storage = by_fsspec(moto)

    storage.stream_write("a", patterned(20 * MIB))
    with storage.read("a") as source:
        source.read(100)

    assert storage.size("a") == 20 * MIB
    storage.delete("a")


def test_a_django_storage_on_s3_is_read_as_a_stream(moto: str) -> None:
    storage = by_django(moto)
    storage.write("a", as_file(patterned(40 * MIB)))
    tracemalloc.start()

    with storage.read("a") as source:
        size_bytes = sum(len(chunk) for chunk in iter(lambda: source.read(MIB), b""))

    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    storage.delete("a")
    assert size_bytes == 40 * MIB
    assert peak_bytes < 20 * MIB


def test_the_users_own_transfer_settings_are_kept(moto: str) -> None:
    from boto3.s3.transfer import TransferConfig

    chosen = TransferConfig(max_concurrency=2)
    options = {"bucket_name": "snapshots", "endpoint_url": moto, "transfer_config": chosen}
    theirs = DjangoStorageBackend({"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options})
    default = by_django(moto)

    for backend, expected in ((theirs, 2), (default, 4)):
        storage: Any = backend._opened()
        cloud = cloud_of(storage)
        assert cloud is not None
        assert cloud.writer().transfer_config.max_request_concurrency == expected
        assert storage.transfer_config.max_in_memory_upload_chunks == 10


def test_many_objects_are_written_by_one_session(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of boto3 takes 50 ms to make, and a server that is far away has a connection to open for each."""
    import boto3

    made = []
    first = boto3.Session.__init__

    def counted(session: Any, *arguments: Any, **options: Any) -> None:
        made.append(session)
        first(session, *arguments, **options)

    monkeypatch.setattr(boto3.Session, "__init__", counted)
    storage = by_django(moto)

    for number in range(5):
        storage.write(f"many/{number}", as_file([b"x"]))

    found = storage.list("many/")
    for path in found:
        storage.delete(path)
    assert len(found) == 5
    assert len(made) == 2, "one to write with, one for everything else"


def test_a_subclass_that_opens_in_its_own_manner_is_left_to_do_so(moto: str) -> None:
    from storages.backends.s3 import S3Storage

    class Decrypting(S3Storage):  # type: ignore[misc]
        def _open(self, name: str, mode: str = "rb") -> Any:
            return super()._open(name, mode)

    class Renamed(S3Storage):  # type: ignore[misc]
        pass

    assert cloud_of(Decrypting(bucket_name="snapshots")) is None
    assert cloud_of(Renamed(bucket_name="snapshots")) is not None
    assert cloud_of(InMemoryStorage()) is None


def test_a_list_of_snapshots_costs_one_listing_and_one_small_request_for_each(moto: str, client: Any) -> None:
    client.create_bucket(Bucket="counted")
    backend = by_fsspec(moto, "counted")
    storage, clock = GuardedStorage(backend), FixedClock()
    for number in range(12):
        name = f"nightly-{number}"
        create_snapshot(storage, {"media": BytesArtifact(b"x")}, name=name, created_at=clock(), host=HOST)
    asked = counted_calls(backend)
    found = list_snapshots(storage)

    assert len(found) == 12
    assert asked["get_object"] == 12
    assert sum(asked.values()) - 12 <= 1, asked


def counted_calls(backend: FsspecBackend) -> Counter[str]:
    """Count the requests that s3fs makes one by one from now on; those for many objects are not among them."""
    fs = backend._opened()
    asked: Counter[str] = Counter()
    really_call = fs._call_s3

    async def counting(method: str, *arguments: Any, **options: Any) -> Any:
        asked[method] += 1
        return await really_call(method, *arguments, **options)

    fs._call_s3 = counting
    return asked


def test_many_objects_are_deleted_without_a_request_for_each(
    moto: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_fsspec_deletions, "_S3_PAGE", 10)
    backend = by_fsspec(moto)
    paths = [f"night/{number:04}" for number in range(25)]
    for path in paths:
        client.put_object(Bucket="snapshots", Key=f"some/folder/{path}", Body=b"x")
    asked = counted_calls(backend)

    backend.delete_many([*paths[1:], "night/missing"])

    assert asked["delete_object"] == 0
    assert backend.list("night/") == [paths[0]]
    backend.delete(paths[0])


def test_a_service_that_does_not_answer_fails_the_deletion_of_many() -> None:
    guard = GuardedStorage(by_fsspec("http://127.0.0.1:1"))  # tcpmux: nothing listens there

    with pytest.raises(SnapshotStorageError, match="could not delete all of 'night/a … night/b': EndpointConnection"):
        guard.delete_many(["night/a", "night/b"])
