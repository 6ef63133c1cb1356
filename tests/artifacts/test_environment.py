"""The environment artifact: what is recorded, how it is compared, and that nothing is ever installed."""

from __future__ import annotations

import importlib.metadata
import io
import json
import platform
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.artifacts import EnvironmentArtifact, StageableArtifact
from django_snapshots.artifacts._distributions import canonical_name, compare_requirements, installed
from django_snapshots.artifacts.environment import installed_distributions
from django_snapshots.errors import SnapshotArtifactError
from tests.fakes import make_manifest

if TYPE_CHECKING:
    from pathlib import Path


def dump() -> tuple[list[str], dict[str, Any]]:
    sink = io.BytesIO()
    facts = EnvironmentArtifact().dump(sink)
    return sink.getvalue().decode().splitlines(), facts


def install(site: Path, name: str, version: str, origin: dict[str, Any] | None = None, *, folder: str = "") -> None:
    """Lay down what an installer leaves of a distribution."""
    information = site / (folder or f"{name.replace('-', '_')}-{version}.dist-info")
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not-this\nVersion: 0\n"
    )
    if origin is not None:
        (information / "direct_url.json").write_text(json.dumps(origin))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An otherwise empty directory of installed distributions."""
    path = tmp_path / "site-packages"
    path.mkdir()
    monkeypatch.setattr(sys, "path", [str(path)])
    return path


def test_the_first_line_names_the_version_of_python() -> None:
    lines, facts = dump()

    assert lines[0] == f"# Python {platform.python_version()}"
    assert facts["python"] == platform.python_version()


def test_every_line_is_what_the_standard_library_says_is_installed() -> None:
    lines, facts = dump()

    expected = {canonical_name(each.metadata["Name"]): each.version for each in importlib.metadata.distributions()}
    recorded = [line for line in lines if not line.startswith("#")]
    assert [canonical_name(line.split("==")[0].split(" @ ")[0]) for line in recorded] == sorted(expected)
    assert facts["direct_references"] == [line for line in recorded if " @ " in line]
    assert all(line.endswith(f"=={expected[canonical_name(line.split('==')[0])]}") for line in recorded if "==" in line)


def test_pip_reads_the_stream_as_requirements(tmp_path: Path) -> None:
    lines, _ = dump()
    (tmp_path / "environment.txt").write_text("\n".join(line for line in lines if " @ " not in line))

    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps", "--quiet", "-r"]
    done = subprocess.run([*command, str(tmp_path / "environment.txt")], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_installed_distributions_are_name_and_version_sorted_without_case(site: Path) -> None:
    for name in ("zebra", "Django", "asgiref", "ruamel.yaml.clib", "Typing_Extensions"):
        install(site, name, "1.0")

    assert installed_distributions() == (
        "asgiref==1.0",
        "Django==1.0",
        "ruamel.yaml.clib==1.0",
        "Typing_Extensions==1.0",
        "zebra==1.0",
    )


def test_of_two_with_one_name_the_one_that_python_imports_is_recorded(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "zope-interface", "2.0")
    install(tmp_path / "later", "zope.interface", "1.0")
    monkeypatch.setattr(sys, "path", [str(site), str(tmp_path / "later")])

    assert installed_distributions() == ("zope-interface==2.0",)


def test_what_an_interrupted_installation_left_is_not_recorded(site: Path) -> None:
    install(site, "whole", "1.0")
    (site / "~alf-1.0.dist-info").mkdir()
    (site / "empty-1.0.dist-info").mkdir()
    (site / "empty-1.0.dist-info" / "METADATA").touch()

    assert installed_distributions() == ("whole==1.0",)


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        ({"url": "file:///srv/app", "dir_info": {"editable": True}}, "app @ file:///srv/app"),
        (
            {"url": "https://git.example/app.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "app @ git+https://git.example/app.git@c0ffee",
        ),
        (
            {
                "url": "ssh://git@git.example/app",
                "vcs_info": {"vcs": "git", "commit_id": "c0ffee"},
                "subdirectory": "a",
            },
            "app @ git+ssh://git@git.example/app@c0ffee#subdirectory=a",
        ),
        (
            {"url": "https://x.example/app.whl", "archive_info": {"hashes": {"sha256": "ab12"}}},
            "app @ https://x.example/app.whl#sha256=ab12",
        ),
        ({"url": "https://${USER}:${TOKEN}@x.example/a.zip"}, "app @ https://${USER}:${TOKEN}@x.example/a.zip"),
        ({"url": "https://x.example/a b"}, "app==1.0"),
        ({"url": 3}, "app==1.0"),
        ({}, "app==1.0"),
    ],
)
def test_what_did_not_come_from_an_index_is_recorded_with_its_origin(
    site: Path, origin: dict[str, Any], requirement: str
) -> None:
    install(site, "app", "1.0", origin)

    assert [one.requirement for one in installed()] == [requirement]
    assert installed_distributions() == ("app==1.0",)
    assert dump()[1]["direct_references"] == ([requirement] if " @ " in requirement else [])


@pytest.mark.parametrize("user", ["someone:hunter2", "hunter2", "git:hunter2", "x-access-token:hunter2"])
def test_a_password_in_the_origin_is_never_recorded(site: Path, user: str) -> None:
    install(site, "app", "1.0", {"url": f"https://{user}@git.example/a", "vcs_info": {"vcs": "git", "commit_id": "c0"}})

    lines, facts = dump()

    assert lines[-1] == "app @ git+https://git.example/a@c0"
    assert "hunter2" not in json.dumps(facts)


def test_an_origin_that_is_no_json_is_left_out(site: Path) -> None:
    install(site, "app", "1.0")
    (site / "app-1.0.dist-info" / "direct_url.json").write_text("{cut short")

    assert [one.requirement for one in installed()] == ["app==1.0"]


def test_the_differences_are_missing_extra_and_changed() -> None:
    differences = compare_requirements(
        ["Django==5.2", "same==1", "gone==1", "Moved @ file:///a"],
        ["django==6.0", "same==1", "new-one==2", "moved==1.0"],
    )

    assert differences == {
        "missing": ["gone==1"],
        "extra": ["new-one==2"],
        "changed": [
            {"name": "django", "snapshot": "Django==5.2", "here": "django==6.0"},
            {"name": "moved", "snapshot": "Moved @ file:///a", "here": "moved==1.0"},
        ],
    }


def test_the_plan_says_that_nothing_is_changed() -> None:
    assert EnvironmentArtifact().plan({}) == {"target": "the environment is compared, never changed"}


def test_what_differs_is_told_by_the_packages_of_the_manifest(site: Path) -> None:
    install(site, "app", "2.0")

    assert EnvironmentArtifact().compare(make_manifest(packages=("app==1.0", "gone==3")), {}) == {
        "missing": ["gone==3"],
        "extra": [],
        "changed": [{"name": "app", "snapshot": "app==1.0", "here": "app==2.0"}],
    }


def test_another_commit_of_the_same_version_is_a_difference(site: Path) -> None:
    install(site, "app", "1.0", {"url": "https://git.example/app", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}})

    found = EnvironmentArtifact().compare(
        make_manifest(packages=("app==1.0",)), {"direct_references": ["app @ git+https://git.example/app@decade"]}
    )

    assert found["changed"] == [
        {
            "name": "app",
            "snapshot": "app @ git+https://git.example/app@decade",
            "here": "app @ git+https://git.example/app@c0ffee",
        }
    ]


def test_the_environment_it_was_made_in_has_no_differences() -> None:
    _, facts = dump()

    found = EnvironmentArtifact().compare(make_manifest(packages=installed_distributions()), facts)

    assert found == {"missing": [], "extra": [], "changed": []}


@pytest.mark.parametrize("facts", [{"direct_references": "app"}, {"direct_references": [None, 3]}])
def test_facts_that_nobody_here_wrote_are_no_reason_to_fail(site: Path, facts: dict[str, Any]) -> None:
    install(site, "app", "1.0")

    assert EnvironmentArtifact().compare(make_manifest(packages=("app==1.0",)), facts)["changed"] == []


def test_restoring_checks_the_stream_and_changes_nothing(site: Path) -> None:
    install(site, "app", "2.0")
    before = sorted(path.name for path in site.rglob("*"))
    artifact = EnvironmentArtifact()
    source = io.BytesIO(b"# Python 3.11.7\n\napp==1.0\nother @ file:///srv/other\n")

    artifact.restore(source, {})

    assert isinstance(artifact, StageableArtifact)
    assert source.read(1) == b""
    assert sorted(path.name for path in site.rglob("*")) == before


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"app==1.0\n--index-url https://evil.example\n", "line 2 is '--index-url https://evil.example'"),
        (b"\xff\xfe", "codec can't decode"),
        (b"app==1.0\n" * 2_000_000, "it is larger than 16777216 bytes"),
    ],
)
def test_a_stream_that_is_no_list_of_requirements_is_refused(stream: bytes, reason: str) -> None:
    with pytest.raises(SnapshotArtifactError, match="is no list of requirements") as caught:
        EnvironmentArtifact().stage(io.BytesIO(stream), {})

    assert reason in str(caught.value)
    assert str(caught.value).endswith("Restore without it.")
    assert caught.value.artifact == "environment"
