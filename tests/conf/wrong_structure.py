"""Wrong configurations of the outer shape: SNAPSHOTS, its keys, its sections; each with everything the check prints."""
# ruff: noqa: E501 - the texts stand as a user reads them

from __future__ import annotations

import types
from pathlib import Path

from django.core.files.storage import FileSystemStorage
from django.utils.translation import gettext_lazy

from django_snapshots.storage import LocalFileSystemBackend
from tests.conf import plugins
from tests.conf.wrong import LOCAL, Wrong

WRONG_STRUCTURE = [
    Wrong(
        "SNAPSHOTS is None",
        lambda: None,
        expected=[
            "SNAPSHOTS: (E001) SNAPSHOTS is of type NoneType, a dict was expected. HINT: Write SNAPSHOTS = {'STORAGE': {'BACKEND': …, 'OPTIONS': {…}}}, or take it out for the defaults."
        ],
    ),
    Wrong(
        "SNAPSHOTS is a list",
        lambda: [("STORAGE", {})],
        expected=[
            "SNAPSHOTS: (E001) SNAPSHOTS is of type list, a dict was expected. HINT: Write SNAPSHOTS = {'STORAGE': {'BACKEND': …, 'OPTIONS': {…}}}, or take it out for the defaults."
        ],
    ),
    Wrong(
        "SNAPSHOTS is text",
        lambda: "/var/backups",
        expected=[
            "SNAPSHOTS: (E001) SNAPSHOTS is of type str, a dict was expected. HINT: Write SNAPSHOTS = {'STORAGE': {'BACKEND': …, 'OPTIONS': {…}}}, or take it out for the defaults."
        ],
    ),
    Wrong(
        "SNAPSHOTS is a mapping, no dict",
        lambda: types.MappingProxyType({}),
        expected=[
            "SNAPSHOTS: (E001) SNAPSHOTS is of type mappingproxy, a dict was expected. HINT: Write SNAPSHOTS = {'STORAGE': {'BACKEND': …, 'OPTIONS': {…}}}, or take it out for the defaults."
        ],
    ),
    Wrong(
        "SNAPSHOTS is a tuple: a comma at the end",
        lambda: ({},),
        expected=[
            "SNAPSHOTS: (E001) SNAPSHOTS is of type tuple, a dict was expected. HINT: Write SNAPSHOTS = {'STORAGE': {'BACKEND': …, 'OPTIONS': {…}}}, or take it out for the defaults."
        ],
    ),
    Wrong(
        "unknown key",
        lambda: {"STORAGES": {}},
        expected=["SNAPSHOTS['STORAGES']: (E003) Unknown key. HINT: Did you mean 'STORAGE'?"],
    ),
    Wrong(
        "lower-case key",
        lambda: {"storage": {"BACKEND": LOCAL}},
        expected=["SNAPSHOTS['storage']: (E003) Unknown key. HINT: Did you mean 'STORAGE'?"],
    ),
    Wrong(
        "key nothing looks like",
        lambda: {"XYZ": 1},
        expected=["SNAPSHOTS['XYZ']: (E003) Unknown key. HINT: Keys are STORAGE, SNAPSHOT_FORMAT, ***."],
    ),
    Wrong(
        "key that is a number",
        lambda: {3: 4},
        expected=["SNAPSHOTS[3]: (E003) A key must be text. HINT: Put the key in quotes, or take it out."],
    ),
    Wrong(
        "key that is None",
        lambda: {None: 4},
        expected=["SNAPSHOTS[None]: (E003) A key must be text. HINT: Put the key in quotes, or take it out."],
    ),
    Wrong(
        "key that is bytes",
        lambda: {b"STORAGE": {}},
        expected=["SNAPSHOTS[b'STORAGE']: (E003) A key must be text. HINT: Put the key in quotes, or take it out."],
    ),
    Wrong(
        "key that is a tuple",
        lambda: {("a", 1): {}},
        expected=["SNAPSHOTS[('a', 1)]: (E003) A key must be text. HINT: Put the key in quotes, or take it out."],
    ),
    Wrong(
        "STORAGE is None",
        lambda: {"STORAGE": None},
        expected=[
            "SNAPSHOTS['STORAGE']: (E002) Input should be a dict with BACKEND and OPTIONS, it is None. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "STORAGE is a path in text",
        lambda: {"STORAGE": "/var/backups"},
        expected=[
            "SNAPSHOTS['STORAGE']: (E002) Input should be a dict with BACKEND and OPTIONS, it is text. HINT: Write {'BACKEND': 'django_snapshots.storage.LocalFileSystemBackend', 'OPTIONS': {'location': '/var/backups'}}."
        ],
    ),
    Wrong(
        "STORAGE is a dotted path",
        lambda: {"STORAGE": LOCAL},
        expected=[
            "SNAPSHOTS['STORAGE']: (E002) Input should be a dict with BACKEND and OPTIONS, it is text. HINT: Write {'BACKEND': 'django_snapshots.storage.LocalFileSystemBackend', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "STORAGE is a Path",
        lambda: {"STORAGE": Path("/var/backups")},
        expected=[
            "SNAPSHOTS['STORAGE']: (E002) Input should be a dict with BACKEND and OPTIONS, it is of type PosixPath. HINT: Write {'BACKEND': 'django_snapshots.storage.LocalFileSystemBackend', 'OPTIONS': {'location': '/var/backups'}}."
        ],
    ),
    Wrong(
        "STORAGE is a list",
        lambda: {"STORAGE": [LOCAL]},
        expected=[
            "SNAPSHOTS['STORAGE']: (E002) Input should be a dict with BACKEND and OPTIONS, it is of type list. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "STORAGE is True",
        lambda: {"STORAGE": True},
        expected=[
            "SNAPSHOTS['STORAGE']: (E002) Input should be a dict with BACKEND and OPTIONS, it is of type bool. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "STORAGE is a class",
        lambda: {"STORAGE": LocalFileSystemBackend},
        expected=[
            "SNAPSHOTS['STORAGE']: (E012) A class where an instance is needed. HINT: Write {'BACKEND': 'django_snapshots.storage.LocalFileSystemBackend', 'OPTIONS': {}}, or call the class."
        ],
    ),
    Wrong(
        "STORAGE is a function",
        lambda: {"STORAGE": plugins.function},
        expected=[
            "SNAPSHOTS['STORAGE']: (E002) Input should be a dict with BACKEND and OPTIONS, it is of type function. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "STORAGE is lazy text",
        lambda: {"STORAGE": gettext_lazy("x")},
        expected=[
            "SNAPSHOTS['STORAGE']: (E002) Input should be a dict with BACKEND and OPTIONS, it is lazy text. HINT: Write {'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}."
        ],
    ),
    Wrong(
        "STORAGE is a Django storage",
        lambda: {"STORAGE": FileSystemStorage("/srv")},
        expected=[
            "SNAPSHOTS['STORAGE']: (E013) FileSystemStorage is a Django storage; it keeps files, not snapshots. HINT: Wrap it: {'BACKEND': 'django_snapshots.storage.DjangoStorageBackend', 'OPTIONS': {'storage': …}}. See https://django-snapshots.readthedocs.io/reference/checks.html#snapshots-e013"
        ],
    ),
    Wrong(
        "STORAGE names a Django storage",
        lambda: {
            "STORAGE": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": "/srv"}}
        },
        expected=[
            "SNAPSHOTS['STORAGE']: (E013) FileSystemStorage is a Django storage; it keeps files, not snapshots. HINT: Wrap it: {'BACKEND': 'django_snapshots.storage.DjangoStorageBackend', 'OPTIONS': {'storage': {'BACKEND': 'django.core.files.storage.FileSystemStorage', 'OPTIONS': …}}}. See https://django-snapshots.readthedocs.io/reference/checks.html#snapshots-e013"
        ],
    ),
    Wrong(
        "STORAGE is an object that is no storage",
        lambda: {"STORAGE": object()},
        expected=[
            "SNAPSHOTS['STORAGE']: (E014) object.delete is missing. HINT: Every storage has a method delete(path).",
            "SNAPSHOTS['STORAGE']: (E014) object.exists is missing. HINT: Every storage has a method exists(path).",
            "SNAPSHOTS['STORAGE']: (E014) object.list is missing. HINT: Every storage has a method list(prefix).",
            "SNAPSHOTS['STORAGE']: (E014) object.read is missing. HINT: Every storage has a method read(path).",
            "SNAPSHOTS['STORAGE']: (E014) object.write is missing. HINT: Every storage has a method write(path, content).",
        ],
    ),
    Wrong(
        "STORAGE is empty",
        lambda: {"STORAGE": {}},
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E004) BACKEND is missing. HINT: Write 'BACKEND': 'dotted.path.of.the.Class'."
        ],
    ),
    Wrong(
        "options beside BACKEND, upper case",
        lambda: {"STORAGE": {"BACKEND": LOCAL, "LOCATION": "/srv"}},
        expected=["SNAPSHOTS['STORAGE']['LOCATION']: (E003) Unknown key. HINT: Put it in OPTIONS: {'location': …}."],
    ),
    Wrong(
        "options beside BACKEND, lower case",
        lambda: {"STORAGE": {"BACKEND": LOCAL, "location": "/srv"}},
        expected=["SNAPSHOTS['STORAGE']['location']: (E003) Unknown key. HINT: Put it in OPTIONS: {'location': …}."],
    ),
    Wrong(
        "options without BACKEND",
        lambda: {"STORAGE": {"location": "/srv"}},
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E004) BACKEND is missing. HINT: Write 'BACKEND': 'dotted.path.of.the.Class'.",
            "SNAPSHOTS['STORAGE']['location']: (E003) Unknown key. HINT: Put it in OPTIONS: {'location': …}.",
        ],
    ),
    Wrong(
        "lower-case backend and options",
        lambda: {"STORAGE": {"backend": LOCAL, "options": {"location": "/srv"}}},
        expected=[
            "SNAPSHOTS['STORAGE']['backend']: (E003) Unknown key. HINT: Did you mean 'BACKEND'?",
            "SNAPSHOTS['STORAGE']['options']: (E003) Unknown key. HINT: Did you mean 'OPTIONS'?",
        ],
    ),
    Wrong(
        "typo in BACKEND",
        lambda: {"STORAGE": {"BACKND": LOCAL, "OPTIONS": {"location": "/srv"}}},
        expected=["SNAPSHOTS['STORAGE']['BACKND']: (E003) Unknown key. HINT: Did you mean 'BACKEND'?"],
    ),
    Wrong(
        "OPTIONS is a list",
        lambda: {"STORAGE": {"BACKEND": LOCAL, "OPTIONS": ["/srv"]}},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']: (E002) Input should be a valid dictionary. HINT: Write a dict, such as {'name': 'value'}."
        ],
    ),
    Wrong(
        "OPTIONS is None",
        lambda: {"STORAGE": {"BACKEND": LOCAL, "OPTIONS": None}},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']: (E002) Input should be a valid dictionary. HINT: Write a dict, such as {'name': 'value'}."
        ],
    ),
]
