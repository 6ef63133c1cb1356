"""What may take the place of a snapshot that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_snapshots.codecs import Zstd
from django_snapshots.engine.catalog import find_snapshot
from django_snapshots.engine.restore import plan_restore, restore_snapshot
from django_snapshots.engine.verified import Finding, Verification, record
from django_snapshots.errors import SnapshotArtifactError
from tests.fakes import AdvancedMemoryStorage, BytesArtifact, FixedClock

if TYPE_CHECKING:
    from django_snapshots.storage.guard import GuardedStorage
    from tests.engine.conftest import Backup

formats = pytest.mark.parametrize("snapshot_format", ["directory", "archive"])
WHOLE = BytesArtifact(b"all")
IN_PART = BytesArtifact(b"some", facts={"problems": ["a.jpg could not be read"]})


@formats
def test_what_lacks_something_does_not_replace_what_has_all_of_it(
    memory: AdvancedMemoryStorage, backup: Backup, snapshot_format: str
) -> None:
    backup("nightly", {"media": WHOLE, "other": IN_PART}, snapshot_format=snapshot_format)
    before = dict(memory.files)

    with pytest.raises(SnapshotArtifactError, match=r"media could not be read as a whole: a\.jpg could not") as caught:
        backup("nightly", {"media": IN_PART}, overwrite=True, snapshot_format=snapshot_format)

    assert caught.value.artifact == "media"
    assert memory.files == before


@pytest.mark.parametrize("there", [{"media": IN_PART}, {"other": WHOLE}], ids=["in part too", "not at all"])
def test_what_lacks_something_replaces_what_lacks_it_too(
    storage: GuardedStorage, backup: Backup, there: dict[str, BytesArtifact]
) -> None:
    backup("nightly", there)

    created = backup("nightly", {"media": IN_PART}, overwrite=True)

    assert created.problems == ("media: a.jpg could not be read",)
    assert find_snapshot(storage, "nightly").manifest == created.snapshot.manifest


@pytest.mark.parametrize("found_by", ["listing", "verification"])
def test_what_lacks_something_replaces_what_is_damaged(
    memory: AdvancedMemoryStorage, storage: GuardedStorage, backup: Backup, clock: FixedClock, found_by: str
) -> None:
    snapshot = backup("nightly", {"media": WHOLE}).snapshot
    if found_by == "listing":
        del memory.files["nightly/media.bin.zst"]
    else:
        found = Verification(find_snapshot(storage, snapshot.name), 1, ("media",), (Finding("media", "it differs"),))
        record(storage, found, verified_at=clock(), tool="test")

    created = backup("nightly", {"media": IN_PART}, overwrite=True)

    assert find_snapshot(storage, "nightly").manifest == created.snapshot.manifest


@formats
@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("names", [("shard", "shard.2"), ("shard.2", "shard")])
def test_a_database_called_as_the_next_file_of_another_gets_a_file_of_its_own(
    storage: GuardedStorage, backup: Backup, names: tuple[str, str], jobs: int, snapshot_format: str
) -> None:
    artifacts = {f"database/{name}": BytesArtifact(name.encode()) for name in names}
    backup("nightly", {"database/shard": BytesArtifact(b"first")}, snapshot_format=snapshot_format)

    for _ in range(3):
        backup("nightly", artifacts, overwrite=True, jobs=jobs, snapshot_format=snapshot_format)

        targets = {name: BytesArtifact(b"") for name in artifacts}
        plan = plan_restore(find_snapshot(storage, "nightly"), targets, codecs=[Zstd()])
        restore_snapshot(storage, plan)
        assert {name: target.data for name, target in targets.items()} == {
            name: artifact.data for name, artifact in artifacts.items()
        }


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


@formats
@pytest.mark.parametrize("value", [nested(150), float("nan"), "\ud800"], ids=["too deep", "no number", "half"])
def test_a_manifest_that_could_not_be_read_is_not_put_in_the_place_of_one_that_can(
    memory: AdvancedMemoryStorage, backup: Backup, value: object, snapshot_format: str
) -> None:
    backup("nightly", {"media": BytesArtifact(b"old")}, snapshot_format=snapshot_format)
    before = dict(memory.files)

    with pytest.raises(SnapshotArtifactError, match="The manifest of 'nightly' could not be read back: "):
        backup(
            *("nightly", {"media": BytesArtifact(b"new", facts={"odd": value})}),
            overwrite=True,
            snapshot_format=snapshot_format,
        )

    assert memory.files == before
