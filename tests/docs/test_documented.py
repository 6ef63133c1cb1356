"""What a user can see is in the docs: errors, verbs and options, public names, the manifest's fields, promises."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import re

import pytest
from django.core.management import load_command_class

from django_snapshots import errors, signals
from django_snapshots.cli.parser import VERBS
from django_snapshots.errors import SnapshotError
from django_snapshots.manifest import ArtifactRecord, Manifest, format_manifest, parse_manifest
from tests.docs.pages import DOCS, ROOT, fences_of, section_of

PUBLIC_MODULES = (
    "django_snapshots",
    "django_snapshots.artifacts",
    "django_snapshots.codecs",
    "django_snapshots.conf",
    "django_snapshots.connectors",
    "django_snapshots.health_check",
    "django_snapshots.manifest",
    "django_snapshots.signals",
    "django_snapshots.signers",
    "django_snapshots.storage",
    "django_snapshots.tasks",
)
ERRORS = [getattr(errors, name) for name in errors.__all__]
PAGES = sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md") if "_build" not in path.parts)


def names_in(text: str) -> set[str]:
    """Return the words that stand in code style, blocks of code left out."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return {word for code in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\w+", code)}


def verb_parsers() -> dict[str, argparse.ArgumentParser]:
    parser = load_command_class("django_snapshots", "snapshots").create_parser("manage.py", "snapshots")
    subparsers = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(subparsers.choices)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_is_documented_with_its_attributes(error: type[SnapshotError]) -> None:
    text = section_of("reference/errors.md", f"`{error.__name__}`")
    attributes = re.findall(r"^ {4}(\w+): ", inspect.getdoc(error) or "", re.MULTILINE)

    assert set(attributes) <= names_in(text)


def test_the_tree_of_errors_is_the_real_one() -> None:
    tree = fences_of("reference/errors.md")[0].body

    def lines(error: type[SnapshotError], indent: str) -> list[str]:
        children = sorted(error.__subclasses__(), key=lambda child: tree.find(child.__name__))
        text = []
        for child in children:
            last = child is children[-1]
            text.append(f"{indent}{'└' if last else '├'}── {child.__name__}")
            text += lines(child, f"{indent}{' ' if last else '│'}   ")
        return text

    assert tree.splitlines() == ["SnapshotError", *lines(SnapshotError, "")]


def test_every_verb_has_a_parser() -> None:
    assert set(verb_parsers()) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_is_documented(verb: str) -> None:
    section = section_of("reference/command.md", f"`{verb}`")
    common = section_of("reference/command.md", "Options of every verb")
    for action in verb_parsers()[verb]._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        for option in action.option_strings:
            assert f"`{option}`" in section + common, f"{verb} {option}"
        if not action.option_strings:
            assert str(action.metavar) in section, f"{verb} {action.metavar}"


@pytest.mark.parametrize("verb", VERBS)
def test_no_option_is_documented_that_does_not_exist(verb: str) -> None:
    section = section_of("reference/command.md", f"`{verb}`")
    real = {option for action in verb_parsers()[verb]._actions for option in action.option_strings}

    assert set(re.findall(r"`(--[a-z-]+)`", section)) <= real


def test_every_exit_code_of_the_command_is_documented() -> None:
    text = section_of("reference/command.md", "Exit codes")
    session = ast.parse((ROOT / "django_snapshots/cli/session.py").read_text())
    codes = {
        ast.literal_eval(node.value)
        for node in session.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("EXIT_")
    }

    assert codes | {0} == {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_every_public_name_is_documented(module: str) -> None:
    page = (DOCS / "reference/python-api.md").read_text()
    names = set(importlib.import_module(module).__all__)

    assert names - names_in(page) == set()
    assert {name for name in names if not hasattr(importlib.import_module(module), name)} == set()


@pytest.mark.parametrize("signal", signals.__all__)
def test_every_signal_is_documented_with_its_arguments(signal: str) -> None:
    source = (ROOT / "django_snapshots/signals.py").read_text()
    (docstring,) = re.findall(rf'^{signal} = Signal\(\)\n"""(.*?)"""', source, re.MULTILINE | re.DOTALL)

    assert set(re.findall(r"`(\w+)`", docstring)) <= names_in(section_of("reference/signals.md", f"`{signal}`"))


@pytest.mark.parametrize("model", [Manifest, ArtifactRecord])
def test_every_field_of_the_manifest_is_documented(model: type[Manifest | ArtifactRecord]) -> None:
    heading = "Of the snapshot" if model is Manifest else "Of an artifact"

    assert set(model.model_fields) - names_in(section_of("reference/manifest.md", heading)) == set()


def test_the_manifest_of_the_page_is_one() -> None:
    text = next(fence.body for fence in fences_of("reference/manifest.md") if fence.language == "json")

    manifest = parse_manifest(text.encode())

    assert json.loads(format_manifest(manifest)) == json.loads(text)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_code_in_the_pages_is_code(page: str) -> None:
    for fence in fences_of(page):
        if fence.language == "python":
            ast.parse(fence.body)
        elif fence.language == "json":
            json.loads(fence.body)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_heading_stands_twice_in_a_page(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (DOCS / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ .*$", text, re.MULTILINE)

    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("number", range(1, 11))
def test_every_promise_names_tests_that_exist(number: int) -> None:
    page = (DOCS / "explanation/promises.md").read_text()
    promise = page.split(f"\n## {number}. ")[1].split("\n## ")[0]
    named = re.findall(r"^- `(tests/[\w/]+\.py)::(\w+)`$", promise, re.MULTILINE)

    assert named
    for path, test in named:
        assert f"def {test}(" in (ROOT / path).read_text(), f"{path}::{test}"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_is_named_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = re.sub(r"^```.*$", "", (ROOT / page).read_text(), flags=re.MULTILINE)
    code = re.findall(r"`([^`]+)`|^\$ (.+)$", text, re.MULTILINE)
    named = {target for pair in code for target in re.findall(r"\bmake ([a-z]+)", " ".join(pair))}

    assert named
    assert named <= targets
