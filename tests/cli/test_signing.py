"""Signing as people run it: a host that backs up, one that restores, and somebody who can write to the storage."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.codecs.keys import ssh_pair
from tests.site import Site, make_site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.codecs.keys import Pair

SETTINGS = """
SNAPSHOTS = {{
    "SIGNING": {{
        "BACKEND": "django_snapshots.signers.Ed25519",
        "OPTIONS": {{"public_keys": ["{recipient}"], "private_key_env": "TEST_SIGNING_KEY"}},
    }},
}}
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return ssh_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def site(tmp_path: Path, pair: Pair) -> Site:
    return make_site(tmp_path / "site", SETTINGS.format(recipient=pair.recipient))


def test_one_host_signs_and_another_restores_with_the_public_key_only(site: Site, pair: Pair) -> None:
    site.run("backup", "--name", "nightly", env={"TEST_SIGNING_KEY": pair.identity})
    site.execute("DELETE FROM note")

    refused = site.run("backup", "--name", "later", exit_code=1)
    unsaved = site.run("restore", "latest", "--noinput", exit_code=1)
    site.run("restore", "latest", "--noinput", "--no-safety-snapshot")

    assert "This host has no private key to sign with" in refused.stderr
    assert "What is there now could not be saved: This host has no private key" in unsaved.stderr
    assert site.names() == ["nightly"]
    assert len(site.rows()) == 2
    assert site.json("verify", "nightly")["snapshots"][0]["ok"] is True


def test_what_was_slipped_into_the_storage_is_damaged_and_refused_unless_allowed(
    site: Site, pair: Pair, tmp_path: Path
) -> None:
    site.run("backup", "--name", "nightly", env={"TEST_SIGNING_KEY": pair.identity})
    evil = make_site(tmp_path / "evil")
    evil.execute("DELETE FROM note")
    evil.run("backup", "--name", "slipped-in")
    shutil.copytree(evil.snapshots / "slipped-in", site.snapshots / "slipped-in")

    listed = {each["name"]: each["status"] for each in site.json("list")["snapshots"]}
    refused = site.json("restore", "slipped-in", "--noinput", exit_code=1)
    verified = site.json("verify", "slipped-in", exit_code=4)
    rows = site.rows()
    site.run("restore", "slipped-in", "--noinput", "--allow-unsigned", "--no-safety-snapshot")

    assert listed == {"nightly": "complete", "slipped-in": "damaged"}
    assert refused["error"]["type"] == "SnapshotSignatureError"
    assert "It is unsigned" in refused["error"]["message"]
    assert "It is unsigned" in json.dumps(verified)
    assert "It is unsigned" in site.run("list").stdout
    assert len(rows) == 2
    assert site.rows() == []


@pytest.mark.parametrize(("signer", "silenced"), [("Ed2551", "snapshots.E010"), ("HMAC", "snapshots.E004")])
def test_signing_that_cannot_be_used_never_means_that_everybody_is_trusted(
    tmp_path: Path, signer: str, silenced: str
) -> None:
    site = make_site(tmp_path / "site")
    site.run("backup", "--name", "unsigned")
    settings = site.folder / "site_settings.py"
    setting = f"SNAPSHOTS = {{'SIGNING': {{'BACKEND': 'django_snapshots.signers.{signer}'}}}}"
    settings.write_text(f"{settings.read_text()}\n{setting}\nSILENCED_SYSTEM_CHECKS = ['{silenced}']\n")
    site.execute("DELETE FROM note")

    site.run("restore", "unsigned", "--noinput", exit_code=1)
    site.run("backup", exit_code=1)

    assert site.rows() == []
