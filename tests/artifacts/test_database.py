"""The database artifact: what it adds to a connector, and what it has when its connector has less."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from django_snapshots.artifacts import DatabaseArtifact, StageableArtifact
from django_snapshots.connectors import SQLiteConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.databases import alias_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_django.plugin import DjangoDbBlocker


class TextConnector:
    """The least that a connector must have."""

    suffix = "txt"

    def __init__(self, text: str = "content") -> None:
        self.text = text

    def dump(self, alias: str, sink: BinaryIO) -> dict[str, Any]:
        sink.write(f"{alias}: {self.text}".encode())
        return {"engine": "text", "server_version": "1", "client_version": None}

    def restore(self, _alias: str, source: BinaryIO, _facts: Mapping[str, Any]) -> None:
        self.text = source.read(1000).decode()


@pytest.fixture
def alias(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """An alias whose SQLite file has one table."""
    path = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE note (text)")
        connection.execute("INSERT INTO note VALUES ('first')")
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}
    with django_db_blocker.unblock(), alias_of("garden", settings) as name:
        yield name


def apply_migrations(alias: str, *names: tuple[str, str]) -> None:
    recorder = MigrationRecorder(connections[alias])
    recorder.ensure_schema()
    for app, name in names:
        recorder.record_applied(app, name)


def test_the_dump_is_the_connectors_and_its_facts_are_kept(alias: str) -> None:
    sink = io.BytesIO()

    facts = DatabaseArtifact(alias, TextConnector()).dump(sink)

    assert sink.getvalue() == b"garden: content"
    assert (facts["engine"], facts["server_version"], facts["client_version"]) == ("text", "1", None)


def test_facts_name_the_connector_and_have_notes(alias: str) -> None:
    facts = DatabaseArtifact(alias, SQLiteConnector()).dump(io.BytesIO())

    assert facts["connector"] == "django_snapshots.connectors.sqlite.SQLiteConnector"
    assert facts["notes"] == []
    assert json.loads(json.dumps(facts)) == facts


def test_facts_name_the_last_migration_of_each_app(alias: str) -> None:
    apply_migrations(
        alias, ("shop", "0001_initial"), ("auth", "0001_initial"), ("shop", "0002_price"), ("shop", "0001_squashed")
    )

    facts = DatabaseArtifact(alias, SQLiteConnector()).dump(io.BytesIO())

    assert facts["migrations"] == {"auth": "0001_initial", "shop": "0001_squashed"}


def test_a_database_without_a_table_of_migrations_has_none(alias: str) -> None:
    facts = DatabaseArtifact(alias, SQLiteConnector()).dump(io.BytesIO())

    assert facts["migrations"] == {}


def test_a_missing_sqlite_file_is_not_created_by_reading_the_migrations(alias: str) -> None:
    path = Path(connections[alias].settings_dict["NAME"])
    path.unlink()

    with pytest.raises(SnapshotConnectorError, match="There is no database file"):
        DatabaseArtifact(alias, SQLiteConnector()).dump(io.BytesIO())

    assert not path.exists()


def test_an_artifact_can_stage_exactly_when_its_connector_can(alias: str) -> None:
    assert isinstance(DatabaseArtifact(alias, SQLiteConnector()), StageableArtifact)
    assert not isinstance(DatabaseArtifact(alias, TextConnector()), StageableArtifact)
    assert isinstance(DatabaseArtifact(alias, TextConnector()), DatabaseArtifact)


@pytest.mark.parametrize("staged", [True, False])
def test_what_was_dumped_comes_back(alias: str, staged: bool) -> None:
    artifact = DatabaseArtifact(alias, SQLiteConnector())
    sink = io.BytesIO()
    facts = artifact.dump(sink)
    with connections[alias].cursor() as cursor:
        cursor.execute("DELETE FROM note")
    source = io.BytesIO(sink.getvalue())

    if staged:
        assert isinstance(artifact, StageableArtifact)
        artifact.stage(source, facts).commit()
    else:
        artifact.restore(source, facts)

    with connections[alias].cursor() as cursor:
        assert cursor.execute("SELECT text FROM note").fetchall() == [("first",)]


def test_suffix_kind_hint_and_plan_come_from_the_connector(alias: str) -> None:
    artifact = DatabaseArtifact(alias, SQLiteConnector())
    path = connections[alias].settings_dict["NAME"]

    assert (artifact.kind, artifact.suffix) == ("database", "sqlite3")
    assert artifact.size_hint() == 8192
    assert artifact.plan({"engine": "sqlite"})["target"] == f"database garden (sqlite {path})"


def test_a_connector_that_knows_neither_size_nor_plan_gets_a_plain_one(alias: str) -> None:
    artifact = DatabaseArtifact(alias, TextConnector())

    assert artifact.size_hint() is None
    assert artifact.plan({})["target"] == "database garden"


class TellingConnector(TextConnector):
    """Knows what a restore would take away, or fails to find out."""

    def __init__(self, said: bool | SnapshotConnectorError) -> None:
        super().__init__()
        self._said = said

    def holds_anything(self, alias: str) -> bool:
        assert alias == "garden"
        if isinstance(self._said, SnapshotConnectorError):
            raise self._said
        return self._said


NO_ANSWER = SnapshotConnectorError("The server does not answer.", artifact="database/garden")


@pytest.mark.parametrize(("said", "content"), [(True, "filled"), (False, "empty"), (NO_ANSWER, "unreadable")])
def test_the_connector_says_whether_the_database_holds_anything(
    alias: str, said: bool | SnapshotConnectorError, content: str
) -> None:
    artifact = DatabaseArtifact(alias, TellingConnector(said))

    assert artifact.content() == content
    assert artifact.plan({})["content"] == content


class PartialConnector(TellingConnector):
    """Leaves out what it is told to, and has a twin that does not."""

    def complete(self) -> TextConnector:
        return TextConnector("everything")


def test_what_is_replaced_is_saved_by_the_connectors_complete_twin(alias: str) -> None:
    artifact = DatabaseArtifact(alias, PartialConnector(said=False))
    sink = io.BytesIO()

    saver = artifact.for_safety({})
    saver.dump(sink)

    assert sink.getvalue() == b"garden: everything"
    assert saver.content() == artifact.plan({})["content"] == "filled", "the twin knows what a restore replaces"


def test_what_is_replaced_is_saved_by_what_is_chosen_for_the_dump(alias: str) -> None:
    def choose(facts: Mapping[str, Any]) -> TextConnector:
        return TextConnector(facts["saved_by"])

    artifact = DatabaseArtifact(alias, TextConnector("rows"), choose_saver=choose)
    sink = io.BytesIO()

    artifact.for_safety({"saved_by": "another"}).dump(sink)

    assert sink.getvalue() == b"garden: another"


def test_without_the_connectors_word_a_database_is_empty_that_has_no_table(alias: str) -> None:
    artifact = DatabaseArtifact(alias, TextConnector())
    before = artifact.content()

    with connections[alias].cursor() as cursor:
        cursor.execute("DROP TABLE note")

    assert (before, artifact.content()) == ("filled", "empty")


def test_the_plan_refuses_what_the_connector_refuses(alias: str) -> None:
    with pytest.raises(SnapshotConnectorError, match="The dump is of engine 'postgresql'"):
        DatabaseArtifact(alias, SQLiteConnector()).plan({"engine": "postgresql"})
