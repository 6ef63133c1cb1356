"""Right configurations: none is complained about, and each is what its writer meant."""

from __future__ import annotations

import collections
import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.storage import FileSystemStorage, InMemoryStorage

from django_snapshots.codecs import Gzip
from django_snapshots.storage import DjangoStorageBackend, LocalFileSystemBackend
from tests.conf import plugins
from tests.conf.checking import MISSING
from tests.conf.wrong import DJANGO, LOCAL, PLUGINS, storage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django_snapshots.conf.configuration import Configuration

FILES = "django.core.files.storage.FileSystemStorage"
ZSTD = "django_snapshots.codecs.Zstd"
AGE = "django_snapshots.codecs.Age"
RECIPIENT = "age196k68r45yeqs05rs2mguwj6hgff7d92azh57w5407vfr950ahfpqmj33wg"
IDENTITY = "AGE-SECRET-KEY-1QJAJH3Y6KFGZ0NXGE9DWDKM4FYAGK9ZEKMZRS5SU9CFW2FJC7XZSFLZX23"


@dataclass(frozen=True)
class Right:
    """One right configuration, and a look at what came of it.

    Attributes:
        name: What somebody did.
        snapshots: Returns SNAPSHOTS, made anew for each test.
        look: Reads something off the configuration.
        sees: What it must read.
        environ: Variables; "{tmp}" in a value is the folder of `files`.
        files: Contents by name.
        settings: Other settings.
    """

    name: str
    snapshots: Callable[[], Any]
    look: Callable[[Configuration], Any]
    sees: Any
    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def location(configuration: Configuration) -> Any:
    return configuration.storage.location


def option(name: str) -> Callable[[Configuration], Any]:
    """Return a look at one option that the storage was called with, and its type."""

    def look(configuration: Configuration) -> Any:
        value = configuration.storage.options[name]
        return type(value), value

    return look


def setting(name: str) -> Callable[[Configuration], Any]:
    return lambda configuration: getattr(configuration.settings, name)


def typed(**options: Any) -> dict[str, Any]:
    return storage(PLUGINS + ".Typed", **options)


def typed_by(**variables: str) -> dict[str, str]:
    return {f"SNAPSHOTS_STORAGE__OPTIONS__{name.upper()}": value for name, value in variables.items()}


ZIPPED = collections.OrderedDict(COMPRESSION=collections.OrderedDict(BACKEND="django_snapshots.codecs.Gzip"))

RIGHT_SETTINGS = [
    Right(
        "no SNAPSHOTS at all", lambda: MISSING, location, Path("/srv/app/snapshots"), settings={"BASE_DIR": "/srv/app"}
    ),
    Right("an empty dict", dict, setting("SNAPSHOT_FORMAT"), "directory"),
    Right(
        "settings of others whose names resemble ours",
        dict,
        setting("SNAPSHOT_FORMAT"),
        "directory",
        settings={
            "SNAPSHOT": True,
            "DJANGO_SNAPSHOTS": "1.0",
            "SNAPSHOT_DIR": "/srv",
            "SNAPSHOTTER": {},
            "SNAPSHOTSIZE": 3,
            "MY_SNAPSHOTS": {"STORAGE": 1},
            "DJANGO_SNAPSHOTS_X": {},
            "SNAPSHOT_STORAGE": {},
        },
    ),
    Right("local storage, text", lambda: storage(location="/srv"), location, "/srv"),
    Right("local storage, a Path", lambda: storage(location=Path("/srv")), location, Path("/srv")),
    Right("local storage, live", lambda: {"STORAGE": LocalFileSystemBackend("/srv")}, location, "/srv"),
    Right(
        "a Django storage by alias", lambda: storage(DJANGO, storage="default"), lambda c: c.storage.storage, "default"
    ),
    Right(
        "a Django storage by alias, live",
        lambda: {"STORAGE": DjangoStorageBackend("default")},
        lambda c: c.storage.storage,
        "default",
    ),
    Right(
        "a Django storage by dict",
        lambda: storage(DJANGO, storage={"BACKEND": FILES, "OPTIONS": {"location": "/srv"}}),
        lambda c: c.storage.exists("nothing"),
        False,
    ),
    Right(
        "a live Django storage inside",
        lambda: storage(DJANGO, storage=FileSystemStorage("/srv")),
        lambda c: type(c.storage.storage),
        FileSystemStorage,
    ),
    Right(
        "all live",
        lambda: {"STORAGE": DjangoStorageBackend(InMemoryStorage())},
        lambda c: type(c.storage.storage),
        InMemoryStorage,
    ),
    Right(
        "a class of five methods",
        lambda: storage(PLUGINS + ".MemoryStorage"),
        lambda c: type(c.storage),
        plugins.MemoryStorage,
    ),
    Right("an object of five methods", lambda: {"STORAGE": plugins.MemoryStorage()}, lambda c: c.storage.objects, {}),
    Right(
        "archive on the advanced tier",
        lambda: {"SNAPSHOT_FORMAT": "archive", **storage(location="/srv")},
        setting("SNAPSHOT_FORMAT"),
        "archive",
    ),
    Right(
        "archive on an object of ten methods",
        lambda: {"SNAPSHOT_FORMAT": "archive", "STORAGE": plugins.StreamingStorage()},
        setting("SNAPSHOT_FORMAT"),
        "archive",
    ),
    Right(
        "options named like the machinery's",
        lambda: storage(PLUGINS + ".OddNames", model_config=1, _x=2, args=3, kwargs=4, cls=5),
        lambda c: c.storage.options,
        {"model_config": 1, "_x": 2, "args": 3, "kwargs": 4, "cls": 5},
    ),
    Right(
        "options of a deconstructible class",
        lambda: storage(PLUGINS + ".Deconstructible", bucket="b"),
        lambda c: c.storage.options,
        {"bucket": "b"},
    ),
    Right(
        "a class that takes anything",
        lambda: storage(PLUGINS + ".Keywords", bucket_name="b"),
        lambda c: c.storage.options,
        {"bucket_name": "b"},
    ),
    Right("text for a Path is passed as written", lambda: typed(folder="/x"), option("folder"), (str, "/x")),
    Right("None for a default of None", lambda: typed(exotic=None), option("exotic"), (type(None), None)),
    Right("anything for a type nobody can import", lambda: typed(exotic={1}), option("exotic"), (set, {1})),
    Right("a tuple for a list", lambda: typed(names=("a", "b")), option("names"), (tuple, ("a", "b"))),
    Right("text for a secret", lambda: typed(key="hunter2"), option("key"), (str, "hunter2")),
    Right(
        "a template with both placeholders",
        lambda: {"SNAPSHOT_NAME": "{hostname}-{timestamp_utc}"},
        setting("SNAPSHOT_NAME"),
        "{hostname}-{timestamp_utc}",
    ),
    Right(
        "a name by a callable",
        lambda: {"SNAPSHOT_NAME": plugins.nightly},
        lambda c: c.snapshot_name(dt.datetime(2026, 11, 22, tzinfo=dt.UTC)),
        "nightly-20261122",
    ),
    Right(
        "a name by a lambda",
        lambda: {"SNAPSHOT_NAME": lambda created_at: f"y{created_at.year}"},
        lambda c: c.snapshot_name(dt.datetime(2026, 11, 22, tzinfo=dt.UTC)),
        "y2026",
    ),
    Right("artifacts as a tuple", lambda: {"DEFAULT_ARTIFACTS": ("media",)}, setting("DEFAULT_ARTIFACTS"), ("media",)),
    Right(
        "one database by its alias",
        lambda: {"DEFAULT_ARTIFACTS": ["database/default"]},
        setting("DEFAULT_ARTIFACTS"),
        ("database/default",),
    ),
    Right(
        "an artifact of the project",
        lambda: {"ARTIFACTS": {"search": {"BACKEND": PLUGINS + ".Artifact"}}, "DEFAULT_ARTIFACTS": ["search"]},
        lambda c: list(c.artifacts),
        ["search"],
    ),
    Right(
        "no media without MEDIA_ROOT",
        dict,
        setting("DEFAULT_ARTIFACTS"),
        ("database", "environment"),
        settings={"MEDIA_ROOT": ""},
    ),
    Right(
        "the engine decides on the connector",
        lambda: {"DATABASE_CONNECTORS": {"default": "auto"}},
        lambda c: type(c.connectors["default"]).__name__,
        "SQLiteConnector",
    ),
    Right(
        "a connector by its path",
        lambda: {"DATABASE_CONNECTORS": {"default": PLUGINS + ".Connector"}},
        lambda c: type(c.connectors["default"]),
        plugins.Connector,
    ),
    Right(
        "a connector with options",
        lambda: {"DATABASE_CONNECTORS": {"default": {"BACKEND": PLUGINS + ".Connector", "OPTIONS": {"host": "h"}}}},
        lambda c: c.connectors["default"].host,
        "h",
    ),
    Right(
        "a live connector",
        lambda: {"DATABASE_CONNECTORS": {"default": plugins.Connector("h")}},
        lambda c: c.connectors["default"].host,
        "h",
    ),
    Right("no compression", lambda: {"COMPRESSION": None}, lambda c: c.compression, None),
    Right("no encryption", lambda: {"ENCRYPTION": None}, lambda c: c.encryption, None),
    Right(
        "recipients from a variable",
        lambda: {"ENCRYPTION": {"BACKEND": AGE}},
        lambda c: c.encryption.recipients,
        [RECIPIENT],
        {"SNAPSHOTS_ENCRYPTION__OPTIONS__RECIPIENTS": RECIPIENT},
    ),
    Right(
        "recipients and identity from files, named by variables",
        dict,
        lambda c: (len(c.encryption.fingerprints()), c.encryption.require_key([])),
        (1, None),
        {
            "SNAPSHOTS_ENCRYPTION__BACKEND": AGE,
            "SNAPSHOTS_ENCRYPTION__OPTIONS__RECIPIENTS_FILE": "{tmp}/recipients.txt",
            "SNAPSHOTS_ENCRYPTION__OPTIONS__IDENTITY_FILE": "{tmp}/key.txt",
        },
        {"recipients.txt": f"# office\n{RECIPIENT}\n", "key.txt": f"# public key: {RECIPIENT}\n{IDENTITY}\n"},
    ),
    Right("nobody signs", lambda: {"SIGNING": None}, lambda c: c.signing, None),
    Right(
        "a signer from variables",
        dict,
        lambda c: (c.signing.name, len(c.signing.sign(b"data"))),
        ("hmac-sha256", 32),
        {
            "SNAPSHOTS_SIGNING__BACKEND": "django_snapshots.signers.HMAC",
            "SNAPSHOTS_SIGNING__OPTIONS__KEY_FILE": "{tmp}/key",
        },
        {"key": "0123456789abcdef" * 4},
    ),
    Right("subclasses of dict", lambda: ZIPPED, lambda c: c.compression.name, "gzip"),
    Right("a live codec", lambda: {"COMPRESSION": Gzip(1)}, lambda c: c.compression.level, 1),
    Right(
        "metadata of every JSON type",
        lambda: {"METADATA": {"a": [1, 2.5, "x", None, True, {"b": ()}]}},
        setting("METADATA"),
        {"a": [1, 2.5, "x", None, True, {"b": ()}]},
    ),
    Right(
        "health by a variable",
        dict,
        lambda found: found.settings and found.settings.HEALTH.AGE_WARNING,
        dt.timedelta(hours=2),
        {"SNAPSHOTS_HEALTH__AGE_WARNING": "2 hours"},
    ),
    Right("nobody to notify", lambda: {"NOTIFY": []}, setting("NOTIFY"), ()),
    Right(
        "notified by a variable",
        dict,
        setting("NOTIFY"),
        ("a@example.com", "Bea <b@example.com>"),
        {"SNAPSHOTS_NOTIFY": "a@example.com, Bea <b@example.com>"},
    ),
    Right("no number of jobs", lambda: {"JOBS": None}, setting("JOBS"), None),
    Right("one job", lambda: {"JOBS": 1}, setting("JOBS"), 1),
    Right("jobs by a variable", dict, setting("JOBS"), 3, {"SNAPSHOTS_JOBS": "3"}),
    Right("restore taken away", lambda: {"ALLOW_RESTORE": False}, setting("ALLOW_RESTORE"), False),
    Right("restore in words", lambda: {"ALLOW_RESTORE": "off"}, setting("ALLOW_RESTORE"), False),
]

RIGHT_ENVIRONMENT = [
    Right("a part of the default", dict, location, "/x", {"SNAPSHOTS_STORAGE__OPTIONS__LOCATION": "/x"}),
    Right(
        "a part of what settings.py says",
        lambda: storage(location="/srv"),
        location,
        "/x",
        {"SNAPSHOTS_STORAGE__OPTIONS__LOCATION": "/x"},
    ),
    Right(
        "lower-case variable",
        lambda: storage(location="/srv"),
        location,
        "/x",
        {"snapshots_storage__options__location": "/x"},
    ),
    Right(
        "the upper-case spelling wins",
        dict,
        location,
        "/upper",
        {"snapshots_storage__options__location": "/lower", "SNAPSHOTS_STORAGE__OPTIONS__LOCATION": "/upper"},
    ),
    Right("an empty variable is unset", dict, setting("ALLOW_RESTORE"), True, {"SNAPSHOTS_ALLOW_RESTORE": ""}),
    Right("null is None", dict, lambda c: c.compression, None, {"SNAPSHOTS_COMPRESSION": "null"}),
    Right(
        "a whole section as JSON replaces",
        lambda: {"COMPRESSION": {"BACKEND": ZSTD, "OPTIONS": {"level": 9, "workers": 1}}},
        lambda c: (c.compression.level, c.compression.workers),
        (5, None),
        {"SNAPSHOTS_COMPRESSION": f'{{"BACKEND": "{ZSTD}", "OPTIONS": {{"level": 5}}}}'},
    ),
    Right(
        "all options as JSON replace",
        lambda: {"COMPRESSION": {"BACKEND": ZSTD, "OPTIONS": {"level": 9, "workers": 1}}},
        lambda c: (c.compression.level, c.compression.workers),
        (5, None),
        {"SNAPSHOTS_COMPRESSION__OPTIONS": '{"level": 5}'},
    ),
    Right(
        "JSON first, then its parts",
        dict,
        lambda c: c.compression.level,
        6,
        {
            "SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL": "6",
            "SNAPSHOTS_COMPRESSION": f'{{"BACKEND": "{ZSTD}", "OPTIONS": {{"level": 5}}}}',
        },
    ),
    Right(
        "a new BACKEND forgets the old options",
        lambda: storage(DJANGO, storage="default"),
        location,
        "/x",
        {"SNAPSHOTS_STORAGE__BACKEND": LOCAL, "SNAPSHOTS_STORAGE__OPTIONS__LOCATION": "/x"},
    ),
    Right(
        "the same BACKEND keeps them",
        lambda: storage(location="/srv"),
        location,
        "/srv",
        {"SNAPSHOTS_STORAGE__BACKEND": LOCAL},
    ),
    Right(
        "BACKEND replaces a live object",
        lambda: {"STORAGE": plugins.MemoryStorage()},
        location,
        "/x",
        {"SNAPSHOTS_STORAGE__BACKEND": LOCAL, "SNAPSHOTS_STORAGE__OPTIONS__LOCATION": "/x"},
    ),
    Right(
        "a list with commas",
        dict,
        setting("DEFAULT_ARTIFACTS"),
        ("media", "database"),
        {"SNAPSHOTS_DEFAULT_ARTIFACTS": "media, database"},
    ),
    Right(
        "a list as JSON", dict, setting("DEFAULT_ARTIFACTS"), ("media",), {"SNAPSHOTS_DEFAULT_ARTIFACTS": '["media"]'}
    ),
    Right("a bool", dict, setting("ALLOW_RESTORE"), False, {"SNAPSHOTS_ALLOW_RESTORE": "false"}),
    Right("a number", typed, option("level"), (int, 7), typed_by(level="7")),
    Right("a Path", typed, option("folder"), (type(Path()), Path("/x")), typed_by(folder="/x")),
    Right("text where text may stand", typed, option("location"), (str, "/x"), typed_by(location="/x")),
    Right("a duration", typed, option("every"), (dt.timedelta, dt.timedelta(days=30)), typed_by(every="P30D")),
    Right(
        "a duration in words", typed, option("every"), (dt.timedelta, dt.timedelta(days=30)), typed_by(every="30 days")
    ),
    Right("a list option with commas", typed, option("names"), (list, ["a", "b"]), typed_by(names="a,b")),
    Right("a dict option", typed, option("table"), (dict, {"a": 1}), typed_by(table='{"a": "1"}')),
    Right(
        "a part of a dict option",
        lambda: typed(table={"a": 1}),
        option("table"),
        (dict, {"a": 1, "b": 2}),
        typed_by(table__b="2"),
    ),
    Right("text without annotation", typed, option("plain"), (str, "[1, 2]"), typed_by(plain="[1, 2]")),
    Right("metadata stays text", dict, setting("METADATA"), {"release": "14"}, {"SNAPSHOTS_METADATA__RELEASE": "14"}),
    Right(
        "metadata of a key in mixed case",
        lambda: {"METADATA": {"Release": "13", "site": "a"}},
        setting("METADATA"),
        {"Release": "14", "site": "a"},
        {"SNAPSHOTS_METADATA__RELEASE": "14"},
    ),
    Right(
        "options inside the Django storage",
        lambda: storage(DJANGO, storage={"BACKEND": FILES, "OPTIONS": {"location": "/srv", "base_url": "/m/"}}),
        lambda c: c.storage.storage["OPTIONS"],
        {"location": "/x", "base_url": "/m/"},
        {"SNAPSHOTS_STORAGE__OPTIONS__STORAGE__OPTIONS__LOCATION": "/x"},
    ),
    Right(
        "a connector",
        dict,
        lambda c: c.connectors["default"].host,
        "h",
        {
            "SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT__BACKEND": PLUGINS + ".Connector",
            "SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT__OPTIONS__HOST": "h",
        },
    ),
    Right(
        "an option of a connector that is a path",
        lambda: {"DATABASE_CONNECTORS": {"default": PLUGINS + ".Connector"}},
        lambda c: c.connectors["default"].host,
        "h",
        {"SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT__OPTIONS__HOST": "h"},
    ),
    Right(
        "an alias in mixed case",
        dict,
        lambda c: type(c.connectors["Reporting"]),
        plugins.Connector,
        {"SNAPSHOTS_DATABASE_CONNECTORS__REPORTING": PLUGINS + ".Connector"},
        settings={
            "DATABASES": {
                "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
                "Reporting": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
            }
        },
    ),
    Right(
        "an artifact of the project",
        dict,
        lambda c: c.artifacts["search"].folder,
        "/x",
        {
            "SNAPSHOTS_ARTIFACTS__SEARCH__BACKEND": PLUGINS + ".Artifact",
            "SNAPSHOTS_ARTIFACTS__SEARCH__OPTIONS__FOLDER": "/x",
        },
    ),
]

RIGHT_FILES = [
    Right(
        "an env file",
        dict,
        location,
        "/x",
        {"SNAPSHOTS_ENV_FILE": "{tmp}/a.env"},
        {"a.env": "OTHER=1\nexport SNAPSHOTS_STORAGE__OPTIONS__LOCATION='/x'\n"},
    ),
    Right(
        "an env file with a byte order mark",
        dict,
        location,
        "/x",
        {"SNAPSHOTS_ENV_FILE": "{tmp}/a.env"},
        {"a.env": "\ufeffSNAPSHOTS_STORAGE__OPTIONS__LOCATION=/x\n"},
    ),
    Right(
        "the environment is stronger than the env file",
        dict,
        location,
        "/env",
        {"SNAPSHOTS_ENV_FILE": "{tmp}/a.env", "SNAPSHOTS_STORAGE__OPTIONS__LOCATION": "/env"},
        {"a.env": "SNAPSHOTS_STORAGE__OPTIONS__LOCATION=/file\n"},
    ),
    Right(
        "the env file is stronger than the secrets, those than settings.py",
        lambda: typed(location="/settings", level=1, folder="/settings"),
        lambda c: (c.storage.options["location"], c.storage.options["level"], str(c.storage.options["folder"])),
        ("/file", 3, "/settings"),
        {"SNAPSHOTS_ENV_FILE": "{tmp}/a.env", "SNAPSHOTS_SECRETS_DIR": "{tmp}/s"},
        {
            "a.env": "SNAPSHOTS_STORAGE__OPTIONS__LOCATION=/file\n",
            "s/SNAPSHOTS_STORAGE__OPTIONS__LOCATION": "/secret",
            "s/snapshots_storage__options__level": "3\n",
            "s/other_program": "4",
        },
    ),
    Right(
        "a source is applied wholly before the next",
        dict,
        lambda c: c.compression.level,
        3,
        {"SNAPSHOTS_ENV_FILE": "{tmp}/a.env", "SNAPSHOTS_COMPRESSION": f'{{"BACKEND": "{ZSTD}"}}'},
        {"a.env": "SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL=9\n"},
    ),
]


def policy(configuration: Configuration) -> Any:
    """Return the rules of the policy that there are, without the floor where it is the default."""
    assert configuration.settings is not None
    prune = configuration.settings.PRUNE
    return None if prune is None else prune.model_dump(exclude_none=True, exclude_defaults=True)


HOURS_36, WEEKS_2 = dt.timedelta(hours=36), dt.timedelta(days=14)
RIGHT_POLICIES = [
    Right("no policy", lambda: {"PRUNE": None}, policy, None),
    Right("a policy by counts", lambda: {"PRUNE": {"KEEP": 3, "KEEP_DAILY": None}}, policy, {"KEEP": 3}),
    Right("a duration", lambda: {"PRUNE": {"KEEP_WITHIN": HOURS_36}}, policy, {"KEEP_WITHIN": HOURS_36}),
    Right("a duration of ISO 8601", lambda: {"PRUNE": {"KEEP_WITHIN": "P1DT12H"}}, policy, {"KEEP_WITHIN": HOURS_36}),
    Right("days of ISO 8601", lambda: {"PRUNE": {"KEEP_WITHIN": "P14D"}}, policy, {"KEEP_WITHIN": WEEKS_2}),
    Right("weeks of ISO 8601", lambda: {"PRUNE": {"KEEP_WITHIN": "p2w"}}, policy, {"KEEP_WITHIN": WEEKS_2}),
    Right("weeks", lambda: {"PRUNE": {"KEEP_WITHIN": "2 weeks"}}, policy, {"KEEP_WITHIN": WEEKS_2}),
    Right("days", lambda: {"PRUNE": {"KEEP_WITHIN": "14d"}}, policy, {"KEEP_WITHIN": WEEKS_2}),
    Right("several units", lambda: {"PRUNE": {"KEEP_WITHIN": "1 day, 12 hours"}}, policy, {"KEEP_WITHIN": HOURS_36}),
    Right("a size in units of ten", lambda: {"PRUNE": {"MAX_SIZE": "10GB"}}, policy, {"MAX_SIZE": 10**10}),
    Right("a size in units of two", lambda: {"PRUNE": {"MAX_SIZE": "1GiB"}}, policy, {"MAX_SIZE": 2**30}),
    Right("a policy from one variable", dict, policy, {"KEEP_DAILY": 7}, {"SNAPSHOTS_PRUNE__KEEP_DAILY": "7"}),
    Right(
        "variables change parts of a policy",
        lambda: {"PRUNE": {"KEEP": 3, "KEEP_DAILY": 7}},
        policy,
        {"KEEP_DAILY": 14, "KEEP_WITHIN": dt.timedelta(days=2), "MIN_KEEP": 2},
        {
            "SNAPSHOTS_PRUNE__KEEP": "null",
            "snapshots_prune__keep_daily": "14",
            "SNAPSHOTS_PRUNE__KEEP_WITHIN": "P2D",
            "SNAPSHOTS_PRUNE__MIN_KEEP": "2",
        },
    ),
    Right(
        "a policy as JSON replaces",
        lambda: {"PRUNE": {"KEEP": 3, "KEEP_DAILY": 7}},
        policy,
        {"KEEP_WEEKLY": 4},
        {"SNAPSHOTS_PRUNE": '{"KEEP_WEEKLY": 4}'},
    ),
    Right(
        "a replica with a policy of its own, its folder from a variable",
        lambda: {"REPLICAS": [{"BACKEND": LOCAL, "OPTIONS": {"location": "/x"}, "PRUNE": {"KEEP": 3}}]},
        lambda c: (c.replicas[0].location, c.settings.REPLICAS[0].PRUNE.KEEP),  # type: ignore[union-attr]
        ("/y", 3),
        {"SNAPSHOTS_REPLICAS__0__OPTIONS__LOCATION": "/y"},
    ),
    Right(
        "replicas as JSON",
        dict,
        lambda c: [replica.location for replica in c.replicas],
        ["/x", "/y"],
        {
            "SNAPSHOTS_REPLICAS": f'[{{"BACKEND": "{LOCAL}", "OPTIONS": {{"location": "/x"}}}},'
            f' {{"BACKEND": "{LOCAL}", "OPTIONS": {{"location": "/y"}}}}]'
        },
    ),
    Right(
        "constants of the project's own beside it",
        lambda: {"STORAGE": {"BACKEND": LOCAL, "OPTIONS": {"location": "/x"}}},
        location,
        "/x",
        settings={"SNAPSHOTS_DIR": "/x", "SNAPSHOTS_ENABLED": True, "SNAPSHOT": "x"},
    ),
    Right(
        "a live object as a replica",
        lambda: {"REPLICAS": [LocalFileSystemBackend("/x")]},
        lambda c: c.replicas[0].location,
        "/x",
    ),
    Right(
        "a variable takes the policy away", lambda: {"PRUNE": {"KEEP": 3}}, policy, None, {"SNAPSHOTS_PRUNE": "null"}
    ),
]

RIGHT = [*RIGHT_SETTINGS, *RIGHT_ENVIRONMENT, *RIGHT_FILES, *RIGHT_POLICIES]
