"""The locks of databases and folders on this host: a restore is alone with its target."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.artifacts import DirectoryArtifact, EnvironmentArtifact
from django_snapshots.engine.target_locks import _path, holding_targets
from django_snapshots.errors import SnapshotBusyError, SnapshotRestoreError
from tests.fakes import BytesArtifact, FixedClock

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = FixedClock()


def hold(artifacts: Any, verb: str = "restore", *, alone: bool = True) -> Any:
    return holding_targets(artifacts, verb, alone=alone, clock=CLOCK)


def test_a_restore_keeps_others_away_from_its_folder_and_says_who_it_is(tmp_path: Path) -> None:
    media = {"media": DirectoryArtifact(tmp_path)}

    with hold(media):
        for alone in (True, False):
            with (
                pytest.raises(SnapshotBusyError) as caught,
                hold({"uploads": DirectoryArtifact(tmp_path)}, alone=alone),
            ):
                pytest.fail("two at once")
            error = caught.value
            assert (error.resource, error.verb, error.pid, error.until) == ("uploads", "restore", os.getpid(), None)
            assert str(error).startswith(f"Busy: uploads is in use by restore (process {os.getpid()} on ")
            assert str(error).endswith(", since 2026-11-22 02:00:00 UTC. Wait for it to end.")
    with hold(media):
        pass


def test_backups_share_a_target_and_keep_a_restore_away(tmp_path: Path) -> None:
    media = {"media": DirectoryArtifact(tmp_path)}

    with (
        hold(media, "backup", alone=False),
        hold(media, "backup", alone=False),
        pytest.raises(SnapshotBusyError, match="in use by backup"),
        hold(media),
    ):
        pytest.fail("a backup reads it")
    with hold(media):
        pass


def test_a_link_to_a_folder_means_the_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    with hold({"media": DirectoryArtifact(tmp_path / "real")}), pytest.raises(SnapshotBusyError):  # noqa: SIM117
        with hold({"media": DirectoryArtifact(tmp_path / "link")}):
            pytest.fail("it is the same folder")


def test_other_targets_are_free(tmp_path: Path) -> None:
    with hold({"media": DirectoryArtifact(tmp_path)}), hold({"media": DirectoryArtifact(tmp_path / "other")}):
        pass


def test_artifacts_that_replace_nothing_of_their_own_have_no_lock() -> None:
    artifacts = {"environment": EnvironmentArtifact(), "custom": BytesArtifact(b"")}

    with hold(artifacts), hold(artifacts):
        pass


def test_no_file_is_left(tmp_path: Path) -> None:
    artifact = DirectoryArtifact(tmp_path)
    with hold({"media": artifact}, alone=False), hold({"media": artifact}, alone=False):
        assert _path(artifact.lock_key()).exists()

    assert not _path(artifact.lock_key()).exists()


HOLDER = """
import sys
from pathlib import Path
from tests.engine.test_target_locks import hold, DirectoryArtifact
with hold({"media": DirectoryArtifact(Path(sys.argv[1]))}):
    print("held", flush=True)
    input()
"""


def test_a_killed_process_lets_go_at_once(tmp_path: Path) -> None:
    media = {"media": DirectoryArtifact(tmp_path)}
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(SnapshotBusyError) as caught, hold(media):
            pytest.fail("two at once")
        assert caught.value.pid == process.pid
        process.kill()

    with hold(media):
        pass


def test_a_link_planted_at_the_lock_is_not_followed(tmp_path: Path) -> None:
    artifact = DirectoryArtifact(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("kept")
    lock = _path(artifact.lock_key())
    lock.symlink_to(victim)
    try:
        with pytest.raises(SnapshotRestoreError, match="cannot be used"), hold({"media": artifact}):
            pytest.fail("it is a link")
    finally:
        lock.unlink()

    assert victim.read_text() == "kept"


def as_another_user(artifact: DirectoryArtifact) -> int:
    """Return 5 when another user finds the artifact busy, 0 when that user can have it."""
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            with hold({"media": artifact}):
                os._exit(0)
        except SnapshotBusyError:
            os._exit(5)
        except BaseException:  # noqa: BLE001 - a child must not go on with the tests
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_another_user_is_kept_away_too(tmp_path: Path) -> None:
    artifact = DirectoryArtifact(tmp_path)

    with hold({"media": artifact}):
        assert as_another_user(artifact) == 5
    assert as_another_user(artifact) == 0
    with hold({"media": artifact}):
        pass
