"""snapshots config: every setting with its value and origin, no secret, and lines that give the settings back."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import gettext_lazy
from pydantic import SecretStr

from django_snapshots.conf import load
from django_snapshots.conf.report import nearest_key, rows_below, setting_rows, shown
from django_snapshots.conf.schema import Settings
from django_snapshots.conf.variables import assignment_line, environment_lines
from tests.conf import plugins
from tests.conf.checking import in_folder, project, run_verb, write_files
from tests.conf.right import RIGHT, Right
from tests.conf.wrong import DJANGO, LOCAL, PLUGINS, storage

CANNOT = "cannot be written as a variable: only settings.py makes it."


def rows_of(snapshots: Any, environ: dict[str, str] | None = None, **settings: Any) -> dict[str, tuple[Any, str]]:
    with project(snapshots, environ or {}, **settings):
        return {row.key: (row.value, row.origin) for row in setting_rows(load())}


def lines_of(snapshots: Any, environ: dict[str, str] | None = None) -> list[str]:
    with project(snapshots, environ or {}):
        return environment_lines(load())


def test_every_key_of_the_schema_has_a_row() -> None:
    sections = {key.partition(".")[0] for key in rows_of({})}

    assert sections == set(Settings.model_fields)


def test_rows_say_where_a_value_comes_from() -> None:
    rows = rows_of({"METADATA": {"site": "a"}}, {"SNAPSHOTS_ALLOW_RESTORE": "false"}, BASE_DIR="/srv/app")

    assert rows["STORAGE.OPTIONS.location"] == ("/srv/app/snapshots", "default")
    assert rows["METADATA.site"] == ("a", "settings")
    assert rows["ALLOW_RESTORE"] == (False, "environment SNAPSHOTS_ALLOW_RESTORE")


@pytest.mark.parametrize(
    ("snapshots", "environ", "origin"),
    [
        ({}, {"SNAPSHOTS_PRUNE__KEEP_DAILY": "10"}, "environment SNAPSHOTS_PRUNE__KEEP_DAILY"),
        ({}, {"SNAPSHOTS_PRUNE": '{"KEEP_DAILY": 10}'}, "environment SNAPSHOTS_PRUNE"),
        ({"PRUNE": {"KEEP_DAILY": 10}}, {}, "settings"),
        (
            {"PRUNE": {"KEEP_DAILY": 7}},
            {"SNAPSHOTS_PRUNE__KEEP_DAILY": "10"},
            "environment SNAPSHOTS_PRUNE__KEEP_DAILY",
        ),
    ],
)
def test_a_key_of_a_section_that_nobody_wrote_comes_from_nowhere(
    snapshots: Any, environ: dict[str, str], origin: str
) -> None:
    rows = rows_of(snapshots, environ)
    unwritten = {row for key, row in rows.items() if key.startswith("PRUNE.") and key != "PRUNE.KEEP_DAILY"}

    assert rows["PRUNE.KEEP_DAILY"] == (10, origin)
    assert unwritten == {(None, "default"), (1, "default")}


def test_a_section_that_is_written_in_two_places_has_the_origin_of_each_key() -> None:
    rows = rows_of({"HEALTH": {"MIN_FREE": "50GB"}}, {"SNAPSHOTS_HEALTH__AGE_WARNING": "PT2H"})

    assert rows["HEALTH.MIN_FREE"] == (50_000_000_000, "settings")
    assert rows["HEALTH.AGE_WARNING"] == ("PT2H", "environment SNAPSHOTS_HEALTH__AGE_WARNING")
    assert rows["HEALTH.AGE_CRITICAL"] == ("PT50H", "default")


def test_options_are_shown_as_they_are_passed() -> None:
    rows = rows_of(storage(PLUGINS + ".Typed"), {"SNAPSHOTS_STORAGE__OPTIONS__EVERY": "2 days"})

    assert rows["STORAGE.OPTIONS.every"] == ("P2D", "environment SNAPSHOTS_STORAGE__OPTIONS__EVERY")


def test_dicts_are_flattened_lists_are_not_and_parts_with_a_dot_are_quoted() -> None:
    rows = rows_of({"METADATA": {"a.b": {"c": [1, {"d": 2}]}, "": 1, "e": {}}})

    assert rows['METADATA."a.b".c'][0] == [1, {"d": 2}]
    assert rows['METADATA.""'][0] == 1
    assert rows["METADATA.e"][0] == {}


def test_live_objects_and_callables_are_named_by_their_path() -> None:
    rows = rows_of(
        {
            "STORAGE": plugins.MemoryStorage(),
            "SNAPSHOT_NAME": plugins.nightly,
            "DATABASE_CONNECTORS": {"default": "auto"},
        }
    )

    assert rows["STORAGE"][0] == "<tests.conf.plugins.MemoryStorage>"
    assert rows["SNAPSHOT_NAME"][0] == "tests.conf.plugins.nightly"
    assert rows["DATABASE_CONNECTORS.default"][0] == "auto"


@pytest.mark.parametrize(
    "name",
    [
        *("password", "DB_PASSWORD", "passphrase", "client_secret", "secret_key", "api_key", "AWS_ACCESS_KEY"),
        *("auth_token", "private_key", "account_key", "sas_token", "connection_string", "credentials", "secret"),
    ],
)
def test_a_value_is_masked_by_its_name(name: str) -> None:
    rows = rows_of({"METADATA": {"deep": {name: "hunter2"}}})

    assert rows[f"METADATA.deep.{name}"][0] == "********"


@pytest.mark.parametrize("name", ["passwords", "keys", "secretary", "token_count", "key"])
def test_names_that_only_resemble_secrets_are_shown(name: str) -> None:
    assert rows_of({"METADATA": {name: "x"}})[f"METADATA.{name}"][0] == "x"


def test_everything_below_a_secret_name_is_masked() -> None:
    rows = rows_of({"METADATA": {"credentials": {"user": "me", "key": ["hunter2"]}}})

    assert rows["METADATA.credentials"][0] == "********"


def test_a_list_of_secrets_is_masked_by_the_type_of_its_items() -> None:
    assert rows_of(storage(PLUGINS + ".Keyring", ring=["hunter2"]))["STORAGE.OPTIONS.ring"][0] == "********"


def test_a_value_is_masked_by_its_type_and_inside_urls() -> None:
    rows = rows_of(storage(PLUGINS + ".Typed", key="hunter2", plain="s3://me:hunter2@host/a", names=["x://t@h"]))

    assert rows["STORAGE.OPTIONS.key"][0] == "********"
    assert rows["STORAGE.OPTIONS.plain"][0] == "s3://********@host/a"
    assert rows["STORAGE.OPTIONS.names"][0] == ["x://********@h"]


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        (Path("/x"), "/x"),
        (dt.timedelta(days=30), "P30D"),
        (dt.date(2026, 1, 1), "2026-01-01"),
        (decimal.Decimal("1.5"), "1.5"),
        (Colour.RED, "red"),
        ({"b", "a"}, ["a", "b"]),
        (float("inf"), "inf"),
        (SecretStr("hunter2"), "********"),
        (gettext_lazy("x"), "<lazy text>"),
        (plugins.Codec, "tests.conf.plugins.Codec"),
        (plugins.Codec(), "<tests.conf.plugins.Codec>"),
        (b"x", "<builtins.bytes>"),
        ([{"password": "hunter2"}], [{"password": "********"}]),
    ],
)
def test_what_json_cannot_hold_is_described(value: Any, json_value: Any) -> None:
    assert shown(value) == json_value


def test_a_key_or_a_section_can_be_asked_for() -> None:
    with project(storage(location="/srv")):
        rows = setting_rows(load())

    assert [row.key for row in rows_below(rows, "STORAGE")] == ["STORAGE.BACKEND", "STORAGE.OPTIONS.location"]
    assert [row.key for row in rows_below(rows, "STORAGE.OPTIONS.location")] == ["STORAGE.OPTIONS.location"]
    assert rows_below(rows, "STORAG") == []
    assert nearest_key(rows, "STORAG") == "STORAGE"
    assert nearest_key(rows, "storage.option") == "STORAGE.OPTIONS"
    assert nearest_key(rows, "zzz") is None


def test_wrong_values_are_shown_as_they_are_written() -> None:
    rows = rows_of({"ALLOW_RESTORE": "maybe", "STORAGE": 3, "METADATA": {1: 2}})

    assert rows["ALLOW_RESTORE"] == ("maybe", "settings")
    assert rows["STORAGE"] == (3, "settings")
    assert rows["METADATA.1"] == (2, "settings")


def test_the_command_shows_rows() -> None:
    with project(storage(location="/srv")):
        exit_code, out, err = run_verb("config", "STORAGE")

    assert (exit_code, err) == (0, "")
    assert out == f'settings  STORAGE.BACKEND = "{LOCAL}"\nsettings  STORAGE.OPTIONS.location = "/srv"\n'


def test_the_command_answers_when_the_settings_are_wrong() -> None:
    with project({"ALLOW_RESTORE": "maybe"}):
        exit_code, out, err = run_verb("config")

    assert exit_code == 1
    assert 'ALLOW_RESTORE = "maybe"' in out
    assert "SNAPSHOTS['ALLOW_RESTORE']: (snapshots.E002)" in out
    assert "The settings have an error." in err


def test_warnings_alone_are_no_failure() -> None:
    with project({"SNAPSHOT_NAME": "nightly"}):
        exit_code, out, _ = run_verb("config")

    assert exit_code == 0
    assert "(snapshots.W009)" in out


def test_the_command_prints_one_document() -> None:
    with project({"ALLOW_RESTORE": "maybe"}, {"SNAPSHOTS_Z": "1"}):
        exit_code, out, _ = run_verb("config", "ALLOW_RESTORE", "--json")

    document = json.loads(out)
    assert exit_code == 1
    assert document["settings"] == [{"key": "ALLOW_RESTORE", "value": "maybe", "origin": "settings"}]
    assert [(problem["id"], problem["where"]) for problem in document["problems"]] == [
        ("snapshots.E002", "SNAPSHOTS['ALLOW_RESTORE']"),
        ("snapshots.W001", "SNAPSHOTS_Z"),
    ]


def test_an_unknown_key_is_told_with_the_nearest() -> None:
    with project({}):
        exit_code, out, err = run_verb("config", "ALOW_RESTORE")
        json_code, json_out, _ = run_verb("config", "ALOW_RESTORE", "--json")

    assert (exit_code, out) == (1, "")
    assert "There is no setting 'ALOW_RESTORE'. Did you mean 'ALLOW_RESTORE'?" in err
    assert json_code == 1
    assert json.loads(json_out)["error"]["type"] == "CommandError"


def test_the_schema_is_printed_also_when_the_settings_are_wrong() -> None:
    with project(None):
        exit_code, out, _ = run_verb("config", "--schema")

    assert exit_code == 0
    assert json.loads(out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_is_the_same_document_with_json() -> None:
    with project({}):
        _, plain, _ = run_verb("config", "--schema")
        exit_code, out, _ = run_verb("config", "--schema", "--json")

    assert exit_code == 0
    assert json.loads(out) == json.loads(plain)


def test_lines_hold_every_value_and_no_secret() -> None:
    snapshots = {
        **storage(PLUGINS + ".Typed", key="hunter2", level=4, names=["a", "b"], every=dt.timedelta(days=2)),
        "SNAPSHOT_NAME": plugins.nightly,
        "COMPRESSION": None,
        "ARTIFACTS": {"search": plugins.Artifact()},
        "METADATA": {"site": "a", "api_token": "hunter2", "url": "x://me:hunter2@h"},
    }

    assert lines_of(snapshots) == [
        "SNAPSHOTS_STORAGE__BACKEND=tests.conf.plugins.Typed",
        "# SNAPSHOTS_STORAGE__OPTIONS__KEY=",
        "SNAPSHOTS_STORAGE__OPTIONS__LEVEL=4",
        'SNAPSHOTS_STORAGE__OPTIONS__NAMES=\'["a", "b"]\'',
        "SNAPSHOTS_STORAGE__OPTIONS__EVERY=P2D",
        "SNAPSHOTS_SNAPSHOT_FORMAT=directory",
        f"# SNAPSHOTS_SNAPSHOT_NAME is tests.conf.plugins.nightly; it {CANNOT}",
        "SNAPSHOTS_DEFAULT_ARTIFACTS=database,media,environment",
        f"# SNAPSHOTS_ARTIFACTS__SEARCH is <tests.conf.plugins.Artifact>; it {CANNOT}",
        "SNAPSHOTS_DATABASE_CONNECTORS={}",
        "SNAPSHOTS_COMPRESSION=null",
        "SNAPSHOTS_ENCRYPTION=null",
        "SNAPSHOTS_SIGNING=null",
        "SNAPSHOTS_JOBS=null",
        "SNAPSHOTS_PRUNE=null",
        "SNAPSHOTS_REPLICAS='[]'",
        'SNAPSHOTS_METADATA=\'{"site": "a"}\'',
        "# SNAPSHOTS_METADATA__API_TOKEN=",
        "# SNAPSHOTS_METADATA__URL=",
        "SNAPSHOTS_ALLOW_RESTORE=true",
        "SNAPSHOTS_NOTIFY=null",
        "SNAPSHOTS_HEALTH__AGE_WARNING=PT26H",
        "SNAPSHOTS_HEALTH__AGE_CRITICAL=PT50H",
        "SNAPSHOTS_HEALTH__SIZE_FACTOR=2.0",
        "SNAPSHOTS_HEALTH__VERIFY_AGE=P35D",
    ]


def test_options_that_text_cannot_give_back_are_written_as_json() -> None:
    lines = lines_of(storage(PLUGINS + ".Typed", plain=3, names=[]))

    assert 'SNAPSHOTS_STORAGE__OPTIONS=\'{"plain": 3, "names": []}\'' in lines


def test_options_inside_a_django_storage_are_written_as_json_without_their_secrets() -> None:
    inner = {"BACKEND": PLUGINS + ".DjangoBucket", "OPTIONS": {}}

    lines = lines_of(storage(DJANGO, storage={**inner, "OPTIONS": {"secret_key": "hunter2"}}))

    assert f"SNAPSHOTS_STORAGE__OPTIONS='{json.dumps({'storage': inner})}'" in lines
    assert "# SNAPSHOTS_STORAGE__OPTIONS__STORAGE__OPTIONS__SECRET_KEY=" in lines


def without_secrets(rows: dict[str, Any]) -> dict[str, Any]:
    """Leave out secrets, which lines do not hold, and sections that hold nothing else."""
    return {key: value for key, value in rows.items() if value not in ("********", {})}


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in RIGHT
        if "live" not in row.name
        and "object" not in row.name
        and "callable" not in row.name
        and "lambda" not in row.name
    ],
    ids=lambda row: row.name,
)
def test_the_lines_in_an_env_file_give_the_same_settings_back(row: Right, tmp_path: Path) -> None:
    write_files(tmp_path, row.files)
    with project(row.snapshots(), in_folder(row.environ, tmp_path), **row.settings):
        before = {entry.key: entry.value for entry in setting_rows(load())}
        lines = environment_lines(load())
    (tmp_path / "pasted.env").write_text("\n".join(lines) + "\n")

    with project({}, {"SNAPSHOTS_ENV_FILE": str(tmp_path / "pasted.env")}, **row.settings):
        after = {entry.key: entry.value for entry in setting_rows(load())}

    assert without_secrets(after) == without_secrets(before)


@pytest.mark.parametrize(
    "text", ["plain", "a b", 'a "b"', "it's", "a\\b", "a\\\\b", "#x", "x #y", "", "é", "a=b", "{x}"]
)
def test_a_line_is_read_back_by_dotenv_and_by_a_shell(text: str, tmp_path: Path) -> None:
    from dotenv import dotenv_values

    line = assignment_line("NAME", text)
    (tmp_path / "a.env").write_text(line + "\n")

    assert dotenv_values(tmp_path / "a.env")["NAME"] == text
    shell = subprocess.run(["sh", "-c", f'{line}; printf %s "$NAME"'], capture_output=True, check=True, text=True)
    assert shell.stdout == text
    assert shlex.split(line) == [f"NAME={text}"]


def test_a_value_that_env_files_replace_is_a_comment() -> None:
    assert assignment_line("NAME", "a${b}").startswith("# NAME holds ${,")


def test_lines_and_json_exclude_each_other() -> None:
    with project({}):
        exit_code, out, err = run_verb("config", "--env", "--json")

    assert exit_code == 2
    assert "leave out one of the two" in json.loads(out)["error"]["message"]
    assert "leave out one of the two" in err
