"""A drill with a real database and a real folder: what came back is looked at, the target stays, nothing is left."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections, router
from django.db.models.signals import pre_migrate
from django.test.utils import override_settings

from django_snapshots.artifacts import DatabaseArtifact, DirectoryArtifact
from django_snapshots.connectors import DumpDataConnector, SQLiteConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.databases import alias_of, migrate
from tests.trees import tree_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker

    from django_snapshots.artifacts.contract import Artifact


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory of the test's own, which must be empty again at its end."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    yield scratch
    assert list(scratch.iterdir()) == []


@pytest.fixture
def alias(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "db.sqlite3"}
    with django_db_blocker.unblock(), alias_of("drilled", settings) as alias:
        migrate(alias)
        yield alias


def dumped(artifact: Artifact) -> tuple[io.BytesIO, Mapping[str, Any]]:
    sink = io.BytesIO()
    facts = artifact.dump(sink)
    return io.BytesIO(sink.getvalue()), facts


def test_a_database_comes_back_whole(alias: str) -> None:
    artifact = DatabaseArtifact(alias, SQLiteConnector())
    source, facts = dumped(artifact)

    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM auth_permission")
        assert facts["rows"]["auth_permission"] == cursor.fetchone()[0] > 0
    assert artifact.drill(source, facts) == {"problems": [], "notes": []}


def test_rows_that_are_not_as_many_as_were_counted_are_a_problem(alias: str) -> None:
    artifact = DatabaseArtifact(alias, SQLiteConnector())
    source, facts = dumped(artifact)
    count = facts["rows"]["auth_permission"]
    rows = {**facts["rows"], "auth_permission": count + 1, "gone": 4}

    found = artifact.drill(source, {**facts, "rows": rows})

    assert found is not None
    assert found["problems"] == [
        f"Table auth_permission has {count} rows, the manifest says {count + 1}.",
        "Table gone has no rows, the manifest says 4.",
    ]


def test_migrations_that_came_since_are_a_note_and_no_damage(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'auth' AND name LIKE '0012%'")
    artifact = DatabaseArtifact(alias, SQLiteConnector())
    source, facts = dumped(artifact)

    found = artifact.drill(source, facts)

    assert found is not None
    assert found["problems"] == []
    assert "run `manage.py migrate`" in found["notes"][0]
    assert "auth.0012" in found["notes"][0]


def test_a_dump_that_cannot_be_restored_is_a_problem(alias: str) -> None:
    artifact = DatabaseArtifact(alias, SQLiteConnector())
    _, facts = dumped(artifact)

    found = artifact.drill(io.BytesIO(b"no database at all " * 1000), facts)

    assert found is not None
    assert "could not be restored in a drill" in found["problems"][0]


def test_rows_of_models_come_back_beside_the_live_ones(alias: str) -> None:
    artifact = DatabaseArtifact(alias, DumpDataConnector())
    source, facts = dumped(artifact)

    assert facts["rows"]["auth.permission"] > 0
    assert artifact.drill(source, facts) == {"problems": [], "notes": []}


def test_a_drill_with_rows_runs_no_migration_and_asks_the_projects_routers(alias: str) -> None:
    class OnlyTheDrilled:
        def allow_migrate(self, db: str, app_label: str, **_hints: object) -> bool:
            return db == alias and app_label in {"auth", "contenttypes"}

    artifact = DatabaseArtifact(alias, DumpDataConnector())
    ran: list[object] = []
    pre_migrate.connect(lambda **_: ran.append("migrate"), weak=False, dispatch_uid="drill")
    try:
        with override_settings(DATABASE_ROUTERS=[OnlyTheDrilled()]):
            source, facts = dumped(artifact)
            found = artifact.drill(source, facts)
            routers = list(router.routers)
    finally:
        pre_migrate.disconnect(dispatch_uid="drill")

    assert {label.partition(".")[0] for label in facts["rows"]} == {"auth", "contenttypes"}
    assert found is not None
    assert found["problems"] == []
    assert [type(each) for each in routers] == [OnlyTheDrilled]
    assert ran == []


def test_rows_of_a_model_that_are_not_as_many_as_were_counted_are_a_problem(alias: str) -> None:
    connector = DumpDataConnector()
    source, facts = dumped(DatabaseArtifact(alias, connector))
    count = facts["rows"]["auth.permission"]
    making = connector.scratch_database(alias)

    assert making is not None
    with making as scratch:
        connector.restore(scratch, source, facts)
        rows = {**facts["rows"], "auth.permission": count + 1, "gone.model": 4}
        found = connector.inspect(scratch, {**facts, "rows": rows})

    assert found == [
        f"auth.permission has {count} rows, the manifest says {count + 1}.",
        "gone.model has no rows, the manifest says 4.",
    ]


def test_rows_of_other_models_than_the_codes_are_no_damage_and_have_no_drill(alias: str) -> None:
    artifact = DatabaseArtifact(alias, DumpDataConnector())
    source, facts = dumped(artifact)
    models = {**facts["models"], "auth.group": ["id", "name", "colour"]}

    with pytest.raises(SnapshotConnectorError, match=r"auth\.group\.colour is in the snapshot only") as caught:
        artifact.drill(source, {**facts, "models": models})

    assert "Check out the code of the snapshot" in str(caught.value)


def test_a_folder_comes_back_beside_the_live_one(tmp_path: Path) -> None:
    media = tmp_path / "media"
    (media / "2026").mkdir(parents=True)
    (media / "2026" / "photo.jpg").write_bytes(b"photo")
    artifact = DirectoryArtifact(media)
    source, facts = dumped(artifact)
    before = tree_lines(media)

    assert artifact.drill(source, facts)["problems"] == []
    assert tree_lines(media) == before


def test_a_tar_that_cannot_be_extracted_is_a_problem(tmp_path: Path) -> None:
    artifact = DirectoryArtifact(tmp_path / "media")

    [problem] = artifact.drill(io.BytesIO(b"no tar at all " * 1000), {})["problems"]

    assert "could not be restored in a drill" in problem
