"""Every id of a check, every key and every variable is documented, and what the pages show is what happens."""

from __future__ import annotations

import re
from typing import Any

import pytest

from django_snapshots.conf import get_settings, load
from django_snapshots.conf.loading import load_deploy_problems
from django_snapshots.conf.schema import Settings
from tests.conf.checking import project
from tests.docs.pages import DOCS, ROOT, Fence, fences_of, section_of

CHECKS = "reference/checks.md"
SETTINGS = "reference/settings.md"
HOW_TO = "how-to/configure-by-environment.md"
ID = re.compile(r"\b[EW]0\d\d\b")
IDS = sorted(
    {code for path in (ROOT / "django_snapshots").rglob("*.py") for code in ID.findall(path.read_text("utf-8"))}
)
EXAMPLES = [fence for fence in fences_of(CHECKS) if fence.language == "text"]


def settings_of(fence: Fence) -> dict[str, Any]:
    names: dict[str, Any] = {"SNAPSHOTS": {}}
    exec(fence.body, names)
    return {name: value for name, value in names.items() if name.isupper()}


def assignments_of(fence: Fence) -> dict[str, str]:
    return dict(line.split("=", 1) for line in fence.body.splitlines() if line)


def test_there_are_ids() -> None:
    assert {"E000", "E020", "W001", "W009"} <= set(IDS)


@pytest.mark.parametrize("code", IDS)
def test_every_id_has_a_section(code: str) -> None:
    assert f"\n## `snapshots.{code}`\n" in (DOCS / CHECKS).read_text("utf-8")


@pytest.mark.parametrize("code", IDS)
def test_every_id_has_a_test(code: str) -> None:
    others = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "test_documented.py"]

    assert any(re.search(rf"\b{code}\b", path.read_text("utf-8")) for path in others)


def test_no_section_is_about_an_id_that_does_not_exist() -> None:
    sections = re.findall(r"^## `snapshots\.(\w+)`$", (DOCS / CHECKS).read_text("utf-8"), re.MULTILINE)

    assert sections == [code for code in sorted(sections, key=lambda code: (code[0] == "W", code)) if code in IDS]


@pytest.mark.parametrize("fence", EXAMPLES, ids=lambda fence: fence.heading)
def test_the_example_of_an_id_says_what_the_page_says(fence: Fence) -> None:
    same_section = [other for other in fences_of(CHECKS) if other.heading == fence.heading]
    settings = {k: v for other in same_section if other.language == "python" for k, v in settings_of(other).items()}
    environ = {k: v for other in same_section if other.language == "sh" for k, v in assignments_of(other).items()}

    with project(settings.pop("SNAPSHOTS", {}), environ, **settings):
        problems = [*load().problems, *load_deploy_problems()]

    code = fence.heading.strip("`").removeprefix("snapshots.")
    said = [str(problem).replace("\n\t", "\n        ") for problem in problems if problem.id.endswith(code)]
    assert "\n".join(said) + "\n" == fence.body


@pytest.mark.parametrize("key", Settings.model_fields)
def test_every_key_has_a_section_with_its_default_and_its_variable(key: str) -> None:
    section = section_of(SETTINGS, f"`{key}`")

    assert "Default: " in section
    assert f"`SNAPSHOTS_{key}" in section


def test_the_page_of_settings_shows_the_defaults() -> None:
    shown = settings_of(fences_of(SETTINGS)[0])["SNAPSHOTS"]
    defaults = Settings.model_validate({}).model_dump(mode="json")

    assert {**shown, "STORAGE": None} == {**defaults, "STORAGE": None}
    assert shown["STORAGE"]["BACKEND"] == defaults["STORAGE"]["BACKEND"]


@pytest.mark.parametrize(
    "fence", [f for f in fences_of(SETTINGS) if "SNAPSHOTS" in f.body and f.language == "python"], ids=lambda f: f.place
)
def test_the_settings_of_the_page_are_right(fence: Fence) -> None:
    settings = settings_of(fence)

    with project(settings["SNAPSHOTS"]):
        assert get_settings().problems == ()


def test_variables_of_the_page_of_settings_are_accepted() -> None:
    names = set(re.findall(r"SNAPSHOTS_[A-Z_]+[A-Z]", (DOCS / SETTINGS).read_text("utf-8")))

    with project({}, dict.fromkeys(names, "1")):
        told = {problem.origin for problem in load().problems if problem.id in {"snapshots.W001", "snapshots.E003"}}

    assert len(names) > len(Settings.model_fields) - 1
    assert told <= {"SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT__OPTIONS"}


ROWS = re.findall(r"^\| [\w ]+ \| `(SNAPSHOTS_\w+)=(.*)` \|$", (DOCS / HOW_TO).read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("name", "value"), ROWS, ids=[name for name, _ in ROWS])
def test_an_assignment_of_the_how_to_is_right(name: str, value: str) -> None:
    inner = {"BACKEND": "storages.backends.s3.S3Storage"}
    django = {"STORAGE": {"BACKEND": "django_snapshots.storage.DjangoStorageBackend", "OPTIONS": {"storage": inner}}}

    with project(django if "STORAGE__OPTIONS__STORAGE" in name else {}, {name: value}):
        assert get_settings().problems == ()


def test_the_containers_of_the_how_to_are_configured_rightly(tmp_path: Any) -> None:
    (compose,) = [fence.body for fence in fences_of(HOW_TO) if fence.language == "yaml"]
    environ = dict(re.findall(r"^ +(SNAPSHOTS_\w+): (.+)$", compose, re.MULTILINE))
    assert len(environ) == 3
    environ["SNAPSHOTS_SECRETS_DIR"] = str(tmp_path)

    with project({}, environ):
        assert get_settings().problems == ()


def test_the_precedence_of_the_how_to_is_that_of_the_code(tmp_path: Any) -> None:
    table = re.findall(r"^\| (\d) \| (.*?) \|", (DOCS / HOW_TO).read_text("utf-8"), re.MULTILINE)
    (tmp_path / "a.env").write_text("SNAPSHOTS_METADATA__B=file\nSNAPSHOTS_METADATA__A=file\n")
    for name in "ABC":
        (tmp_path / f"SNAPSHOTS_METADATA__{name}").write_text("secret")
    environ = {
        "SNAPSHOTS_METADATA__A": "variable",
        "SNAPSHOTS_ENV_FILE": str(tmp_path / "a.env"),
        "SNAPSHOTS_SECRETS_DIR": str(tmp_path),
    }

    with project({"METADATA": dict.fromkeys("ABCD", "settings")}, environ):
        settings = get_settings().settings

    assert settings is not None
    assert settings.METADATA == {"A": "variable", "B": "file", "C": "secret", "D": "settings"}
    assert [source.split()[-1] for _, source in table] == ["variables", "file", "each", "`settings.py`", "defaults"]
