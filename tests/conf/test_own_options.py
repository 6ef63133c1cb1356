"""Every option of our own classes is validated by its annotation, and no value of any makes their check fail."""

from __future__ import annotations

import datetime as dt
import decimal
import inspect
from pathlib import Path
from typing import Any, get_args

import pytest

from django_snapshots import artifacts, codecs, connectors, signers, storage
from django_snapshots.conf import load
from django_snapshots.conf.loading import load_deploy_problems
from django_snapshots.conf.options import _hints, parameter_names
from tests.conf.checking import project

SECTIONS = [
    ("STORAGE", storage, lambda spec: spec),
    ("REPLICAS", storage, lambda spec: [spec]),
    ("COMPRESSION", codecs, lambda spec: spec),
    ("ENCRYPTION", codecs, lambda spec: spec),
    ("SIGNING", signers, lambda spec: spec),
    ("DATABASE_CONNECTORS", connectors, lambda spec: {"default": spec}),
    ("ARTIFACTS", artifacts, lambda spec: {"uploads": spec}),
]
OWN = [
    (section, wrap, f"{module.__name__}.{name}", cls)
    for section, module, wrap in SECTIONS
    for name in module.__all__
    if isinstance(cls := getattr(module, name), type) and not getattr(cls, "_is_protocol", False)
]
RIGHT = {"location": "/srv/snapshots", "url": "s3://bucket/folder", "storage": "default", "alias": "default"}
OPEN = {"DjangoStorageBackend.storage", "FsspecBackend.storage_options"}
"""Of any type: a storage, and what another package takes. What a database's artifact is given comes from us."""

VALUES: list[Any] = [
    *("", "x", "/srv", "\0", "\udcff", "~nobody/x", "a" * 5000, b"x", "age1x"),
    *("s3://u:p@h/b", "gs://", "://", "memory://"),
    *(0, -1, 3, 10**30, 1.5, float("nan"), float("inf"), decimal.Decimal(1), None, True, dt.timedelta(1), Path("/srv")),
    *([], ["a"], [1], [None], ("a", "b"), {"a": 1}, {1: 2}, {"a"}, object(), print),
    {"BACKEND": "x"},
    {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": b"x"}},
]  # fmt: skip


def required(cls: type) -> dict[str, Any]:
    parameters = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
    return {one.name: RIGHT[one.name] for one in parameters if one.default is one.empty and one.name in RIGHT}


@pytest.mark.parametrize(("section", "wrap", "path", "cls"), OWN, ids=[f"{row[0]}-{row[3].__name__}" for row in OWN])
def test_no_value_of_an_option_is_taken_for_a_mistake_of_ours(section: str, wrap: Any, path: str, cls: type) -> None:
    for option in parameter_names(cls):
        for value in VALUES:
            spec = {"BACKEND": path, "OPTIONS": {**required(cls), option: value}}
            with project({section: wrap(spec)}):
                found = [*load().problems, *load_deploy_problems()]

            assert "snapshots.E000" not in {problem.id for problem in found}, f"{option}={value!r:.60}: {found}"


@pytest.mark.parametrize("cls", dict.fromkeys(row[3] for row in OWN), ids=lambda cls: cls.__name__)
def test_every_option_has_an_annotation_that_can_be_read(cls: type) -> None:
    unread = {name for name, hint in _hints(cls).items() if hint is Any or Any in get_args(hint)}

    assert cls is artifacts.DatabaseArtifact or {f"{cls.__name__}.{name}" for name in unread} <= OPEN
