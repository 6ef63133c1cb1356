"""What holds for every configuration: the check answers, changes nothing, names a place; what has no error works."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from django_snapshots.conf.configuration import Configuration, Project, configure
from django_snapshots.conf.report import setting_rows
from django_snapshots.conf.schema import Settings
from django_snapshots.conf.sources import read_sources
from django_snapshots.conf.variables import environment_lines
from tests.conf import generated, plugins
from tests.conf.wrong import DJANGO, LOCAL, PLUGINS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.conf.problems import Problem

IN_CI = os.environ.get("CI") == "true"
"""20,000 settings with an environment on CI, and more; on a laptop a taste of them."""

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
PLACES = ["environment", "environment", "env file", "secrets"]
OPT_IN = {"env file": "SNAPSHOTS_ENV_FILE", "secrets": "SNAPSHOTS_SECRETS_DIR"}
PLAIN = re.compile(r"[A-Za-z0-9_]+")

PLACE = re.compile(r"SNAPSHOTS(\[.+\])*( \(from .+\))?|SNAPSHOTS_.*|snapshots_.*|/.+", re.DOTALL)
DID_YOU_MEAN = re.compile(r"Did you mean '([^']*)'\?")


Test = TypeVar("Test", bound=Callable[..., None])


def examples(count: int) -> Callable[[Test], Test]:
    return settings(
        max_examples=count if IN_CI else count // 50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    foreign = {name: value for name, value in os.environ.items() if not name.upper().startswith("SNAPSHOTS_")}
    with mock.patch.dict(os.environ, {**foreign, **variables}, clear=True):
        yield


def configured(snapshots: Any, variables: dict[str, str], place: str = "environment") -> Configuration:
    project = Project(snapshots, {"default": "sqlite"}, Path("/srv/site"), Path("/srv/site/media"))
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, environment(put(variables, place, Path(folder))):
        return configure(project, read_sources())


def put(variables: dict[str, str], place: str, folder: Path) -> dict[str, str]:
    """Put the variables that can be there into an env file or a secrets directory; return those of the environment."""
    if place == "environment":
        return variables
    moved = {name: value for name, value in variables.items() if PLAIN.fullmatch(name) and name not in OPT_IN.values()}
    if place == "env file":
        lines = [f"{name}='{value}'\n" for name, value in moved.items() if not {*"'\\"} & {*value}]
        (folder / "file").write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    else:
        for name, value in moved.items():
            (folder / name).write_text(value, encoding="utf-8", errors="surrogateescape")
    there = str(folder / "file" if place == "env file" else folder)
    return {OPT_IN[place]: there, **{name: value for name, value in variables.items() if name not in moved}}


def fingerprint(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """Return what `value` is made of: containers by their content, everything else by identity."""
    if id(value) in seen or len(seen) > 50:
        return "again"
    inner = (*seen, id(value))
    if isinstance(value, dict):
        return id(value), [(id(key), fingerprint(item, inner)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return id(value), [fingerprint(item, inner) for item in value]
    return id(value)


@pytest.mark.timeout(1800)
@examples(18_500)
@given(snapshots=generated.settings, variables=generated.environments, place=st.sampled_from(PLACES))
def test_every_configuration_is_answered(snapshots: Any, variables: dict[str, str], place: str) -> None:
    before = fingerprint(snapshots)

    configuration = configured(snapshots, variables, place)

    note("\n".join(map(str, configuration.problems)))
    assert fingerprint(snapshots) == before
    assert all(PLACE.fullmatch(problem.place) for problem in configuration.problems)
    assert all(problem.message and problem.id.startswith("snapshots.") for problem in configuration.problems)
    assert [str(problem) for problem in configuration.problems] == sorted(map(str, configuration.problems))
    if not configuration.errors:
        assert configuration.settings is not None
        assert configuration.storage is not None
        assert (configuration.compression is None) == (configuration.tree["COMPRESSION"] is None)
        assert set(configuration.artifacts) == set(configuration.tree["ARTIFACTS"])
        assert set(configuration.connectors) == {"default"}


@examples(1_500)
@given(snapshots=generated.settings, variables=generated.environments)
def test_every_configuration_can_be_shown(snapshots: Any, variables: dict[str, str]) -> None:
    configuration = configured(snapshots, variables)

    rows, lines = setting_rows(configuration), environment_lines(configuration)

    assert {row.key.partition(".")[0] for row in rows} == set(Settings.model_fields)
    for line in [*map(str, configuration.problems), *map(str, rows), *lines]:
        line.encode()
    json.dumps([row.value for row in rows])


@examples(1_000)
@given(snapshots=generated.right_settings)
def test_what_is_right_has_no_problem_and_is_built(snapshots: dict[str, Any]) -> None:
    assume("timestamp" in str(snapshots.get("SNAPSHOT_NAME", "timestamp")) or callable(snapshots.get("SNAPSHOT_NAME")))

    configuration = configured(snapshots, {})

    assert configuration.problems == ()
    assert configuration.storage is not None


RIGHT_TREE: dict[str, Any] = {
    "STORAGE": {
        "BACKEND": DJANGO,
        "OPTIONS": {"storage": {"BACKEND": generated.FILES, "OPTIONS": {"location": "/srv", "base_url": "/s/"}}},
    },
    "COMPRESSION": {"BACKEND": "django_snapshots.codecs.Zstd", "OPTIONS": {"level": 3, "workers": 1}},
    "ARTIFACTS": {"search": {"BACKEND": f"{PLUGINS}.Artifact", "OPTIONS": {"folder": "x"}}},
    "DATABASE_CONNECTORS": {"default": {"BACKEND": f"{PLUGINS}.Connector", "OPTIONS": {"host": "h", "password": "p"}}},
    "DEFAULT_ARTIFACTS": ["database", "database/default", "media", "environment", "search"],
    "SNAPSHOT_NAME": "{timestamp_utc}",
}
RIGHT_VARIABLES = {
    "SNAPSHOTS_STORAGE__BACKEND": LOCAL,
    "SNAPSHOTS_STORAGE__OPTIONS__LOCATION": "/srv",
    "SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL": "3",
    "SNAPSHOTS_ALLOW_RESTORE": "true",
    "SNAPSHOTS_DEFAULT_ARTIFACTS": "media",
    "SNAPSHOTS_ARTIFACTS__SEARCH__OPTIONS__FOLDER": "x",
}


def misspell(word: str, data: st.DataObject) -> str:
    """Return `word` as a tired person types it: two letters changed over, one left out, one twice, the wrong case."""
    letters = [index for index, letter in enumerate(word) if letter.isalpha()]
    at = data.draw(st.sampled_from(letters))
    after = word[at + 1 : at + 2]
    return data.draw(
        st.sampled_from(
            [
                word[:at] + after + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + word[at].swapcase() + word[at + 1 :],
                word.swapcase(),
            ]
        )
    )


def places_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every key, and of every text that is a name."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from places_of(item, (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield (*path, index)


def replaced(value: Any, path: tuple[Any, ...], change: Any) -> Any:
    """Return a copy of `value` with its key or its list item at `path` changed."""
    if isinstance(value, list):
        return [change(item) if index == path[0] else item for index, item in enumerate(value)]
    if len(path) > 1:
        return {key: replaced(item, path[1:], change) if key == path[0] else item for key, item in value.items()}
    return {change(key) if key == path[0] else key: item for key, item in value.items()}


def meant(problem: Problem) -> str | None:
    found = DID_YOU_MEAN.search(problem.hint or "")
    return found[1] if found else None


def corrected(snapshots: Any, problem: Problem) -> Any:
    """Return the settings after the person who made the mistake did what the hint says."""
    word = meant(problem)
    if problem.id == "snapshots.E010":  # the text at the place is wrong, not the key
        return set_at(snapshots, problem.path, word)
    return replaced(snapshots, problem.path, lambda _: word)


def set_at(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    return {
        key: (set_at(item, path[1:], new) if path[1:] else new) if key == path[0] else item
        for key, item in value.items()
    }


@examples(4_000)
@given(data=st.data(), path=st.sampled_from(list(places_of(RIGHT_TREE))))
def test_a_misspelt_key_is_gone_when_the_hint_is_followed(data: st.DataObject, path: tuple[Any, ...]) -> None:
    wrong = replaced(RIGHT_TREE, path, lambda word: misspell(word, data))
    assume(wrong != RIGHT_TREE)
    problems = configured(wrong, {}).problems
    note("\n".join(map(str, problems)))
    hinted = [problem for problem in problems if meant(problem)]

    for problem in hinted:
        after = configured(corrected(wrong, problem), {}).problems
        assert (problem.id, problem.path) not in {(other.id, other.path) for other in after}


@examples(1_000)
@given(data=st.data(), path=st.sampled_from([path for path in places_of(RIGHT_TREE) if path[-1] == "BACKEND"]))
def test_a_misspelt_class_is_gone_when_the_hint_is_followed(data: st.DataObject, path: tuple[Any, ...]) -> None:
    right: Any = RIGHT_TREE
    for key in path:
        right = right[key]
    wrong = set_at(RIGHT_TREE, path, misspell(right, data))

    for problem in configured(wrong, {}).problems:
        if meant(problem):
            after = configured(corrected(wrong, problem), {}).problems
            assert (problem.id, problem.path) not in {(other.id, other.path) for other in after}


@examples(4_000)
@given(data=st.data(), name=st.sampled_from(sorted(RIGHT_VARIABLES)))
def test_a_misspelt_variable_is_told_and_gone_when_the_hint_is_followed(data: st.DataObject, name: str) -> None:
    start = len("SNAPSHOTS_")
    wrong_name = name[:start] + misspell(name[start:], data)
    assume(wrong_name.upper() != name)
    wrong = {**{key: value for key, value in RIGHT_VARIABLES.items() if key != name}, wrong_name: RIGHT_VARIABLES[name]}
    problems = configured(
        {"ARTIFACTS": {"search": plugins.Artifact()}} if "ARTIFACTS" not in name else RIGHT_TREE, wrong
    ).problems
    note("\n".join(map(str, problems)))

    told = [problem for problem in problems if problem.origin == wrong_name]
    assert told
    for problem in told:
        word = meant(problem)
        if word and word.startswith("SNAPSHOTS_"):
            right = {**{key: value for key, value in wrong.items() if key != wrong_name}, word: wrong[wrong_name]}
            after = configured(RIGHT_TREE, right).problems
            assert wrong_name not in {other.origin for other in after}
            assert not any(other.id == "snapshots.W001" for other in after)


@pytest.mark.parametrize("key", sorted(Settings.model_fields))
@pytest.mark.parametrize(
    "around",
    [
        lambda hostile: hostile,
        lambda hostile: [hostile, "/srv"],
        lambda hostile: ["/srv", hostile, hostile],
        lambda hostile: {"a": hostile},
        lambda hostile: {"KEEP": hostile, "MIN_KEEP": hostile},
        lambda hostile: {"BACKEND": hostile},
        lambda hostile: {"BACKEND": LOCAL, "OPTIONS": {"location": hostile}},
        lambda hostile: [{"BACKEND": LOCAL, "OPTIONS": {"location": hostile}}],
    ],
    ids=["it", "first", "last", "in a dict", "a rule", "the backend", "an option", "a replica"],
)
def test_an_object_whose_methods_raise_is_answered_at_every_place(key: str, around: Callable[[Any], Any]) -> None:
    configuration = configured({key: around(generated.Hostile())}, {})

    assert all(PLACE.fullmatch(problem.place) for problem in configuration.problems)
