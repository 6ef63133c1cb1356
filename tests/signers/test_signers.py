"""The signers: what other tools say of their signatures, and every key that cannot be used."""

from __future__ import annotations

import hashlib
import hmac
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from django_snapshots.errors import SnapshotSigningError
from django_snapshots.signers import HMAC, Ed25519
from tests.codecs.keys import ssh_pair
from tests.programs import require_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.codecs.keys import Pair

KEY = "0123456789abcdef" * 4
SHORT = "A key is shorter than 32 characters, and could be guessed."
NO_KEY = "There is no key, neither to sign nor to verify."
OTHER = "fedcba9876543210" * 4


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return ssh_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> HMAC:
    monkeypatch.setenv("TEST_SIGNING_KEY", KEY)
    return HMAC("TEST_SIGNING_KEY")


def test_hmac_is_what_rfc_2104_says(keyed: HMAC) -> None:
    assert keyed.sign(b"data") == hmac.new(KEY.encode(), b"data", hashlib.sha256).digest()
    assert keyed.verify(b"data", keyed.sign(b"data"))


def test_another_key_other_data_and_a_cut_signature_are_wrong(keyed: HMAC, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = keyed.sign(b"data")

    assert not keyed.verify(b"Data", signature)
    assert not keyed.verify(b"data", signature[:-1])
    assert not keyed.verify(b"data", b"")
    monkeypatch.setenv("TEST_SIGNING_KEY", OTHER)
    assert not keyed.verify(b"data", signature)


def test_the_first_key_of_a_file_signs_and_each_verifies(tmp_path: Path) -> None:
    old, both = tmp_path / "old", tmp_path / "both"
    old.write_text(f"{OTHER}\n")
    both.write_text(f"{KEY}\n\n{OTHER}\n")

    assert HMAC(key_file=both).verify(b"data", HMAC(key_file=old).sign(b"data"))
    assert not HMAC(key_file=old).verify(b"data", HMAC(key_file=both).sign(b"data"))


def test_openssl_knows_the_signature_of_ed25519(tmp_path: Path) -> None:
    openssl = require_program("openssl")
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    subprocess.run([openssl, "genpkey", "-algorithm", "ed25519", "-out", str(private)], check=True)
    subprocess.run([openssl, "pkey", "-in", str(private), "-pubout", "-out", str(public)], check=True)
    (tmp_path / "data").write_bytes(b"data")
    (tmp_path / "sig").write_bytes(Ed25519(private_key_file=private).sign(b"data"))

    verify = ["pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin", "-in", str(tmp_path / "data")]
    subprocess.run([openssl, *verify, "-sigfile", str(tmp_path / "sig")], check=True, capture_output=True)

    assert Ed25519(public_keys_file=public).verify(b"data", (tmp_path / "sig").read_bytes())


def test_a_host_with_the_public_key_verifies_and_cannot_sign(pair: Pair) -> None:
    signature = Ed25519(private_key_file=pair.identity_file).sign(b"data")
    verifier = Ed25519([pair.recipient])

    assert verifier.check() == []
    assert verifier.verify(b"data", signature)
    assert not verifier.verify(b"Data", signature)
    assert not verifier.verify(b"data", signature[:-1])
    with pytest.raises(SnapshotSigningError, match="This host has no private key to sign with"):
        verifier.sign(b"data")


def test_a_private_key_in_a_variable_signs_and_where_it_is_not_set_the_host_only_verifies(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = Ed25519([pair.recipient], private_key_env="TEST_PRIVATE_KEY")
    monkeypatch.setenv("TEST_PRIVATE_KEY", pair.identity)
    signature = signer.sign(b"data")
    monkeypatch.delenv("TEST_PRIVATE_KEY")

    assert signer.check() == []
    assert signer.verify(b"data", signature)


def test_each_of_several_public_keys_is_trusted_and_no_other(pair: Pair, tmp_path: Path) -> None:
    other = ssh_pair(tmp_path)
    (tmp_path / "trusted").write_text(f"# web-1\n{pair.recipient}\n\n{other.recipient}\n")
    trusted = Ed25519(public_keys_file=tmp_path / "trusted")

    for each in (pair, other):
        assert trusted.verify(b"data", Ed25519(private_key_file=each.identity_file).sign(b"data"))
    assert not Ed25519([pair.recipient]).verify(b"data", Ed25519(private_key_file=other.identity_file).sign(b"data"))


@pytest.mark.parametrize(
    ("make", "path", "message"),
    [
        (lambda _: HMAC(), "key_env", "There is no key to sign with."),
        (lambda f: HMAC("TEST_UNSET", f / "short"), "key_env", "There are two places for the key."),
        (lambda _: HMAC("TEST_UNSET"), "key_env", "The variable is not set."),
        (lambda f: HMAC(key_file=f / "empty"), "key_file", "The file holds no key."),
        (lambda f: HMAC(key_file=f / "none"), "key_file", "It cannot be read (No such file or directory)."),
        (
            lambda f: HMAC(key_file=f / "short"),
            "key_file",
            SHORT,
        ),
        (lambda f: HMAC(key_file=f / "binary"), "key_file", "It is no text."),
        (lambda _: Ed25519(), "public_keys", NO_KEY),
        (
            lambda f: Ed25519(public_keys_file=f / "empty"),
            "public_keys",
            "There is no key, neither to sign nor to verify.",
        ),
        (
            lambda f: Ed25519(public_keys_file=f / "none"),
            "public_keys_file",
            "It cannot be read (No such file or directory).",
        ),
        (
            lambda f: Ed25519(public_keys_file=f / "short"),
            "public_keys_file",
            "It is no public key; one begins with ssh-ed25519.",
        ),
        (lambda f: Ed25519([rsa(f).recipient]), "public_keys", "It is a public key of another kind than Ed25519."),
        (
            lambda f: Ed25519(private_key_file=f / "short"),
            "private_key_file",
            "It holds no private key that can be used; a passphrase on it is not supported.",
        ),
        (
            lambda f: Ed25519(private_key_file=ssh_pair(f, passphrase="locked").identity_file),
            "private_key_file",
            "It holds no private key that can be used; a passphrase on it is not supported.",
        ),
        (
            lambda f: Ed25519(private_key_file=rsa(f).identity_file),
            "private_key_file",
            "It holds a private key of another kind than Ed25519.",
        ),
    ],
)
def test_keys_that_cannot_be_used_are_problems_and_refusals(
    tmp_path: Path, make: Callable[[Path], HMAC | Ed25519], path: str, message: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "short").write_text("hunter2\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    signer = make(tmp_path)

    (problem,) = signer.check()

    assert (problem.path[0], problem.message) == (path, message)
    assert problem.is_error
    assert problem.hint
    assert "hunter2" not in str(problem)
    for refusal in (lambda: signer.sign(b"data"), lambda: signer.verify(b"data", b"signature")):
        with pytest.raises(SnapshotSigningError, match=re.escape(message)):
            refusal()


def rsa(folder: Path) -> Pair:
    return ssh_pair(folder, "rsa")


def test_a_missing_package_is_a_problem_that_names_the_extra(monkeypatch: pytest.MonkeyPatch, pair: Pair) -> None:
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)

    (problem,) = Ed25519([pair.recipient]).check()

    assert (problem.id, problem.hint) == ("snapshots.E019", 'pip install "django-snapshots[signing]"')
