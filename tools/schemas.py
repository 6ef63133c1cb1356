"""Writes the files that follow from the schemas: `make schemas`. A test fails when one of them is not current."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django_snapshots.conf.json_schema import settings_schema
from tools.env_example import env_example
from tools.manifest_schemas import manifest_schemas

__all__ = ["ROOT", "generated_files"]

ROOT = Path(__file__).resolve().parent.parent


def generated_files() -> dict[str, str]:
    """Return the text of every generated file, by its path below the repository's root."""
    schemas = {"settings.schema.json": settings_schema(), **manifest_schemas()}
    files = {f"schemas/{path}": _as_text(schema) for path, schema in schemas.items()}
    return {**files, ".env.example": env_example()}


def _as_text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Write what differs, and say so."""
    for path, text in generated_files().items():
        file = ROOT / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {path}")  # noqa: T201 - a program for people


if __name__ == "__main__":
    main()
