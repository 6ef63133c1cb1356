"""Where the text of a key comes from: a file, or an environment variable. Messages never show the text. No Django."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["from_environment", "key_lines", "read_key_file", "reason"]

_FILE_MAX_BYTES = 1024 * 1024


def read_key_file(path: str | os.PathLike[str]) -> str:
    """Return the text of a file of keys.

    Raises:
        OSError: It cannot be read.
        ValueError: It is too large for one, or no text.
    """
    with Path(path).open("rb") as file:
        data = file.read(_FILE_MAX_BYTES + 1)
    if len(data) > _FILE_MAX_BYTES:
        raise ValueError("is too large for a file of keys")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ValueError("is no text") from error


def key_lines(text: str) -> list[str]:
    """Return the lines of a file of keys without empty ones and comments, as `age` and `sshd` read theirs."""
    return [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]


def from_environment(name: str | None) -> str | None:
    """Return the value of a variable; None where it is not set or empty, or no name is given."""
    return os.environ.get(name or "") or None


def reason(error: Exception) -> str:
    """Return what follows "it" in a message about a key that cannot be read."""
    return f"cannot be read ({error.strerror or error})" if isinstance(error, OSError) else str(error)
