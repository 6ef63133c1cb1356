"""Wrong configurations of variables of the environment; each with everything the check prints."""
# ruff: noqa: E501 - the texts stand as a user reads them

from __future__ import annotations

from django.core.files.storage import FileSystemStorage

from tests.conf import plugins
from tests.conf.wrong import DJANGO, PLUGINS, Wrong, storage

WRONG_VARIABLES = [
    Wrong(
        "typo in the first part",
        dict,
        environ={"SNAPSHOTS_STORGAE__BACKEND": "django_snapshots.storage.LocalFileSystemBackend"},
        expected=[
            "SNAPSHOTS_STORGAE__BACKEND: (W001) Does not match any setting. HINT: Did you mean 'SNAPSHOTS_STORAGE__BACKEND'?"
        ],
    ),
    Wrong(
        "singular key",
        dict,
        environ={"SNAPSHOTS_ARTIFACT__SEARCH__BACKEND": "x.Y"},
        expected=[
            "SNAPSHOTS_ARTIFACT__SEARCH__BACKEND: (W001) Does not match any setting. HINT: Did you mean 'SNAPSHOTS_ARTIFACTS__SEARCH__BACKEND'?"
        ],
    ),
    Wrong(
        "one underscore",
        dict,
        environ={"SNAPSHOTS_STORAGE_BACKEND": "django_snapshots.storage.LocalFileSystemBackend"},
        expected=[
            "SNAPSHOTS_STORAGE_BACKEND: (W001) Does not match any setting. HINT: Did you mean 'SNAPSHOTS_STORAGE__BACKEND'?"
        ],
    ),
    Wrong(
        "one underscore twice",
        dict,
        environ={"SNAPSHOTS_STORAGE_OPTIONS_LOCATION": "/srv"},
        expected=[
            "SNAPSHOTS_STORAGE_OPTIONS_LOCATION: (W001) Does not match any setting. HINT: Did you mean 'SNAPSHOTS_STORAGE__OPTIONS__LOCATION'?"
        ],
    ),
    Wrong(
        "two underscores at the start",
        dict,
        environ={"SNAPSHOTS__ALLOW_RESTORE": "no"},
        expected=[
            "SNAPSHOTS__ALLOW_RESTORE: (W001) Does not match any setting. HINT: Did you mean 'SNAPSHOTS_ALLOW_RESTORE'?"
        ],
    ),
    Wrong(
        "NAME alone",
        dict,
        environ={"SNAPSHOTS_NAME": "x"},
        expected=["SNAPSHOTS_NAME: (W001) Does not match any setting. HINT: Did you mean 'SNAPSHOTS_SNAPSHOT_NAME'?"],
    ),
    Wrong(
        "nothing looks like it",
        dict,
        environ={"SNAPSHOTS_XYZ": "x"},
        expected=["SNAPSHOTS_XYZ: (W001) Does not match any setting. HINT: Keys are STORAGE, SNAPSHOT_FORMAT, ***."],
    ),
    Wrong(
        "control variable misspelt",
        dict,
        environ={"SNAPSHOTS_ENVFILE": "/x"},
        expected=["SNAPSHOTS_ENVFILE: (W001) Does not match any setting. HINT: Did you mean 'SNAPSHOTS_ENV_FILE'?"],
    ),
    Wrong(
        "kubernetes PORT",
        dict,
        environ={"SNAPSHOTS_PORT": "tcp://10.0.0.1:80"},
        expected=[
            "SNAPSHOTS_PORT: (W001) Does not match any setting. HINT: Kubernetes sets it for a service called 'snapshots': set enableServiceLinks: false in the pod, or rename the service."
        ],
    ),
    Wrong(
        "kubernetes SERVICE_HOST",
        dict,
        environ={"SNAPSHOTS_SERVICE_HOST": "10.0.0.1"},
        expected=[
            "SNAPSHOTS_SERVICE_HOST: (W001) Does not match any setting. HINT: Kubernetes sets it for a service called 'snapshots': set enableServiceLinks: false in the pod, or rename the service."
        ],
    ),
    Wrong(
        "kubernetes PORT_80_TCP_ADDR",
        dict,
        environ={"SNAPSHOTS_PORT_80_TCP_ADDR": "10.0.0.1"},
        expected=[
            "SNAPSHOTS_PORT_80_TCP_ADDR: (W001) Does not match any setting. HINT: Kubernetes sets it for a service called 'snapshots': set enableServiceLinks: false in the pod, or rename the service."
        ],
    ),
    Wrong(
        "lower-case variable, typo",
        dict,
        environ={"snapshots_allow_restor": "no"},
        expected=[
            "snapshots_allow_restor: (W001) Does not match any setting. HINT: Did you mean 'SNAPSHOTS_ALLOW_RESTORE'?"
        ],
    ),
    Wrong(
        "bool misspelt",
        dict,
        environ={"SNAPSHOTS_ALLOW_RESTORE": "flase"},
        expected=[
            "SNAPSHOTS['ALLOW_RESTORE'] (from SNAPSHOTS_ALLOW_RESTORE): (E002) Input should be a valid boolean, unable to interpret input. HINT: Use true/false, yes/no, on/off or 1/0."
        ],
    ),
    Wrong(
        "bool empty is unset, format wrong",
        dict,
        environ={"SNAPSHOTS_ALLOW_RESTORE": "", "SNAPSHOTS_SNAPSHOT_FORMAT": "tar"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_FORMAT'] (from SNAPSHOTS_SNAPSHOT_FORMAT): (E002) Input should be 'directory' or 'archive'. HINT: Write one of them, in lower case."
        ],
    ),
    Wrong(
        "bool null",
        dict,
        environ={"SNAPSHOTS_ALLOW_RESTORE": "null"},
        expected=[
            "SNAPSHOTS['ALLOW_RESTORE'] (from SNAPSHOTS_ALLOW_RESTORE): (E002) Input should be a valid boolean. HINT: Use True or False."
        ],
    ),
    Wrong(
        "below a bool",
        dict,
        environ={"SNAPSHOTS_ALLOW_RESTORE__ON": "1"},
        expected=[
            "SNAPSHOTS['ALLOW_RESTORE']['ON'] (from SNAPSHOTS_ALLOW_RESTORE__ON): (E003) Unknown key. HINT: Did you mean 'SNAPSHOTS_ALLOW_RESTORE'?"
        ],
    ),
    Wrong(
        "below a list",
        dict,
        environ={"SNAPSHOTS_DEFAULT_ARTIFACTS__0": "media"},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS']['0'] (from SNAPSHOTS_DEFAULT_ARTIFACTS__0): (E003) Unknown key. HINT: Did you mean 'SNAPSHOTS_DEFAULT_ARTIFACTS'?"
        ],
    ),
    Wrong(
        "artifact misspelt in a list",
        dict,
        environ={"SNAPSHOTS_DEFAULT_ARTIFACTS": "database, medai"},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS'][1] (from SNAPSHOTS_DEFAULT_ARTIFACTS): (E020) There is no artifact 'medai'. HINT: Did you mean 'media'?"
        ],
    ),
    Wrong(
        "list cut short",
        dict,
        environ={"SNAPSHOTS_DEFAULT_ARTIFACTS": '["database", '},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS'] (from SNAPSHOTS_DEFAULT_ARTIFACTS): (E005) Is not valid JSON: Expecting value at column 14. HINT: Write SNAPSHOTS_DEFAULT_ARTIFACTS=database,media."
        ],
    ),
    Wrong(
        "list of commas only",
        dict,
        environ={"SNAPSHOTS_DEFAULT_ARTIFACTS": " , "},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS'] (from SNAPSHOTS_DEFAULT_ARTIFACTS): (E002) Input should not be empty. HINT: Name at least one artifact, or take the key out for the default."
        ],
    ),
    Wrong(
        "list null",
        dict,
        environ={"SNAPSHOTS_DEFAULT_ARTIFACTS": "null"},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS'] (from SNAPSHOTS_DEFAULT_ARTIFACTS): (E002) Input should be a valid list. HINT: Write a list, such as ['database', 'media']."
        ],
    ),
    Wrong(
        "list with a number",
        dict,
        environ={"SNAPSHOTS_DEFAULT_ARTIFACTS": '["database", 3]'},
        expected=[
            "SNAPSHOTS['DEFAULT_ARTIFACTS'][1] (from SNAPSHOTS_DEFAULT_ARTIFACTS): (E002) Input should be a valid string. HINT: Put it in quotes."
        ],
    ),
    Wrong(
        "JSON cut short",
        dict,
        environ={
            "SNAPSHOTS_STORAGE": '{"BACKEND": "django_snapshots.storage.LocalFileSystemBackend", "OPTIONS": {"location": "/srv"'
        },
        expected=[
            "SNAPSHOTS['STORAGE'] (from SNAPSHOTS_STORAGE): (E005) Is not valid JSON: Expecting ',' delimiter at column 94. HINT: Write SNAPSHOTS_STORAGE={\"BACKEND\": \"package.Class\"}, or assign a part: SNAPSHOTS_STORAGE__BACKEND=package.Class."
        ],
    ),
    Wrong(
        "JSON with single quotes",
        dict,
        environ={"SNAPSHOTS_STORAGE": "{'BACKEND': 'x.Y'}"},
        expected=[
            'SNAPSHOTS[\'STORAGE\'] (from SNAPSHOTS_STORAGE): (E005) Is not valid JSON: Expecting property name enclosed in double quotes at column 2. HINT: Write SNAPSHOTS_STORAGE={"BACKEND": "package.Class"}, or assign a part: SNAPSHOTS_STORAGE__BACKEND=package.Class.'
        ],
    ),
    Wrong(
        "dotted path for a section",
        dict,
        environ={"SNAPSHOTS_STORAGE": "django_snapshots.storage.LocalFileSystemBackend"},
        expected=[
            'SNAPSHOTS[\'STORAGE\'] (from SNAPSHOTS_STORAGE): (E005) Is not valid JSON: Expecting value at column 1. HINT: Write SNAPSHOTS_STORAGE={"BACKEND": "package.Class"}, or assign a part: SNAPSHOTS_STORAGE__BACKEND=package.Class.'
        ],
    ),
    Wrong(
        "JSON that is a number",
        dict,
        environ={"SNAPSHOTS_STORAGE": "3"},
        expected=[
            "SNAPSHOTS['STORAGE'] (from SNAPSHOTS_STORAGE): (E002) Input should be a dict with BACKEND and OPTIONS, it is of type int. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "JSON with NaN",
        dict,
        environ={"SNAPSHOTS_METADATA": '{"a": NaN}'},
        expected=[
            'SNAPSHOTS[\'METADATA\'] (from SNAPSHOTS_METADATA): (E005) Is not valid JSON: NaN is no JSON value. HINT: Write SNAPSHOTS_METADATA={"name": "value"}, or assign a part: SNAPSHOTS_METADATA__NAME=value.'
        ],
    ),
    Wrong(
        "JSON lower-case keys",
        dict,
        environ={"SNAPSHOTS_STORAGE": '{"backend": "x.Y"}'},
        expected=[
            "SNAPSHOTS['STORAGE']['backend'] (from SNAPSHOTS_STORAGE): (E003) Unknown key. HINT: Did you mean 'BACKEND'?"
        ],
    ),
    Wrong(
        "STORAGE null",
        dict,
        environ={"SNAPSHOTS_STORAGE": "null"},
        expected=[
            "SNAPSHOTS['STORAGE'] (from SNAPSHOTS_STORAGE): (E002) Input should be a dict with BACKEND and OPTIONS, it is None. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "option misspelt",
        dict,
        environ={"SNAPSHOTS_STORAGE__OPTIONS__LOCATOIN": "/srv"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['locatoin'] (from SNAPSHOTS_STORAGE__OPTIONS__LOCATOIN): (E003) Unknown option. HINT: Did you mean 'SNAPSHOTS_STORAGE__OPTIONS__LOCATION'?"
        ],
    ),
    Wrong(
        "option beside OPTIONS",
        dict,
        environ={"SNAPSHOTS_STORAGE__LOCATION": "/srv"},
        expected=[
            "SNAPSHOTS['STORAGE']['LOCATION'] (from SNAPSHOTS_STORAGE__LOCATION): (E003) Unknown key. HINT: Did you mean 'SNAPSHOTS_STORAGE__OPTIONS__LOCATION'?"
        ],
    ),
    Wrong(
        "option beside OPTIONS, with another BACKEND",
        dict,
        environ={
            "SNAPSHOTS_STORAGE__BACKEND": "tests.conf.plugins.Required",
            "SNAPSHOTS_STORAGE__BUCKET": "b",
            "SNAPSHOTS_STORAGE__OPTIONS__REGION": "eu",
        },
        expected=[
            "SNAPSHOTS['STORAGE']['BUCKET'] (from SNAPSHOTS_STORAGE__BUCKET): (E003) Unknown key. HINT: Did you mean 'SNAPSHOTS_STORAGE__OPTIONS__BUCKET'?"
        ],
    ),
    Wrong(
        "OPTIONS in one underscore",
        dict,
        environ={"SNAPSHOTS_STORAGE__OPTIONS_LOCATION": "/srv"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS_LOCATION'] (from SNAPSHOTS_STORAGE__OPTIONS_LOCATION): (E003) Unknown key. HINT: Did you mean 'SNAPSHOTS_STORAGE__OPTIONS__LOCATION'?"
        ],
    ),
    Wrong(
        "BACKEND misspelt",
        dict,
        environ={"SNAPSHOTS_STORAGE__BACKND": "django_snapshots.storage.LocalFileSystemBackend"},
        expected=[
            "SNAPSHOTS['STORAGE']['BACKND'] (from SNAPSHOTS_STORAGE__BACKND): (E003) Unknown key. HINT: Did you mean 'SNAPSHOTS_STORAGE__BACKEND'?"
        ],
    ),
    Wrong(
        "three underscores",
        dict,
        environ={"SNAPSHOTS_STORAGE___BACKEND": "django_snapshots.storage.LocalFileSystemBackend"},
        expected=[
            "SNAPSHOTS['STORAGE']['_BACKEND'] (from SNAPSHOTS_STORAGE___BACKEND): (E003) Unknown key. HINT: Did you mean 'SNAPSHOTS_STORAGE__BACKEND'?"
        ],
    ),
    Wrong(
        "name ends in underscores",
        dict,
        environ={"SNAPSHOTS_STORAGE__": "x"},
        expected=[
            "SNAPSHOTS['STORAGE'][''] (from SNAPSHOTS_STORAGE__): (E003) A part of the variable's name is empty. HINT: Two underscores stand between the parts of a name, none at its end."
        ],
    ),
    Wrong(
        "BACKEND not found",
        dict,
        environ={"SNAPSHOTS_STORAGE__BACKEND": "django_snapshots.storage.Local"},
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND'] (from SNAPSHOTS_STORAGE__BACKEND): (E010) Module 'django_snapshots.storage' has no 'Local'. HINT: Name a class that the module has."
        ],
    ),
    Wrong(
        "new BACKEND forgets OPTIONS",
        lambda: storage(location="/srv"),
        environ={"SNAPSHOTS_STORAGE__BACKEND": "tests.conf.plugins.Required"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['bucket'] (from SNAPSHOTS_STORAGE__BACKEND): (E004) Required option is missing. HINT: Write 'OPTIONS': {'bucket': …}.",
            "SNAPSHOTS['STORAGE']['OPTIONS']['region'] (from SNAPSHOTS_STORAGE__BACKEND): (E004) Required option is missing. HINT: Write 'OPTIONS': {'region': …}.",
        ],
    ),
    Wrong(
        "BACKEND null",
        dict,
        environ={"SNAPSHOTS_STORAGE__BACKEND": "null"},
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND'] (from SNAPSHOTS_STORAGE__BACKEND): (E002) Input should be a dotted path, it is None. HINT: Write 'dotted.path.of.the.Class'."
        ],
    ),
    Wrong(
        "below BACKEND",
        dict,
        environ={"SNAPSHOTS_STORAGE__BACKEND__X": "django_snapshots.storage.LocalFileSystemBackend"},
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']['X'] (from SNAPSHOTS_STORAGE__BACKEND__X): (E003) Unknown key. HINT: Did you mean 'SNAPSHOTS_STORAGE__BACKEND'?"
        ],
    ),
    Wrong(
        "OPTIONS is text",
        dict,
        environ={"SNAPSHOTS_STORAGE__OPTIONS": "/srv"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS'] (from SNAPSHOTS_STORAGE__OPTIONS): (E005) Is not valid JSON: Expecting value at column 1. HINT: Write SNAPSHOTS_STORAGE__OPTIONS={\"name\": \"value\"}, or assign a part: SNAPSHOTS_STORAGE__OPTIONS__NAME=value."
        ],
    ),
    Wrong(
        "part of a live object",
        lambda: {"STORAGE": plugins.MemoryStorage()},
        environ={"SNAPSHOTS_STORAGE__OPTIONS__LOCATION": "/srv"},
        expected=[
            "SNAPSHOTS['STORAGE'] (from SNAPSHOTS_STORAGE__OPTIONS__LOCATION): (E006) A part of it cannot be assigned: it is a live object of class tests.conf.plugins.MemoryStorage. HINT: Change the object in settings.py, or replace it: SNAPSHOTS_STORAGE__BACKEND=package.Class. See https://django-snapshots.readthedocs.io/reference/checks.html#snapshots-e006"
        ],
    ),
    Wrong(
        "all options of a live object",
        lambda: {"STORAGE": plugins.MemoryStorage()},
        environ={"SNAPSHOTS_STORAGE__OPTIONS": "{}"},
        expected=[
            "SNAPSHOTS['STORAGE'] (from SNAPSHOTS_STORAGE__OPTIONS): (E006) A part of it cannot be assigned: it is a live object of class tests.conf.plugins.MemoryStorage. HINT: Change the object in settings.py, or replace it: SNAPSHOTS_STORAGE__BACKEND=package.Class. See https://django-snapshots.readthedocs.io/reference/checks.html#snapshots-e006"
        ],
    ),
    Wrong(
        "part of a live option",
        lambda: storage(DJANGO, storage=FileSystemStorage("/srv")),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__STORAGE__OPTIONS__LOCATION": "/srv"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage'] (from SNAPSHOTS_STORAGE__OPTIONS__STORAGE__OPTIONS__LOCATION): (E006) A part of it cannot be assigned: it is a live object of class django.core.files.storage.filesystem.FileSystemStorage. HINT: Change the object in settings.py, or replace it: SNAPSHOTS_STORAGE__OPTIONS__STORAGE__BACKEND=package.Class. See https://django-snapshots.readthedocs.io/reference/checks.html#snapshots-e006"
        ],
    ),
    Wrong(
        "part of an alias",
        lambda: storage(DJANGO, storage="default"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__STORAGE__OPTIONS__LOCATION": "/srv"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage'] (from SNAPSHOTS_STORAGE__OPTIONS__STORAGE__OPTIONS__LOCATION): (E006) A part of it cannot be assigned: it is text. HINT: Write the whole of it as JSON: SNAPSHOTS_STORAGE__OPTIONS__STORAGE={…}."
        ],
    ),
    Wrong(
        "number misspelt",
        lambda: storage(PLUGINS + ".Typed"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__LEVEL": "three"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['level'] (from SNAPSHOTS_STORAGE__OPTIONS__LEVEL): (E002) Input should be a valid integer, unable to parse string as an integer. HINT: Use a whole number, such as 3."
        ],
    ),
    Wrong(
        "duration in weeks",
        lambda: storage(PLUGINS + ".Typed"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__EVERY": "2 weeks"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['every'] (from SNAPSHOTS_STORAGE__OPTIONS__EVERY): (E002) Input should be a valid timedelta, invalid character in hour. HINT: Use P30D, '30 days' or 12:30:00; weeks are written as days."
        ],
    ),
    Wrong(
        "size with an unknown unit",
        lambda: storage(PLUGINS + ".Typed"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__LIMIT": "10 potatoes"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['limit'] (from SNAPSHOTS_STORAGE__OPTIONS__LIMIT): (E002) Could not interpret byte unit: potatoes. HINT: Use a number of bytes, or a number and a unit: 500MB (10^6), 500MiB (2^20)."
        ],
    ),
    Wrong(
        "size that is no number",
        lambda: storage(PLUGINS + ".Typed"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__LIMIT": "big"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['limit'] (from SNAPSHOTS_STORAGE__OPTIONS__LIMIT): (E002) Could not parse value and unit from byte string. HINT: Use a number of bytes, or a number and a unit: 500MB (10^6), 500MiB (2^20)."
        ],
    ),
    Wrong(
        "ratio",
        lambda: storage(PLUGINS + ".Typed"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__RATIO": "half"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['ratio'] (from SNAPSHOTS_STORAGE__OPTIONS__RATIO): (E002) Input should be a valid number, unable to parse string as a number. HINT: Use a number, such as 0.5."
        ],
    ),
    Wrong(
        "switch",
        lambda: storage(PLUGINS + ".Typed"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__SWITCH": "maybe"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['switch'] (from SNAPSHOTS_STORAGE__OPTIONS__SWITCH): (E002) Input should be a valid boolean, unable to interpret input. HINT: Use true/false, yes/no, on/off or 1/0."
        ],
    ),
    Wrong(
        "list option cut short",
        lambda: storage(PLUGINS + ".Typed"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__NAMES": '["a"'},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['names'] (from SNAPSHOTS_STORAGE__OPTIONS__NAMES): (E005) Is not valid JSON: Expecting ',' delimiter at column 5. HINT: Write JSON, such as [\"a\", \"b\"] or {\"key\": \"value\"}."
        ],
    ),
    Wrong(
        "dict option that is no JSON",
        lambda: storage(PLUGINS + ".Typed"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__TABLE": "a=1"},
        expected=[
            'SNAPSHOTS[\'STORAGE\'][\'OPTIONS\'][\'table\'] (from SNAPSHOTS_STORAGE__OPTIONS__TABLE): (E005) Is not valid JSON: Expecting value at column 1. HINT: Write JSON, such as ["a", "b"] or {"key": "value"}.'
        ],
    ),
    Wrong(
        "dict option with a wrong value",
        lambda: storage(PLUGINS + ".Typed"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__TABLE": '{"a": "x"}'},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['table'] (from SNAPSHOTS_STORAGE__OPTIONS__TABLE): (E002) Input should be a valid integer, unable to parse string as an integer. HINT: Use a whole number, such as 3."
        ],
    ),
    Wrong(
        "relative location",
        dict,
        environ={"SNAPSHOTS_STORAGE__OPTIONS__LOCATION": "backups"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['location'] (from SNAPSHOTS_STORAGE__OPTIONS__LOCATION): (W002) 'backups' is relative: it means another folder in every working directory. HINT: Write an absolute path, or BASE_DIR / the path."
        ],
    ),
    Wrong(
        "nested option misspelt",
        lambda: storage(DJANGO, storage={"BACKEND": "django.core.files.storage.FileSystemStorage"}),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__STORAGE__OPTIONS__LOCATOIN": "/srv"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']['OPTIONS']['locatoin'] (from SNAPSHOTS_STORAGE__OPTIONS__STORAGE__OPTIONS__LOCATOIN): (E003) Unknown option. HINT: Did you mean 'SNAPSHOTS_STORAGE__OPTIONS__STORAGE__OPTIONS__LOCATION'?"
        ],
    ),
    Wrong(
        "compression level out of range",
        dict,
        environ={"SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL": "99"},
        expected=[
            "SNAPSHOTS['COMPRESSION']['OPTIONS']['level'] (from SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL): (E002) zstd has no level 99; it has -131072 to 22. HINT: Use 3, or up to 19 for smaller snapshots."
        ],
    ),
    Wrong(
        "compression level of None",
        lambda: {"COMPRESSION": None},
        environ={"SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL": "3"},
        expected=[
            "SNAPSHOTS['COMPRESSION']['BACKEND'] (from SNAPSHOTS_COMPRESSION__OPTIONS__LEVEL): (E004) BACKEND is missing. HINT: Write 'BACKEND': 'dotted.path.of.the.Class'."
        ],
    ),
    Wrong(
        "compression text",
        dict,
        environ={"SNAPSHOTS_COMPRESSION": "gzip"},
        expected=[
            'SNAPSHOTS[\'COMPRESSION\'] (from SNAPSHOTS_COMPRESSION): (E005) Is not valid JSON: Expecting value at column 1. HINT: Write SNAPSHOTS_COMPRESSION={"BACKEND": "package.Class"}, or assign a part: SNAPSHOTS_COMPRESSION__BACKEND=package.Class.'
        ],
    ),
    Wrong(
        "connector of an unknown alias",
        dict,
        environ={"SNAPSHOTS_DATABASE_CONNECTORS__DEFUALT": "auto"},
        expected=[
            "SNAPSHOTS['DATABASE_CONNECTORS']['defualt'] (from SNAPSHOTS_DATABASE_CONNECTORS__DEFUALT): (E017) DATABASES has no such alias. HINT: Did you mean 'default'?"
        ],
    ),
    Wrong(
        "connector not found",
        dict,
        environ={"SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT": "tests.conf.plugins.Conector"},
        expected=[
            "SNAPSHOTS['DATABASE_CONNECTORS']['default'] (from SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT): (E010) Module 'tests.conf.plugins' has no 'Conector'. HINT: Did you mean 'tests.conf.plugins.Connector'?"
        ],
    ),
    Wrong(
        "connector option misspelt",
        dict,
        environ={
            "SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT__BACKEND": "tests.conf.plugins.Connector",
            "SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT__OPTIONS__HOTS": "x",
        },
        expected=[
            "SNAPSHOTS['DATABASE_CONNECTORS']['default']['OPTIONS']['hots'] (from SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT__OPTIONS__HOTS): (E003) Unknown option. HINT: Did you mean 'SNAPSHOTS_DATABASE_CONNECTORS__DEFAULT__OPTIONS__HOST'?"
        ],
    ),
    Wrong(
        "artifact without BACKEND",
        dict,
        environ={"SNAPSHOTS_ARTIFACTS__SEARCH__OPTIONS__FOLDER": "/x"},
        expected=[
            "SNAPSHOTS['ARTIFACTS']['search']['BACKEND'] (from SNAPSHOTS_ARTIFACTS__SEARCH__OPTIONS__FOLDER): (E004) BACKEND is missing. HINT: Write 'BACKEND': 'dotted.path.of.the.Class'."
        ],
    ),
    Wrong(
        "artifact's section is text",
        dict,
        environ={"SNAPSHOTS_ARTIFACTS__SEARCH": "tests.conf.plugins.Artifact"},
        expected=[
            "SNAPSHOTS['ARTIFACTS']['search'] (from SNAPSHOTS_ARTIFACTS__SEARCH): (E005) Is not valid JSON: Expecting value at column 1. HINT: Write SNAPSHOTS_ARTIFACTS__SEARCH={\"BACKEND\": \"package.Class\"}, or assign a part: SNAPSHOTS_ARTIFACTS__SEARCH__BACKEND=package.Class."
        ],
    ),
    Wrong(
        "metadata text",
        dict,
        environ={"SNAPSHOTS_METADATA": "release 3"},
        expected=[
            'SNAPSHOTS[\'METADATA\'] (from SNAPSHOTS_METADATA): (E005) Is not valid JSON: Expecting value at column 1. HINT: Write SNAPSHOTS_METADATA={"name": "value"}, or assign a part: SNAPSHOTS_METADATA__NAME=value.'
        ],
    ),
    Wrong(
        "metadata list",
        dict,
        environ={"SNAPSHOTS_METADATA": "[1]"},
        expected=[
            "SNAPSHOTS['METADATA'] (from SNAPSHOTS_METADATA): (E002) Input should be a valid dictionary. HINT: Write a dict, such as {'name': 'value'}."
        ],
    ),
    Wrong(
        "metadata part of text",
        lambda: {"METADATA": {"a": "x"}},
        environ={"SNAPSHOTS_METADATA__A__B": "y"},
        expected=[
            "SNAPSHOTS['METADATA']['a'] (from SNAPSHOTS_METADATA__A__B): (E006) A part of it cannot be assigned: it is text. HINT: Write the whole of it as JSON: SNAPSHOTS_METADATA__A={…}."
        ],
    ),
    Wrong(
        "name with a space",
        dict,
        environ={"SNAPSHOTS_SNAPSHOT_NAME": "my backup"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME'] (from SNAPSHOTS_SNAPSHOT_NAME): (E002) 'my backup' cannot name a snapshot: letters, digits and . _ + - only, with a letter or digit first. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "name that never changes",
        dict,
        environ={"SNAPSHOTS_SNAPSHOT_NAME": "nightly"},
        expected=[
            "SNAPSHOTS['SNAPSHOT_NAME'] (from SNAPSHOTS_SNAPSHOT_NAME): (W009) The name never changes: the second backup will find it taken. HINT: Write text such as 'nightly-{timestamp_utc}' or '{hostname}-{timestamp_utc}'."
        ],
    ),
    Wrong(
        "archive on a basic storage",
        lambda: {"STORAGE": plugins.MemoryStorage()},
        environ={"SNAPSHOTS_SNAPSHOT_FORMAT": "archive"},
        expected=[
            "SNAPSHOTS['STORAGE']: (E018) SNAPSHOT_FORMAT 'archive' needs a storage of the advanced tier; MemoryStorage has no stream_read, stream_write, atomic_move, recursive_list, sync. HINT: Use SNAPSHOT_FORMAT 'directory', or a storage that has these methods, such as LocalFileSystemBackend."
        ],
    ),
    Wrong(
        "storage that raises, with its password in a variable",
        dict,
        environ={
            "SNAPSHOTS_STORAGE__BACKEND": "tests.conf.plugins.Raising",
            "SNAPSHOTS_STORAGE__OPTIONS__PASSWORD": "hunter2",
        },
        expected=[
            "SNAPSHOTS['STORAGE'] (from SNAPSHOTS_STORAGE__BACKEND): (E011) Raising(…) raised RuntimeError: login with ******** refused HINT: Correct what its text says."
        ],
    ),
    Wrong(
        "Django storage unwrapped",
        dict,
        environ={"SNAPSHOTS_STORAGE__BACKEND": "django.core.files.storage.FileSystemStorage"},
        expected=[
            "SNAPSHOTS['STORAGE'] (from SNAPSHOTS_STORAGE__BACKEND): (E013) FileSystemStorage is a Django storage; it keeps files, not snapshots. HINT: Wrap it: {'BACKEND': 'django_snapshots.storage.DjangoStorageBackend', 'OPTIONS': {'storage': {'BACKEND': 'django.core.files.storage.FileSystemStorage', 'OPTIONS': …}}}. See https://django-snapshots.readthedocs.io/reference/checks.html#snapshots-e013"
        ],
    ),
    Wrong(
        "SNAPSHOTS no dict, and a variable",
        lambda: None,
        environ={"SNAPSHOTS_ALLOW_RESTORE": "maybe"},
        expected=[
            "SNAPSHOTS: (E001) SNAPSHOTS is of type NoneType, a dict was expected. HINT: Write SNAPSHOTS = {'STORAGE': {'BACKEND': …, 'OPTIONS': {…}}}, or take it out for the defaults.",
            "SNAPSHOTS['ALLOW_RESTORE'] (from SNAPSHOTS_ALLOW_RESTORE): (E002) Input should be a valid boolean, unable to interpret input. HINT: Use true/false, yes/no, on/off or 1/0.",
        ],
    ),
    Wrong(
        "duration as bare seconds",
        lambda: storage(PLUGINS + ".Typed"),
        environ={"SNAPSHOTS_STORAGE__OPTIONS__EVERY": "86400"},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['every'] (from SNAPSHOTS_STORAGE__OPTIONS__EVERY): (E002) Input should be a valid timedelta, invalid character in hour. HINT: Use P30D, '30 days' or 12:30:00; weeks are written as days."
        ],
    ),
    Wrong(
        "artifact misspelt option",
        lambda: {"ARTIFACTS": {"search": {"BACKEND": PLUGINS + ".Artifact"}}},
        environ={"SNAPSHOTS_ARTIFACTS__SEARCH__OPTIONS__FODLER": "x"},
        expected=[
            "SNAPSHOTS['ARTIFACTS']['search']['OPTIONS']['fodler'] (from SNAPSHOTS_ARTIFACTS__SEARCH__OPTIONS__FODLER): (E003) Unknown option. HINT: Did you mean 'SNAPSHOTS_ARTIFACTS__SEARCH__OPTIONS__FOLDER'?"
        ],
    ),
]
