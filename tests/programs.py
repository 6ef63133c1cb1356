"""The programs that some tests start, and the Debian packages that bring them. Standard library only.

`python -m tests.programs` says which are missing; as root with apt-get it installs them first.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

__all__ = ["PROGRAMS", "find_postgres", "missing_programs", "require_postgres", "require_program"]

PROGRAMS = {
    "age": "age",
    "age-keygen": "age",
    "bash": "bash",
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "gzip": "gzip",
    "mariadb": "mariadb-client",
    "mariadb-admin": "mariadb-client",
    "mariadb-dump": "mariadb-client",
    "mariadb-install-db": "mariadb-server",
    "mariadbd": "mariadb-server",
    "redis-server": "redis-server",
    "openssl": "openssl",
    "sqlite3": "sqlite3",
    "ssh-keygen": "openssh-client",
    "tar": "tar",
    "zsh": "zsh",
    "zstd": "zstd",
}
"""Program to Debian package."""

_SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
"""Debian puts servers where only root's PATH leads."""

POSTGRES_PACKAGE = "postgresql"
"""Debian puts the server's programs beside PATH, and starts a server of its own, which no test touches."""


def require_program(name: str) -> str:
    """Return the path of a program of `PROGRAMS`; without it the test skips, and fails when CI is true."""
    path = shutil.which(name, path=_SEARCHED)
    if path is None:
        _refuse(f"The program {name} is not installed (Debian package: {PROGRAMS[name]}).")
    return path


def require_postgres() -> Path:
    """Return the directory of the newest installed PostgreSQL server's programs; without one as `require_program`."""
    found = find_postgres()
    if found is None:
        _refuse(f"The program initdb is not installed (Debian package: {POSTGRES_PACKAGE}).")
    return found


def find_postgres() -> Path | None:
    """Return the directory of the newest installed PostgreSQL server's programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    initdb = found[-1] if found else shutil.which("initdb")
    return None if initdb is None else Path(initdb).resolve().parent


def _refuse(message: str) -> NoReturn:
    import pytest  # the Makefile runs this module before pytest is installed

    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def missing_programs() -> list[str]:
    """Return the programs of `PROGRAMS` that are not on PATH."""
    return [name for name in PROGRAMS if shutil.which(name, path=_SEARCHED) is None]


def _install(packages: list[str]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", *arguments], check=False, env=environment, stdin=subprocess.DEVNULL)


def _prepare_venv() -> int:
    # Debian ships the venv module without ensurepip, and `python -m venv` then fails half-way.
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if importlib.util.find_spec("ensurepip") is None:
        _install([package])
        importlib.invalidate_caches()
    if importlib.util.find_spec("ensurepip") is not None:
        return 0
    sys.stderr.write(f"{sys.executable} cannot make a virtual environment: install the package {package}.\n")
    return 1


def _prepare_programs() -> int:
    if missing := missing_programs():
        _install([PROGRAMS[name] for name in missing])
    if find_postgres() is None:
        _install([POSTGRES_PACKAGE])
    if find_postgres() is None:
        sys.stderr.write(f"Missing: initdb. Its tests skip (in CI they fail); `apt-get install {POSTGRES_PACKAGE}`.\n")
    for name in missing_programs():
        sys.stderr.write(f"Missing: {name}. Its tests skip (in CI they fail); `apt-get install {PROGRAMS[name]}`.\n")
    return 0


if __name__ == "__main__":
    sys.exit(_prepare_venv() if "--venv" in sys.argv[1:] else _prepare_programs())
