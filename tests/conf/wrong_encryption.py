"""Wrong configurations of encryption; each with everything the check prints. None may ever mean "not encrypted"."""
# ruff: noqa: E501 - the texts stand as a user reads them

from __future__ import annotations

import json
from typing import Any

from tests.conf.right import AGE, IDENTITY, RECIPIENT
from tests.conf.wrong import PLUGINS, Wrong

OPTIONS = "SNAPSHOTS['ENCRYPTION']['OPTIONS']"
IN_FILES = "(E021) ConnectorOfFiles, as it is configured, writes files into the temporary directory that are not encrypted, and ENCRYPTION is set. HINT: Let it stream: for PostgreSQL that is 'format': 'custom', without 'jobs'."
KEYGEN = "HINT: Make a pair with `manage.py snapshots keygen`, and write its recipient here: age1…"
NO_RECIPIENT = f"{KEYGEN} Or name an identity that you have in identity_file: an age identity tells its recipient, of an ssh key write the line of its .pub file here."


def age(**options: Any) -> dict[str, Any]:
    return {"ENCRYPTION": {"BACKEND": AGE, "OPTIONS": options}}


WRONG_ENCRYPTION = [
    Wrong(
        "encryption by name",
        lambda: {"ENCRYPTION": "age"},
        expected=[
            "SNAPSHOTS['ENCRYPTION']: (E002) Input should be a dict with BACKEND and OPTIONS, it is text. HINT: Write {'BACKEND': 'django_snapshots.codecs.Age', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "one recipient instead of a list",
        lambda: age(recipients=RECIPIENT),
        expected=[
            f"{OPTIONS}['recipients']: (E002) Input should be a valid list. HINT: Write a list, such as ['{RECIPIENT}']."
        ],
    ),
    Wrong(
        "an identity instead of a list of recipients, which no hint shows",
        lambda: age(recipients=IDENTITY),
        expected=[
            f"{OPTIONS}['recipients']: (E002) Input should be a valid list. HINT: Write a list, such as ['********']."
        ],
    ),
    Wrong(
        "encryption by a codec that only compresses",
        lambda: {"ENCRYPTION": {"BACKEND": "django_snapshots.codecs.Zstd"}},
        expected=[
            "SNAPSHOTS['ENCRYPTION']: (E014) Zstd.fingerprints is missing. HINT: Every encryption codec has a method fingerprints().",
            "SNAPSHOTS['ENCRYPTION']: (E014) Zstd.require_key is missing. HINT: Every encryption codec has a method require_key(recipients).",
        ],
    ),
    Wrong(
        "a database that is dumped into plain files",
        lambda: {
            **age(recipients=[RECIPIENT]),
            "DATABASE_CONNECTORS": {"default": {"BACKEND": f"{PLUGINS}.ConnectorOfFiles"}},
        },
        expected=[f"SNAPSHOTS['DATABASE_CONNECTORS']['default']: {IN_FILES}"],
    ),
    Wrong(
        "an artifact that is dumped into plain files, encrypted by a variable",
        lambda: {"ARTIFACTS": {"search": {"BACKEND": f"{PLUGINS}.ArtifactOfFiles"}}},
        {"SNAPSHOTS_ENCRYPTION": json.dumps(age(recipients=[RECIPIENT])["ENCRYPTION"])},
        expected=[f"SNAPSHOTS['ARTIFACTS']['search']: {IN_FILES.replace('Connector', 'Artifact')}"],
    ),
    Wrong(
        "no recipient",
        age,
        expected=[f"{OPTIONS}['recipients']: (E004) There is no recipient to encrypt for. {NO_RECIPIENT}"],
    ),
    Wrong(
        "no recipient, from a variable that names the class",
        dict,
        {"SNAPSHOTS_ENCRYPTION__BACKEND": AGE},
        expected=[
            f"{OPTIONS}['recipients'] (from SNAPSHOTS_ENCRYPTION__BACKEND): (E004) There is no recipient to encrypt for. {NO_RECIPIENT}"
        ],
    ),
    Wrong(
        "an identity and no class, from a variable",
        dict,
        {"SNAPSHOTS_ENCRYPTION__OPTIONS__IDENTITY_FILE": "/root/identity.txt"},
        expected=[
            "SNAPSHOTS['ENCRYPTION']['BACKEND'] (from SNAPSHOTS_ENCRYPTION__OPTIONS__IDENTITY_FILE): (E004) BACKEND is missing. HINT: Write 'BACKEND': 'django_snapshots.codecs.Age', or set SNAPSHOTS_ENCRYPTION__BACKEND to that."
        ],
    ),
    Wrong(
        "an identity file that is not there, and no recipient",
        lambda: age(identity_file="/nowhere/key.txt"),
        expected=[
            f"{OPTIONS}['identity_file']: (E002) It cannot be read (No such file or directory). HINT: Name a file that `snapshots keygen` or `age-keygen` made; leave it out where you do not restore."
        ],
    ),
    Wrong(
        "recipient that is none",
        lambda: age(recipients=[RECIPIENT, RECIPIENT[:-1]]),
        expected=[
            f"{OPTIONS}['recipients'][1]: (E002) A recipient is no recipient (it begins with age1 and has a wrong or missing character). {KEYGEN}"
        ],
    ),
    Wrong(
        "identity in the place of a recipient",
        lambda: age(recipients=[IDENTITY]),
        expected=[
            f"{OPTIONS}['recipients'][0]: (E002) A recipient is a secret key; a recipient is its public half, which begins with age1 or ssh-. {KEYGEN}"
        ],
    ),
    Wrong(
        "recipient as text",
        lambda: age(recipients=RECIPIENT),
        expected=[f"{OPTIONS}['recipients']: (E002) ***list*** HINT: ***"],
    ),
    Wrong(
        "file of recipients that is not there",
        lambda: age(recipients_file="/nowhere/recipients.txt"),
        expected=[
            f"{OPTIONS}['recipients_file']: (E002) It cannot be read (No such file or directory). HINT: Name a file with one recipient a line: age1…, ssh-ed25519 … or ssh-rsa …"
        ],
    ),
    Wrong(
        "file of recipients with an identity in it",
        lambda: age(recipients=[RECIPIENT]),
        {"SNAPSHOTS_ENCRYPTION__OPTIONS__RECIPIENTS_FILE": "{tmp}/key.txt"},
        {"key.txt": IDENTITY},
        expected=[
            f"{OPTIONS}['recipients_file'] (from SNAPSHOTS_ENCRYPTION__OPTIONS__RECIPIENTS_FILE): (E002) A recipient is a secret key; a recipient is its public half, which begins with age1 or ssh-. {KEYGEN}"
        ],
    ),
    Wrong(
        "identity file that is not there",
        lambda: age(recipients=[RECIPIENT], identity_file="/nowhere/key.txt"),
        expected=[
            f"{OPTIONS}['identity_file']: (E002) It cannot be read (No such file or directory). HINT: Name a file that `snapshots keygen` or `age-keygen` made; leave it out where you do not restore."
        ],
    ),
    Wrong(
        "variable that holds no identity",
        lambda: age(recipients=[RECIPIENT], identity_env="TEST_IDENTITY"),
        {"TEST_IDENTITY": RECIPIENT},
        expected=[
            f"{OPTIONS}['identity_env']: (E002) It has a key 1 that is no identity; one begins with AGE-SECRET-KEY-1. HINT: Set the variable to the text of an identity file; leave it unset where you do not restore."
        ],
    ),
    Wrong(
        "misspelt option",
        lambda: age(recipient=[RECIPIENT]),
        expected=[f"{OPTIONS}['recipient']: (E003) Unknown option. HINT: Did you mean 'recipients'?"],
    ),
    Wrong(
        "recipients and a passphrase",
        lambda: age(recipients=[RECIPIENT], passphrase_env="TEST_PASSPHRASE"),
        {"TEST_PASSPHRASE": "hunter2"},
        expected=[
            "SNAPSHOTS['ENCRYPTION']: (E002) A snapshot is encrypted for recipients or by a passphrase, not for both. HINT: Take out the recipients, or the passphrase."
        ],
    ),
    Wrong(
        "passphrase in a variable that is not set",
        lambda: age(passphrase_env="TEST_UNSET_PASSPHRASE"),
        expected=[
            f"{OPTIONS}['passphrase_env']: (E004) The variable is not set. HINT: Put the passphrase there that the snapshots were made with, or a new one: openssl rand -base64 32"
        ],
    ),
]
