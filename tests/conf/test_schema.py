"""The schema, the positions beside it, and every path that is written down in conf agree with the package."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from django_snapshots.conf import importing
from django_snapshots.conf.configuration import CONNECTORS_BY_VENDOR
from django_snapshots.conf.schema import POSITIONS, Position, Settings
from django_snapshots.conf.sources import PREFIX

DEFAULTS: dict[str, Any] = Settings.model_validate({}).model_dump()
NAMED = [value["BACKEND"] for value in DEFAULTS.values() if isinstance(value, dict) and "BACKEND" in value]


def test_every_key_has_a_position() -> None:
    assert list(POSITIONS) == list(Settings.model_fields)


@pytest.mark.parametrize("key", [key for key in POSITIONS if POSITIONS[key] is Position.PLUGIN and DEFAULTS[key]])
def test_a_plugin_position_takes_a_dict_with_a_backend(key: str) -> None:
    default = DEFAULTS[key]

    assert set(default) == {"BACKEND", "OPTIONS"}


@pytest.mark.parametrize("path", [*NAMED, *importing._OURS.values(), *CONNECTORS_BY_VENDOR.values()])
def test_every_class_that_conf_names_can_be_imported(path: str) -> None:
    module, _, name = path.rpartition(".")

    assert isinstance(getattr(import_module(module), name), type)


@pytest.mark.parametrize("key", Settings.model_fields)
def test_every_key_is_described(key: str) -> None:
    assert (Settings.model_fields[key].description or "").endswith(".")


@pytest.mark.parametrize("key", Settings.model_fields)
def test_no_key_is_what_kubernetes_injects_for_a_service_called_snapshots(key: str) -> None:
    assert not key.startswith(("PORT", "HOST", "SERVICE_"))
    assert key not in {"ENV_FILE", "SECRETS_DIR"}
    assert PREFIX + key == (PREFIX + key).upper()


def test_settings_are_frozen_and_refuse_unknown_keys() -> None:
    settings = Settings.model_validate({})

    with pytest.raises(ValueError, match="frozen"):
        settings.ALLOW_RESTORE = False  # type: ignore[misc]
    with pytest.raises(ValueError, match="Extra inputs"):
        Settings.model_validate({"STORAGES": 1})


def test_a_wrong_path_is_compared_with_every_plugin_a_setting_can_name() -> None:
    wings = ("storage", "codecs", "signers", "connectors", "artifacts")
    exported = {
        f"django_snapshots.{wing}.{name}": getattr(import_module(f"django_snapshots.{wing}"), name)
        for wing in wings
        for name in import_module(f"django_snapshots.{wing}").__all__
    }
    # Protocols describe plugins; the two artifacts are made by the engine, for every project.
    engines_own = {"DatabaseArtifact", "EnvironmentArtifact"}
    plugins = {path for path, each in exported.items() if not is_protocol(each) and each.__name__ not in engines_own}

    assert set(importing._OURS.values()) == plugins


def is_protocol(cls: Any) -> bool:
    return bool(getattr(cls, "_is_protocol", False))
