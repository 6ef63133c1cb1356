"""how-to/sign.md: the settings it shows, and its check by hand with OpenSSL."""

from __future__ import annotations

import base64
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from django_snapshots.signers import HMAC, Ed25519
from tests.docs.pages import DOCS, Fence, fences_of
from tests.docs.terminal import Terminal
from tests.programs import require_program
from tests.site import make_site

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "how-to/sign.md"


def test_openssl_judges_the_signature_as_the_page_says(tmp_path: Path) -> None:
    openssl = require_program("openssl")
    private, public = tmp_path / "private.pem", tmp_path / "snapshots_key.pub"
    subprocess.run([openssl, "genpkey", "-algorithm", "ed25519", "-out", str(private)], check=True)
    key = load_pem_private_key(private.read_bytes(), None).public_key()
    public.write_bytes(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" snapshots of web-1\n")
    options = {"public_keys_file": str(public), "private_key_file": str(private)}
    signing = {"BACKEND": "django_snapshots.signers.Ed25519", "OPTIONS": options}
    site = make_site(tmp_path / "site", f"SNAPSHOTS = {{'SIGNING': {signing}}}")
    site.run("backup", "--name", "nightly-14")
    as_pem, by_hand = (fence for fence in fences_of(PAGE) if fence.heading == "Check a signature by hand")
    replace = {"/var/backups": str(site.folder), "/srv": str(tmp_path), "/tmp/signature": f"{tmp_path}/sig"}
    terminal = Terminal(tmp_path, replace)

    terminal.run(as_pem)
    terminal.run(by_hand)

    manifest = site.snapshots / "nightly-14" / "manifest.json"
    manifest.write_text(f"{manifest.read_text()} ")
    with pytest.raises(AssertionError, match="Signature Verification Failure"):
        Terminal(tmp_path, replace).run(by_hand)


def test_snapshots_from_before_signing_are_put_away_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNING_KEY", "0123456789abcdef" * 4)
    site = make_site(tmp_path / "site")
    site.run("backup", "--name", "nightly-13")
    site.run("backup", "--name", "nightly-14", "--format", "archive")
    site.run("verify", "nightly-14")
    settings = site.folder / "site_settings.py"
    signing = "{'BACKEND': 'django_snapshots.signers.HMAC', 'OPTIONS': {'key_env': 'SIGNING_KEY'}}"
    settings.write_text(f"{settings.read_text()}\nSNAPSHOTS = {{'SIGNING': {signing}}}\n")
    site.run("verify", "--all", exit_code=4)
    terminal = Terminal(site.folder, {"/var/backups": str(site.folder)})
    *steps, in_place = (fence for fence in fences_of(PAGE) if fence.heading == "Snapshots from before")

    for fence in steps:
        terminal.run(fence)

    (signed,) = site.json("list")["snapshots"]
    assert signed["status"] == "complete"
    assert sorted(path.name for path in (site.folder / "unsigned").glob("nightly*")) == [
        "nightly-14.tar",
        "nightly-14.tar.verified.json",
    ]
    (site.folder / "unsigned" / "nightly-14.tar").rename(site.snapshots / "nightly-14.tar")
    site.execute("DELETE FROM note")
    terminal.answer = site.database.name
    terminal.run(in_place)
    assert len(site.rows()) == 2


@pytest.mark.parametrize("fence", [f for f in fences_of(PAGE) if f.language == "python"], ids=lambda f: f.place)
def test_the_options_of_the_page_exist(fence: Fence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING_KEY", base64.b64encode(bytes(32)).decode())
    names: dict[str, dict[str, dict[str, dict[str, object]]]] = {"SNAPSHOTS": {}}
    exec(fence.body, names)
    options = names["SNAPSHOTS"]["SIGNING"]["OPTIONS"]
    if "key_env" in options:
        HMAC(**options).sign(b"data")  # type: ignore[arg-type]
    else:
        assert re.match("ssh-ed25519 ", Ed25519(**options).public_keys[0])  # type: ignore[arg-type, index]


def test_every_option_of_the_classes_is_on_the_page_of_settings() -> None:
    page = (DOCS / "reference/settings.md").read_text()

    assert {name for signer in (HMAC(), Ed25519()) for name in vars(signer) if f"| `{name}` |" not in page} == set()
