"""What follows from the schema is current: JSON Schema, .env.example, the types for settings.py."""

from __future__ import annotations

import re
import subprocess
import sys
import typing
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import VERSION

from django_snapshots.artifacts.contract import Artifact
from django_snapshots.codecs.contract import Codec, EncryptionCodec
from django_snapshots.conf import get_settings
from django_snapshots.conf.json_schema import settings_schema
from django_snapshots.conf.schema import SECTIONS, Settings
from django_snapshots.connectors.contract import Connector
from django_snapshots.settings_types import BackendDict, SnapshotsDict
from django_snapshots.signers.contract import Signer
from django_snapshots.storage.contract import SnapshotStorage
from tests.conf.checking import project, run_check
from tests.conf.right import RIGHT_SETTINGS
from tests.conf.wrong import LOCAL, storage
from tools.schemas import ROOT, generated_files

if typing.TYPE_CHECKING:
    from pathlib import Path

SCHEMA_PYDANTIC = "2.14"
"""The schemas are written with this pydantic: their text differs between releases."""

ASSIGNED = re.compile(r"^# (SNAPSHOTS_\w+=.*)$", re.MULTILINE)


@pytest.mark.skipif(not VERSION.startswith(f"{SCHEMA_PYDANTIC}."), reason=f"written with pydantic {SCHEMA_PYDANTIC}")
@pytest.mark.parametrize("path", generated_files())
def test_a_generated_file_is_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == generated_files()[path], "run `make schemas`"


def test_the_schema_is_one_of_its_dialect_with_an_id() -> None:
    schema = settings_schema()

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "https://django-snapshots.readthedocs.io/schemas/settings.schema.json"
    assert list(schema["properties"]) == list(Settings.model_fields)


@pytest.mark.parametrize("document", [{}, storage(LOCAL, location="/srv"), {"COMPRESSION": None}])
def test_the_schema_accepts_what_the_settings_accept(document: dict[str, Any]) -> None:
    Draft202012Validator(settings_schema()).validate(document)
    with project(document):
        get_settings()


@pytest.mark.parametrize(
    "document",
    [{"storage": {}}, {"STORAGE": {"OPTIONS": {}}}, {"SNAPSHOT_FORMAT": "zip"}, {"DEFAULT_ARTIFACTS": []}, []],
    ids=str,
)
def test_the_schema_refuses_what_the_settings_refuse(document: Any) -> None:
    assert not Draft202012Validator(settings_schema()).is_valid(document)
    with project(document):
        assert run_check("--tag", "snapshots").exit_code == 1


def test_the_defaults_in_the_schema_are_the_defaults() -> None:
    defaults = {key: value["default"] for key, value in settings_schema()["properties"].items()}

    assert defaults == Settings.model_validate(defaults).model_dump(mode="json")


def test_every_line_of_the_example_is_accepted(tmp_path: Path) -> None:
    lines = ASSIGNED.findall((ROOT / ".env.example").read_text(encoding="utf-8"))
    values = [line for line in lines if not line.startswith(("SNAPSHOTS_ENV_FILE", "SNAPSHOTS_SECRETS_DIR"))]
    (tmp_path / "app.env").write_text("\n".join([*values, "SNAPSHOTS_PRUNE__KEEP_DAILY=7"]))  # a policy needs a rule
    (tmp_path / "secrets").mkdir()

    environ = {"SNAPSHOTS_ENV_FILE": str(tmp_path / "app.env"), "SNAPSHOTS_SECRETS_DIR": str(tmp_path / "secrets")}
    with project({}, environ):
        assert get_settings().problems == ()

    assert len(lines) == len(values) + 2


def test_the_example_names_every_key() -> None:
    names = {line.partition("=")[0] for line in ASSIGNED.findall((ROOT / ".env.example").read_text(encoding="utf-8"))}

    assert {key for key in Settings.model_fields if any(name.startswith(f"SNAPSHOTS_{key}") for name in names)} == set(
        Settings.model_fields
    )


def test_the_example_names_every_part_of_a_section_with_its_default() -> None:
    lines = ASSIGNED.findall((ROOT / ".env.example").read_text(encoding="utf-8"))
    written = dict(line.split("=", 1) for line in lines)

    parts = {
        f"SNAPSHOTS_{key}__{name}": field.default
        for key, model in SECTIONS.items()
        for name, field in model.model_fields.items()
    }
    read = {name: None if written[name] == "null" else written[name] for name in parts}

    assert {name for name, text in read.items() if text is None} == {name for name in parts if parts[name] is None}
    assert read["SNAPSHOTS_PRUNE__MIN_KEEP"] == "1"
    assert read["SNAPSHOTS_HEALTH__AGE_WARNING"] == "PT26H"


def hints() -> dict[str, Any]:
    contracts = {each.__name__: each for each in (Artifact, Codec, Connector, EncryptionCodec, Signer, SnapshotStorage)}
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    names = {**contracts, "Callable": Callable, "Mapping": Mapping, "Sequence": Sequence, "datetime": datetime}
    return typing.get_type_hints(SnapshotsDict, localns=names)


def test_the_types_for_settings_py_have_the_keys_of_the_schema() -> None:
    assert set(SnapshotsDict.__annotations__) == set(Settings.model_fields)
    assert SnapshotsDict.__required_keys__ == frozenset()
    assert set(BackendDict.__annotations__) == {"BACKEND", "OPTIONS"}
    assert set(hints()) == set(Settings.model_fields)


def test_the_types_for_settings_py_cost_no_pydantic() -> None:
    program = "import sys, django_snapshots.settings_types; print('pydantic' in sys.modules)"

    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert output.stdout == "False\n"


TYPED_SETTINGS = """
from django_snapshots.settings_types import SnapshotsDict
from django_snapshots.storage import LocalFileSystemBackend

right: SnapshotsDict = {
    "STORAGE": LocalFileSystemBackend("/srv"),
    "COMPRESSION": None,
    "SNAPSHOT_NAME": lambda created_at: f"{created_at:%Y}",
    "DATABASE_CONNECTORS": {"default": "auto"},
    "ARTIFACTS": {"search": {"BACKEND": "site.Search"}},
}
wrong: SnapshotsDict = {"storage": {}}
nameless: SnapshotsDict = {"STORAGE": {"OPTIONS": {}}}
"""


def test_a_type_checker_finds_wrong_keys_and_takes_live_objects(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="pip install mypy")
    (tmp_path / "settings.py").write_text(TYPED_SETTINGS)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file=",
        "--cache-dir",
        str(tmp_path / "cache"),
        "--no-error-summary",
    ]

    output = subprocess.run(
        [*command, "--follow-imports=silent", str(tmp_path / "settings.py")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    ).stdout

    lines = sorted({line.partition("settings.py:")[2].partition(":")[0] for line in output.splitlines()})
    assert lines == ["12", "13"], output


def test_the_examples_of_right_settings_fit_the_schema_where_json_can_say_them() -> None:
    validator = Draft202012Validator(settings_schema())
    plain = [
        row.snapshots()
        for row in RIGHT_SETTINGS
        if row.name in {"an empty dict", "local storage, text", "no compression"}
    ]

    assert len(plain) == 3
    assert all(validator.is_valid(document) for document in plain)
