# ruff: noqa: E501 - statements are easier to read in a line
"""MariaDB databases go out and come back exactly: every kind of object, every kind of value."""

from __future__ import annotations

import io
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from django.db import connections, transaction

from django_snapshots.connectors import DumpDataConnector, MySQLConnector
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.testing import ConnectorContract
from tests.connectors.databases import alias_of, migrate, rows_of, thicket_installed
from tests.connectors.test_dumpdata import plant, uproot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker

    from tests.connectors.mysql.house import House

AWKWARD = """
CREATE TABLE `Order of "things"` (`Group By` INT PRIMARY KEY, `sel``ect` VARCHAR(20) DEFAULT 'a''b', KEY `k e y` (`sel``ect`)) COMMENT='it''s -- a\\ncomment';
INSERT INTO `Order of "things"` VALUES (0, 'x'), (-1, NULL);
CREATE TABLE `Select` (`From` INT PRIMARY KEY); CREATE TABLE `select` (`Where` INT REFERENCES `Select` (`From`), `wHERE2` INT);
INSERT INTO `Select` VALUES (1); INSERT INTO `select` VALUES (1, 2);
CREATE TABLE texts (id INT AUTO_INCREMENT PRIMARY KEY, t LONGTEXT CHARACTER SET utf8mb4, l VARCHAR(50) CHARACTER SET latin1, c VARCHAR(20) COLLATE utf8mb4_bin);
INSERT INTO texts (t, l, c) VALUES ('quote '' double " back \\\\ percent % semi ; \\n\\r\\t\\0\\Z', 'é', 'A'), ('-- django-snapshots: complete', '', 'a'),
  (CONCAT('\\n-- django-snapshots: views, routines, triggers and events\\n', '\\\\! touch /tmp/never'), NULL, NULL),
  (CONVERT(UNHEX('F09F9880F0AA9B96F3A08181EFBFBDE282ACC3A9'), CHAR CHARACTER SET utf8mb4), NULL, NULL);
CREATE TABLE bins (id BINARY(3) PRIMARY KEY, b LONGBLOB, v VARBINARY(10), bits BIT(9));
INSERT INTO bins VALUES (UNHEX('000000'), UNHEX('00FF0A0D1A275C2200'), '', b'101010101'), (UNHEX('FFFFFF'), REPEAT(UNHEX('00'), 100000), NULL, NULL);
CREATE TABLE numbers (id INT PRIMARY KEY, d DECIMAL(65,30), f FLOAT, g DOUBLE, u BIGINT UNSIGNED, y YEAR, s SET('a','b''c'), e ENUM('','x'));
INSERT INTO numbers VALUES (1, -99999999999999999999999999999999999.999999999999999999999999999999, 1e38, 1.7976931348623157e308, 18446744073709551615, 2155, 'a', 'x'),
  (2, 0.000000000000000000000000000001, 1e-38, 2.2250738585072014e-308, 0, 1901, '', ''), (3, NULL, 0.1, 0.1, 1, 0, NULL, NULL);
CREATE TABLE times (id INT PRIMARY KEY, d DATE, t TIME(6), dt DATETIME(6), ts TIMESTAMP(6) NULL);
INSERT INTO times VALUES (1, '9999-12-31', '-838:59:59.999999', '1000-01-01 00:00:00.000001', '2026-03-29 01:30:00.5'), (2, '0000-00-00', '00:00:00', '0000-00-00 00:00:00', NULL);
CREATE TABLE parent (id INT PRIMARY KEY, child INT);
CREATE TABLE child (id INT PRIMARY KEY, parent INT, CONSTRAINT to_parent FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE);
INSERT INTO parent VALUES (1, NULL); INSERT INTO child VALUES (1, 1);
ALTER TABLE parent ADD CONSTRAINT to_child FOREIGN KEY (child) REFERENCES child (id); UPDATE parent SET child = 1;
CREATE TABLE made (a INT, b INT AS (a * 2) STORED, c INT AS (a + 1) VIRTUAL, j JSON CHECK (JSON_VALID(j)), p POINT NOT NULL, SPATIAL KEY (p), FULLTEXT KEY (n), n TEXT, CONSTRAINT positive CHECK (a > 0));
INSERT INTO made (a, j, p, n) VALUES (1, '{"k": [1, null]}', POINT(1, 2), 'full text');
CREATE TABLE parts (id INT, at DATE) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO parts VALUES (1, NULL), (11, '2026-01-01');
CREATE TABLE plain (id INT) ENGINE=MyISAM; INSERT INTO plain VALUES (1), (1);
CREATE TABLE invisible (id INT PRIMARY KEY, hidden INT INVISIBLE DEFAULT 3); INSERT INTO invisible (id) VALUES (1);
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2;
CREATE VIEW z_first AS SELECT id, twice(id) AS double_id FROM parent;
CREATE VIEW a_second AS SELECT z.*, 'it''s' AS `q"uote` FROM z_first z;
SET collation_connection = utf8mb4_unicode_ci; CREATE VIEW m_collated AS SELECT id, 'ß' = 'ss' AS same FROM parent; SET NAMES utf8mb4;
SET sql_mode = 'ANSI_QUOTES';
CREATE PROCEDURE "odd name"() COMMENT 'é' SELECT "id" FROM "parent";
SET sql_mode = DEFAULT;
DELIMITER //
CREATE PROCEDURE loops(IN n INT) BEGIN DECLARE i INT DEFAULT 0; -- don't; stop here
  WHILE i < n DO SET i = i + 1; END WHILE; SELECT 'semi;colon', "\\\\!"; END//
CREATE TRIGGER before_two BEFORE INSERT ON parts FOR EACH ROW SET NEW.id = NEW.id + 1//
CREATE TRIGGER before_one BEFORE INSERT ON parts FOR EACH ROW PRECEDES before_two SET NEW.id = NEW.id * 2//
CREATE TRIGGER after_child AFTER DELETE ON child FOR EACH ROW BEGIN INSERT INTO plain VALUES (OLD.id); END//
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 02:00:00' DO BEGIN DELETE FROM plain; END//
CREATE EVENT asleep ON SCHEDULE EVERY 1 HOUR DISABLE COMMENT 'x' DO SELECT 1//
DELIMITER ;
"""
OF_MARIADB = "CREATE SEQUENCE counter START WITH 7 INCREMENT BY 3; SELECT NEXTVAL(counter);"
OF_MYSQL = """
CREATE TABLE of_mysql (id INT PRIMARY KEY, j JSON DEFAULT (JSON_OBJECT('a', 1)), name VARCHAR(30) COLLATE utf8mb4_0900_as_cs, place POINT NOT NULL SRID 4326, v VECTOR(3), CONSTRAINT later CHECK (id > 5) NOT ENFORCED,
  SPATIAL KEY (place), KEY latest (id DESC), KEY unseen (name) INVISIBLE, KEY by_tag ((CAST(j->>'$.tag' AS CHAR(20)))), KEY by_tags ((CAST(j->'$.tags' AS UNSIGNED ARRAY))), KEY upper_name ((UPPER(name)), id DESC));
INSERT INTO of_mysql VALUES (1, '{"tag": "\\u0000 it''s", "tags": [1, 18446744073709551615], "f": 1.10, "o": {}}', 'Ä\n', ST_GeomFromText('POINT(48.1 11.5)', 4326), STRING_TO_VECTOR('[0.1,-2,3e20]'));
INSERT INTO of_mysql (id, place) VALUES (2, ST_GeomFromText('POINT(-90 180)', 4326));
CREATE TABLE hides_generated (a INT, b INT AS (a + 1) VIRTUAL INVISIBLE, c INT INVISIBLE DEFAULT 3, d INT AS (a * 3) STORED, KEY (b)); INSERT INTO hides_generated (a, c) VALUES (1, 9), (2, 8);
SET sql_generate_invisible_primary_key = ON; CREATE TABLE no_key (x INT); INSERT INTO no_key VALUES (5), (6); SET sql_generate_invisible_primary_key = OFF;
SET restrict_fk_on_non_standard_key = OFF; CREATE TABLE not_unique (id INT PRIMARY KEY, k INT, KEY (k)); CREATE TABLE points_there (k INT, FOREIGN KEY (k) REFERENCES not_unique (k)); SET restrict_fk_on_non_standard_key = ON;
CREATE LIBRARY speaks LANGUAGE JAVASCRIPT AS $$export function f(n) { return "it's " + `${n}` + ' "x"; // end' }$$;
CREATE LIBRARY `l``2` LANGUAGE JAVASCRIPT AS 'x';
CREATE PROCEDURE uses() LANGUAGE JAVASCRIPT USING (speaks, `l``2` AS l) AS $$ 1 $$;
CREATE JSON RELATIONAL DUALITY VIEW as_document AS SELECT JSON_DUALITY_OBJECT('_id': id, 'kids': child) FROM parent;
CREATE VIEW modern AS SELECT id, RANK() OVER (ORDER BY id DESC) AS place, j->>'$.f' AS f FROM of_mysql o JOIN LATERAL (SELECT o.id AS other) l ON l.other = o.id;
"""


def furnish(house: House) -> None:
    """Fill the database with everything that is awkward, owned by its own role."""
    house.sql(f"SET sql_mode = ''; {AWKWARD} {OF_MARIADB if house.server.is_mariadb else OF_MYSQL}")
    house.may_handle_roots()


def disarrange(house: House) -> None:
    """Change rows, objects and schema; put things there that the snapshot has not."""
    house.sql("""
        DROP TRIGGER before_one; DROP VIEW a_second; DROP EVENT nightly; DROP PROCEDURE loops;
        CREATE OR REPLACE VIEW z_first AS SELECT 1 AS one;
        CREATE TABLE later (id INT PRIMARY KEY, child INT, FOREIGN KEY (child) REFERENCES child (id));
        INSERT INTO later VALUES (1, 1);
        CREATE TRIGGER on_later BEFORE INSERT ON later FOR EACH ROW SET NEW.id = 5;
        CREATE VIEW bins_view AS SELECT * FROM bins; CREATE FUNCTION later_f() RETURNS INT DETERMINISTIC RETURN 1;
        CREATE EVENT later_e ON SCHEDULE EVERY 1 DAY DO SELECT 2;
        DELETE FROM texts; ALTER TABLE numbers DROP COLUMN d; UPDATE parts SET id = 3; DROP TABLE times;
        CREATE VIEW times AS SELECT 1 AS now_a_view;
        ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_bin;
    """)
    if house.server.is_mariadb:
        house.sql("SELECT NEXTVAL(counter)")
    else:
        house.sql(
            "DROP PROCEDURE uses; DROP LIBRARY speaks; CREATE LIBRARY later LANGUAGE JAVASCRIPT AS 'x'; DROP VIEW as_document"
        )


def without_definers(state: tuple[list[str], str, str]) -> tuple[list[str], str, str]:
    return [re.sub(r"DEFINER=([`\"])\w+\1@\1\w+\1", "DEFINER=?", line) for line in state[0]], state[1], state[2]


def test_a_restore_brings_back_every_awkward_thing(house: House) -> None:
    furnish(house)
    before = house.state()
    content, facts = house.dump()
    disarrange(house)
    assert house.state()[0] != before[0]

    house.restore(content, facts)

    after = house.state()
    assert without_definers(after) == without_definers(before)
    assert house.scratch() == ""


def test_a_restore_into_an_empty_database_makes_everything(house: House) -> None:
    furnish(house)
    before = house.state()
    content, facts = house.dump()
    house.server.sql(f"DROP DATABASE {house.name}; CREATE DATABASE {house.name}")
    connections[house.alias].close()

    house.restore(content, facts)

    assert without_definers(house.state()) == without_definers(before)


def test_the_dump_loads_by_hand_with_the_client_alone(house: House) -> None:
    furnish(house)
    before = house.state()
    content, _ = house.dump()
    house.server.sql(f"DROP DATABASE {house.name}; CREATE DATABASE {house.name}")

    done = subprocess.run(
        [house.server.program(house.server.client), *house.server.connect, house.name],
        input=content,
        capture_output=True,
        check=False,
    )

    assert done.stderr == b""
    assert house.state() == before


def test_two_dumps_are_of_the_same_rows_and_objects(house: House) -> None:
    furnish(house)
    first, second = house.dump()[0], house.dump()[0]

    assert re.sub(rb"//\w{8}//", b"", first) == re.sub(rb"//\w{8}//", b"", second)


def test_facts_tell_engine_versions_and_what_is_not_transactional(house: House) -> None:
    furnish(house)

    _, facts = house.dump()

    assert facts["engine"] == house.server.engine
    assert re.match(r"\d+\.\d+\.\d+-" + "MariaDB" * house.server.is_mariadb, facts["server_version"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", facts["client_version"])
    assert facts["charset"] == "utf8mb4"
    assert facts["notes"] == ["Tables of engines without transactions may have changed while they were read: plain."]


def test_objects_of_others_are_made_in_the_name_of_the_restoring_role(house: House) -> None:
    house.sql("CREATE VIEW of_root AS SELECT 1 AS one")
    content, facts = house.dump()

    house.restore(content, facts)

    definer = house.sql("SELECT definer FROM information_schema.views WHERE table_schema = DATABASE()")
    assert facts["definers"] == ["`root`@`localhost`"]
    assert definer == f"{house.name}@localhost"


def test_definers_stay_where_the_role_may_act_for_them(house: House) -> None:
    house.sql("CREATE VIEW of_root AS SELECT 1 AS one")
    right = "SET USER" if house.server.is_mariadb else "SET_ANY_DEFINER, SYSTEM_USER"
    house.server.sql(f"GRANT {right} ON *.* TO `{house.name}`@`localhost`")
    content, facts = house.dump()

    house.restore(content, facts)

    definer = house.sql("SELECT definer FROM information_schema.views WHERE table_schema = DATABASE()")
    assert definer == "root@localhost"


def test_a_value_larger_than_a_packet_is_refused_before_anything_runs(house: House) -> None:
    house.sql("CREATE TABLE big (b LONGBLOB); INSERT INTO big VALUES (REPEAT('x', 3000000))")
    content, facts = house.dump()
    before = house.state()
    house.server.sql("SET GLOBAL max_allowed_packet = 4194304")
    connections[house.alias].close()
    try:
        with pytest.raises(SnapshotConnectorError, match="SET GLOBAL max_allowed_packet = 12582912"):
            house.restore(content, facts)
    finally:
        house.server.sql("SET GLOBAL max_allowed_packet = 16777216")
        connections[house.alias].close()

    assert house.state() == before
    house.restore(content, facts)
    assert house.state() == before


@pytest.mark.parametrize("right", ["TRIGGER", "EVENT", "EXECUTE", "SHOW VIEW", "SELECT"])
def test_a_role_that_may_not_see_everything_is_told(house: House, right: str) -> None:
    house.server.sql(f"REVOKE {right} ON `{house.name}`.* FROM `{house.name}`@`localhost`")

    with pytest.raises(SnapshotConnectorError) as caught:
        house.dump()

    assert f"GRANT {right} ON `{house.name}`.* TO `{house.name}`@`localhost`" in str(caught.value)
    assert "would be missing from the dump without a word" in str(caught.value)


def test_rights_that_init_command_gives_are_none_as_the_programs_do_not_run_it(house: House) -> None:
    role, account = f"`{house.name}r`", f"`{house.name}`@`localhost`"
    house.sql("CREATE TABLE hidden (i INT); CREATE TABLE t (i INT); INSERT INTO hidden VALUES (1)")
    house.server.sql(f"""
        CREATE ROLE {role}; GRANT ALL ON `{house.name}`.* TO {role}; GRANT {role} TO {account};
        REVOKE ALL ON `{house.name}`.* FROM {account}; GRANT SELECT ON `{house.name}`.t TO {account};
    """)
    settings = house.server.settings(house.name, house.name, init_command=f"SET ROLE {role}")

    with alias_of("by_role", settings) as alias, pytest.raises(SnapshotConnectorError) as caught:
        MySQLConnector().dump(alias, io.BytesIO())

    house.server.sql(f"DROP ROLE {role}")
    assert "would be missing from the dump without a word" in str(caught.value)


def test_a_routine_whose_text_is_hidden_is_told(house: House) -> None:
    house.sql("CREATE PROCEDURE of_root() SELECT 1")

    with pytest.raises(SnapshotConnectorError, match="may not see the text of procedure of_root"):
        house.dump()


def test_a_role_that_may_make_no_database_is_told_what_to_grant(house: House) -> None:
    house.sql("CREATE TABLE t (id INT)")
    house.server.sql(f"REVOKE ALL ON `{house.name}\\_snapshot\\_%`.* FROM `{house.name}`@`localhost`")
    content, facts = house.dump()
    before = house.state()
    new, old = house.scratch_names

    with pytest.raises(SnapshotConnectorError) as caught:
        house.restore(content, facts)

    message = str(caught.value)
    commands = message.partition("as an administrator: ")[2].removesuffix(" Nothing was changed.").rstrip(".")
    assert f"CREATE DATABASE `{new}`; CREATE DATABASE `{old}`;" in message
    assert house.state() == before

    house.server.sql(commands)
    connections[house.alias].close()
    house.sql("DROP TABLE t")
    house.restore(content, facts)

    assert house.state() == before
    assert house.scratch().split() == [new, old]
    house.restore(content, facts)
    assert house.state() == before


def test_a_database_that_is_not_ours_is_never_emptied(house: House) -> None:
    content, facts = house.dump()
    house.server.sql(f"CREATE DATABASE {house.scratch_names[1]}; CREATE TABLE {house.scratch_names[1]}.dear (id INT)")

    with pytest.raises(SnapshotConnectorError, match="holds tables that are not ours. Rename it"):
        house.restore(content, facts)

    assert house.server.sql(f"SHOW TABLES FROM {house.scratch_names[1]}") == "dear"


def test_a_foreign_key_of_another_database_refuses_the_restore(house: House) -> None:
    house.sql("CREATE TABLE t (id INT PRIMARY KEY)")
    other = f"{house.name}x"
    house.server.sql(
        f"CREATE DATABASE {other}; CREATE TABLE {other}.far (t INT, FOREIGN KEY (t) REFERENCES {house.name}.t (id));"
        f"GRANT REFERENCES, SELECT ON {other}.* TO `{house.name}`@`localhost`"
    )
    try:
        content, facts = house.dump()
        before = house.state()

        with pytest.raises(SnapshotConnectorError, match=f"Table far of the database {other} has a foreign key"):
            house.restore(content, facts)

        assert house.state() == before
    finally:
        house.server.sql(f"DROP DATABASE {other}")


@pytest.mark.parametrize(
    ("engine", "words"),
    [(None, "is m[a-z]+: it cannot be loaded"), ("postgresql", "= 'dumpdata'"), ("dumpdata", "= 'dumpdata'")],
)
def test_a_dump_of_another_engine_says_the_way_out(house: House, engine: str | None, words: str) -> None:
    content, facts = house.dump()
    engine = engine or ("mysql" if house.server.is_mariadb else "mariadb")

    with pytest.raises(SnapshotConnectorError, match=words):
        MySQLConnector().plan(house.alias, {**facts, "engine": engine})
    with pytest.raises(SnapshotConnectorError, match=words):
        house.restore(content, {**facts, "engine": engine})


def test_commands_of_the_client_in_a_dump_are_not_obeyed(house: House, tmp_path: Path) -> None:
    house.sql("CREATE TABLE t (id INT)")
    content, facts = house.dump()
    witness = tmp_path / "witness"
    tmp_path.chmod(0o777)
    evil = f"\\! touch {witness}\nsystem touch {witness}\n".encode()
    assert b"-- Dump completed" in content

    for place in (0, content.index(b"CREATE TABLE"), content.index(b"\n-- Dump completed")):
        with pytest.raises(SnapshotConnectorError):
            house.restore(content[:place] + evil + content[place:], facts)

    assert not witness.exists()


def test_a_persistent_connection_sees_the_new_rows(house: House) -> None:
    house.sql("CREATE TABLE t (id INT); INSERT INTO t VALUES (1)")
    content, facts = house.dump()
    house.sql("INSERT INTO t VALUES (2)")
    settings = house.server.settings(house.name, house.name)
    with alias_of("other", settings) as other, connections[other].cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM t")
        assert cursor.fetchone() == (2,)

        house.restore(content, facts)

        cursor.execute("SELECT COUNT(*) FROM t")
        assert cursor.fetchone() == (1,)


def test_a_restore_does_not_run_inside_a_transaction(house: House) -> None:
    content, facts = house.dump()

    with (
        transaction.atomic(using=house.alias),
        pytest.raises(SnapshotConnectorError, match="inside transaction.atomic"),
    ):
        house.restore(content, facts)


def test_an_alias_of_another_engine_is_refused(house: House) -> None:
    with pytest.raises(SnapshotConnectorError, match="neither MariaDB nor MySQL"):
        MySQLConnector().dump("default", io.BytesIO())


def test_rows_go_from_here_to_sqlite_and_back_by_dumpdata(house: House, tmp_path: Path) -> None:
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "db.sqlite3"}
    connector = DumpDataConnector()
    with thicket_installed(), alias_of("aside", sqlite) as aside:
        migrate(house.alias)
        migrate(aside)
        plant(house.alias, infinity=1e308)
        before = rows_of(house.alias)
        sink, back = io.BytesIO(), io.BytesIO()

        facts = connector.dump(house.alias, sink)
        connector.restore(aside, io.BytesIO(sink.getvalue()), facts)
        facts_back = connector.dump(aside, back)
        uproot(house.alias)
        connector.restore(house.alias, io.BytesIO(back.getvalue()), facts_back)

        assert rows_of(house.alias) == before
        assert facts["source_engine"] == "mysql"
        assert facts_back["source_engine"] == "sqlite"


class TestMySQLConnector(ConnectorContract):
    @pytest.fixture
    def connector(self) -> MySQLConnector:
        return MySQLConnector()

    @pytest.fixture
    def alias(self, migrated_house: House, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
        with django_db_blocker.unblock():
            yield migrated_house.alias
        assert "_drill_" not in migrated_house.server.sql("SHOW DATABASES")


class TestDumpDataConnectorHere(ConnectorContract):
    @pytest.fixture
    def connector(self) -> DumpDataConnector:
        return DumpDataConnector()

    @pytest.fixture
    def alias(self, migrated_house: House, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
        with django_db_blocker.unblock():
            yield migrated_house.alias
