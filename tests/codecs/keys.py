"""Keys for tests, made by the programs that people make them with."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.programs import require_program

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Pair", "age_pair", "ssh_pair"]


@dataclass(frozen=True)
class Pair:
    """A secret key in a file, and the text of its public half."""

    identity_file: Path
    recipient: str

    @property
    def identity(self) -> str:
        return self.identity_file.read_text()


def age_pair(folder: Path, name: str = "key.txt") -> Pair:
    """Make a pair with age-keygen."""
    file = folder / name
    keygen = require_program("age-keygen")
    subprocess.run([keygen, "-o", str(file)], check=True, capture_output=True)
    shown = subprocess.run([keygen, "-y", str(file)], check=True, capture_output=True, text=True)
    return Pair(file, shown.stdout.strip())


def ssh_pair(folder: Path, kind: str = "ed25519", passphrase: str = "") -> Pair:
    """Make a pair with ssh-keygen."""
    file = folder / f"id_{kind}"
    program = require_program("ssh-keygen")
    subprocess.run(
        [program, "-q", "-t", kind, "-N", passphrase, "-C", "someone@host", "-f", str(file)],
        check=True,
        capture_output=True,
    )
    return Pair(file, file.with_suffix(".pub").read_text().strip())
