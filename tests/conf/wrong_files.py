"""Wrong configurations of env files and secrets directories; each with everything the check prints."""
# ruff: noqa: E501 - the texts stand as a user reads them

from __future__ import annotations

from tests.conf.wrong import Wrong

WRONG_FILES = [
    Wrong(
        "env file that does not exist",
        dict,
        environ={"SNAPSHOTS_ENV_FILE": "{tmp}/none.env"},
        expected=[
            "SNAPSHOTS_ENV_FILE: (E007) The env file {tmp}/none.env does not exist. HINT: Create it, or unset SNAPSHOTS_ENV_FILE."
        ],
    ),
    Wrong(
        "env file of a user who does not exist",
        dict,
        environ={"SNAPSHOTS_ENV_FILE": "~0nobody0/a.env"},
        expected=[
            "SNAPSHOTS_ENV_FILE: (E007) The env file ~0nobody0/a.env is below the home directory of a user that this host does not know. HINT: Write its whole path, or unset SNAPSHOTS_ENV_FILE."
        ],
    ),
    Wrong(
        "env file that is a directory",
        dict,
        environ={"SNAPSHOTS_ENV_FILE": "{tmp}"},
        expected=[
            "SNAPSHOTS_ENV_FILE: (E007) The env file {tmp} cannot be read (it is no regular file). HINT: Make it readable for the user of this process, or unset SNAPSHOTS_ENV_FILE."
        ],
    ),
    Wrong(
        "env file that is not UTF-8",
        dict,
        environ={"SNAPSHOTS_ENV_FILE": "{tmp}/a.env"},
        files={"a.env": b"SNAPSHOTS_ALLOW_RESTORE=\xff"},
        expected=[
            "SNAPSHOTS_ENV_FILE: (E007) The env file {tmp}/a.env cannot be read (it is not UTF-8). HINT: Make it readable for the user of this process, or unset SNAPSHOTS_ENV_FILE."
        ],
    ),
    Wrong(
        "env file, typo in a variable",
        dict,
        environ={"SNAPSHOTS_ENV_FILE": "{tmp}/a.env"},
        files={"a.env": "\n# comment\nSNAPSHOTS_ALOW_RESTORE=no\n"},
        expected=[
            "{tmp}/a.env:3: (W001) SNAPSHOTS_ALOW_RESTORE does not match any setting. HINT: Did you mean 'SNAPSHOTS_ALLOW_RESTORE'?"
        ],
    ),
    Wrong(
        "env file, wrong value",
        dict,
        environ={"SNAPSHOTS_ENV_FILE": "{tmp}/a.env"},
        files={"a.env": 'OTHER=1\nexport SNAPSHOTS_ALLOW_RESTORE="perhaps"\n'},
        expected=[
            "SNAPSHOTS['ALLOW_RESTORE'] (from {tmp}/a.env:2): (E002) Input should be a valid boolean, unable to interpret input. HINT: Use true/false, yes/no, on/off or 1/0."
        ],
    ),
    Wrong(
        "env file, wrong line",
        dict,
        environ={"SNAPSHOTS_ENV_FILE": "{tmp}/a.env"},
        files={"a.env": 'A=1\nSNAPSHOTS_ALLOW_RESTORE="no\nB=2\n'},
        expected=[
            "{tmp}/a.env:2: (E007) This line cannot be read. HINT: Write SNAPSHOTS_KEY=value; put a value with spaces in quotes."
        ],
    ),
    Wrong(
        "env file names an env file",
        dict,
        environ={"SNAPSHOTS_ENV_FILE": "{tmp}/a.env"},
        files={"a.env": "SNAPSHOTS_ENV_FILE=/b\n"},
        expected=["{tmp}/a.env:1: (W001) SNAPSHOTS_ENV_FILE is read from the environment only. HINT: Set it there."],
    ),
    Wrong(
        "env file JSON cut short",
        dict,
        environ={"SNAPSHOTS_ENV_FILE": "{tmp}/a.env"},
        files={"a.env": "SNAPSHOTS_METADATA='{\"a\": '\n"},
        expected=[
            'SNAPSHOTS[\'METADATA\'] (from {tmp}/a.env:1): (E005) Is not valid JSON: Expecting value at column 7. HINT: Write SNAPSHOTS_METADATA={"name": "value"}, or assign a part: SNAPSHOTS_METADATA__NAME=value.'
        ],
    ),
    Wrong(
        "secrets directory that does not exist",
        dict,
        environ={"SNAPSHOTS_SECRETS_DIR": "{tmp}/none"},
        expected=[
            "SNAPSHOTS_SECRETS_DIR: (E007) The secrets directory {tmp}/none does not exist. HINT: Create it, or unset SNAPSHOTS_SECRETS_DIR."
        ],
    ),
    Wrong(
        "secrets directory that is a file",
        dict,
        environ={"SNAPSHOTS_SECRETS_DIR": "{tmp}/a"},
        files={"a": "x"},
        expected=[
            "SNAPSHOTS_SECRETS_DIR: (E007) The secrets directory {tmp}/a cannot be read (it is no directory). HINT: Make it readable for the user of this process, or unset SNAPSHOTS_SECRETS_DIR."
        ],
    ),
    Wrong(
        "secret misspelt",
        dict,
        environ={"SNAPSHOTS_SECRETS_DIR": "{tmp}"},
        files={"snapshots_storgae__options__password": "hunter2"},
        expected=[
            "{tmp}/snapshots_storgae__options__password: (W001) SNAPSHOTS_STORGAE__OPTIONS__PASSWORD does not match any setting. HINT: Did you mean 'SNAPSHOTS_STORAGE__OPTIONS__PASSWORD'?"
        ],
    ),
    Wrong(
        "secret with a wrong value",
        dict,
        environ={"SNAPSHOTS_SECRETS_DIR": "{tmp}"},
        files={"SNAPSHOTS_ALLOW_RESTORE": "perhaps\n"},
        expected=[
            "SNAPSHOTS['ALLOW_RESTORE'] (from {tmp}/SNAPSHOTS_ALLOW_RESTORE): (E002) Input should be a valid boolean, unable to interpret input. HINT: Use true/false, yes/no, on/off or 1/0."
        ],
    ),
    Wrong(
        "secret that is not UTF-8",
        dict,
        environ={"SNAPSHOTS_SECRETS_DIR": "{tmp}"},
        files={"SNAPSHOTS_ALLOW_RESTORE": b"\xff"},
        expected=[
            "SNAPSHOTS_SECRETS_DIR: (E007) The secrets directory {tmp} cannot be read (SNAPSHOTS_ALLOW_RESTORE is not UTF-8). HINT: Make it readable for the user of this process, or unset SNAPSHOTS_SECRETS_DIR."
        ],
    ),
    Wrong(
        "mistakes of four sources",
        lambda: {"storage": 1},
        environ={
            "SNAPSHOTS_SECRETS_DIR": "{tmp}/s",
            "SNAPSHOTS_ENV_FILE": "{tmp}/a.env",
            "SNAPSHOTS_SNAPSHOT_FORMAT": "zip",
        },
        files={"a.env": "SNAPSHOTS_ALLOW_RESTORE=perhaps\n", "s/SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL": "high"},
        expected=[
            "SNAPSHOTS['ALLOW_RESTORE'] (from {tmp}/a.env:1): (E002) Input should be a valid boolean, unable to interpret input. HINT: Use true/false, yes/no, on/off or 1/0.",
            "SNAPSHOTS['COMPRESSION']['OPTIONS']['level'] (from {tmp}/s/SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL): (E002) Input should be a valid integer, unable to parse string as an integer. HINT: Use a whole number, such as 3.",
            "SNAPSHOTS['SNAPSHOT_FORMAT'] (from SNAPSHOTS_SNAPSHOT_FORMAT): (E002) Input should be 'directory' or 'archive'. HINT: Write one of them, in lower case.",
            "SNAPSHOTS['storage']: (E003) Unknown key. HINT: Did you mean 'STORAGE'?",
        ],
    ),
]
