"""What of a database is dumped, and in which of pg_dump's formats."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.connectors.postgres import PostgresConnector
from django_snapshots.errors import SnapshotConnectorError, SnapshotSpaceError
from tests.conf.right import RECIPIENT
from tests.connectors.postgres.awkward import AWKWARD, LATER
from tests.connectors.postgres.databases import ALIAS, dump, restore
from tests.site import make_site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.connectors.postgres.databases import Database

DIRECTORY = PostgresConnector(format="directory", jobs=3)
SHOP = """
CREATE SCHEMA shop; CREATE SCHEMA "Log";
CREATE TABLE shop.product (id serial PRIMARY KEY, name text);
CREATE TABLE shop.sale (id serial PRIMARY KEY, product int REFERENCES shop.product);
CREATE VIEW shop.best AS SELECT name FROM shop.product;
CREATE TABLE "Log"."Event" (id serial PRIMARY KEY, text text);
INSERT INTO shop.product (name) VALUES ('rose'); INSERT INTO shop.sale (product) VALUES (1);
INSERT INTO "Log"."Event" (text) VALUES ('sold');
"""


def test_a_dump_in_directory_format_brings_everything_back(live: Database) -> None:
    live.sql(AWKWARD)
    before = live.state()

    dumped = dump(DIRECTORY)
    live.sql(LATER.replace("CURRENT", live.name))
    restore(PostgresConnector(), dumped)

    assert live.schema().splitlines() == before[0].splitlines()
    assert live.digests() == before[1]


def test_several_jobs_dump_at_the_same_moment_while_others_write(live: Database) -> None:
    live.sql("CREATE TABLE a AS SELECT i FROM generate_series(1, 1000) i; CREATE TABLE b AS TABLE a")

    class Writing(io.BytesIO):
        """pg_dump has ended before the first byte is stored, so what is written now came later."""

        def write(self, data: Any, /) -> int:
            live.sql("INSERT INTO a VALUES (-1)")
            return super().write(data)

    sink = Writing()
    facts = DIRECTORY.dump(ALIAS, sink)
    restore(PostgresConnector(), (sink.getvalue(), facts))

    assert live.sql("SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)") == "1000|1000"


def test_pg_restore_reads_the_files_of_the_tar(live: Database, tmp_path: Path) -> None:
    live.sql("CREATE TABLE word AS SELECT 'then' AS text")
    data, _ = dump(DIRECTORY)
    live.sql("DROP TABLE word")

    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(tmp_path / "dump", filter="data")
    live.server.run("pg_restore", "--format=directory", "-d", live.name, str(tmp_path / "dump"), role="app")

    assert live.sql("SELECT text FROM word") == "then"


@pytest.mark.parametrize("name", ["../toc.dat", "/tmp/toc.dat", "toc.dat/x", "script.sh", "1.dat\n"])
def test_a_tar_with_anything_else_in_it_is_refused(live: Database, name: str) -> None:
    live.sql("CREATE TABLE word AS SELECT 'now' AS text")
    _, facts = dump(DIRECTORY)
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())

    with pytest.raises(SnapshotConnectorError, match=r"which pg_dump does not write. Nothing was changed"):
        restore(PostgresConnector(), (target.getvalue(), facts))

    assert live.sql("SELECT text FROM word") == "now"


def test_a_cut_tar_changes_nothing(live: Database) -> None:
    live.sql("CREATE TABLE word AS SELECT repeat('then', 100) AS text FROM generate_series(1, 1000)")
    data, facts = dump(DIRECTORY)
    live.sql("DELETE FROM word")

    with pytest.raises(SnapshotConnectorError, match="Nothing was changed"):
        restore(PostgresConnector(), (data[: len(data) // 2], facts))

    assert live.sql("SELECT count(*) FROM word") == "0"


def test_too_little_space_is_found_before_pg_dump_is_started(
    live: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    live.sql("CREATE TABLE word AS SELECT 'then' AS text")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 1000}))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(SnapshotSpaceError, match="A dump in directory format needs"):
        DIRECTORY.dump(ALIAS, io.BytesIO())

    assert list(tmp_path.iterdir()) == []


def test_files_of_pg_dump_and_encryption_do_not_go_together(database: Database, tmp_path: Path) -> None:
    connector = {"BACKEND": "django_snapshots.connectors.PostgresConnector", "OPTIONS": {"format": "directory"}}
    encryption = {"BACKEND": "django_snapshots.codecs.Age", "OPTIONS": {"recipients": [RECIPIENT]}}
    site = make_site(
        tmp_path / "site",
        f"DATABASES = {{'default': {database.settings()!r}}}\n"
        f"SNAPSHOTS = {{'ENCRYPTION': {encryption!r}, 'DATABASE_CONNECTORS': {{'default': {connector!r}}}}}\n",
    )
    settings, temporary = site.folder / "site_settings.py", tmp_path / "temporary"
    temporary.mkdir()

    checked = site.run("backup", "database", exit_code=1, env={"TMPDIR": str(temporary)})
    settings.write_text(settings.read_text() + "SILENCED_SYSTEM_CHECKS = ['snapshots.E021']\n")
    refused = site.run("backup", "database", exit_code=1, env={"TMPDIR": str(temporary)})
    encrypted_otherwise = site.run("backup", "environment", "--name", "other", env={"TMPDIR": str(temporary)})

    assert "['default']: (snapshots.E021) PostgresConnector, as it is configured, writes files" in checked.stderr
    assert "database/default is dumped into files in the temporary directory, which are not encrypted" in refused.stderr
    assert "Nothing was dumped." in refused.stderr
    assert site.names() == ["other"], encrypted_otherwise.stderr
    assert list(temporary.iterdir()) == []


def test_jobs_reach_pg_dump_by_the_settings_and_through_the_command(database: Database, tmp_path: Path) -> None:
    options = {"format": "directory", "jobs": 2}
    site = make_site(
        tmp_path / "site",
        f"DATABASES = {{'default': {database.settings()!r}}}\nSNAPSHOTS = {{'DATABASE_CONNECTORS': {{'default': "
        f"{{'BACKEND': 'django_snapshots.connectors.PostgresConnector', 'OPTIONS': {options!r}}}}}}}\n",
    )
    database.sql("CREATE TABLE word AS SELECT 'then' AS text")

    site.run("backup", "database", "--name", "first")
    database.sql("UPDATE word SET text = 'now'")
    site.run("restore", "first", "--noinput")

    assert (site.snapshots / "first" / "database" / "default.pgdir.tar.zst").is_file()
    assert database.sql("SELECT text FROM word") == "then"


def test_only_named_schemas_are_dumped_and_restored_elsewhere(
    live: Database, make_database: Callable[..., Database], register: Callable[..., str]
) -> None:
    live.sql(SHOP)
    dumped = dump(PostgresConnector(schemas=("shop",)))
    other = make_database()
    register(**other.settings())

    restore(PostgresConnector(), dumped)

    assert other.sql("SELECT name FROM shop.best") == "rose"
    assert other.sql('SELECT to_regclass(\'"Log"."Event"\')') == ""
    assert dumped[1]["left_out"] == ["Log.Event"]
    assert "These tables and views were left out: Log.Event." in dumped[1]["notes"]


def test_a_table_that_was_left_out_is_not_lost_by_a_restore(live: Database) -> None:
    live.sql(SHOP)
    dumped = dump(PostgresConnector(exclude_tables=("Log.Event",)))

    with pytest.raises(SnapshotConnectorError, match='has what is not in it: table "Log"."Event"[.]'):
        PostgresConnector().plan(ALIAS, dumped[1])
    with pytest.raises(SnapshotConnectorError, match="It would be lost"):
        restore(PostgresConnector(), dumped)
    assert live.sql('SELECT text FROM "Log"."Event"') == "sold"
    live.sql('DROP TABLE "Log"."Event"; DELETE FROM shop.sale')
    restore(PostgresConnector(), dumped)

    assert live.sql("SELECT count(*) FROM shop.sale") == "1"
    assert live.sql('SELECT to_regclass(\'"Log"."Event"\')') == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"exclude_tables": ("shop.product",)},
            "constraint sale_product_fkey on table shop.sale needs table shop.product",
        ),
        ({"exclude_tables": ("shop.product", "shop.sale")}, "rule _RETURN on view shop.best needs table shop.product"),
        ({"exclude_tables": ("shop.prodct",)}, "has no table 'shop.prodct', which OPTIONS['exclude_tables'] names"),
        ({"exclude_tables": ("sale",)}, "a table is named with its schema"),
        ({"schemas": ("shp",)}, "has no schema 'shp', which OPTIONS['schemas'] names"),
    ],
)
def test_a_part_that_could_not_be_restored_is_not_dumped(live: Database, options: dict[str, Any], words: str) -> None:
    live.sql(SHOP)

    with pytest.raises(SnapshotConnectorError) as caught:
        dump(PostgresConnector(**options))

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("connector", "place"),
    [
        (PostgresConnector(jobs=2), ("jobs",)),
        (PostgresConnector(format="directory", jobs=0), ("jobs",)),
        (PostgresConnector(format="tar"), ("format",)),  # type: ignore[arg-type]
    ],
)
def test_options_that_cannot_work_are_problems(connector: PostgresConnector, place: tuple[str, ...]) -> None:
    assert [problem.path for problem in connector.check()] == [place]


def test_verify_reads_all_of_the_directory_format_and_finds_what_is_damaged(live: Database) -> None:
    live.sql("CREATE TABLE word AS SELECT repeat('then', 100) AS text FROM generate_series(1, 1000)")
    data, facts = dump(DIRECTORY)

    assert PostgresConnector().verify(ALIAS, io.BytesIO(data), facts) == []
    assert PostgresConnector().verify(ALIAS, io.BytesIO(data[: len(data) // 2]), facts) != []
    assert PostgresConnector().verify(ALIAS, io.BytesIO(data.replace(b"PGDMP", b"PGDUM")), facts) != []
