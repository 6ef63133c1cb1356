"""The rows of awkward models go out and come back exactly, or the database stays as it is."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import tracemalloc
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import JSONField, Value
from django.db.models.signals import post_save, pre_save
from django.test.utils import override_settings

from django_snapshots.connectors import DumpDataConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.databases import alias_of, migrate, objects, rows_of, thicket_installed
from tests.connectors.planes import PLANES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from pytest_django.plugin import DjangoDbBlocker

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Path:
    """A SQLite database with the tables of the thicket."""
    path = tmp_path_factory.mktemp("thicket") / "db.sqlite3"
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
    with django_db_blocker.unblock(), thicket_installed(), alias_of("template", settings) as alias:
        migrate(alias)
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    """The database file of `alias`."""
    return Path(shutil.copy(template, tmp_path / "live.sqlite3"))


@pytest.fixture
def alias(path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """An alias of a database with the tables of the thicket, without its rows."""
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": path, "OPTIONS": {"timeout": 1}}
    with django_db_blocker.unblock(), thicket_installed(), alias_of("thicket", settings) as name:
        yield name


def plant(alias: str, *, infinity: float = float("inf"), nul: str = "\0") -> None:
    """Fill the thicket with what is hard to bring back; not every engine has infinities, or NUL in text."""
    ada = objects("Owner", alias).create(name="ÄDA \U0001f600 \u2028 'quoted' \\ \"double\"")
    ben = objects("Owner", alias).create(name="Ben\r\nof two lines", friend=ada)
    hedge = objects("Bramble", alias).create(owner=ben, thorns=2**63 - 1)
    objects("Owner", alias).filter(pk=ada.pk).update(friend=ben, hedge=hedge)
    hedge.friends.add(ada, ben)
    objects("Plot", alias).create(hedge=hedge, owner=ada, size=Decimal("12345.678901234500000"))
    for number in (3, 1, 2):
        objects("Fern", alias).create(tenant=number % 2, number=number, note="f")
        objects("Order", alias).create(select=-number)
    for text in ("seen", "hidden", "seen again"):
        objects("Stamp", alias).create(text=text)
    moss = {
        "text": "",
        "decimal": Decimal("-99999.9999999999"),
        "moment": datetime(1, 1, 1, 0, 0, 0, 1, UTC),
        "day": date.max,
        "clock": time(23, 59, 59, 999999),
        "span": timedelta(days=-3, microseconds=7),
        "flag": False,
        "address": "2001:db8::1",
        "file": "moss/ünï.txt",
    }
    null = Value(None, JSONField())
    values: list[Any] = [{"a": [1, 2.5, None, "é"], "b": {"": True}}, [], "", 0, False, "text", 10**30]
    for value in values:
        objects("Moss", alias).create(binary=bytes(range(256)), real=0.1 + 0.2, data=value, maybe=value, **moss)
    for text in PLANES:
        objects("Moss", alias).create(binary=b"", real=0.0, data={text: text}, maybe=text, **{**moss, "text": text})
    objects("Moss", alias).create(binary=b"", real=infinity, data=null, maybe=null)
    objects("Moss", alias).create(binary=b"\0", real=-infinity, data=null, maybe=None)
    objects("Moss", alias).create(binary=b"\0", real=5e-324, data={}, maybe=None, text=f"x{nul}y")


def dump(alias: str) -> tuple[bytes, dict[str, Any]]:
    sink = io.BytesIO()
    facts = DumpDataConnector().dump(alias, sink)
    return sink.getvalue(), facts


def restore(alias: str, content: bytes, facts: dict[str, Any]) -> None:
    DumpDataConnector().restore(alias, io.BytesIO(content), facts)


def uproot(alias: str) -> None:
    """Change, remove and add rows."""
    objects("Moss", alias).delete()
    objects("Fern", alias).filter(number=1).delete()
    objects("Stamp", alias).update(text="changed")
    objects("Owner", alias).create(name="later")


def test_a_restore_brings_back_every_row_as_the_driver_sees_it(alias: str) -> None:
    plant(alias)
    before = rows_of(alias)
    content, facts = dump(alias)
    uproot(alias)
    assert rows_of(alias) != before

    restore(alias, content, facts)

    assert rows_of(alias) == before
    assert {table for table, rows in before.items() if rows} >= {
        *("thicket_owner", "thicket_hedge", "thicket_hedge_friends", "thicket_bramble", "thicket_plot"),
        *("thicket_moss", "thicket_fern", "thicket_stamp", "Order of Things", "auth_permission"),
    }


def test_two_dumps_of_the_same_rows_are_the_same_bytes(alias: str) -> None:
    plant(alias)

    assert dump(alias)[0] == dump(alias)[0]


def test_rows_that_a_manager_hides_are_dumped(alias: str) -> None:
    plant(alias)

    content, facts = dump(alias)

    assert facts["rows"]["thicket.stamp"] == 3
    assert b'"text":"hidden"' in content


def test_every_line_is_an_object_of_json(alias: str) -> None:
    plant(alias)

    content, facts = dump(alias)
    records = [json.loads(line) for line in content.splitlines()]

    assert len(records) == sum(facts["rows"].values())
    assert all(record.keys() <= {"model", "pk", "fields", "json_null"} for record in records)


def test_loaddata_reads_the_dump(alias: str, template: Path, tmp_path: Path) -> None:
    plant(alias)
    # The one thing loaddata cannot say: JSON's null in a column that takes no NULL.
    objects("Moss", alias).filter(data=Value(None, JSONField())).delete()
    before = rows_of(alias)
    fixture = tmp_path / "dump.jsonl"
    fixture.write_bytes(dump(alias)[0])
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": shutil.copy(template, tmp_path / "empty.sqlite3")}

    with alias_of("empty", settings) as empty:
        call_command("loaddata", str(fixture), database=empty, verbosity=0)
        loaded = rows_of(empty)

    assert loaded == before


def test_a_restore_sends_no_signals_and_touches_no_auto_now(alias: str) -> None:
    plant(alias)
    before = rows_of(alias)["thicket_owner"]
    content, facts = dump(alias)
    uproot(alias)
    heard: list[object] = []

    def hear(sender: object, **_more: object) -> None:
        heard.append(sender)

    for signal in (pre_save, post_save):
        signal.connect(hear)
    try:
        restore(alias, content, facts)
    finally:
        for signal in (pre_save, post_save):
            signal.disconnect(hear)

    assert heard == []
    assert rows_of(alias)["thicket_owner"] == before


def test_new_rows_get_keys_of_their_own_after_a_restore(alias: str) -> None:
    plant(alias)
    content, facts = dump(alias)
    restore(alias, content, facts)

    created = objects("Owner", alias).create(name="new")

    assert created.pk == 3


def test_models_of_others_are_left_out_and_said_so(alias: str) -> None:
    _, facts = dump(alias)

    assert "thicket.view" not in facts["models"]
    assert facts["notes"] == ["Models with managed = False were left out: thicket.view."]


def test_models_that_a_router_keeps_elsewhere_are_left_out(alias: str) -> None:
    class Elsewhere:
        def allow_migrate(self, db: str, app_label: str, **_hints: object) -> bool | None:
            return app_label != "thicket" if db == "thicket" else None

    with override_settings(DATABASE_ROUTERS=[Elsewhere()]):
        _, facts = dump(alias)

    assert {label.partition(".")[0] for label in facts["models"]} == {"auth", "contenttypes"}


def test_a_dump_is_of_one_moment_while_others_write(alias: str, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        before = rows_of(alias)
        written: list[bytes] = []

        class Sink(io.BytesIO):
            def write(self, data: Any, /) -> int:
                if not written:
                    other.execute("INSERT INTO thicket_stamp (text) VALUES ('while it ran')")
                written.append(bytes(data))
                return len(data)

        facts: dict[str, Any] = DumpDataConnector().dump(alias, Sink())

    assert b"while it ran" not in b"".join(written)
    assert facts["rows"]["thicket.stamp"] == 0
    assert rows_of(alias) != before


@pytest.mark.parametrize("rows", [30, 90])
def test_memory_does_not_grow_with_the_rows(alias: str, rows: int) -> None:
    for number in range(rows):
        objects("Moss", alias).create(binary=bytes([number]) * MIB, real=0, data={})

    class Spool(io.RawIOBase):
        size_bytes = 0

        def write(self, data: Any, /) -> int:
            self.size_bytes += len(data)
            return len(data)

    sink = Spool()
    tracemalloc.start()
    facts: dict[str, Any] = DumpDataConnector().dump(alias, cast("BinaryIO", sink))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert facts["rows"]["thicket.moss"] == rows
    assert sink.size_bytes > rows * MIB
    assert peak_bytes < 110 * MIB


def test_memory_of_a_restore_does_not_grow_with_the_rows(alias: str) -> None:
    for number in range(60):
        objects("Moss", alias).create(binary=bytes([number]) * MIB, real=0, data={})
    content, facts = dump(alias)

    tracemalloc.start()
    restore(alias, content, facts)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert objects("Moss", alias).count() == 60
    assert peak_bytes < 30 * MIB


def test_others_see_the_old_rows_until_the_commit(alias: str, path: Path) -> None:
    plant(alias)
    content, facts = dump(alias)
    uproot(alias)
    connections[alias].close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.commit()
        names = "SELECT count(*) FROM thicket_owner"

        staged = DumpDataConnector().stage(alias, io.BytesIO(content), facts)
        seen_before = other.execute(names).fetchone()
        other.rollback()
        staged.commit()
        seen_after = other.execute(names).fetchone()

    assert (seen_before, seen_after) == ((3,), (2,))


def test_a_restore_refuses_models_that_differ_and_says_how(alias: str) -> None:
    content, facts = dump(alias)
    before = rows_of(alias)
    models = {**facts["models"], "thicket.gone": ["id"]}
    models["thicket.stamp"] = ["id", "text", "colour"]

    with pytest.raises(SnapshotConnectorError) as caught:
        restore(alias, content, {**facts, "models": models})

    assert str(caught.value) == (
        "The models of the snapshot and of this code differ: thicket.gone is in the snapshot only; "
        "thicket.stamp.colour is in the snapshot only. Check out the code of the snapshot and migrate the database "
        "to it (`manage.py migrate --database thicket APP MIGRATION`), restore, and migrate forward again."
    )
    assert caught.value.artifact == "database/thicket"
    assert rows_of(alias) == before


def test_a_restore_refuses_another_state_of_migrations(alias: str) -> None:
    content, facts = dump(alias)
    MigrationRecorder(connections[alias]).record_applied("auth", "0013_newer")

    with pytest.raises(SnapshotConnectorError, match="auth is at migration 0012_.* in the snapshot and at 0013_newer"):
        restore(alias, content, facts)


def test_a_dump_of_another_connector_is_refused(alias: str) -> None:
    content, facts = dump(alias)

    with pytest.raises(SnapshotConnectorError, match="of engine 'sqlite'; DumpDataConnector reads its own dumps only"):
        restore(alias, content, {**facts, "engine": "sqlite"})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"no json\n", "JSONDecodeError"),
        (b'{"model":"thicket.unknown","pk":1,"fields":{}}\n', "KeyError: 'thicket.unknown'"),
        (b'{"model":"thicket.stamp","pk":1,"fields":{}}\n', "KeyError: 'text'"),
        (b'{"model":"thicket.order","pk":1,"fields":{"select":"many"}}\n', "ValidationError"),
        (b"[]\n", "TypeError"),
    ],
)
def test_a_line_that_is_no_row_is_named(alias: str, line: bytes, words: str) -> None:
    plant(alias)
    content, facts = dump(alias)
    before = rows_of(alias)
    good_lines = content.count(b"\n")

    with pytest.raises(SnapshotConnectorError) as caught:
        restore(alias, content + line, facts)

    assert f"Line {good_lines + 1} of the dump is no row of this project's models: {words}" in str(caught.value)
    assert "Nothing was changed." in str(caught.value)
    assert rows_of(alias) == before


def test_a_row_that_points_to_nothing_is_refused(alias: str) -> None:
    plant(alias)
    content, facts = dump(alias)
    before = rows_of(alias)
    broken = content.replace(b'"friend":1', b'"friend":77')
    assert broken != content

    with pytest.raises(SnapshotConnectorError, match="break a constraint.*77"):
        restore(alias, broken, facts)

    assert rows_of(alias) == before


def test_a_row_that_stands_twice_is_refused(alias: str) -> None:
    plant(alias)
    content, facts = dump(alias)
    before = rows_of(alias)
    twice = content + content.splitlines(keepends=True)[-1]

    with pytest.raises(SnapshotConnectorError, match="UNIQUE constraint failed.*Nothing was changed"):
        restore(alias, twice, facts)

    assert rows_of(alias) == before


def test_missing_rows_are_counted(alias: str) -> None:
    plant(alias)
    content, facts = dump(alias)
    before = rows_of(alias)
    cut = b"".join(line for line in content.splitlines(keepends=True) if b'"thicket.fern","pk":[1,3]' not in line)

    with pytest.raises(SnapshotConnectorError, match="has 2 rows of thicket.fern, its facts say 3: it is cut"):
        restore(alias, cut, facts)

    assert rows_of(alias) == before


def test_a_lock_of_another_process_is_told(alias: str, path: Path) -> None:
    plant(alias)
    content, facts = dump(alias)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(SnapshotConnectorError, match="could not be restored: database is locked. Nothing was"):
            restore(alias, content, facts)


def test_a_value_that_django_cannot_read_is_named(alias: str, path: Path) -> None:
    plant(alias)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE thicket_moss SET decimal = 1e30")

    with pytest.raises(SnapshotConnectorError, match="A row of thicket.moss cannot be read: InvalidOperation"):
        dump(alias)


def test_neither_direction_runs_inside_a_transaction(alias: str) -> None:
    content, facts = dump(alias)

    with transaction.atomic(using=alias):
        with pytest.raises(SnapshotConnectorError, match="inside transaction.atomic"):
            dump(alias)
        with pytest.raises(SnapshotConnectorError, match="inside transaction.atomic"):
            restore(alias, content, facts)


def test_a_database_without_tables_says_to_migrate(tmp_path: Path, alias: str) -> None:
    content, facts = dump(alias)
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "empty.sqlite3"}

    with alias_of("empty", settings) as empty:
        with pytest.raises(SnapshotConnectorError, match="has no table .* Run `manage.py migrate --database empty`"):
            dump(empty)
        with pytest.raises(SnapshotConnectorError, match="Run `manage.py migrate --database empty` first"):
            restore(empty, content, facts)


def test_an_unknown_alias_is_named_with_the_nearest(alias: str) -> None:
    with pytest.raises(SnapshotConnectorError, match="DATABASES has no alias 'thickett'. Did you mean 'thicket'?"):
        dump("thickett")
