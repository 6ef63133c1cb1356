"""The verb `keygen`: a new pair of keys for ENCRYPTION. It answers also when the settings are wrong or missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from django_snapshots.cli.documents import keygen_document
from django_snapshots.errors import SnapshotError

if TYPE_CHECKING:
    from datetime import datetime

    from django_snapshots.cli.session import Session

__all__ = ["DEFAULT_FILE", "keygen"]

DEFAULT_FILE = Path("~/.config/django-snapshots/identity.txt")
"""Not below the working directory, where the next commit would take it along."""

_TEXT = """\
Wrote the identity, the secret key, to {file} (mode 0600).
Its recipient, the public key, is:

  {recipient}

Snapshots that are encrypted for it name its fingerprint:

  {fingerprint}

Add this key to the settings of every host, below SNAPSHOTS:

SNAPSHOTS["ENCRYPTION"] = {{
    "BACKEND": "django_snapshots.codecs.Age",
    "OPTIONS": {{"recipients": ["{recipient}"]}},
}}

or the same as variables:

SNAPSHOTS_ENCRYPTION__BACKEND=django_snapshots.codecs.Age
SNAPSHOTS_ENCRYPTION__OPTIONS__RECIPIENTS={recipient}

Keep the identity in two places off this host, such as a password manager and a printed sheet in a safe. Who has it can
read every snapshot; when it is lost, nobody can. A host that only backs up does not need it: move the file away.
Where you restore, name it:

SNAPSHOTS_ENCRYPTION__OPTIONS__IDENTITY_FILE={file}
"""


def keygen(session: Session) -> None:
    """Make a pair, keep the identity in a file of its own, and say what to do with both.

    Raises:
        SnapshotError: The file exists already or cannot be written, a package is missing, or the user has no home.
            Nothing was written.
    """
    from django_snapshots.codecs.age import fingerprint, generate_pair  # noqa: PLC0415 - needed by no other verb

    chosen = session.options["output"]
    file = Path(chosen or _default_file()).absolute()
    identity, recipient = generate_pair()
    called = fingerprint(recipient)
    _write(file, _identity_text(identity, recipient, called, session.now), make_folder=chosen is None)
    session.finish(
        keygen_document(recipient, called, str(file)),
        lambda: _TEXT.format(file=file, recipient=recipient, fingerprint=called).rstrip(),
    )


def _default_file() -> Path:
    try:
        return DEFAULT_FILE.expanduser()
    except RuntimeError as error:
        raise SnapshotError(
            "The user of this process has no home directory to keep the identity in. Name a file with --output."
        ) from error


def _identity_text(identity: str, recipient: str, called: str, now: datetime) -> str:
    created = f"# created: {now.isoformat(timespec='seconds')}, by django-snapshots"
    return f"{created}\n# public key: {recipient}\n# fingerprint: {called}\n{identity}\n"


def _write(file: Path, text: str, *, make_folder: bool) -> None:
    try:
        if make_folder:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as error:
        raise SnapshotError(
            f"{file} exists already and was left as it is: it may be the only key to your snapshots. "
            "Name another file with --output."
        ) from error
    except OSError as error:
        raise SnapshotError(
            f"{file} cannot be written ({error.strerror}). Nothing was made. Name another file with --output."
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(descriptor)
