"""check --deploy: who can reach the folder on this host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage

from django_snapshots.conf.loading import load_deploy_problems
from django_snapshots.storage import DjangoStorageBackend
from tests.conf import plugins
from tests.conf.checking import project, run_check
from tests.conf.right import AGE, RECIPIENT
from tests.conf.wrong import DJANGO, LOCAL, storage
from tests.permissions import let_others_enter

LOCATION = "SNAPSHOTS['STORAGE']['OPTIONS']['location']"


def told(snapshots: Any, **settings: Any) -> list[tuple[str, str, str, str | None]]:
    with project({"PRUNE": {"KEEP": 7}, **snapshots}, **settings):
        return [
            (problem.id.removeprefix("snapshots."), problem.place, problem.message, problem.hint)
            for problem in load_deploy_problems()
        ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "snapshots"
    path.mkdir(mode=0o700)
    return path


def test_a_private_folder_beside_the_rest_is_left_in_peace(folder: Path, tmp_path: Path) -> None:
    assert told(storage(location=folder), MEDIA_ROOT=tmp_path / "media", STATIC_ROOT=tmp_path / "static") == []


def test_a_folder_that_the_first_backup_will_make_is_left_in_peace(tmp_path: Path) -> None:
    assert told(storage(location=tmp_path / "later")) == []


def test_a_folder_inside_media_root_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "media" / "snapshots"
    folder.mkdir(mode=0o700, parents=True)

    ((code, place, message, hint),) = told(storage(location=folder), MEDIA_ROOT=tmp_path / "media")

    assert (code, place) == ("W003", LOCATION)
    assert message == (
        f"{folder} is inside MEDIA_ROOT ({tmp_path}/media): snapshots would be served to the world, "
        "and backed up into itself."
    )
    assert hint == "Choose a folder beside MEDIA_ROOT, that no web server knows."


def test_media_root_itself_is_inside(folder: Path) -> None:
    assert [row[0] for row in told(storage(location=folder), MEDIA_ROOT=folder)] == ["W003"]


def test_a_folder_inside_static_root_through_a_link_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    ((code, _, message, _),) = told(storage(location=tmp_path / "link" / "snapshots"), STATIC_ROOT=tmp_path)

    assert code == "W003"
    assert message == f"{folder} is inside STATIC_ROOT ({tmp_path}): snapshots would be served to the world."


def test_a_folder_that_contains_media_root_is_told(folder: Path) -> None:
    ((code, _, message, _),) = told(storage(location=folder), MEDIA_ROOT=folder / "media")

    assert code == "W003"
    assert message == f"{folder} contains MEDIA_ROOT ({folder}/media): what is served stands among the snapshots."


def test_a_database_inside_the_folder_of_an_artifact_is_told(folder: Path, tmp_path: Path) -> None:
    def sqlite(name: object) -> dict[str, object]:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name}

    (tmp_path / "link").symlink_to(tmp_path / "media")
    spec = {"BACKEND": "django_snapshots.artifacts.DirectoryArtifact", "OPTIONS": {"location": str(tmp_path / "own")}}
    databases = {
        "default": sqlite(f"file:{tmp_path}/link/db.sqlite3?mode=ro"),
        "logs": sqlite(tmp_path / "own" / "logs.sqlite3"),
        "memory": sqlite("file:memorydb?mode=memory"),
        "beside": sqlite(tmp_path / "media.sqlite3"),
        "server": {"ENGINE": "django.db.backends.postgresql", "NAME": str(tmp_path / "own" / "x")},
    }

    found = told(
        {**storage(location=folder), "ARTIFACTS": {"private": spec}},
        DATABASES=databases,
        MEDIA_ROOT=tmp_path / "media",
    )

    assert [(code, place, message.partition(":")[0], hint) for code, place, message, hint in found] == [
        (
            "W003",
            f"DATABASES['{alias}']['NAME']",
            f"{tmp_path}/{file} is inside '{artifact}' ({tmp_path}/{Path(file).parent})",
            "Move the database out of the folder.",
        )
        for alias, file, artifact in [
            ("default", "media/db.sqlite3", "media"),
            ("logs", "own/logs.sqlite3", "private"),
        ]
    ]


def test_a_folder_of_an_artifact_inside_that_of_another_is_told(folder: Path, tmp_path: Path) -> None:
    def files(location: Path) -> dict[str, object]:
        return {
            "BACKEND": "django_snapshots.artifacts.DirectoryArtifact",
            "OPTIONS": {"location": str(tmp_path / location)},
        }

    (tmp_path / "link").symlink_to(tmp_path / "media")
    artifacts = {"private": files(Path("link/private")), "all": files(Path()), "beside": files(Path("/srv/media"))}

    found = told({**storage(location=folder), "ARTIFACTS": artifacts}, MEDIA_ROOT=tmp_path / "media")

    assert [(code, place, message.partition(":")[0], hint) for code, place, message, hint in found] == [
        (
            "W003",
            f"SNAPSHOTS['ARTIFACTS']['{place}']",
            f"{tmp_path}/{inside}, which is '{inner}', is inside '{outer}' ({above})",
            f"Keep '{outer}' alone, or move one folder out of the other.",
        )
        for place, inside, inner, outer, above in [
            ("all", "media", "media", "all", tmp_path),
            ("private", "media/private", "private", "all", tmp_path),
            ("private", "media/private", "private", "media", tmp_path / "media"),
        ]
    ]


@pytest.mark.parametrize("mode", [0o701, 0o704, 0o720, 0o755, 0o777])
def test_a_folder_that_others_can_enter_read_or_change_is_told(folder: Path, mode: int) -> None:
    folder.chmod(mode)

    ((code, place, message, hint),) = told(storage(location=folder))

    assert (code, place) == ("W004", LOCATION)
    assert message == f"{folder} has mode {mode:04o}: other users of this host can read or change snapshots."
    assert hint == f"chmod 700 {folder}: snapshots hold every password hash and every upload."


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o740])
def test_a_group_may_read(folder: Path, mode: int) -> None:
    folder.chmod(mode)

    assert told(storage(location=folder)) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ((code, _, message, _),) = told(storage(location=tmp_path / "file"))

    assert (code, message) == ("W004", f"{tmp_path}/file is no folder.")


def test_a_folder_whose_parent_is_missing_cannot_be_made(tmp_path: Path) -> None:
    ((code, _, message, hint),) = told(storage(location=tmp_path / "disk" / "snapshots"))

    assert code == "W004"
    assert message == (
        f"{tmp_path}/disk/snapshots does not exist, and cannot be created: there is no folder {tmp_path}/disk."
    )
    assert hint == f"Create {tmp_path}/disk, or mount what belongs there."


AS_NOBODY = """
import os, sys
from django.conf import settings
settings.configure(SNAPSHOTS={"STORAGE": {"BACKEND": "django_snapshots.storage.LocalFileSystemBackend",
                                          "OPTIONS": {"location": sys.argv[1]}}})
from django_snapshots.conf.loading import load, load_deploy_problems
load()  # what it imports may be readable by root only
os.setgid(65534); os.setuid(65534)
print(*load_deploy_problems())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; CI runs as root")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("snapshots", "is not writable for the user of this process (uid 65534)."),
        ("later", "does not exist, and cannot be created: {parent} is not writable (uid 65534)."),
        ("closed/later", "cannot be reached: this process (uid 65534) may not enter {parent}/closed."),
    ],
)
def test_a_folder_of_another_user_is_told(folder: Path, tmp_path: Path, name: str, message: str) -> None:
    let_others_enter(tmp_path)
    (tmp_path / "closed").mkdir(mode=0o700)
    process = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(tmp_path / name)],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )

    assert f"{LOCATION}: (snapshots.W004) {tmp_path / name} {message.format(parent=tmp_path)}" in process.stdout


def test_a_live_storage_is_judged_at_its_section(tmp_path: Path) -> None:
    storages = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}

    ((code, place, _, _), *_) = told(
        {"STORAGE": DjangoStorageBackend("default")},
        MEDIA_ROOT=tmp_path,
        STORAGES={**storages, "staticfiles": storages["default"]},
    )

    assert (code, place) == ("W003", "SNAPSHOTS['STORAGE']")


def test_a_storage_that_leaves_the_host_is_told() -> None:
    class Bucket(plugins.MemoryStorage):
        is_remote = True

    ((code, place, message, hint),) = told({"STORAGE": Bucket()})

    assert (code, place, message) == (
        "W006",
        "SNAPSHOTS['STORAGE']",
        "Snapshots leave this host, and are not encrypted.",
    )
    assert hint == (
        "Set ENCRYPTION: `manage.py snapshots keygen` makes the keys and shows what to write. "
        "See https://django-snapshots.readthedocs.io/reference/checks.html#snapshots-w006"
    )


def test_with_encryption_a_storage_may_leave_the_host() -> None:
    remote = storage(DJANGO, storage={"BACKEND": "tests.conf.plugins.DjangoBucket"})

    assert told({**remote, "ENCRYPTION": {"BACKEND": AGE, "OPTIONS": {"recipients": [RECIPIENT]}}}) == []


def test_any_django_storage_that_is_not_djangos_own_leaves_the_host() -> None:
    remote = storage(DJANGO, storage={"BACKEND": "tests.conf.plugins.DjangoBucket"})

    assert [row[0] for row in told(remote)] == ["W006"]
    assert told({"STORAGE": DjangoStorageBackend(InMemoryStorage())}) == []


def test_a_project_that_never_prunes_is_told(folder: Path) -> None:
    ((code, place, message, hint),) = told({**storage(location=folder), "PRUNE": None})

    assert (code, place) == ("W005", "SNAPSHOTS['PRUNE']")
    assert message == "Nothing prunes: every snapshot is kept, until the storage is full."
    assert hint == (
        "Write 'PRUNE': {'KEEP_DAILY': 7, 'KEEP_WEEKLY': 4, 'KEEP_MONTHLY': 12}, and run `snapshots prune`. "
        "Silence snapshots.W005 where something else deletes. "
        "See https://django-snapshots.readthedocs.io/reference/checks.html#snapshots-w005"
    )


def test_a_replica_is_judged_like_the_storage(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o777)
    there.chmod(0o777)
    replica = {"BACKEND": LOCAL, "OPTIONS": {"location": there}}

    found = told({**storage(location=folder), "REPLICAS": [replica]})

    assert [(code, place) for code, place, _, _ in found] == [
        ("W005", "SNAPSHOTS['REPLICAS'][0]"),
        ("W004", "SNAPSHOTS['REPLICAS'][0]['OPTIONS']['location']"),
    ]
    assert told({**storage(location=folder), "REPLICAS": [{**replica, "PRUNE": {"KEEP": 7}}]})[0][0] == "W004"


def test_a_storage_whose_attributes_raise_is_reported_as_such() -> None:
    class Broken(plugins.MemoryStorage):
        @property
        def local_folder(self) -> Path:
            raise LookupError("hunter2")

    ((code, place, message, _),) = told({"STORAGE": Broken()})

    assert (code, place) == ("E000", "SNAPSHOTS['STORAGE']")
    assert "hunter2" not in message


def test_only_check_deploy_looks_at_the_host(folder: Path) -> None:
    folder.chmod(0o777)

    with project(storage(location=folder)):
        assert "W004" not in run_check("--tag", "snapshots").output
        deployed = run_check("--deploy", "--tag", "snapshots")

    assert f"{LOCATION}: (snapshots.W004) {folder} has mode 0777" in deployed.output
    assert deployed.exit_code == 0


def test_a_configuration_without_a_storage_is_not_looked_at() -> None:
    assert told({"STORAGE": None}) == []
