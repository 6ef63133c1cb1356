"""Wrong configurations of signing; each with everything the check prints. None may ever mean "trust everybody"."""
# ruff: noqa: E501 - the texts stand as a user reads them

from __future__ import annotations

from typing import Any

from tests.conf.wrong import Wrong

OPTIONS = "SNAPSHOTS['SIGNING']['OPTIONS']"
KEY = "HINT: Put the key there that signed the snapshots, or a new one: openssl rand -hex 32"
PAIR = "HINT: Name the key that signed the snapshots, or make a new pair: ssh-keygen -t ed25519 -N '' -f snapshots_key"


def signing(signer: str, **options: Any) -> dict[str, Any]:
    return {"SIGNING": {"BACKEND": f"django_snapshots.signers.{signer}", "OPTIONS": options}}


WRONG_SIGNING = [
    Wrong(
        "signing by True",
        lambda: {"SIGNING": True},
        expected=[
            "SNAPSHOTS['SIGNING']: (E002) Input should be a dict with BACKEND and OPTIONS, it is of type bool. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "a codec as signer",
        lambda: {"SIGNING": {"BACKEND": "django_snapshots.codecs.Gzip"}},
        expected=[
            "SNAPSHOTS['SIGNING']: (E014) Gzip.sign is missing. HINT: Every signer has a method sign(data).",
            "SNAPSHOTS['SIGNING']: (E014) Gzip.verify is missing. HINT: Every signer has a method verify(data, signature).",
        ],
    ),
    Wrong(
        "a signer without a key",
        lambda: signing("HMAC"),
        expected=[
            f"{OPTIONS}['key_env']: (E004) There is no key to sign with. HINT: Name a variable in key_env. {KEY[6:]}"
        ],
    ),
    Wrong(
        "the key itself where the name of its variable belongs",
        lambda: signing("HMAC", key_env="0123456789abcdef" * 4),
        expected=[f"{OPTIONS}['key_env']: (E004) The variable is not set. {KEY}"],
    ),
    Wrong(
        "a short key in a variable",
        lambda: signing("HMAC", key_env="TEST_KEY"),
        {"TEST_KEY": "hunter2"},
        expected=[f"{OPTIONS}['key_env']: (E002) A key is shorter than 32 characters, and could be guessed. {KEY}"],
    ),
    Wrong(
        "no key of a pair",
        lambda: signing("Ed25519"),
        expected=[f"{OPTIONS}['public_keys']: (E004) There is no key, neither to sign nor to verify. {PAIR}"],
    ),
    Wrong(
        "a public key that is none",
        lambda: signing("Ed25519", public_keys=["ssh-ed25519 AAAA"]),
        expected=[f"{OPTIONS}['public_keys'][0]: (E002) It is no public key; one begins with ssh-ed25519. {PAIR}"],
    ),
    Wrong(
        "a private key file that is not there",
        dict,
        {
            "SNAPSHOTS_SIGNING__BACKEND": "django_snapshots.signers.Ed25519",
            "SNAPSHOTS_SIGNING__OPTIONS__PRIVATE_KEY_FILE": "/nowhere/key",
        },
        expected=[
            f"{OPTIONS}['private_key_file'] (from SNAPSHOTS_SIGNING__OPTIONS__PRIVATE_KEY_FILE): (E002) It cannot be read (No such file or directory). {PAIR}"
        ],
    ),
]
