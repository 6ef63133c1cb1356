"""Strategies for settings and environments: right ones, wrong ones, and what nobody would write."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import os
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.utils.translation import gettext_lazy
from hypothesis import strategies as st

from django_snapshots.codecs import Gzip
from django_snapshots.conf.schema import Settings
from django_snapshots.storage import DjangoStorageBackend, LocalFileSystemBackend
from tests.conf import plugins
from tests.conf.right import RECIPIENT
from tests.conf.wrong import DJANGO, LOCAL, PLUGINS

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = "django.core.files.storage.FileSystemStorage"
CLASSES = [
    *(LOCAL, DJANGO, FILES, "django_snapshots.codecs.Zstd", "django_snapshots.codecs.Gzip"),
    *(
        f"{PLUGINS}.{name}"
        for name in ("MemoryStorage", "StreamingStorage", "Typed", "Required", "Keywords", "OddNames")
    ),
    *(f"{PLUGINS}.{name}" for name in ("Raising", "Unprintable", "Abstract", "Contract", "NotAStorage", "Judged")),
    *(
        f"{PLUGINS}.{name}"
        for name in ("CheckRaises", "CheckReturnsText", "Codec", "Connector", "Artifact", "function")
    ),
    *(
        "tests.conf.needs_missing.Storage",
        "tests.conf.raises_on_import.Storage",
        "nowhere.Storage",
        "os.environ",
        "",
        "x",
    ),
]
OPTION_NAMES = [
    "location",
    "storage",
    "level",
    "every",
    "names",
    "table",
    "bucket",
    "region",
    "password",
    "model_config",
    "_x",
]


class Hostile:
    """An object whose every method raises."""

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise RuntimeError("bool")

    def __str__(self) -> str:
        raise RuntimeError("str")

    def __len__(self) -> int:
        raise RuntimeError("len")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("getattr")


def _cycle() -> dict[str, Any]:
    inside: dict[str, Any] = {}
    inside["again"] = [inside, inside]
    inside["and again"] = inside
    return inside


def _deep() -> dict[str, Any]:
    inside: dict[str, Any] = {}
    for _ in range(3000):
        inside = {"d": inside}
    return inside


LIVE: list[Callable[[], Any]] = [
    *(plugins.MemoryStorage, plugins.StreamingStorage, plugins.NoWrite, plugins.AsyncRead, plugins.NumberForMethod),
    *(plugins.TooManyArguments, plugins.PropertyThatRaises, plugins.Codec, plugins.Connector, plugins.Artifact, Gzip),
    *(FileSystemStorage, InMemoryStorage, object, Hostile, collections.Counter, dt.datetime.now, _cycle, _deep),
    lambda: LocalFileSystemBackend("/srv"),
    lambda: DjangoStorageBackend("default"),
]
live = st.sampled_from(LIVE).map(lambda make: make())
odd = st.sampled_from(
    [
        *(
            plugins.MemoryStorage,
            plugins.nightly,
            plugins.takes_nothing,
            plugins.asynchronous,
            len,
            str,
            os,
            os.environ,
        ),
        *(Path("/srv"), Path("x"), decimal.Decimal(3), dt.timedelta(days=1), gettext_lazy("x"), b"x", 3 + 4j, ...),
        *(frozenset({1}), types.MappingProxyType({"BACKEND": LOCAL}), range(3), NotImplemented, float("nan")),
    ]
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-2, 30), st.floats(), st.text(max_size=4), odd, live)
keys = st.one_of(
    st.sampled_from(["BACKEND", "OPTIONS", "a", "b.c", "password"]), st.text(max_size=3), st.integers(0, 3), st.none()
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3), st.tuples(inner, inner)
    ),
    max_leaves=6,
)
text = st.sampled_from(
    ["/srv", "x", "a,b", "3", "P30D", "null", "", "{}", '{"a": 1}', '["a"]', "{", "s3://u:p@h/b", "default"]
)
option_values = st.one_of(text, st.integers(0, 25), st.lists(text, max_size=2), anything)


def spec() -> st.SearchStrategy[dict[str, Any]]:
    classes = st.sampled_from(CLASSES)
    options = st.dictionaries(st.one_of(st.sampled_from(OPTION_NAMES), st.text(max_size=3)), option_values, max_size=3)
    nested = st.fixed_dictionaries({"BACKEND": classes}, optional={"OPTIONS": options})
    with_nested = st.fixed_dictionaries({"storage": st.one_of(nested, option_values)})
    return st.fixed_dictionaries(
        {},
        optional={"BACKEND": classes, "OPTIONS": st.one_of(options, with_nested, anything), "LOCATION": text},
    )


def right_spec(backend: str, **options: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"BACKEND": st.just(backend), "OPTIONS": st.fixed_dictionaries(options)})


folders = st.sampled_from(["/srv", "/srv/a b", Path("/srv")])
right_storages = st.one_of(
    right_spec(LOCAL, location=folders),
    right_spec(DJANGO, storage=st.just("default")),
    right_spec(DJANGO, storage=right_spec(FILES, location=folders)),
    right_spec(f"{PLUGINS}.Typed", level=st.integers(), names=st.lists(st.text(max_size=3), max_size=2)),
    st.builds(plugins.StreamingStorage),
    st.builds(LocalFileSystemBackend, folders),
)
json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=4)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
)
right_values: dict[str, st.SearchStrategy[Any]] = {
    "STORAGE": right_storages,
    "SNAPSHOT_FORMAT": st.just("directory"),
    "SNAPSHOT_NAME": st.sampled_from(["{timestamp_utc}", "n-{timestamp_utc}", plugins.nightly]),
    "DEFAULT_ARTIFACTS": st.lists(
        st.sampled_from(["database", "database/default", "media", "environment"]), min_size=1, unique=True
    ),
    "ARTIFACTS": st.dictionaries(
        st.sampled_from(["search", "mail"]), right_spec(f"{PLUGINS}.Artifact", folder=st.text(max_size=3)), max_size=2
    ),
    "DATABASE_CONNECTORS": st.fixed_dictionaries(
        {}, optional={"default": st.sampled_from(["auto", "dumpdata", f"{PLUGINS}.Connector"])}
    ),
    "COMPRESSION": st.one_of(st.none(), right_spec("django_snapshots.codecs.Zstd", level=st.integers(1, 19))),
    "ENCRYPTION": st.one_of(st.none(), right_spec("django_snapshots.codecs.Age", recipients=st.just([RECIPIENT]))),
    "SIGNING": st.one_of(st.none(), right_spec("django_snapshots.signers.HMAC", key_env=st.just("PATH"))),
    "PRUNE": st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {"KEEP": st.integers(1, 9)},
            optional={"KEEP_WITHIN": st.sampled_from(["P30D", "2 weeks"]), "MAX_SIZE": st.just("9GB")},
        ),
    ),
    "REPLICAS": st.lists(right_spec(f"{PLUGINS}.Typed", level=st.integers()), max_size=1),
    "METADATA": st.dictionaries(st.text(max_size=4), json_values, max_size=3),
    "ALLOW_RESTORE": st.booleans(),
    "JOBS": st.one_of(st.none(), st.integers(1, 9)),
    "HEALTH": st.fixed_dictionaries(
        {}, optional={"AGE_WARNING": st.sampled_from(["1 day", "PT2H", None]), "SIZE_FACTOR": st.floats(1.5, 9)}
    ),
    "NOTIFY": st.one_of(st.none(), st.lists(st.sampled_from(["ops@example.com", "Bea <b@example.com>"]), max_size=2)),
}
wrong_values: dict[str, st.SearchStrategy[Any]] = {
    "STORAGE": st.one_of(spec(), live, anything),
    "COMPRESSION": st.one_of(spec(), live, anything),
    "ENCRYPTION": st.one_of(spec(), live, anything),
    "SIGNING": st.one_of(spec(), live, anything),
    "ARTIFACTS": st.one_of(
        st.dictionaries(st.one_of(st.sampled_from(["search", "media"]), keys), spec(), max_size=2), anything
    ),
    "DATABASE_CONNECTORS": st.one_of(
        st.dictionaries(st.sampled_from(["default", "other"]), st.one_of(st.sampled_from(CLASSES), spec(), live)),
        anything,
    ),
    "PRUNE": st.one_of(
        st.dictionaries(st.sampled_from(["KEEP", "KEEP_WITHIN", "MAX_SIZE", "MIN_KEEP", "KEPE"]), anything, max_size=3),
        anything,
    ),
    "REPLICAS": st.one_of(st.lists(st.one_of(spec(), live, anything), max_size=2), anything),
    "SNAPSHOT_NAME": st.one_of(st.text(alphabet="{}a:!/timestamp_utc", max_size=20), anything),
    "DEFAULT_ARTIFACTS": st.one_of(st.lists(st.one_of(text, anything), max_size=3), anything),
}
right_settings = st.fixed_dictionaries({}, optional=right_values)
settings = st.one_of(
    right_settings,
    st.fixed_dictionaries({}, optional={key: wrong_values.get(key, anything) for key in Settings.model_fields}),
    st.builds(
        lambda base, other: {**base, **other},
        right_settings,
        st.dictionaries(st.one_of(keys, st.text(max_size=8)), anything, max_size=2),
    ),
    anything,
)

parts = st.one_of(
    st.sampled_from(
        [
            *(
                "BACKEND",
                "OPTIONS",
                "LOCATION",
                "STORAGE",
                "LEVEL",
                "NAMES",
                "TABLE",
                "DEFAULT",
                "SEARCH",
                "A",
                "",
                "_X",
            ),
            *("KEEP", "KEEP_WITHIN", "0", "1"),
        ]
    ),
    st.text(alphabet="ABCabcé_\udcff", min_size=1, max_size=4),
)
names = st.one_of(
    st.builds(
        lambda key, rest: "__".join([f"SNAPSHOTS_{key}", *rest]),
        st.sampled_from([*Settings.model_fields, "STORGAE", "PORT", "ENV_FILE", "SECRETS_DIR", ""]),
        st.lists(parts, max_size=4),
    ),
    st.sampled_from(["snapshots_allow_restore", "SNAPSHOTS_STORAGE_BACKEND", "snapshots_storage__options__location"]),
)
variable_values = st.one_of(
    text,
    st.sampled_from(
        [*CLASSES, '{"BACKEND": "x.Y"}', f'{{"BACKEND": "{LOCAL}", "OPTIONS": {{"location": "/x"}}}}', "true", "\udcff"]
    ),
    st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6),
)
environments = st.dictionaries(names.filter(lambda name: "\0" not in name), variable_values, max_size=4)
