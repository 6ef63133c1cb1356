"""A restore of several targets that ends between the first and the last says what was replaced and what was not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.site import make_site

if TYPE_CHECKING:
    from pathlib import Path

ENDING = """\
import os
import signal


class Ending:
    suffix = "txt"

    def dump(self, sink):
        return {}

    def restore(self, source, facts):
        raise NotImplementedError

    def stage(self, source, facts):
        return self

    def commit(self):
        os.kill(os.getpid(), signal.NUMBER)

    def discard(self):
        pass
"""


@pytest.mark.parametrize(("number", "exit_code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_while_targets_are_replaced_says_which_were(tmp_path: Path, number: str, exit_code: int) -> None:
    artifacts = '{"second": {"BACKEND": "ending.Ending"}, "third": {"BACKEND": "ending.Ending"}}'
    site = make_site(tmp_path / "site", f'SNAPSHOTS = {{"ARTIFACTS": {artifacts}}}')
    (site.folder / "ending.py").write_text(ENDING.replace("NUMBER", number))
    site.run("backup", "database", "second", "third", "--name", "nightly")
    rows = site.rows()
    site.execute("DELETE FROM note")

    ended = site.run("restore", "nightly", "--noinput", exit_code=exit_code)

    assert f"Ended by {number}." in ended.stderr
    assert (
        "It ended while second was being replaced. Already replaced: database/default. Left as before: third. "
        "Run the same restore again." in ended.stderr
    )
    assert "What was there before is snapshot 'pre-restore-" in ended.stderr
    assert "Nothing was changed." not in ended.stderr
    assert site.rows() == rows


def test_a_second_database_that_is_locked_is_not_told_as_if_nothing_was_changed(tmp_path: Path) -> None:
    other = '{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "other.sqlite3", "OPTIONS": {"timeout": 1}}'
    site = make_site(tmp_path / "site", f'DATABASES["other"] = {other}')
    with closing(sqlite3.connect(site.folder / "other.sqlite3", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE word (text)")
        site.run("backup", "database", "--name", "nightly")
        rows = site.rows()
        site.execute("DELETE FROM note")
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM word").fetchall()

        failed = site.run("restore", "nightly", "--noinput", exit_code=1)

    assert "database/other could not be replaced" in failed.stderr
    assert "The database is as before. Already replaced: database/default." in failed.stderr
    assert "Nothing was changed." not in failed.stderr
    assert site.rows() == rows
