"""Wrong configurations of the other keys; each with everything the check prints."""
# ruff: noqa: E501 - the texts stand as a user reads them

from __future__ import annotations

import datetime as dt

from tests.conf import plugins
from tests.conf.wrong import DJANGO, LOCAL, PLUGINS, Wrong, storage

WRONG_VALUES = [
    Wrong(
        "unknown format",
        lambda: {"SNAPSHOT_FORMAT": "zip"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_FORMAT']: (E002) Input should be 'directory' or 'archive'. HINT: Write one of them, in lower case."
        ],
    ),
    Wrong(
        "format in upper case",
        lambda: {"SNAPSHOT_FORMAT": "ARCHIVE"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_FORMAT']: (E002) Input should be 'directory' or 'archive'. HINT: Write one of them, in lower case."
        ],
    ),
    Wrong(
        "format is None",
        lambda: {"SNAPSHOT_FORMAT": None},
        expected=[
            "SNAPSHOTS['SNAPSHOT_FORMAT']: (E002) Input should be 'directory' or 'archive'. HINT: Write one of them, in lower case."
        ],
    ),
    Wrong(
        "archive on a basic storage",
        lambda: {"SNAPSHOT_FORMAT": "archive", "STORAGE": plugins.MemoryStorage()},
        expected=[
            "SNAPSHOTS['STORAGE']: (E018) SNAPSHOT_FORMAT 'archive' needs a storage of the advanced tier; MemoryStorage has no stream_read, stream_write, atomic_move, recursive_list, sync. HINT: Use SNAPSHOT_FORMAT 'directory', or a storage that has these methods, such as LocalFileSystemBackend."
        ],
    ),
    Wrong(
        "archive on a Django storage",
        lambda: {"SNAPSHOT_FORMAT": "archive", **storage(DJANGO, storage="default")},
        expected=[
            "SNAPSHOTS['STORAGE']: (E018) SNAPSHOT_FORMAT 'archive' needs a storage of the advanced tier; DjangoStorageBackend has no stream_read, stream_write, atomic_move, recursive_list, sync. HINT: Use SNAPSHOT_FORMAT 'directory', or a storage that has these methods, such as LocalFileSystemBackend."
        ],
    ),
    Wrong(
        "name with an unknown placeholder",
        lambda: {"SNAPSHOT_NAME": "{timestamp}"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) {timestamp} is no placeholder. HINT: Did you mean '{timestamp_utc}'?"
        ],
    ),
    Wrong(
        "name with a placeholder nothing looks like",
        lambda: {"SNAPSHOT_NAME": "{x}"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) {x} is no placeholder. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name that begins like those of what restores save",
        lambda: {"SNAPSHOT_NAME": "pre-restore-{timestamp_utc}"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) 'pre-restore-20260101T000000.000000Z' cannot name a backup: names with pre-restore- are those of what restores save, which 'latest' and prune do not count. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name with a positional placeholder",
        lambda: {"SNAPSHOT_NAME": "a-{}"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) {} is no placeholder. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name with a format",
        lambda: {"SNAPSHOT_NAME": "{timestamp_utc:%Y}"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) {timestamp_utc} takes no format. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name with a conversion",
        lambda: {"SNAPSHOT_NAME": "{timestamp_utc!r}"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) {timestamp_utc} takes no format. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name with an open brace",
        lambda: {"SNAPSHOT_NAME": "{timestamp_utc"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) The template cannot be read: expected '}' before end of string. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name with a slash",
        lambda: {"SNAPSHOT_NAME": "a/{timestamp_utc}"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) 'a/20260101T000000.000000Z' cannot name a snapshot: letters, digits and . _ + - only, with a letter or digit first. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name with a space",
        lambda: {"SNAPSHOT_NAME": "my backup {timestamp_utc}"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) 'my backup 20260101T000000.000000Z' cannot name a snapshot: letters, digits and . _ + - only, with a letter or digit first. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name that is reserved",
        lambda: {"SNAPSHOT_NAME": "latest"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) 'latest' cannot name a snapshot: 'latest' always means the newest snapshot. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name that never changes",
        lambda: {"SNAPSHOT_NAME": "nightly"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (W009) The name never changes: the second backup will find it taken. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name of the host alone",
        lambda: {"SNAPSHOT_NAME": "{hostname}"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (W009) The name never changes: the second backup will find it taken. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name is empty",
        lambda: {"SNAPSHOT_NAME": ""},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) '' cannot name a snapshot: letters, digits and . _ + - only, with a letter or digit first. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name is None",
        lambda: {"SNAPSHOT_NAME": None},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) Input should be text or a callable, it is None. HINT: Write '{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name is a number",
        lambda: {"SNAPSHOT_NAME": 3},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) Input should be text or a callable, it is of type int. HINT: Write '{timestamp_utc}'."
        ],
    ),
    Wrong(
        "callable without arguments",
        lambda: {"SNAPSHOT_NAME": plugins.takes_nothing},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E016) The callable() is called as (created_at): too many positional arguments. HINT: Accept (created_at)."
        ],
    ),
    Wrong(
        "callable async",
        lambda: {"SNAPSHOT_NAME": plugins.asynchronous},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME']: (E015) The callable is async. HINT: Write it as a plain function: def …(created_at). Snapshots are made in threads."
        ],
    ),
    Wrong(
        "artifacts as text",
        lambda: {"DEFAULT_ARTIFACTS": "media"},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS']: (E002) Input should be a valid list. HINT: Write a list, such as ['media']."
        ],
    ),
    Wrong(
        "artifacts without the comma",
        lambda: {"DEFAULT_ARTIFACTS": ("media")},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS']: (E002) Input should be a valid list. HINT: Write a list, such as ['media']."
        ],
    ),
    Wrong(
        "artifacts empty",
        lambda: {"DEFAULT_ARTIFACTS": []},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS']: (E002) Input should not be empty. HINT: Name at least one artifact, or take the key out for the default."
        ],
    ),
    Wrong(
        "artifacts None",
        lambda: {"DEFAULT_ARTIFACTS": None},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS']: (E002) Input should be a valid list. HINT: Write a list, such as ['database', 'media']."
        ],
    ),
    Wrong(
        "artifact that is a number",
        lambda: {"DEFAULT_ARTIFACTS": ["media", 3]},
        expected=["SNAPSHOTS['DEFAULT_ARTIFACTS'][1]: (E002) Input should be a valid string. HINT: Put it in quotes."],
    ),
    Wrong(
        "artifact twice",
        lambda: {"DEFAULT_ARTIFACTS": ["media", "media"]},
        expected=["SNAPSHOTS['DEFAULT_ARTIFACTS'][1]: (E002) 'media' stands twice. HINT: Take one out."],
    ),
    Wrong(
        "artifact misspelt",
        lambda: {"DEFAULT_ARTIFACTS": ["databse"]},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS'][0]: (E020) There is no artifact 'databse'. HINT: Did you mean 'database'?"
        ],
    ),
    Wrong(
        "artifact of an unknown database",
        lambda: {"DEFAULT_ARTIFACTS": ["database/defualt"]},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS'][0]: (E020) There is no artifact 'database/defualt'. HINT: Did you mean 'database/default'?"
        ],
    ),
    Wrong(
        "artifact nothing looks like",
        lambda: {"DEFAULT_ARTIFACTS": ["zzz"]},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS'][0]: (E020) There is no artifact 'zzz'. HINT: Known are database, environment, database/default, media."
        ],
    ),
    Wrong(
        "media without MEDIA_ROOT",
        lambda: {"DEFAULT_ARTIFACTS": ["media"]},
        settings={"MEDIA_ROOT": ""},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS'][0]: (E020) 'media' is named, and MEDIA_ROOT is not set. HINT: Set MEDIA_ROOT, or take 'media' out."
        ],
    ),
    Wrong(
        "artifacts of a project as a list",
        lambda: {"ARTIFACTS": [plugins.Artifact()]},
        expected=[
            "SNAPSHOTS['ARTIFACTS']: (E002) Input should be a valid dictionary. HINT: Write a dict, such as {'name': 'value'}."
        ],
    ),
    Wrong(
        "artifact's name reserved",
        lambda: {"ARTIFACTS": {"media": {"BACKEND": PLUGINS + ".Artifact"}}},
        expected=[
            "SNAPSHOTS['ARTIFACTS']['media']: (E002) 'media' is a name of django-snapshots itself; choose another. HINT: Rename the key."
        ],
    ),
    Wrong(
        "artifact's name with a slash",
        lambda: {"ARTIFACTS": {"a/b": {"BACKEND": PLUGINS + ".Artifact"}}},
        expected=[
            "SNAPSHOTS['ARTIFACTS']['a/b']: (E002) 'a/b' cannot name an artifact: use lower-case letters, digits, _ and -, a letter or digit first. HINT: Rename the key."
        ],
    ),
    Wrong(
        "artifact None",
        lambda: {"ARTIFACTS": {"search": None}},
        expected=[
            "SNAPSHOTS['ARTIFACTS']['search']: (E002) Input should be a dict with BACKEND and OPTIONS, it is None. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "artifact's option misspelt",
        lambda: {"ARTIFACTS": {"search": {"BACKEND": PLUGINS + ".Artifact", "OPTIONS": {"fodler": "x"}}}},
        expected=[
            "SNAPSHOTS['ARTIFACTS']['search']['OPTIONS']['fodler']: (E003) Unknown option. HINT: Did you mean 'folder'?"
        ],
    ),
    Wrong(
        "artifact that stages wrongly",
        lambda: {"ARTIFACTS": {"search": plugins.StagesWrongly()}},
        expected=[
            "SNAPSHOTS['ARTIFACTS']['search']: (E016) StagesWrongly.stage(source) is called as (source, facts): too many positional arguments. HINT: Accept (source, facts)."
        ],
    ),
    Wrong(
        "artifact that is a storage",
        lambda: {"ARTIFACTS": {"search": plugins.MemoryStorage()}},
        expected=[
            "SNAPSHOTS['ARTIFACTS']['search']: (E014) MemoryStorage.dump is missing. HINT: Every artifact has a method dump(sink).",
            "SNAPSHOTS['ARTIFACTS']['search']: (E014) MemoryStorage.restore is missing. HINT: Every artifact has a method restore(source, facts).",
            "SNAPSHOTS['ARTIFACTS']['search']: (E014) MemoryStorage.suffix is missing. HINT: Every artifact has the attribute suffix, which is text.",
        ],
    ),
    Wrong(
        "connector for an unknown alias",
        lambda: {"DATABASE_CONNECTORS": {"defualt": "auto"}},
        expected=[
            "SNAPSHOTS['DATABASE_CONNECTORS']['defualt']: (E017) DATABASES has no such alias. HINT: Did you mean 'default'?"
        ],
    ),
    Wrong(
        "connector None",
        lambda: {"DATABASE_CONNECTORS": {"default": None}},
        expected=[
            "SNAPSHOTS['DATABASE_CONNECTORS']['default']: (E002) Input should be a dict with BACKEND and OPTIONS, it is None. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "connector misspelt auto",
        lambda: {"DATABASE_CONNECTORS": {"default": "Auto"}},
        expected=[
            "SNAPSHOTS['DATABASE_CONNECTORS']['default']: (E002) Input should be 'auto', 'dumpdata', a dotted path, or a dict with BACKEND and OPTIONS. HINT: Write 'auto', or leave the alias out, which means the same."
        ],
    ),
    Wrong(
        "connector not found",
        lambda: {"DATABASE_CONNECTORS": {"default": "django_snapshots.connectors.SQLiteConector"}},
        expected=[
            "SNAPSHOTS['DATABASE_CONNECTORS']['default']: (E010) Module 'django_snapshots.connectors' has no 'SQLiteConector'. HINT: Did you mean 'django_snapshots.connectors.SQLiteConnector'?"
        ],
    ),
    Wrong(
        "connector is a class",
        lambda: {"DATABASE_CONNECTORS": {"default": plugins.Connector}},
        expected=[
            "SNAPSHOTS['DATABASE_CONNECTORS']['default']: (E012) A class where an instance is needed. HINT: Write {'BACKEND': 'tests.conf.plugins.Connector', 'OPTIONS': {}}, or call the class."
        ],
    ),
    Wrong(
        "connector option misspelt",
        lambda: {"DATABASE_CONNECTORS": {"default": {"BACKEND": PLUGINS + ".Connector", "OPTIONS": {"hots": "x"}}}},
        expected=[
            "SNAPSHOTS['DATABASE_CONNECTORS']['default']['OPTIONS']['hots']: (E003) Unknown option. HINT: Did you mean 'host'?"
        ],
    ),
    Wrong(
        "connectors as text",
        lambda: {"DATABASE_CONNECTORS": "auto"},
        expected=[
            "SNAPSHOTS['DATABASE_CONNECTORS']: (E002) Input should be a valid dictionary. HINT: Write a dict, such as {'name': 'value'}."
        ],
    ),
    Wrong(
        "compression as text",
        lambda: {"COMPRESSION": "zstd"},
        expected=[
            "SNAPSHOTS['COMPRESSION']: (E002) Input should be a dict with BACKEND and OPTIONS, it is text. HINT: Write {'BACKEND': 'django_snapshots.codecs.Zstd', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "compression False",
        lambda: {"COMPRESSION": False},
        expected=[
            "SNAPSHOTS['COMPRESSION']: (E002) Input should be a dict with BACKEND and OPTIONS, it is of type bool. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "compression level out of range",
        lambda: {"COMPRESSION": {"BACKEND": "django_snapshots.codecs.Zstd", "OPTIONS": {"level": 99}}},
        expected=[
            "SNAPSHOTS['COMPRESSION']['OPTIONS']['level']: (E002) zstd has no level 99; it has -131072 to 22. HINT: Use 3, or up to 19 for smaller snapshots."
        ],
    ),
    Wrong(
        "compression level in quotes",
        lambda: {"COMPRESSION": {"BACKEND": "django_snapshots.codecs.Zstd", "OPTIONS": {"level": "3"}}},
        expected=[
            "SNAPSHOTS['COMPRESSION']['OPTIONS']['level']: (E002) Input should be of type int, it is text. HINT: Write 3, without quotes."
        ],
    ),
    Wrong(
        "codec without a name",
        lambda: {"COMPRESSION": plugins.NamelessCodec()},
        expected=[
            "SNAPSHOTS['COMPRESSION']: (E014) NamelessCodec.name is of type NoneType. HINT: Every codec has the attribute name, which is text."
        ],
    ),
    Wrong(
        "metadata as a list",
        lambda: {"METADATA": ["a"]},
        expected=[
            "SNAPSHOTS['METADATA']: (E002) Input should be a valid dictionary. HINT: Write a dict, such as {'name': 'value'}."
        ],
    ),
    Wrong(
        "metadata with a set",
        lambda: {"METADATA": {"a": {1}}},
        expected=[
            "SNAPSHOTS['METADATA']['a']: (E002) Input should be a JSON value, it is of type set. HINT: Use text, finite numbers, True, False, None, lists and dicts."
        ],
    ),
    Wrong(
        "metadata with a date",
        lambda: {"METADATA": {"a": [dt.date(2026, 1, 1)]}},
        expected=[
            "SNAPSHOTS['METADATA']['a'][0]: (E002) Input should be a JSON value, it is of type date. HINT: Use text, finite numbers, True, False, None, lists and dicts."
        ],
    ),
    Wrong(
        "metadata that holds itself",
        lambda: {"METADATA": plugins.holding_itself()},
        expected=["SNAPSHOTS['METADATA']['again']: (E002) Input holds itself. HINT: Write out what you mean."],
    ),
    Wrong(
        "metadata nested too deep",
        lambda: {"METADATA": {"deep": plugins.nested(200)}},
        expected=["SNAPSHOTS['METADATA']['deep']: (E002) Input is nested deeper than 100 levels. HINT: Make it flat."],
    ),
    Wrong(
        "metadata with NaN",
        lambda: {"METADATA": {"a": float("nan")}},
        expected=[
            "SNAPSHOTS['METADATA']['a']: (E002) Input should be a JSON value, it is NaN or infinite. HINT: Use text, finite numbers, True, False, None, lists and dicts."
        ],
    ),
    Wrong(
        "metadata with a number as key",
        lambda: {"METADATA": {1: "a"}},
        expected=["SNAPSHOTS['METADATA'][1]: (E003) A key must be text. HINT: Put the key in quotes, or take it out."],
    ),
    Wrong(
        "metadata with a number as key below",
        lambda: {"METADATA": {"a": {1: "a"}}},
        expected=["SNAPSHOTS['METADATA']['a']: (E003) A key of type int is no text. HINT: Put the key in quotes."],
    ),
    Wrong(
        "no jobs at all",
        lambda: {"JOBS": 0},
        expected=["SNAPSHOTS['JOBS']: (E002) Input should be greater than or equal to 1."],
    ),
    Wrong(
        "restore maybe",
        lambda: {"ALLOW_RESTORE": "maybe"},
        expected=[
            "SNAPSHOTS['ALLOW_RESTORE']: (E002) Input should be a valid boolean, unable to interpret input. HINT: Use true/false, yes/no, on/off or 1/0."
        ],
    ),
    Wrong(
        "restore None",
        lambda: {"ALLOW_RESTORE": None},
        expected=["SNAPSHOTS['ALLOW_RESTORE']: (E002) Input should be a valid boolean. HINT: Use True or False."],
    ),
    Wrong(
        "an address that is none",
        lambda: {"NOTIFY": ["ops@example.com", "ops", 3]},
        expected=[
            "SNAPSHOTS['NOTIFY'][1]: (E002) 'ops' is no e-mail address. HINT: Write 'ops@example.com'.",
            "SNAPSHOTS['NOTIFY'][2]: (E002) Input should be a valid string. HINT: Put it in quotes.",
        ],
    ),
    Wrong(
        "an address instead of a list",
        lambda: {"NOTIFY": "ops@example.com"},
        expected=[
            "SNAPSHOTS['NOTIFY']: (E002) Input should be a valid list. HINT: Write a list, such as ['ops@example.com'].",
        ],
    ),
    Wrong(
        "health by numbers without units",
        lambda: {"HEALTH": {"AGE_WARNING": 26, "SIZE_FACTOR": 1, "PING_URL": "hc-ping.com/abc", "AGE": "1 day"}},
        expected=[
            "SNAPSHOTS['HEALTH']['AGE']: (E003) Unknown key. HINT: ***.",
            "SNAPSHOTS['HEALTH']['AGE_WARNING']: (E002) Input should be a duration with its unit. HINT: ***.",
            "SNAPSHOTS['HEALTH']['PING_URL']: (E002) Input should be a URL of http or https. HINT: Write 'https://hc-ping.com/…'.",
            "SNAPSHOTS['HEALTH']['SIZE_FACTOR']: (E002) Input should be greater than 1.",
        ],
    ),
    Wrong(
        "critical before it is a warning",
        lambda: {"HEALTH": {"AGE_CRITICAL": "2 hours"}},
        expected=[
            "SNAPSHOTS['HEALTH']: (E002) AGE_CRITICAL is less than AGE_WARNING. HINT: Raise AGE_CRITICAL, or set it to None.",
        ],
    ),
    Wrong(
        "ten mistakes together",
        lambda: {
            "storage": 1,
            "STORAGE": {"BACKEND": LOCAL, "OPTIONS": {"locatoin": "/srv"}, "LOCATION": "/srv"},
            "SNAPSHOT_FORMAT": "zip",
            "SNAPSHOT_NAME": "a b",
            "DEFAULT_ARTIFACTS": ["databse", 3],
            "ARTIFACTS": {"x y": plugins.Artifact},
            "DATABASE_CONNECTORS": {"other": "auto"},
            "COMPRESSION": "gzip",
            "METADATA": [],
            "ALLOW_RESTORE": "perhaps",
        },
        expected=[
            "SNAPSHOTS['ALLOW_RESTORE']: (E002) Input should be a valid boolean, unable to interpret input. HINT: Use true/false, yes/no, on/off or 1/0.",
            "SNAPSHOTS['ARTIFACTS']['x y']: (E002) 'x y' cannot name an artifact: use lower-case letters, digits, _ and -, a letter or digit first. HINT: Rename the key.",
            "SNAPSHOTS['ARTIFACTS']['x y']: (E012) A class where an instance is needed. HINT: Write {'BACKEND': 'tests.conf.plugins.Artifact', 'OPTIONS': {}}, or call the class.",
            "SNAPSHOTS['COMPRESSION']: (E002) Input should be a dict with BACKEND and OPTIONS, it is text. HINT: Write {'BACKEND': 'django_snapshots.codecs.Gzip', 'OPTIONS': {}}.",
            "SNAPSHOTS['DATABASE_CONNECTORS']['other']: (E017) DATABASES has no such alias. HINT: DATABASES has default.",
            "SNAPSHOTS['DEFAULT_ARTIFACTS'][0]: (E020) There is no artifact 'databse'. HINT: Did you mean 'database'?",
            "SNAPSHOTS['DEFAULT_ARTIFACTS'][1]: (E002) Input should be a valid string. HINT: Put it in quotes.",
            "SNAPSHOTS['METADATA']: (E002) Input should be a valid dictionary. HINT: Write a dict, such as {'name': 'value'}.",
            "SNAPSHOTS['SNAPSHOT_FORMAT']: (E002) Input should be 'directory' or 'archive'. HINT: Write one of them, in lower case.",
            "SNAPSHOTS['SNAPSHOT_NAME']: (E002) 'a b' cannot name a snapshot: letters, digits and . _ + - only, with a letter or digit first. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'.",
            "SNAPSHOTS['STORAGE']['LOCATION']: (E003) Unknown key. HINT: Put it in OPTIONS: {'location': …}.",
            "SNAPSHOTS['STORAGE']['OPTIONS']['locatoin']: (E003) Unknown option. HINT: Did you mean 'location'?",
            "SNAPSHOTS['storage']: (E003) Unknown key. HINT: Did you mean 'STORAGE'?",
        ],
    ),
]
