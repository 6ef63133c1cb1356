"""A server that is reached over TLS alone: by the driver and by the programs, which verify it as much as each other."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from django_snapshots.connectors._mysql_programs import CLIENTS, DUMPERS, find_program, write_option_file
from django_snapshots.connectors._mysql_server import locate
from django_snapshots.errors import SnapshotConnectorError
from tests.connectors.databases import alias_of
from tests.connectors.mysql.house import House
from tests.servers.certificates import Certificates, making_certificates
from tests.servers.mysql import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker

    from tests.servers.mysql import DatabaseServer


@pytest.fixture(scope="module")
def certificates() -> Iterator[Certificates]:
    with making_certificates("mysql") as made:
        yield made


@pytest.fixture(scope="module")
def secure_server(family: str, certificates: Certificates) -> Iterator[DatabaseServer]:
    """A server that takes nothing unencrypted, with a role that has to show a certificate of the authority."""
    files = ("ca", certificates.crt("ca")), ("cert", certificates.crt("server")), ("key", certificates.key("server"))
    options = [f"--ssl-{name}={path}" for name, path in files]
    with serving(family, *options, "--character-set-server=utf8mb4", listening=True) as server:
        server.sql("CREATE DATABASE h; SET GLOBAL require_secure_transport = ON")
        server.make_role("h", "ALL ON `h`.*", "ALL ON `h\\_snapshot\\_%`.*", requires="X509")
        yield server


@pytest.fixture
def vault(secure_server: DatabaseServer, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """A database with a word in it; no alias leads there yet."""
    word = "DROP TABLE IF EXISTS word; CREATE TABLE word (text VARCHAR(9)); INSERT INTO word VALUES ('then')"
    secure_server.sql(word, "h")
    with django_db_blocker.unblock():
        yield House(secure_server, "vault", "h")


def connected(vault: House, **options: Any) -> AbstractContextManager[str]:
    return alias_of(vault.alias, vault.server.settings("h", "h", **options))


def shown(certificates: Certificates) -> dict[str, str]:
    """Return what shows our own certificate, as the keys of `ssl`."""
    return {"cert": certificates.crt("client"), "key": certificates.key("client")}


def test_backup_and_restore_go_over_tls_with_certificates_of_both_sides(
    vault: House, certificates: Certificates
) -> None:
    with connected(vault, ssl={"ca": certificates.crt("ca"), **shown(certificates)}):
        before = vault.state()
        content, facts = vault.dump()
        vault.sql("UPDATE word SET text = 'now'; CREATE TABLE later (id INT)")

        vault.restore(content, facts)

        assert vault.state() == before
        with connections[vault.alias].cursor() as cursor:
            cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
            assert cursor.fetchone()[1].startswith("TLS_")
    with connected(vault, ssl={"ca": certificates.crt("ca")}), pytest.raises(SnapshotConnectorError, match="denied"):
        vault.dump()
    with connected(vault, ssl_disabled=True), pytest.raises(SnapshotConnectorError, match="denied|insecure"):
        vault.dump()


def test_a_server_that_another_authority_has_signed_is_refused_and_nothing_changes(
    vault: House, certificates: Certificates
) -> None:
    with connected(vault, ssl={"ca": certificates.crt("ca"), **shown(certificates)}):
        content, facts = vault.dump()
    vault.sql("UPDATE word SET text = 'now'")
    before = vault.state()

    with connected(vault, ssl={"ca": certificates.crt("stranger"), **shown(certificates)}):
        with pytest.raises(SnapshotConnectorError) as dumped:
            vault.dump()
        with pytest.raises(SnapshotConnectorError) as restored:
            vault.restore(content, facts)

    for caught, consequence in ((dumped, "No dump was made."), (restored, "Nothing was changed.")):
        assert "certificate verify failed" in str(caught.value)
        assert str(caught.value).endswith(consequence)
        assert "\n" not in str(caught.value)
    assert vault.state() == before
    assert vault.scratch() == ""


def test_a_server_of_another_name_is_refused_unless_its_name_does_not_matter(
    vault: House, certificates: Certificates, tmp_path: Path
) -> None:
    ssl = {"ca": certificates.crt("ca"), **shown(certificates)}
    original = tmp_path / "server.crt", tmp_path / "server.key"
    for kept, path, other in zip(
        original,
        (certificates.crt("server"), certificates.key("server")),
        (certificates.crt("elsewhere"), certificates.key("elsewhere")),
        strict=True,
    ):
        shutil.copyfile(path, kept)
        shutil.copyfile(other, path)  # into the file, which stays the server's own
    vault.server.sql(vault.server.reloads_certificates)
    try:
        with connected(vault, ssl=ssl):
            with pytest.raises(SnapshotConnectorError, match="certificate verify failed"):
                vault.dump()
            assert "TLS/SSL error" in said_by_the_client(vault, tmp_path)

        with connected(vault, ssl={**ssl, "check_hostname": False}):
            before = vault.state()
            content, facts = vault.dump()
            vault.sql("UPDATE word SET text = 'now'")
            vault.restore(content, facts)
            assert vault.state() == before
    finally:
        for kept, path in zip(original, (certificates.crt("server"), certificates.key("server")), strict=True):
            shutil.copyfile(kept, path)
        vault.server.sql(vault.server.reloads_certificates)


@pytest.mark.parametrize("trusted", ["ca", "stranger"])
@pytest.mark.parametrize("programs", [CLIENTS, DUMPERS])
def test_the_programs_verify_by_themselves(
    vault: House, certificates: Certificates, tmp_path: Path, trusted: str, programs: tuple[str, ...]
) -> None:
    ssl = {"ca": certificates.crt(trusted), **shown(certificates), "check_hostname": False}
    with connected(vault, ssl=ssl):
        said = said_by_the_client(vault, tmp_path, programs)

    assert ("TLS/SSL error" in said) == (trusted == "stranger")
    assert ("then" in said) == (trusted == "ca")


def said_by_the_client(vault: House, folder: Path, programs: tuple[str, ...] = CLIENTS) -> str:
    """Return all that a program writes that is connected as Django is, and asked for the table."""
    database = locate(vault.alias)
    program = find_program(programs, prefer_mysql=False, artifact="x")
    asked = ["--execute=SELECT * FROM h.word"] if programs is CLIENTS else ["--compact", "h", "word"]
    command = program.command(database, write_option_file(database, program, folder), asked)
    done = subprocess.run(command.arguments, env=dict(command.environment), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
