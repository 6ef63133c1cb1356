"""The JSON Schemas that follow from the manifest's models: the manifest, and what `info --json` prints of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django_snapshots.manifest import Manifest

__all__ = ["BASE_ID", "manifest_schemas"]

BASE_ID = "https://django-snapshots.readthedocs.io/schemas/"
SCHEMAS = Path(__file__).parents[1] / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def manifest_schemas() -> dict[str, dict[str, Any]]:
    """Return path below `schemas/` -> schema."""
    manifest = _titled("manifest.schema.json", "manifest.json of a snapshot, version 2", Manifest.model_json_schema())
    info = _titled("command/info.schema.json", "manage.py snapshots info --json", Manifest.model_json_schema())
    info["properties"]["status"] = {
        "enum": ["complete", "damaged"],
        "description": "Whether all of it is there, as far as listing tells.",
    }
    listed = json.loads((SCHEMAS / "command/list.schema.json").read_text())
    info["properties"]["verification"] = listed["properties"]["snapshots"]["items"]["properties"]["verification"]
    info["required"] = sorted([*info["required"], "status", "verification"])
    return {"manifest.schema.json": manifest, "command/info.schema.json": info}


def _titled(path: str, title: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema["properties"]["version"]["const"] = 2
    return {**schema, "$schema": DIALECT, "$id": f"{BASE_ID}{path}", "title": title}
