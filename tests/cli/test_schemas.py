"""Every document that the command prints fits its schema in `schemas/`, and so does every manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from django_snapshots.cli.parser import VERBS
from tools.manifest_schemas import manifest_schemas

if TYPE_CHECKING:
    from tests.site import Site

SCHEMAS = Path(__file__).parents[2] / "schemas"


def fit(document: Any, path: str) -> None:
    schema = json.loads((SCHEMAS / path).read_text())
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)


def test_every_document_fits_its_schema(site: Site) -> None:
    fit(site.json("backup", "--name", "nightly"), "command/backup.schema.json")
    fit(site.json("pin", "nightly", "--until", "2027-12-31", "--reason", "audit"), "command/pin.schema.json")
    fit(site.json("list"), "command/list.schema.json")
    fit(site.json("info", "nightly"), "command/info.schema.json")
    fit(site.json("verify"), "command/verify.schema.json")
    fit(site.json("check"), "command/check.schema.json")
    fit(site.json("info", "nightly"), "command/info.schema.json")
    fit(site.json("unpin", "nightly"), "command/unpin.schema.json")
    fit(site.json("prune", "--keep", "1", "--dry-run"), "command/prune.schema.json")
    fit(site.json("restore", "nightly", "--dry-run"), "command/restore.schema.json")
    saved = site.json("restore", "nightly", "--noinput")
    fit(saved, "command/restore.schema.json")
    site.run("delete", saved["safety_snapshot"], "--noinput")
    fit(json.loads((site.snapshots / "nightly" / "manifest.json").read_text()), "manifest.schema.json")
    (site.snapshots / "nightly" / "manifest.json").write_text("{")
    fit(site.json("list"), "command/list.schema.json")
    fit(site.json("info", "nightly", exit_code=1), "command/error.schema.json")
    fit(site.json("verify", "nightly", exit_code=4), "command/verify.schema.json")
    fit(site.json("list"), "command/list.schema.json")
    fit(site.json("delete", "nightly", "--noinput"), "command/delete.schema.json")
    fit(site.json("completion", "databases"), "command/completion.schema.json")
    fit(site.json("health", exit_code=2), "command/health.schema.json")
    fit(site.json("prune", "--leftovers"), "command/prune.schema.json")


def test_a_document_of_another_shape_does_not_fit() -> None:
    with pytest.raises(Exception, match="'snapshots' is a required property"):
        fit({}, "command/list.schema.json")


def test_every_verb_has_a_schema() -> None:
    assert {path.name.removesuffix(".schema.json") for path in (SCHEMAS / "command").iterdir()} == {*VERBS, "error"}


@pytest.mark.parametrize("path", sorted(manifest_schemas()))
def test_the_schemas_of_the_manifest_are_current(path: str) -> None:
    assert json.loads((SCHEMAS / path).read_text()) == manifest_schemas()[path], "run `make schemas`"


@pytest.mark.parametrize("path", sorted(SCHEMAS.rglob("*.json")), ids=lambda path: path.name)
def test_every_schema_is_one_of_its_dialect_and_has_its_own_id(path: Path) -> None:
    schema = json.loads(path.read_text())

    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(str(path.relative_to(SCHEMAS)))
