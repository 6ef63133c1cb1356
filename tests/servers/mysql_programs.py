"""Fetches MySQL's programs from Debian's sid into a folder: `python -m tests.servers.mysql_programs`.

Debian has them in sid alone, and there they take MariaDB's place. So they are unpacked, with all the libraries they
need, and not installed: apt works on lists and a state of its own, and the system's are as before. Standard library
only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["BIN", "MISSING", "is_fetched", "require"]

FOLDER = Path(sys.prefix) / "mysql"
BIN = FOLDER / "bin"
"""Holds the programs under their own names."""

ROOT = FOLDER / "root"
"""Holds what the packages hold."""

PROGRAMS = {"mysqld": "usr/sbin/mysqld"} | {
    name: f"usr/bin/{name}" for name in ("my_print_defaults", "mysql", "mysqladmin", "mysqldump")
}
"""Each program, and where the packages have it."""

PACKAGES = ("mysql-server-core", "mysql-client-core")
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
"""Of the package debian-archive-keyring: apt trusts these keys alone for what it takes from the mirror."""

MISSING = "There is no MySQL server here. `make mysql` fetches one, and runs this test."

SETTINGS = """
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "{here}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{here}/state";
Dir::State::status "{here}/status";
Dir::Cache "{here}/cache";
Dir::Log "{here}/log";
Acquire::Languages "none";
// A mirror that stands still is as good: what it gives is signed all the same, and any MySQL of sid will do.
Acquire::Check-Valid-Until "false";
APT::Install-Recommends "false";
"""

# The libraries of sid are newer than the system's, its C library among them, which only its own loader loads. bash
# gives the program its name, by which others look for it.
WRAPPER = """#!/bin/bash
exec -a "$0" {loader} --library-path {libraries} --argv0 {program} {program} "$@"
"""


def is_fetched() -> bool:
    """Say whether the programs are there."""
    return all((BIN / name).exists() for name in PROGRAMS)


def require(name: str) -> str:
    """Return the path of a program; without it the test skips, as MySQL is in no release of Debian's."""
    if not is_fetched():
        import pytest  # this module runs without it

        pytest.skip(MISSING)
    return str(BIN / name)


def fetch() -> int:
    """Fetch them unless they are there."""
    if is_fetched():
        return 0
    if missing := [program for program in ("apt-get", "dpkg-deb") if shutil.which(program) is None]:
        sys.stderr.write(f"{' and '.join(missing)} of Debian is needed to fetch MySQL; install MySQL another way.\n")
        return 1
    shutil.rmtree(FOLDER, ignore_errors=True)
    apt = FOLDER / "apt"
    try:
        _configure(apt)
        _run_apt(apt, "update")
        _run_apt(apt, "install", "--download-only", "--yes", *PACKAGES)
        for package in sorted((apt / "cache" / "archives").glob("*.deb")):
            subprocess.run(["dpkg-deb", "--extract", package, ROOT], check=True)
        _write_wrappers()
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"MySQL could not be fetched: {error}\n")
        return 1
    shutil.rmtree(apt)
    return 0


def _configure(apt: Path) -> None:
    for name in ("state/lists/partial", "cache/archives/partial", "log"):
        (apt / name).mkdir(parents=True)
    ROOT.mkdir()
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={KEYRING}] {MIRROR} sid main\n")
    # How the system reaches a mirror, by a proxy perhaps, holds here too; nothing else of its configuration does, such
    # as what it runs after an update.
    reached = subprocess.run(["apt-config", "dump", "Acquire"], check=True, capture_output=True, text=True).stdout
    kept = [line for line in reached.splitlines() if line.lower().startswith(("acquire::http", "acquire::https"))]
    (apt / "apt.conf").write_text("\n".join(kept) + SETTINGS.format(here=apt))


def _run_apt(apt: Path, *arguments: str) -> None:
    environment = os.environ | {"APT_CONFIG": str(apt / "apt.conf"), "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "--quiet=2", *arguments], check=True, env=environment, stdin=subprocess.DEVNULL)


def _write_wrappers() -> None:
    libraries = next(ROOT.glob("usr/lib/*-linux-gnu"))
    loader = next(libraries.glob("ld-linux*.so.*"))
    draft = FOLDER / "bin.new"
    draft.mkdir()
    for name, place in PROGRAMS.items():
        wrapper = draft / name
        wrapper.write_text(WRAPPER.format(loader=loader, libraries=libraries, program=ROOT / place))
        wrapper.chmod(0o755)
    draft.rename(BIN)  # last and at once: what is there is whole


if __name__ == "__main__":
    sys.exit(fetch())
