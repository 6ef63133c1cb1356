"""Views, routines and triggers are tried before anything is replaced, and a restore is always the way out."""

from __future__ import annotations

import io
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from django_snapshots.connectors import MySQLConnector
from django_snapshots.connectors._mysql_scratch import SWAPPED, Scratch
from django_snapshots.connectors._mysql_server import Session, locate
from django_snapshots.connectors._mysql_staged import recover
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.databases import alias_of
from tests.connectors.mysql.house import House
from tests.connectors.mysql.test_mysql import without_definers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker

    from tests.servers.mysql import DatabaseServer

TOTALS = (
    "CREATE TABLE t (i INT); INSERT INTO t VALUES (41), (42); CREATE VIEW z_totals AS SELECT SUM(i) AS total FROM t;"
)


@contextmanager
def _neighbour(house: House, script: str = "") -> Iterator[str]:
    """Give a second database of the same role."""
    name = f"{house.name}_2"
    house.server.sql(
        f"CREATE DATABASE {name}; GRANT ALL ON {name}.* TO `{house.name}`@`localhost`;"
        f"GRANT ALL ON `{name}\\_snapshot\\_%`.* TO `{house.name}`@`localhost`"
    )
    house.server.sql(script, name)
    try:
        yield name
    finally:
        house.server.sql(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def blog(server: DatabaseServer, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """A database of the server's root, who may act for everybody."""
    name = f"b{uuid.uuid4().hex[:8]}"
    server.sql(f"CREATE DATABASE {name}")
    with django_db_blocker.unblock(), alias_of("blog", server.settings(name)) as alias:
        yield House(server, alias, name)
    server.sql(f"DROP DATABASE {name}")


def test_a_view_that_cannot_be_made_is_found_before_anything_is_replaced(house: House) -> None:
    house.sql(f"{TOTALS} CREATE TRIGGER keeps BEFORE INSERT ON t FOR EACH ROW SET NEW.i = NEW.i")
    with _neighbour(house, "CREATE TABLE o (i INT)") as other:
        house.sql(f"CREATE VIEW a_report AS SELECT t.i, o.i AS k FROM t, {other}.o")
        content, facts = house.dump()
        house.sql("DROP VIEW a_report; INSERT INTO t VALUES (100)")
    before = house.state()

    with pytest.raises(SnapshotConnectorError) as caught:
        house.restore(content, facts)

    assert f"The view `a_report` of the dump cannot be made on the server of database 'house' ({house.name}" in str(
        caught.value
    )
    assert "Nothing was changed. Bring there what it needs, or restore another snapshot." in str(caught.value)
    assert house.state() == before
    assert house.scratch() == ""
    house.dump()


def test_a_database_called_as_its_table_has_everything_tried(blog: House) -> None:
    blog.sql(f"""
        CREATE TABLE `{blog.name}` (i INT, at DATE); INSERT INTO `{blog.name}` VALUES (1, '2026-01-02');
        CREATE VIEW years AS SELECT EXTRACT(YEAR FROM `{blog.name}`.at) AS y FROM `{blog.name}`;
        CREATE TRIGGER tr BEFORE INSERT ON `{blog.name}` FOR EACH ROW SET NEW.i = 5;
    """)
    before = blog.state()
    content, facts = blog.dump()
    blog.sql(f"INSERT INTO `{blog.name}` VALUES (2, NULL)")

    blog.restore(content, facts)

    assert blog.state() == before
    broken = content.replace(b"extract(year from", b"no_such_function(")
    assert broken != content
    with pytest.raises(
        SnapshotConnectorError, match=r"The view `years` of the dump cannot be made.*Nothing was changed"
    ):
        blog.restore(broken, facts)
    assert blog.state() == before


def test_views_that_read_each_other_and_functions_come_back_in_an_order_that_works(house: House) -> None:
    house.sql("""
        CREATE TABLE t (i INT); INSERT INTO t VALUES (7);
        CREATE VIEW d AS SELECT i FROM t;
        CREATE FUNCTION of_d() RETURNS INT READS SQL DATA RETURN (SELECT MAX(i) FROM d);
        CREATE VIEW c AS SELECT i, of_d() AS f FROM d; CREATE VIEW b AS SELECT * FROM c;
        CREATE VIEW a AS SELECT * FROM b;
    """)
    house.may_handle_roots()
    content, facts = house.dump()
    house.sql("DROP VIEW a; DROP FUNCTION of_d; DROP VIEW d")

    house.restore(content, facts)

    assert house.sql("SELECT * FROM a").split() == ["7", "7"]


@pytest.mark.parametrize("then", ["SELECT 1", "DROP USER `{0}`@localhost"], ids=["there", "gone"])
def test_views_of_somebody_who_may_not_read_what_they_name_come_back_in_his_name(blog: House, then: str) -> None:
    role = f"{blog.name}r"
    blog.server.make_role(role, f"ALL ON {blog.name}.*")
    blog.sql("CREATE TABLE t (i INT); INSERT INTO t VALUES (3)")
    for view, source in (("b", "t"), ("c", "b"), ("a", "c")):
        blog.sql(f"CREATE DEFINER=`{role}`@localhost VIEW {view} AS SELECT i FROM {source}")
    content, facts = blog.dump()
    blog.sql("DELETE FROM t; DROP VIEW a")
    blog.server.sql(then.format(role))

    blog.restore(content, facts)

    found = "SELECT table_name, definer FROM information_schema.views WHERE table_schema = DATABASE()"
    assert sorted(blog.sql(found).splitlines()) == [f"{view}\t{role}@localhost" for view in "abc"]
    blog.server.make_role(role, f"SELECT ON {blog.name}.*")
    assert blog.sql("SELECT * FROM a") == "3"
    blog.server.sql(f"DROP USER `{role}`@localhost")


def test_in_another_database_views_and_triggers_act_on_its_own_tables(house: House) -> None:
    house.sql(TOTALS)
    house.sql(f"CREATE TRIGGER {house.name}.tr BEFORE INSERT ON {house.name}.t FOR EACH ROW SET NEW.i = 9")
    with _neighbour(house, "CREATE TABLE o (k INT); INSERT INTO o VALUES (1)") as far, _third(house) as third:
        house.sql(f"CREATE VIEW both_of AS SELECT t.i, o.k FROM t, {far}.o")
        content, facts = house.dump()
        house.sql("DROP TRIGGER tr; DELETE FROM t")
        MySQLConnector().restore(third.alias, io.BytesIO(content), facts)
        with MySQLConnector().scratch_database(house.alias) as scratch:
            MySQLConnector().restore(scratch, io.BytesIO(content), facts)
            with connections[scratch].cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM both_of")
                drilled = cursor.fetchone()

        assert drilled == (2,)
        assert house.sql("SHOW TRIGGERS") == ""
        assert third.sql("SELECT * FROM both_of").split() == ["41", "1", "42", "1"]
        third.sql("INSERT INTO t VALUES (1)")
        assert third.sql("SELECT MIN(i) FROM t") == "9"
        house.restore(content, facts)
        assert house.sql("SELECT * FROM both_of").split() == ["41", "1", "42", "1"]
        assert "tr" in house.sql("SHOW TRIGGERS")


@contextmanager
def _third(house: House) -> Iterator[House]:
    name = f"{house.name}_3"
    house.server.sql(f"CREATE DATABASE {name}")
    with alias_of("third", house.server.settings(name)) as alias:
        yield House(house.server, alias, name)
    house.server.sql(f"DROP DATABASE {name}")


def test_a_view_that_reads_the_database_by_way_of_another_comes_back_into_an_empty_one(house: House) -> None:
    house.sql(TOTALS)
    with _neighbour(house) as other:
        house.server.sql(f"CREATE VIEW back AS SELECT i FROM {house.name}.t", other)
        house.sql(f"CREATE VIEW a_round AS SELECT i FROM {other}.back; CREATE VIEW a_over AS SELECT * FROM a_round")
        content, facts = house.dump()
        house.server.sql(f"DROP DATABASE {house.name}; CREATE DATABASE {house.name}")
        connections[house.alias].close()

        house.restore(content, facts)

        assert house.sql("SELECT * FROM a_over").split() == ["41", "42"]


def _half_done(house: House) -> tuple[bytes, dict[str, Any], Any, SnapshotConnectorError]:
    """Return a dump with its facts and state, and the error of its restore, which could not make its views."""
    for statement in f"{TOTALS} CREATE TRIGGER keeps BEFORE INSERT ON t FOR EACH ROW SET NEW.i = NEW.i".split(";"):
        house.as_role(statement)
    snapshot = house.state()
    content, facts = house.dump()
    house.sql("INSERT INTO t VALUES (100)")
    _allow_views(house, allowed=False)
    with pytest.raises(SnapshotConnectorError) as caught:
        house.restore(content, facts)
    return content, facts, snapshot, caught.value


def _allow_views(house: House, *, allowed: bool) -> None:
    right = "GRANT CREATE VIEW ON `{0}`.* TO" if allowed else "REVOKE CREATE VIEW ON `{0}`.* FROM"
    house.server.sql(f"{right} `{{0}}`@`localhost`".format(house.name))
    connections[house.alias].close()


def test_what_cannot_be_made_after_the_swap_is_named_and_reads_as_an_error(house: House) -> None:
    _, _, _, error = _half_done(house)

    assert "are the snapshot's, and so is all beside them that could be made" in str(error)
    assert "These could not, and are missing or as they were: view `z_totals`: (1142, " in str(error)
    assert "or restore another snapshot, which replaces all of it. Until then no backup is made of it." in str(error)
    assert "keeps" in house.sql("SHOW TRIGGERS")
    assert house.sql("SHOW FULL TABLES WHERE table_type = 'VIEW'") == ""
    with pytest.raises(SnapshotConnectorError, match="or restore another snapshot, which replaces all of it. No dump"):
        house.dump()


def test_the_same_restore_finishes_when_the_cause_is_gone(house: House) -> None:
    content, facts, snapshot, _ = _half_done(house)
    _allow_views(house, allowed=True)

    house.restore(content, facts)

    assert without_definers(house.state()) == without_definers(snapshot)
    assert house.scratch() == ""
    house.dump()


def test_another_snapshot_supersedes_a_restore_that_cannot_be_finished(house: House) -> None:
    house.sql("CREATE TABLE earlier (i INT); CREATE TRIGGER first BEFORE INSERT ON earlier FOR EACH ROW SET NEW.i = 1")
    sound, sound_facts = house.dump()
    before = house.state()
    house.sql("DROP TABLE earlier")
    _half_done(house)

    house.restore(sound, sound_facts)

    assert without_definers(house.state()) == without_definers(before)
    assert house.scratch() == ""
    house.dump()


def test_a_restore_that_fails_beside_a_half_done_one_says_so_and_forgets_nothing(house: House) -> None:
    content, facts, snapshot, _ = _half_done(house)

    with pytest.raises(SnapshotConnectorError, match="Nothing was changed") as caught:
        house.restore(content[:-5], facts)

    assert "An earlier restore of database 'house'" in caught.value.__notes__[0]
    assert "is still half done, and could not be put right: view `z_totals`: (1142, " in caught.value.__notes__[0]
    assert SWAPPED in house.left_over()
    with pytest.raises(SnapshotConnectorError, match="No dump was made"):
        house.dump()
    _allow_views(house, allowed=True)
    with pytest.raises(SnapshotConnectorError, match="Nothing was changed") as caught:
        house.restore(content[:-5], facts)
    assert caught.value.__notes__ == ["An interrupted restore was finished: all is its snapshot's now."]
    assert without_definers(house.state()) == without_definers(snapshot)


def test_a_second_restore_that_cannot_replace_leaves_the_first_half_done_and_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, facts, _, _ = _half_done(house)
    monkeypatch.setattr("django_snapshots.connectors._mysql_staged._PATIENCE_S", 1)
    settings = house.server.settings(house.name, house.name)
    with alias_of("other", settings) as other, connections[other].cursor() as cursor:
        cursor.execute("SET autocommit = 0")
        cursor.execute("SELECT COUNT(*) FROM t")

        with pytest.raises(SnapshotConnectorError) as caught:
            house.restore(content, facts)

    assert "The database is as before. An earlier restore of database 'house'" in str(caught.value)
    assert "keeps" in house.sql("SHOW TRIGGERS")
    assert SWAPPED in house.left_over()


def test_triggers_that_cannot_be_brought_back_do_not_keep_a_restore_away(house: House) -> None:
    house.as_role("CREATE TABLE t (i INT)")
    house.as_role("CREATE TRIGGER keeps BEFORE INSERT ON t FOR EACH ROW SET NEW.i = NEW.i")
    content, facts = house.dump()
    snapshot = house.state()
    staged = MySQLConnector().stage(house.alias, io.BytesIO(content), facts)
    assert staged._scratch is not None
    session, real = staged._scratch.session, staged._scratch.session.run

    def run(statement: str, parameters: Any = None) -> None:
        if statement.startswith("RENAME TABLE `" + house.name + "`"):
            house.server.sql(f"KILL {session.value('SELECT CONNECTION_ID()')}")
        real(statement, parameters)

    session.run = run  # type: ignore[method-assign]
    with pytest.raises(SnapshotConnectorError, match="which puts that right first"):
        staged.commit()
    assert house.sql("SHOW TRIGGERS") == ""
    house.sql("DROP TABLE t")

    house.restore(content, facts)

    assert house.state() == snapshot
    assert house.scratch() == ""


def test_a_backslash_in_a_view_survives_a_server_to_which_it_means_nothing(house: House) -> None:
    house.sql(r"CREATE VIEW v AS SELECT 'a\\b' AS x; CREATE PROCEDURE p() SELECT 1")
    house.may_handle_roots()
    content, facts = house.dump()
    mode = house.server.sql("SELECT @@GLOBAL.sql_mode")
    house.server.sql("SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES'")
    try:
        house.restore(content, facts)
        restored = house.sql("SELECT HEX(x) FROM v")
        house.sql("DROP VIEW v; DROP PROCEDURE p")
        house.sql(content.decode())
    finally:
        house.server.sql(f"SET GLOBAL sql_mode = '{mode}'")

    by_hand = house.sql("SELECT HEX(x) FROM v")
    assert restored == by_hand == b"a\\b".hex().upper()


def test_a_way_back_that_fails_leaves_no_setting_to_the_restore_after_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.sql("CREATE TABLE t (i INT)")
    content, facts = house.dump()
    house.sql("""
        CREATE TABLE later (i INT); SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SET collation_connection = latin1_bin;
        CREATE DEFINER = CURRENT_USER TRIGGER tr BEFORE INSERT ON later FOR EACH ROW SET NEW.i = 3;
    """)
    with monkeypatch.context() as patch:
        patch.setattr("django_snapshots.connectors._mysql_staged._rename", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            house.restore(content, facts)
    house.sql("DROP TABLE later")
    scratch = Scratch(Session(locate(house.alias)))

    said = recover(scratch)

    settings = scratch.session.rows("SELECT @@sql_mode, @@character_set_connection")
    scratch.session.close()
    assert "could not be put right" in said
    assert settings == [("NO_AUTO_VALUE_ON_ZERO", "utf8mb4")]
    house.restore(content, facts)
    assert house.scratch() == ""


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
