"""The demo tells a restored project from one that is not, and ends well only with the first."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = ROOT / "example"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return shutil.copytree(EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("var", "__pycache__"))


@pytest.fixture(scope="module")
def proof() -> Any:
    spec = importlib.util.spec_from_file_location("proof", EXAMPLE / "proof.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_demo(example: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys, demo\n{before}\nsys.exit(demo.main())"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=example,
        env={**os.environ, "PYTHONPATH": str(example)},
        capture_output=True,
        text=True,
        check=False,
    )


def make_database(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
        database.executemany("INSERT INTO t (value) VALUES (?)", [(1,), ("1",), (b"1",), (None,), (1.5,)])
        database.commit()
    return path


def test_the_demo_restores_the_project_it_destroyed(example: Path) -> None:
    done = run_demo(example)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "The restored project equals the one that was backed up." in done.stdout
    assert "$ python manage.py snapshots restore latest --noinput" in done.stdout


def test_the_demo_fails_when_nothing_is_restored(example: Path) -> None:
    done = run_demo(example, "demo.back_up = demo.restore = lambda: None")

    assert done.returncode == 1
    assert "FAILED: the restored project is not what was backed up." in done.stdout
    assert "left over: table left_by_the_accident" in done.stdout


def test_the_demo_fails_when_the_damage_changes_nothing(example: Path) -> None:
    done = run_demo(example, "demo.back_up = demo.destroy = lambda: None")

    assert done.returncode == 1
    assert "this demo proves nothing" in done.stdout


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ("UPDATE t SET value = '1' WHERE id = 1", "changed: rows of t"),
        ("UPDATE t SET value = x'00' WHERE id = 3", "changed: rows of t"),
        ("DELETE FROM t WHERE value IS NULL", "changed: rows of t"),
        ("ALTER TABLE t ADD COLUMN more", "changed: table t"),
        ("CREATE INDEX i ON t (value)", "left over: index i"),
        ("PRAGMA user_version = 1", "changed: pragma user_version"),
    ],
)
def test_the_proof_sees_each_difference_between_databases(
    statement: str, difference: str, tmp_path: Path, proof: Any
) -> None:
    path = make_database(tmp_path / "db.sqlite3")
    before = proof.prove_database(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()

    assert difference in proof.differences(before, proof.prove_database(path))


def test_the_proof_of_an_unchanged_database_is_the_same(tmp_path: Path, proof: Any) -> None:
    path = make_database(tmp_path / "db.sqlite3")

    assert proof.differences(proof.prove_database(path), proof.prove_database(path)) == []


def test_the_proof_sees_each_difference_between_folders(tmp_path: Path, proof: Any) -> None:
    (tmp_path / "same").write_text("content")
    (tmp_path / "content").write_text("before")
    (tmp_path / "mode").write_text("")
    (tmp_path / "lost").write_text("")
    (tmp_path / "link").symlink_to("same")
    before = proof.prove_media(tmp_path)
    (tmp_path / "content").write_text("behind")
    (tmp_path / "mode").chmod(0o600)
    (tmp_path / "lost").unlink()
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("content")
    (tmp_path / "new").mkdir()

    found = proof.differences(before, proof.prove_media(tmp_path))

    assert found == ["changed: content", "changed: link", "changed: mode", "left over: new", "lost: lost"]
