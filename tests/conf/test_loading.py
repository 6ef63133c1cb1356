"""load() and get_settings(): cached, forgotten when settings change, never raising, and everything at once."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_snapshots.conf import SnapshotsConfigError, get_settings, load, loading
from django_snapshots.conf.configuration import Configuration
from tests.conf import plugins
from tests.conf.checking import project
from tests.conf.wrong import DJANGO, storage


def test_the_configuration_is_made_once() -> None:
    with project({}):
        assert load() is load()
        assert get_settings() is load()


@pytest.mark.parametrize("name", ["SNAPSHOTS", "STORAGES", "MEDIA_ROOT", "BASE_DIR", "SNAPSHOTS_STORAGE", "SNAPSHOT"])
def test_a_changed_setting_is_seen(name: str) -> None:
    with project({}):
        before = load()
        with override_settings(**{name: getattr(settings, name, "/srv/app")}):
            assert load() is not before


def test_other_settings_are_none_of_our_business() -> None:
    with project({}):
        before = load()
        with override_settings(SITE_ID=3):
            assert load() is before


def test_the_error_is_djangos_and_lists_everything() -> None:
    with project({"storage": 1, "SNAPSHOT_FORMAT": "zip"}), pytest.raises(ImproperlyConfigured) as caught:
        get_settings()

    assert isinstance(caught.value, SnapshotsConfigError)
    assert [problem.place for problem in caught.value.problems] == [
        "SNAPSHOTS['SNAPSHOT_FORMAT']",
        "SNAPSHOTS['storage']",
    ]
    assert str(caught.value) == (
        "The configuration of django-snapshots has 2 errors:\n"
        "SNAPSHOTS['SNAPSHOT_FORMAT']: (snapshots.E002) Input should be 'directory' or 'archive'.\n"
        "\tHINT: Write one of them, in lower case.\n"
        "SNAPSHOTS['storage']: (snapshots.E003) Unknown key.\n"
        "\tHINT: Did you mean 'STORAGE'?"
    )


def test_one_error_is_counted_as_one() -> None:
    with project({"storage": 1}), pytest.raises(SnapshotsConfigError, match="has an error:\nSNAPSHOTS"):
        get_settings()


def test_warnings_do_not_stop_anybody() -> None:
    with project({"SNAPSHOT_NAME": "nightly"}):
        assert [problem.id for problem in get_settings().problems] == ["snapshots.W009"]


def test_a_silenced_error_lets_pass_what_could_be_built() -> None:
    snapshots = {"STORAGE": plugins.TooManyArguments()}

    with project(snapshots, SILENCED_SYSTEM_CHECKS=["snapshots.E016"]):
        assert type(get_settings().storage) is plugins.TooManyArguments


def test_silence_does_not_build_what_cannot_be_built() -> None:
    with project({"STORAGE": None}, SILENCED_SYSTEM_CHECKS=["snapshots.E002"]), pytest.raises(SnapshotsConfigError):
        get_settings()


def test_a_mistake_of_ours_is_a_problem_and_no_traceback() -> None:
    with project({}), mock.patch.object(loading, "configure", side_effect=ZeroDivisionError("hunter2")):
        (problem,) = load().problems

    assert problem.id == "snapshots.E000"
    assert problem.place == "SNAPSHOTS"
    assert problem.message.startswith("Could not be checked: ZeroDivisionError at ")
    assert "hunter2" not in problem.message


def test_without_base_dir_snapshots_go_beside_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with project({}):
        assert load().storage.location == tmp_path / "snapshots"


@pytest.mark.parametrize("value", ["", None, 3])
def test_a_media_root_that_is_no_folder_leaves_media_out(value: object) -> None:
    with project({}, MEDIA_ROOT=value):
        configuration = get_settings()

    assert configuration.media_root is None
    assert configuration.settings is not None
    assert "media" not in configuration.settings.DEFAULT_ARTIFACTS


def test_media_root_is_a_path() -> None:
    with project({}, MEDIA_ROOT="/srv/media"):
        assert get_settings().media_root == Path("/srv/media")


@pytest.mark.parametrize(
    ("engine", "connector"),
    [
        ("django.db.backends.sqlite3", "SQLiteConnector"),
        ("tests.conf.engines.derived", "SQLiteConnector"),
        ("django.db.backends.dummy", None),
        ("an_engine.that_nobody_has", None),
    ],
)
def test_the_vendor_of_the_engine_decides_on_the_connector(engine: str, connector: str | None) -> None:
    with project({}, DATABASES={"default": {"ENGINE": engine, "NAME": ":memory:"}}):
        configuration = get_settings()

    assert {alias: type(each).__name__ for alias, each in configuration.connectors.items()} == (
        {"default": connector} if connector else {}
    )


def test_every_value_has_an_origin(tmp_path: Path) -> None:
    (tmp_path / "app.env").write_text("\n\nSNAPSHOTS_SNAPSHOT_FORMAT=directory\n")
    (tmp_path / "SNAPSHOTS_METADATA__SITE").write_text("a")
    environ = {
        "SNAPSHOTS_ALLOW_RESTORE": "no",
        "SNAPSHOTS_ENV_FILE": str(tmp_path / "app.env"),
        "SNAPSHOTS_SECRETS_DIR": str(tmp_path),
    }

    with project({"COMPRESSION": None}, environ):
        origins = get_settings().origins

    assert origins["ALLOW_RESTORE",] == "environment SNAPSHOTS_ALLOW_RESTORE"
    assert origins["SNAPSHOT_FORMAT",] == f"env file {tmp_path}/app.env:3"
    assert origins["METADATA", "site"] == f"secrets {tmp_path}/SNAPSHOTS_METADATA__SITE"
    assert origins["COMPRESSION",] == "settings"
    assert origins["STORAGE",] == "default"


def test_a_later_source_takes_the_origin_of_all_below() -> None:
    environ = {"SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL": "9", "SNAPSHOTS_COMPRESSION__OPTIONS": '{"workers": 1}'}

    with project({}, environ):
        origins = get_settings().origins

    assert origins["COMPRESSION", "OPTIONS"] == "environment SNAPSHOTS_COMPRESSION__OPTIONS"
    assert origins["COMPRESSION", "OPTIONS", "level"] == "environment SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL"


def test_a_storage_of_another_setting_shows_none_of_its_secrets() -> None:
    storages = {"offsite": {"BACKEND": "tests.conf.plugins.Raising", "OPTIONS": {"password": "hunter2hunter2"}}}

    with project(storage(DJANGO, storage="offsite"), STORAGES=storages):
        (problem,) = load().problems

    assert problem.id == "snapshots.E011"
    assert "login with ******** refused" in problem.message


def test_a_fresh_configuration_takes_about_half_a_millisecond() -> None:
    def loaded() -> float:
        load.cache_clear()
        start = os.times().user
        for _ in range(50):
            load.cache_clear()
            load()
        return (os.times().user - start) / 50

    with project(storage(location="/srv")):
        best_seconds = min(loaded() for _ in range(5))

    # Measured 0.35 ms; the limit leaves room for a machine of a third of the speed.
    assert best_seconds < 0.0015


def test_nothing_that_is_printed_of_a_configuration_shows_a_plugin() -> None:
    text = repr(Configuration(None, storage="hunter2", plugins={(): "hunter2"}, tree={"a": "hunter2"}))  # type: ignore[dict-item]

    assert "hunter2" not in text
