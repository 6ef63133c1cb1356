"""Wrong configurations of plugins: BACKEND, OPTIONS, methods, and what stands inside; each with everything the check prints."""
# ruff: noqa: E501 - the texts stand as a user reads them

from __future__ import annotations

from django.core.files.storage import FileSystemStorage
from django.utils.translation import gettext_lazy

from django_snapshots.storage import DjangoStorageBackend, LocalFileSystemBackend
from tests.conf import plugins
from tests.conf.wrong import DJANGO, LOCAL, PLUGINS, Wrong, storage

WRONG_PLUGINS = [
    Wrong(
        "BACKEND is a class",
        lambda: {"STORAGE": {"BACKEND": LocalFileSystemBackend, "OPTIONS": {"location": "/srv"}}},
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E002) Input should be a dotted path, it is the class LocalFileSystemBackend itself. HINT: Write 'django_snapshots.storage.LocalFileSystemBackend'."
        ],
    ),
    Wrong(
        "BACKEND is a function object",
        lambda: {"STORAGE": {"BACKEND": plugins.function}},
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E002) Input should be a dotted path, it is of type function. HINT: Write 'dotted.path.of.the.Class'."
        ],
    ),
    Wrong(
        "BACKEND names a function",
        lambda: storage(PLUGINS + ".function"),
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E010) 'tests.conf.plugins.function' is no class (it is a function). HINT: Name the class itself."
        ],
    ),
    Wrong(
        "BACKEND names data",
        lambda: storage(PLUGINS + ".DATA"),
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E010) 'tests.conf.plugins.DATA' is no class (it is of type int). HINT: Name the class itself."
        ],
    ),
    Wrong(
        "BACKEND is None",
        lambda: {"STORAGE": {"BACKEND": None}},
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E002) Input should be a dotted path, it is None. HINT: Write 'dotted.path.of.the.Class'."
        ],
    ),
    Wrong(
        "BACKEND is empty",
        lambda: storage(""),
        expected=["SNAPSHOTS['STORAGE']['BACKEND']: (E010) '' is no dotted path. HINT: Write package.module.Class."],
    ),
    Wrong(
        "BACKEND is one word",
        lambda: storage("LocalFileSystemBackend", location="/srv"),
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E010) 'LocalFileSystemBackend' is no dotted path. HINT: Did you mean 'django_snapshots.storage.LocalFileSystemBackend'?"
        ],
    ),
    Wrong(
        "BACKEND with a colon",
        lambda: storage("django_snapshots.storage:LocalFileSystemBackend", location="/srv"),
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E010) 'django_snapshots.storage:LocalFileSystemBackend' is no dotted path. HINT: Did you mean 'django_snapshots.storage.LocalFileSystemBackend'?"
        ],
    ),
    Wrong(
        "typo in the class",
        lambda: storage("django_snapshots.storage.LocalFilesystemBackend", location="/srv"),
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E010) Module 'django_snapshots.storage' has no 'LocalFilesystemBackend'. HINT: Did you mean 'django_snapshots.storage.LocalFileSystemBackend'?"
        ],
    ),
    Wrong(
        "typo in the module",
        lambda: storage("django_snapshots.storages.LocalFileSystemBackend", location="/srv"),
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E010) No module named 'django_snapshots.storages'. HINT: Did you mean 'django_snapshots.storage.LocalFileSystemBackend'?"
        ],
    ),
    Wrong(
        "a package that is not installed",
        lambda: storage("storages_that_nobody_has.S3", bucket="b"),
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E010) No module named 'storages_that_nobody_has'. HINT: Check the spelling of 'storages_that_nobody_has', or install the package that has it."
        ],
    ),
    Wrong(
        "a module that needs what is not installed",
        lambda: storage("tests.conf.needs_missing.Storage"),
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E010) 'tests.conf.needs_missing' needs the module 'a_package_that_nobody_has', which is not installed. HINT: Install it, then try again."
        ],
    ),
    Wrong(
        "a module that raises",
        lambda: storage("tests.conf.raises_on_import.Storage"),
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E010) Importing 'tests.conf.raises_on_import' raised RuntimeError: the module is broken HINT: Correct the module: python -c 'import tests.conf.raises_on_import' shows where it fails."
        ],
    ),
    Wrong(
        "lazy text as BACKEND",
        lambda: {"STORAGE": {"BACKEND": gettext_lazy("x")}},
        expected=[
            "SNAPSHOTS['STORAGE']['BACKEND']: (E002) Input should be a dotted path, it is lazy text. HINT: Write 'dotted.path.of.the.Class'."
        ],
    ),
    Wrong(
        "typo in an option",
        lambda: storage(locatoin="/srv"),
        expected=["SNAPSHOTS['STORAGE']['OPTIONS']['locatoin']: (E003) Unknown option. HINT: Did you mean 'location'?"],
    ),
    Wrong(
        "unknown option",
        lambda: storage(location="/srv", compress=True),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['compress']: (E003) Unknown option. HINT: It takes location, file_mode, directory_mode."
        ],
    ),
    Wrong(
        "option in upper case",
        lambda: {"STORAGE": {"BACKEND": LOCAL, "OPTIONS": {"LOCATION": "/srv"}}},
        expected=["SNAPSHOTS['STORAGE']['OPTIONS']['LOCATION']: (E003) Unknown option. HINT: Did you mean 'location'?"],
    ),
    Wrong(
        "required options missing",
        lambda: storage(PLUGINS + ".Required"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['bucket']: (E004) Required option is missing. HINT: Write 'OPTIONS': {'bucket': …}.",
            "SNAPSHOTS['STORAGE']['OPTIONS']['region']: (E004) Required option is missing. HINT: Write 'OPTIONS': {'region': …}.",
        ],
    ),
    Wrong(
        "one missing, one unknown, one mistyped",
        lambda: storage(PLUGINS + ".Required", bucket=3, zone="eu"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['bucket']: (E002) Input should be a valid string. HINT: Put it in quotes.",
            "SNAPSHOTS['STORAGE']['OPTIONS']['region']: (E004) Required option is missing. HINT: Write 'OPTIONS': {'region': …}.",
            "SNAPSHOTS['STORAGE']['OPTIONS']['zone']: (E003) Unknown option. HINT: It takes bucket, region.",
        ],
    ),
    Wrong(
        "option that is no text",
        lambda: storage(location=3),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['location']: (E002) Input should be a valid string or a valid path. HINT: Put it in quotes."
        ],
    ),
    Wrong(
        "option of a union of types",
        lambda: storage(PLUGINS + ".Typed", location=3.5),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['location']: (E002) Input should be a valid string or a valid path. HINT: Put it in quotes."
        ],
    ),
    Wrong(
        "number in quotes",
        lambda: storage(PLUGINS + ".Typed", level="3"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['level']: (E002) Input should be of type int, it is text. HINT: Write 3, without quotes."
        ],
    ),
    Wrong(
        "whole number with a point",
        lambda: storage(PLUGINS + ".Typed", level=3.0),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['level']: (E002) Input should be of type int, it is float. HINT: Write 3."
        ],
    ),
    Wrong(
        "bytes for a path",
        lambda: storage(LOCAL, location=b"/srv"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['location']: (E002) Input should be of type str, it is bytes. HINT: Write '/srv'."
        ],
    ),
    Wrong(
        "duration in quotes",
        lambda: storage(PLUGINS + ".Typed", every="P30D"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['every']: (E002) Input should be of type timedelta, it is text. HINT: Write datetime.timedelta(days=30), without quotes."
        ],
    ),
    Wrong(
        "text for a number",
        lambda: storage(PLUGINS + ".Typed", level="three"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['level']: (E002) Input should be a valid integer, unable to parse string as an integer. HINT: Use a whole number, such as 3."
        ],
    ),
    Wrong(
        "number for a bool",
        lambda: storage(PLUGINS + ".Typed", switch=7),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['switch']: (E002) Input should be a valid boolean, unable to interpret input. HINT: Use true/false, yes/no, on/off or 1/0."
        ],
    ),
    Wrong(
        "text for a list of secrets, which no hint shows",
        lambda: storage(PLUGINS + ".Keyring", ring="hunter2hunter2", token="correct-horse"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['ring']: (E002) Input should be a valid list. HINT: Write a list, such as ['a', 'b'].",
            "SNAPSHOTS['STORAGE']['OPTIONS']['token']: (E002) Input should be a valid list. HINT: Write a list, such as ['a', 'b'].",
        ],
    ),
    Wrong(
        "a number for a list",
        lambda: storage(PLUGINS + ".Typed", names=3),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['names']: (E002) Input should be a valid list. HINT: Write a list, such as ['a', 'b']."
        ],
    ),
    Wrong(
        "text for a list",
        lambda: storage(PLUGINS + ".Typed", names="a,b"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['names']: (E002) Input should be a valid list. HINT: Write a list, such as ['a', 'b']."
        ],
    ),
    Wrong(
        "list with a number",
        lambda: storage(PLUGINS + ".Typed", names=["a", 3]),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['names']: (E002) [1]: Input should be a valid string. HINT: Put it in quotes."
        ],
    ),
    Wrong(
        "dict with text for a number",
        lambda: storage(PLUGINS + ".Typed", table={"a": "x"}),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['table']: (E002) Input should be a valid integer, unable to parse string as an integer. HINT: Use a whole number, such as 3."
        ],
    ),
    Wrong(
        "option key that is a number",
        lambda: {"STORAGE": {"BACKEND": LOCAL, "OPTIONS": {3: 4, "location": "/srv"}}},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS'][3]: (E003) A key must be text. HINT: Put the key in quotes, or take it out."
        ],
    ),
    Wrong(
        "option unknown to a deconstructible class",
        lambda: storage(PLUGINS + ".Deconstructible", buckt="b"),
        expected=["SNAPSHOTS['STORAGE']['OPTIONS']['buckt']: (E003) Unknown option. HINT: Did you mean 'bucket'?"],
    ),
    Wrong(
        "class that judges its options itself",
        lambda: storage(PLUGINS + ".Keywords", bukcet_name="b", secret_key="hunter2-hunter2"),
        expected=[
            "SNAPSHOTS['STORAGE']: (E011) Keywords(…) raised ValueError: Invalid setting 'bukcet_name' in {'bukcet_name': 'b', 'secret_key': '********'} HINT: Correct what its text says."
        ],
    ),
    Wrong(
        "class without options",
        lambda: storage(PLUGINS + ".MemoryStorage", location="/srv"),
        expected=["SNAPSHOTS['STORAGE']['OPTIONS']['location']: (E003) Unknown option. HINT: It takes no options."],
    ),
    Wrong(
        "constructor that raises, with a secret",
        lambda: storage(PLUGINS + ".Raising", password="hunter2"),
        expected=[
            "SNAPSHOTS['STORAGE']: (E011) Raising(…) raised RuntimeError: login with ******** refused HINT: Correct what its text says."
        ],
    ),
    Wrong(
        "constructor whose error cannot be shown",
        lambda: storage(PLUGINS + ".Unprintable"),
        expected=["SNAPSHOTS['STORAGE']: (E011) Unprintable(…) raised Error. HINT: Correct what its text says."],
    ),
    Wrong(
        "abstract class",
        lambda: storage(PLUGINS + ".Abstract"),
        expected=[
            "SNAPSHOTS['STORAGE']: (E011) Abstract(…) raised TypeError: Can't instantiate abstract class Abstract*** HINT: Correct what its text says."
        ],
    ),
    Wrong(
        "Protocol",
        lambda: storage(PLUGINS + ".Contract"),
        expected=[
            "SNAPSHOTS['STORAGE']: (E011) Contract(…) raised TypeError: Protocols cannot be instantiated HINT: Correct what its text says."
        ],
    ),
    Wrong(
        "a class that is no storage",
        lambda: storage(PLUGINS + ".NotAStorage"),
        expected=[
            "SNAPSHOTS['STORAGE']: (E014) NotAStorage.delete is missing. HINT: Every storage has a method delete(path).",
            "SNAPSHOTS['STORAGE']: (E014) NotAStorage.exists is missing. HINT: Every storage has a method exists(path).",
            "SNAPSHOTS['STORAGE']: (E014) NotAStorage.list is missing. HINT: Every storage has a method list(prefix).",
            "SNAPSHOTS['STORAGE']: (E014) NotAStorage.read is missing. HINT: Every storage has a method read(path).",
            "SNAPSHOTS['STORAGE']: (E014) NotAStorage.write is missing. HINT: Every storage has a method write(path, content).",
        ],
    ),
    Wrong(
        "method missing",
        lambda: {"STORAGE": plugins.NoWrite()},
        expected=[
            "SNAPSHOTS['STORAGE']: (E014) NoWrite.write is missing. HINT: Every storage has a method write(path, content)."
        ],
    ),
    Wrong(
        "method is a number",
        lambda: {"STORAGE": plugins.NumberForMethod()},
        expected=[
            "SNAPSHOTS['STORAGE']: (E014) NumberForMethod.read is no method, it is of type int. HINT: Every storage has a method read(path)."
        ],
    ),
    Wrong(
        "method async",
        lambda: {"STORAGE": plugins.AsyncRead()},
        expected=[
            "SNAPSHOTS['STORAGE']: (E015) AsyncRead.read is async. HINT: Write it as a plain function: def …(path). Snapshots are made in threads."
        ],
    ),
    Wrong(
        "streaming method async",
        lambda: storage(PLUGINS + ".AsyncStreamingStorage"),
        expected=[
            "SNAPSHOTS['STORAGE']: (E015) AsyncStreamingStorage.stream_read is async. HINT: Write it as a plain function: def …(path). Snapshots are made in threads."
        ],
    ),
    Wrong(
        "method takes too little",
        lambda: {"STORAGE": plugins.TooFewArguments()},
        expected=[
            "SNAPSHOTS['STORAGE']: (E016) TooFewArguments.write(path) is called as (path, content): too many positional arguments. HINT: Accept (path, content)."
        ],
    ),
    Wrong(
        "method wants too much",
        lambda: {"STORAGE": plugins.TooManyArguments()},
        expected=[
            "SNAPSHOTS['STORAGE']: (E016) TooManyArguments.exists(path, bucket) is called as (path): missing a required argument: 'bucket'. HINT: Accept (path)."
        ],
    ),
    Wrong(
        "method behind a property that raises",
        lambda: {"STORAGE": plugins.PropertyThatRaises()},
        expected=[
            "SNAPSHOTS['STORAGE']: (E014) PropertyThatRaises.read cannot be read, it raises RuntimeError. HINT: Every storage has a method read(path)."
        ],
    ),
    Wrong(
        "plugin's own check",
        lambda: storage(PLUGINS + ".Judged", region="xx"),
        expected=[
            "SNAPSHOTS['STORAGE']: (W002) This storage is slow.",
            "SNAPSHOTS['STORAGE']['OPTIONS']['region']: (E002) There is no such region. HINT: Write 'eu-1'.",
        ],
    ),
    Wrong(
        "own check of a live object",
        lambda: {"STORAGE": plugins.Judged("xx")},
        expected=[
            "SNAPSHOTS['STORAGE']: (E002) There is no such region. HINT: Write 'eu-1'.",
            "SNAPSHOTS['STORAGE']: (W002) This storage is slow.",
        ],
    ),
    Wrong(
        "own check raises",
        lambda: storage(PLUGINS + ".CheckRaises"),
        expected=[
            "SNAPSHOTS['STORAGE']: (E000) Could not be checked: tests.conf.plugins.CheckRaises.check() raised LookupError at ***. HINT: This is a mistake in the code that checks, not in your settings: report it to its authors."
        ],
    ),
    Wrong(
        "own check returns text",
        lambda: storage(PLUGINS + ".CheckReturnsText"),
        expected=[
            "SNAPSHOTS['STORAGE']: (E000) Could not be checked: tests.conf.plugins.CheckReturnsText.check() returned something else than Problems: TypeError. HINT: This is a mistake in the code that checks, not in your settings: report it to its authors."
        ],
    ),
    Wrong(
        "own check wants arguments",
        lambda: storage(PLUGINS + ".CheckWantsArguments"),
        expected=[
            "SNAPSHOTS['STORAGE']: (E016) CheckWantsArguments.check(_deep) is called as (): missing a required argument: '_deep'. HINT: Accept ()."
        ],
    ),
    Wrong(
        "relative location",
        lambda: storage(location="backups"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['location']: (W002) 'backups' is relative: it means another folder in every working directory. HINT: Write an absolute path, or BASE_DIR / the path."
        ],
    ),
    Wrong(
        "nested typo, three levels deep",
        lambda: storage(
            DJANGO, storage={"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"locatoin": "/srv"}}
        ),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']['OPTIONS']['locatoin']: (E003) Unknown option. HINT: Did you mean 'location'?"
        ],
    ),
    Wrong(
        "nested BACKEND missing",
        lambda: storage(DJANGO, storage={"OPTIONS": {"location": "/srv"}}),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']['BACKEND']: (E004) BACKEND is missing. HINT: Write 'BACKEND': 'dotted.path.of.the.Class'."
        ],
    ),
    Wrong(
        "nested options beside BACKEND",
        lambda: storage(DJANGO, storage={"BACKEND": "django.core.files.storage.FileSystemStorage", "LOCATION": "/srv"}),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']['LOCATION']: (E003) Unknown key. HINT: Put it in OPTIONS: {'location': …}."
        ],
    ),
    Wrong(
        "nested class not found",
        lambda: storage(DJANGO, storage={"BACKEND": "django.core.files.storage.FilesystemStorage"}),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']['BACKEND']: (E010) Module 'django.core.files.storage' has no 'FilesystemStorage'. HINT: Did you mean 'django.core.files.storage.FileSystemStorage'?"
        ],
    ),
    Wrong(
        "nested class is no Django storage",
        lambda: storage(DJANGO, storage={"BACKEND": LOCAL, "OPTIONS": {"location": "/srv"}}),
        expected=[
            'SNAPSHOTS[\'STORAGE\'][\'OPTIONS\'][\'storage\']: (E002) Expected a Django storage, found an object of LocalFileSystemBackend. HINT: Write an alias of STORAGES, such as "default", a dict {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {…}}, or an instance.'
        ],
    ),
    Wrong(
        "nested storage raises",
        lambda: storage(DJANGO, storage={"BACKEND": PLUGINS + ".Raising", "OPTIONS": {"password": "hunter2"}}),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']: (E011) Raising(…) raised RuntimeError: login with ******** refused HINT: Correct what its text says."
        ],
    ),
    Wrong(
        "unknown alias of STORAGES",
        lambda: storage(DJANGO, storage="defualt"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']: (E002) STORAGES has no 'defualt'. HINT: Did you mean 'default'?"
        ],
    ),
    Wrong(
        "nested class object",
        lambda: storage(DJANGO, storage=FileSystemStorage),
        expected=[
            'SNAPSHOTS[\'STORAGE\'][\'OPTIONS\'][\'storage\']: (E002) Expected a Django storage, found the class FileSystemStorage itself. HINT: Write an alias of STORAGES, such as "default", a dict {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {…}}, or an instance.'
        ],
    ),
    Wrong(
        "nested None",
        lambda: storage(DJANGO, storage=None),
        expected=[
            'SNAPSHOTS[\'STORAGE\'][\'OPTIONS\'][\'storage\']: (E002) Expected a Django storage, found an object of NoneType. HINT: Write an alias of STORAGES, such as "default", a dict {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {…}}, or an instance.'
        ],
    ),
    Wrong(
        "storage in a folder with a name of temporary ones",
        lambda: storage(location="/srv/.django-snapshots-prod"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['location']: (E002) The folder is called '.django-snapshots-prod': names that begin with .django-snapshots- are those of temporary folders. HINT: Write another name; a folder that is there can be renamed."
        ],
    ),
    Wrong(
        "Django storage in a folder with a name of temporary ones",
        lambda: storage(DJANGO, storage=FileSystemStorage("/srv/.django-snapshots-prod")),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']: (E002) The folder is called '.django-snapshots-prod': names that begin with .django-snapshots- are those of temporary folders. HINT: Write another name; a folder that is there can be renamed."
        ],
    ),
    Wrong(
        "URL of a folder with a name of temporary ones",
        lambda: storage("django_snapshots.storage.FsspecBackend", url="file:///srv/.django-snapshots-prod"),
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['url']: (E002) The folder is called '.django-snapshots-prod': names that begin with .django-snapshots- are those of temporary folders. HINT: Write another name; a folder that is there can be renamed."
        ],
    ),
    Wrong(
        "STORAGES alias whose options are wrong",
        lambda: storage(DJANGO, storage="default"),
        settings={
            "STORAGES": {
                "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"bukcet": 1}},
                "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            }
        },
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']: (E011) STORAGES['default'] cannot be built: TypeError: FileSystemStorage.__init__() got an unexpected keyword argument 'bukcet' HINT: Correct STORAGES['default']."
        ],
    ),
    Wrong(
        "alias whose package is not installed",
        lambda: storage(DJANGO, storage="offsite"),
        settings={"STORAGES": {"offsite": {"BACKEND": "nowhere.s3.Storage"}}},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']: (E011) STORAGES['offsite'] cannot be built: InvalidStorageError: Could not find backend 'nowhere.s3.Storage': No module named 'nowhere' HINT: Correct STORAGES['offsite'], or install the package that has the module 'nowhere'."
        ],
    ),
    Wrong(
        "alias whose package needs one that is not installed",
        lambda: storage(DJANGO, storage="offsite"),
        settings={"STORAGES": {"offsite": {"BACKEND": "tests.conf.needs_missing.Storage"}}},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']: (E011) STORAGES['offsite'] cannot be built: ***No module named '***' HINT: Correct STORAGES['offsite'], or install the package that has the module '***'."
        ],
    ),
    Wrong(
        "alias whose class is misspelt",
        lambda: storage(DJANGO, storage="offsite"),
        settings={"STORAGES": {"offsite": {"BACKEND": "tests.conf.plugins.Nobody"}}},
        expected=[
            "SNAPSHOTS['STORAGE']['OPTIONS']['storage']: (E011) STORAGES['offsite'] cannot be built: InvalidStorageError: *** HINT: Correct STORAGES['offsite']."
        ],
    ),
    Wrong(
        "wrapped in itself",
        lambda: storage(DJANGO, storage=DjangoStorageBackend("default")),
        expected=[
            'SNAPSHOTS[\'STORAGE\'][\'OPTIONS\'][\'storage\']: (E002) Expected a Django storage, found an object of DjangoStorageBackend. HINT: Write an alias of STORAGES, such as "default", a dict {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {…}}, or an instance.'
        ],
    ),
]
