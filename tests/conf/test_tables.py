"""Every wrong configuration of the tables is told exactly so; every right one is left in peace, and does it."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from pydantic import VERSION

from django_snapshots.conf import SnapshotsConfigError, get_settings
from tests.conf.checking import in_folder, project, run_check, write_files
from tests.conf.right import RIGHT, Right
from tests.conf.wrong_encryption import WRONG_ENCRYPTION
from tests.conf.wrong_files import WRONG_FILES
from tests.conf.wrong_names import WRONG_NAMES
from tests.conf.wrong_plugins import WRONG_PLUGINS
from tests.conf.wrong_policies import WRONG_POLICIES
from tests.conf.wrong_signing import WRONG_SIGNING
from tests.conf.wrong_structure import WRONG_STRUCTURE
from tests.conf.wrong_values import WRONG_VALUES
from tests.conf.wrong_variables import WRONG_VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conf.wrong import Wrong

WRONG = [
    *(*WRONG_STRUCTURE, *WRONG_PLUGINS, *WRONG_POLICIES, *WRONG_VALUES, *WRONG_VARIABLES),
    *(*WRONG_FILES, *WRONG_ENCRYPTION, *WRONG_SIGNING, *WRONG_NAMES),
]


def one_line(text: str, folder: Path) -> str:
    return text.replace(str(folder), "{tmp}").replace("\n\tHINT: ", " HINT: ").replace("(snapshots.", "(")


def matches(expected: str, found: str) -> bool:
    expected, found = without_foreign_words(expected), without_foreign_words(found)
    return re.fullmatch(".*".join(map(re.escape, expected.split("***"))), found, re.DOTALL) is not None


def without_foreign_words(text: str) -> str:
    """Return the text without what pydantic says of a value, unless it is the pydantic whose words the tables hold."""
    return text if VERSION.startswith("2.14.") else re.sub(r"\(E002\) .*?(?= HINT: |$)", "(E002)", text)


@pytest.mark.parametrize("row", WRONG, ids=lambda row: row.name)
def test_a_wrong_configuration_is_told_with_id_place_message_and_hint(row: Wrong, tmp_path: Path) -> None:
    write_files(tmp_path, row.files)

    with project(row.snapshots(), in_folder(row.environ, tmp_path), **row.settings):
        checked = run_check("--tag", "snapshots")

    found = [one_line(str(problem), tmp_path) for problem in checked.configuration.problems]
    assert len(found) == len(row.expected), found
    assert [pair for pair in zip(row.expected, found, strict=True) if not matches(*pair)] == []
    assert checked.exit_code == any(": (E" in line for line in row.expected)
    assert all(str(problem) in checked.output for problem in checked.configuration.problems)


@pytest.mark.parametrize(
    "row", [row for row in WRONG if any(": (E" in line for line in row.expected)], ids=lambda row: row.name
)
def test_first_use_without_a_check_raises_the_same_text(row: Wrong, tmp_path: Path) -> None:
    write_files(tmp_path, row.files)

    wrong_settings = project(row.snapshots(), in_folder(row.environ, tmp_path), **row.settings)
    with wrong_settings, pytest.raises(SnapshotsConfigError) as caught:
        get_settings()

    errors = [line for line in row.expected if ": (E" in line]
    assert len(caught.value.problems) == len(errors)
    assert matches("***".join(["", *errors]), one_line(str(caught.value), tmp_path))


@pytest.mark.parametrize("row", RIGHT, ids=lambda row: row.name)
def test_a_right_configuration_is_left_in_peace(row: Right, tmp_path: Path) -> None:
    write_files(tmp_path, row.files)

    with project(row.snapshots(), in_folder(row.environ, tmp_path), **row.settings):
        checked = run_check("--tag", "snapshots", "--fail-level", "WARNING")
        seen = row.look(get_settings())

    assert checked.configuration.problems == ()
    assert checked.exit_code == 0
    assert seen == row.sees


@pytest.mark.parametrize("row", [row for row in RIGHT if row.environ], ids=lambda row: row.name)
def test_variables_never_change_the_dict_of_settings_py(row: Right, tmp_path: Path) -> None:
    write_files(tmp_path, row.files)
    snapshots = row.snapshots()
    before = copy.deepcopy(snapshots) if not any(map(callable, snapshots.values())) else dict(snapshots)

    with project(snapshots, in_folder(row.environ, tmp_path), **row.settings):
        run_check("--tag", "snapshots")
        same = django_settings.SNAPSHOTS is snapshots  # type: ignore[misc]

    assert same
    assert repr_without_addresses(snapshots) == repr_without_addresses(before)


def repr_without_addresses(value: object) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def test_the_tables_are_as_long_as_promised() -> None:
    assert len(WRONG) >= 120
    assert len(RIGHT) >= 40
