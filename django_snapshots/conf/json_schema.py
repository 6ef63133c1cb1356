"""The JSON Schema of SNAPSHOTS, for editors and for whoever generates settings."""

from __future__ import annotations

from typing import Any

from django_snapshots.conf.schema import Settings

__all__ = ["SCHEMA_ID", "settings_schema"]

SCHEMA_ID = "https://django-snapshots.readthedocs.io/schemas/settings.schema.json"


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of SNAPSHOTS as data; what only Python can hold is not in it."""
    schema = _without_titles(Settings.model_json_schema())
    for key, default in Settings.model_validate({}).model_dump(mode="json").items():
        schema["properties"][key]["default"] = default
    return {
        **schema,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "SNAPSHOTS",
        "description": "The settings of django-snapshots, as JSON. In settings.py a plugin may also be a live object.",
    }


def _without_titles(value: Any) -> Any:
    """Take away the titles that pydantic makes of names: they say nothing that the name does not."""
    if isinstance(value, dict):
        return {key: _without_titles(item) for key, item in value.items() if not _is_title(key, item)}
    return [_without_titles(item) for item in value] if isinstance(value, list) else value


def _is_title(key: str, value: Any) -> bool:
    return key == "title" and isinstance(value, str)
