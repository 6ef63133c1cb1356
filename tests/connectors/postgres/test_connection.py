"""Every connection setting reaches pg_dump, no secret is seen by others, and both psycopgs serve."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from django_snapshots.connectors.postgres import PostgresConnector
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.postgres.databases import ALIAS, dump, restore
from tests.docs.pages import ROOT
from tests.servers.postgres import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.postgres.databases import Database


@pytest.fixture
def word(live: Database) -> Database:
    """The database, with a table that holds "then"."""
    live.sql("CREATE TABLE word AS SELECT 'then' AS text")
    return live


def comes_back(database: Database) -> bool:
    dumped = dump(PostgresConnector())
    database.sql("UPDATE word SET text = 'now'")
    restore(PostgresConnector(), dumped)
    return database.sql("SELECT text FROM word") == "then"


def test_a_host_name_and_a_port_lead_there(word: Database, register: Callable[..., str]) -> None:
    register(**word.settings() | {"HOST": "127.0.0.1", "PORT": word.server.port})

    assert comes_back(word)


def test_a_service_leads_there(
    word: Database, register: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "services").write_text(
        f"[mine]\nhost={word.server.socket_directory}\nport={word.server.port}\nuser=app\ndbname={word.name}\n"
    )
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    (tmp_path / "pass").write_text(f"*:*:*:*:{escaped}\n")
    (tmp_path / "pass").chmod(0o600)
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    options = {"service": "mine", "passfile": str(tmp_path / "pass")}
    register(ENGINE="django.db.backends.postgresql", NAME="", USER="", PASSWORD="", HOST="", PORT="", OPTIONS=options)

    assert comes_back(word)


def test_the_environment_of_libpq_leads_there(
    word: Database, register: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in word.server.environment("app").items():
        if name.startswith("PG"):
            monkeypatch.setenv(name, value)
    register(ENGINE="django.db.backends.postgresql", NAME=word.name)

    assert comes_back(word)


def test_a_mode_of_ssl_that_the_server_does_not_offer_is_an_error(word: Database, register: Callable[..., str]) -> None:
    register(**word.settings(sslmode="require") | {"HOST": "127.0.0.1"})

    with pytest.raises(SnapshotConnectorError, match="server does not support SSL"):
        dump(PostgresConnector())


def test_options_of_the_connection_reach_pg_dump(word: Database, register: Callable[..., str]) -> None:
    word.sql("GRANT CREATE ON SCHEMA public TO other; SET ROLE other; CREATE TABLE theirs (i int)", role="postgres")
    register(**word.settings() | {"USER": "postgres", "OPTIONS": {"options": "-c role=app"}})

    with pytest.raises(SnapshotConnectorError, match="pg_dump ended with exit status 1:(.|\\n)*permission denied"):
        dump(PostgresConnector())


def test_a_role_that_django_assumes_is_assumed_by_pg_dump_and_owns_what_is_restored(
    word: Database, register: Callable[..., str]
) -> None:
    word.sql("CREATE ROLE worker; GRANT app TO worker", role="postgres")
    try:
        register(**word.settings() | {"USER": "postgres", "OPTIONS": {"assume_role": "worker"}})

        assert comes_back(word)
    finally:
        word.sql("DROP ROLE worker", role="postgres")


class Watch:
    """Reads /proc/*/cmdline and /proc/*/environ of every child of this process while it lives."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.programs: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.is_set():
            for task in Path("/proc/self/task").iterdir():
                try:
                    children = (task / "children").read_text().split()
                    for child in children:
                        texts = [Path("/proc", child, name).read_bytes() for name in ("cmdline", "environ")]
                        self.seen.update(text.decode(errors="replace") for text in texts)
                        self.programs.add(Path(texts[0].split(b"\0")[0].decode()).name)
                except OSError:
                    continue
            time.sleep(0.001)


def test_the_password_is_in_no_command_line_and_no_environment(
    live: Database, register: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    register(**live.settings() | {"HOST": "127.0.0.1"})
    live.sql("CREATE TABLE big AS SELECT i, md5(i::text) AS text FROM generate_series(1, 300000) i")

    with Watch() as watch:
        dumped = dump(PostgresConnector())
        restore(PostgresConnector(), dumped)

    assert {"pg_dump", "pg_restore"} <= watch.programs
    assert [text for text in watch.seen if PASSWORD in text] == []
    assert PASSWORD not in json.dumps(dumped[1])


def test_the_passfile_is_private_and_gone_afterwards(
    word: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Spy(io.BytesIO):
        def write(self, data: Any, /) -> int:
            modes.update(oct(path.stat().st_mode) for path in tmp_path.rglob("passfile"))
            return super().write(data)

    modes: set[str] = set()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    PostgresConnector().dump(ALIAS, Spy())

    assert modes == {"0o100600"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_either_psycopg_serves(word: Database, tmp_path: Path, driver: str) -> None:
    """In a process of its own: Django chooses when it is imported."""
    word.sql(
        "SELECT lo_from_bytea(70001, decode(repeat('00ff', 50000), 'hex')); CREATE VIEW v AS SELECT '%s' AS percent"
    )
    before = word.state()
    script = f"""
import io, json, sys
if {driver!r} == "psycopg2":
    sys.modules["psycopg"] = None
import django
from django.conf import settings
settings.configure(DATABASES={{"default": json.loads(sys.argv[1])}})
django.setup()
from django.db import connection
from django_snapshots.connectors import PostgresConnector
assert connection.Database.__name__ == {driver!r}
sink = io.BytesIO()
facts = PostgresConnector().dump("default", sink)
with connection.cursor() as cursor:
    cursor.execute("DROP TABLE word; SELECT lo_unlink(70001)")
PostgresConnector().restore("default", io.BytesIO(sink.getvalue()), facts)
with connection.cursor() as cursor:
    cursor.execute("SELECT text FROM word")
    print(cursor.fetchone()[0])
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, json.dumps(word.settings())],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "then\n"
    assert word.state() == before
