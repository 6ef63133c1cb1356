"""With encryption on, nothing readable is in the storage or in the temporary directory: looked for all the time.

The process is stopped again and again while it works, and every file is read.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.codecs.keys import age_pair
from tests.connectors.postgres.databases import Database
from tests.servers.mysql import serving_mariadb
from tests.servers.postgres import PASSWORD, serving_postgres
from tests.site import Site, make_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.codecs.keys import Pair
    from tests.servers.mysql import DatabaseServer

MARKER = b"Zebrafinken-am-Kanal-4711"
MEDIA_FILES = 12
ROWS = 40_000
MODELS = """
from django.db import models


class Planted(models.Model):
    text = models.TextField()
"""
SETTINGS = """
SNAPSHOTS = {{
    "STORAGE": {{"BACKEND": "{storage}", "OPTIONS": {options}}},
    "COMPRESSION": None,
    "ENCRYPTION": {encryption},
    "DATABASE_CONNECTORS": {connectors},
}}
{more}
"""
LOCAL = "django_snapshots.storage.LocalFileSystemBackend"
AGE = {"BACKEND": "django_snapshots.codecs.Age", "OPTIONS": {"identity_env": "TEST_IDENTITY"}}
DJANGO = "django_snapshots.storage.DjangoStorageBackend"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return age_pair(tmp_path_factory.mktemp("keys"))


def make(
    folder: Path, pair: Pair | None, storage: str = LOCAL, more: str = "", connectors: dict[str, str] | None = None
) -> Site:
    encryption = None
    if pair is not None:
        encryption = {**AGE, "OPTIONS": {**AGE["OPTIONS"], "recipients": [pair.recipient]}}  # type: ignore[dict-item]
    options: dict[str, object] = {"location": str(folder / "snapshots")}
    if storage == DJANGO:
        options = {"storage": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}}
    settings = SETTINGS.format(
        storage=storage, options=options, encryption=encryption, connectors=connectors or {}, more=more
    )
    (folder / "temp").mkdir()
    site = make_site(folder / "site", settings)
    plant(site.database, "planted")
    content = random.Random(1)
    for number in range(MEDIA_FILES):
        pieces = [MARKER + content.randbytes(200_000) for _ in range(5)]
        (site.media / f"{number}-{MARKER.decode()}.bin").write_bytes(b"".join(pieces))
    return site


def plant(database: Path, table: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
            f"INSERT INTO {table} SELECT i, '{MARKER.decode()}' || i FROM n"
        )


class Search:
    """Runs a verb and reads every file of the storage and of the temporary directory while it runs.

    Attributes:
        seen: The files in which the marker was found, as paths below the folder.
        looks: How often all was read while the process was stopped.
    """

    def __init__(self, folder: Path) -> None:
        self.seen: set[str] = set()
        self.looks = 0
        self._folder = folder

    def run(self, site: Site, *arguments: str, env: dict[str, str]) -> None:
        process = site.start(*arguments, env={**env, "TMPDIR": str(self._folder / "temp")})
        pause = random.Random(2)
        try:
            while process.poll() is None:
                time.sleep(pause.uniform(0.001, 0.03))
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGSTOP)
                    self.look()
                    self.looks += 1
                    os.kill(process.pid, signal.SIGCONT)
        except BaseException:
            process.kill()
            raise
        finally:
            _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        self.look()

    def look(self) -> None:
        # A thread of the process may run on for a moment after the signal, and take a folder away under our feet.
        for top in ("temp", "snapshots"):
            for folder, names, files in os.walk(self._folder / top):
                for path in (Path(folder, name) for name in (*names, *files)):
                    with suppress(FileNotFoundError):
                        if MARKER in path.name.encode() or (path.is_file() and MARKER in path.read_bytes()):
                            self.seen.add(str(path.relative_to(self._folder)))


def left_in_temp(folder: Path) -> list[Path]:
    return [path for path in (folder / "temp").rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.parametrize(
    ("storage", "format_"),
    [(LOCAL, "directory"), (LOCAL, "archive"), (DJANGO, "directory")],
)
def test_neither_storage_nor_temporary_directory_holds_plaintext_at_any_moment(
    tmp_path: Path, pair: Pair, storage: str, format_: str
) -> None:
    site = make(tmp_path, pair, storage)
    key = {"TEST_IDENTITY": pair.identity}
    search = Search(tmp_path)

    search.run(site, "backup", "--name", "nightly", "--format", format_, env={})
    search.run(site, "verify", "nightly", env=key)
    search.run(site, "restore", "nightly", "--noinput", env=key)

    assert search.seen == set()
    assert search.looks > 10
    assert site.names()[0].startswith("pre-restore-")  # saving what is replaced is a backup as well
    assert left_in_temp(tmp_path) == []


def test_no_kind_of_content_is_readable_anywhere_at_any_moment(
    tmp_path: Path, pair: Pair, postgres: Database, mariadb: DatabaseServer
) -> None:
    rows = tmp_path / "rows.sqlite3"
    plant(rows, "planted_planted")
    others = {
        "postgres": postgres.settings(),
        "mariadb": mariadb.settings("planted"),
        "rows": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(rows)},
    }
    more = (
        "import pymysql\npymysql.install_as_MySQLdb()\n"
        f"DATABASES |= {others!r}\nINSTALLED_APPS += ['planted']\nSILENCED_SYSTEM_CHECKS = ['mysql.W002']"
    )
    site = make(tmp_path, pair, more=more, connectors={"rows": "dumpdata"})
    (site.folder / "planted").mkdir()
    (site.folder / "planted" / "models.py").write_text(MODELS)
    key = {"TEST_IDENTITY": pair.identity}
    search = Search(tmp_path)

    search.run(site, "backup", "--name", "nightly", env={})
    search.run(site, "verify", "nightly", env={})
    search.run(site, "verify", "nightly", env=key)
    postgres.sql("DELETE FROM planted WHERE id > 1")
    mariadb.sql("DELETE FROM planted WHERE id > 1", "planted")
    search.run(site, "restore", "nightly", "--noinput", env=key)

    assert search.seen == set()
    assert search.looks > 10
    assert postgres.sql("SELECT count(*) FROM planted") == str(ROWS)
    assert mariadb.sql("SELECT count(*) FROM planted", "planted") == str(ROWS)
    assert len(site.json("info", "nightly")["artifacts"]) == 6
    assert left_in_temp(tmp_path) == []


def test_the_search_finds_what_is_not_encrypted(tmp_path: Path) -> None:
    site = make(tmp_path, None)
    search = Search(tmp_path)

    search.run(site, "backup", "--name", "nightly", env={})

    assert {"snapshots/nightly/database/default.sqlite3", "snapshots/nightly/media.tar"} <= search.seen


@pytest.fixture
def postgres() -> Iterator[Database]:
    """A database whose table "planted" is full of markers."""
    with serving_postgres() as server:
        literal = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        server.sql("postgres", f"CREATE ROLE app LOGIN PASSWORD E'{literal}'")
        server.sql("postgres", "CREATE DATABASE planted OWNER app TEMPLATE template0")
        database = Database(server, "planted", "app")
        database.sql(
            f"CREATE TABLE planted AS SELECT id, '{MARKER.decode()}' || id AS text FROM generate_series(1, {ROWS}) id"
        )
        yield database


@pytest.fixture
def mariadb() -> Iterator[DatabaseServer]:
    """A server with a database "planted" whose table of that name is full of markers."""
    with serving_mariadb("--character-set-server=utf8mb4") as server:
        server.sql("CREATE DATABASE planted")
        server.sql(
            f"CREATE TABLE planted AS SELECT seq AS id, CONCAT('{MARKER.decode()}', seq) AS text FROM seq_1_to_{ROWS}",
            "planted",
        )
        yield server
