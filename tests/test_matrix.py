"""Finding the other Pythons of a machine: releases only, one of each minor version, whatever else lies beside them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tools.matrix import find_pythons

if TYPE_CHECKING:
    from pathlib import Path


def python_that_says(path: Path, version: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


def test_the_newest_release_of_each_minor_version_is_found(tmp_path: Path) -> None:
    python_that_says(tmp_path / "a" / "python3.12", "3 12 1 final")
    newer = python_that_says(tmp_path / "b" / "python3.12", "3 12 10 final")
    thirteen = python_that_says(tmp_path / "b" / "python3.13", "3 13 0 final")
    python_that_says(tmp_path / "b" / "python3.15", "3 15 0 alpha")
    python_that_says(tmp_path / "b" / "python3.9", "3 9 18 final")
    python_that_says(tmp_path / "b" / "python3.13-config", "3 13 0 final")
    python_that_says(tmp_path / "b" / "python3.14", "command not found")
    folders = [tmp_path / "missing", tmp_path / "a", tmp_path / "b"]

    assert find_pythons(folders, oldest=(3, 11)) == {(3, 12): newer, (3, 13): thirteen}


def test_a_real_interpreter_says_its_version(tmp_path: Path) -> None:
    own = sys.version_info[:2]
    link = tmp_path / f"python{own[0]}.{own[1]}"
    link.symlink_to(sys.executable)

    assert find_pythons([tmp_path], oldest=(3, 11)) == ({own: link} if sys.version_info.releaselevel == "final" else {})
