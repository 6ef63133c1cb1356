"""The contract suites against real servers: S3 twice, Azure and SFTP, each by django-storages and by fsspec."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import FlexibleChecksumError

from django_snapshots.engine import lease as lease_module
from django_snapshots.engine.lease import holding_storage
from django_snapshots.errors import SnapshotBusyError, SnapshotStorageError
from django_snapshots.storage import DjangoStorageBackend, FsspecBackend
from django_snapshots.storage.guard import GuardedStorage
from django_snapshots.testing import AdvancedStorageContract, StorageContract
from tests.storage.servers import require_module, serving_azure, serving_moto, serving_s3, serving_sftp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def now() -> datetime:
    return datetime.now(UTC)


KEYS = {"access_key": "tests", "secret_key": "only-for-tests", "region_name": "us-east-1"}


@pytest.fixture(scope="module")
def rclone_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_s3(tmp_path_factory.mktemp("s3") / "served", "snapshots") as environment:
        yield environment["AWS_ENDPOINT_URL"]


@pytest.fixture(scope="module")
def moto_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import boto3

    with serving_moto(tmp_path_factory.mktemp("moto")) as url:
        names = {"aws_access_key_id": "tests", "aws_secret_access_key": "only-for-tests"}
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **names)
        client.create_bucket(Bucket="snapshots")
        client.close()
        yield url


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    require_module("azure.storage.blob", "'django-storages[azure]'")
    from azure.storage.blob import BlobServiceClient

    with serving_azure(tmp_path_factory.mktemp("azure")) as connection:
        with BlobServiceClient.from_connection_string(connection) as client:
            client.create_container("snapshots").close()
        yield connection


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    with serving_sftp(tmp_path_factory.mktemp("sftp")) as address:
        yield address


def fsspec_on_s3(url: str, bucket: str = "snapshots") -> FsspecBackend:
    require_module("s3fs", "'django-snapshots[s3]'")
    keys = {"key": "tests", "secret": "only-for-tests", "client_kwargs": {"region_name": "us-east-1"}}
    return FsspecBackend(f"s3://{bucket}/some/folder", endpoint_url=url, **keys)


def django_on_s3(url: str, **options: Any) -> DjangoStorageBackend:
    require_module("storages.backends.s3", "'django-storages[s3]'")
    options = {"bucket_name": "snapshots", "location": "site", "endpoint_url": url, **KEYS, **options}
    return DjangoStorageBackend({"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options})


def django_on_azure(connection: str, location: str) -> DjangoStorageBackend:
    options = {"connection_string": connection, "azure_container": "snapshots", "location": location}
    return DjangoStorageBackend({"BACKEND": "storages.backends.azure_storage.AzureStorage", "OPTIONS": options})


class TestFsspecOnRcloneS3(AdvancedStorageContract):
    many = 1100  # more than a page
    # This server opens an object and its checksum one after the other; when a move comes between, the client refuses.
    refusals = (FlexibleChecksumError,)

    @pytest.fixture
    def storage(self, rclone_s3: str) -> FsspecBackend:
        return fsspec_on_s3(rclone_s3)


class TestFsspecOnMotoS3(AdvancedStorageContract):
    @pytest.fixture
    def storage(self, moto_s3: str) -> FsspecBackend:
        return fsspec_on_s3(moto_s3)


class TestDjangoOnRcloneS3(StorageContract):
    @pytest.fixture
    def storage(self, rclone_s3: str) -> DjangoStorageBackend:
        return django_on_s3(rclone_s3)


class TestDjangoOnMotoS3ThatRenames(StorageContract):
    @pytest.fixture
    def storage(self, moto_s3: str) -> DjangoStorageBackend:
        return django_on_s3(moto_s3, file_overwrite=False)


# adlfs hands aiohttp a memoryview, which aiohttp would rather have as a file.
@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
class TestFsspecOnAzure(AdvancedStorageContract):
    @pytest.fixture
    def storage(self, azure: str) -> FsspecBackend:
        require_module("adlfs", "'django-snapshots[azure]'")
        return FsspecBackend("az://snapshots/some/folder", connection_string=azure)


class TestDjangoOnAzure(StorageContract):
    # AzureStorage takes dots away from the ends of a name.
    names = tuple(name for name in StorageContract.names if not name.endswith("."))

    @pytest.fixture
    def storage(self, azure: str) -> DjangoStorageBackend:
        return django_on_azure(azure, "site")


@pytest.mark.parametrize("location", ["site", "/some/folder/", "site."])
def test_a_location_on_azure_keeps_a_second_run_away(azure: str, location: str) -> None:
    backend = django_on_azure(azure, location)
    storage, another = GuardedStorage(backend), GuardedStorage(django_on_azure(azure, location))

    assert backend.check() == []
    with holding_storage(storage, "backup", clock=now), pytest.raises(SnapshotBusyError):  # noqa: SIM117
        with holding_storage(another, "prune", clock=now):
            pytest.fail("two writers")


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("", "AzureStorage has no location"),
        ("/", "AzureStorage has no location"),
        (".hidden", "The location of AzureStorage is '.hidden'"),
    ],
)
def test_a_location_on_azure_that_moves_locks_is_a_problem_and_no_run_begins(
    azure: str, location: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "LISTING_S", 0.0)
    backend = django_on_azure(azure, location)
    (problem,) = backend.check()

    assert (problem.id, problem.path) == ("snapshots.E002", ("storage",))
    assert problem.message == f"{found}: it stores '.locks/name', the lock of a run, under another name."
    assert problem.hint is not None
    assert '"location": "snapshots"' in problem.hint
    with (
        pytest.raises(SnapshotStorageError, match="no run would see another"),
        holding_storage(GuardedStorage(backend), "backup", clock=now),
    ):
        pytest.fail("a second run would not see this one")


class TestFsspecOnSftp(AdvancedStorageContract):
    @pytest.fixture
    def storage(self, sftp: tuple[int, Path]) -> FsspecBackend:
        port, known_hosts = sftp
        login = {"username": "ada", "password": "only-for-tests", "known_hosts": str(known_hosts)}
        return FsspecBackend("sftp://127.0.0.1/some", port=port, **login)


class TestFsspecInMemory(AdvancedStorageContract):
    @pytest.fixture
    def storage(self) -> FsspecBackend:
        require_module("fsspec", "'django-snapshots[fsspec]'")
        return FsspecBackend(f"memory://{uuid.uuid4().hex}")


class TestFsspecInAFolder(AdvancedStorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> FsspecBackend:
        require_module("fsspec", "'django-snapshots[fsspec]'")
        return FsspecBackend(f"file://{tmp_path}/snapshots")
