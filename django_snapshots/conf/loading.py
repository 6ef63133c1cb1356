"""The only reader of Django's settings: `load()` for checks, `get_settings()` for everything that needs them right."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db.utils import load_backend

from django_snapshots.conf.build import unexpected
from django_snapshots.conf.configuration import Configuration, Project, configure, without_secrets
from django_snapshots.conf.databases import database_problems
from django_snapshots.conf.deploy import deploy_problems
from django_snapshots.conf.masking import secret_texts
from django_snapshots.conf.sources import read_sources
from django_snapshots.sqlite_names import sqlite_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django_snapshots.conf.problems import Problem
    from django_snapshots.conf.schema import Settings

__all__ = [
    "Configuration",
    "SnapshotsConfigError",
    "get_settings",
    "load",
    "load_database_problems",
    "load_deploy_problems",
    "load_secrets",
    "notice_recipients",
]

_READ = {"SNAPSHOTS", "STORAGES", "DATABASES", "MEDIA_ROOT", "BASE_DIR"}
_ALIKE = ("SNAPSHOT", "DJANGO_SNAPSHOTS")
"""How the names of settings begin that may be SNAPSHOTS misspelt, or a key of it beside it."""


class SnapshotsConfigError(ImproperlyConfigured):
    """SNAPSHOTS cannot be used; the text lists every error.

    Attributes:
        problems: The errors, sorted by place.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        count = "an error" if len(problems) == 1 else f"{len(problems)} errors"
        listed = "\n".join(str(problem) for problem in problems)
        super().__init__(f"The configuration of django-snapshots has {count}:\n{listed}")


@lru_cache(maxsize=1)
def load() -> Configuration:
    """Return the configuration of this process. Cached; never raises for anything in the settings."""
    try:
        return configure(_project(), read_sources())
    except Exception as error:  # noqa: BLE001 - the border of E000: a mistake of ours must not end `migrate`
        return Configuration(None, problems=(unexpected(error, ()),))


def get_settings() -> Configuration:
    """Return the configuration of this process when it can be used.

    Raises:
        SnapshotsConfigError: It cannot; every error is listed. Ids in SILENCED_SYSTEM_CHECKS are let pass where
            all plugins could be built nevertheless.
    """
    configuration = load()
    usable = _is_built(configuration)
    silenced = set(settings.SILENCED_SYSTEM_CHECKS) if usable else set()
    errors = tuple(problem for problem in configuration.errors if problem.id not in silenced)
    if errors:
        raise SnapshotsConfigError(errors)
    return configuration


def _is_built(configuration: Configuration) -> bool:
    """Say whether every plugin is there without which a backup would be none, or a plain one, or restored on trust."""
    settings_, storage = configuration.settings, configuration.storage
    if settings_ is None or storage is None or None in configuration.replicas:
        return False
    encrypts = settings_.ENCRYPTION is None or configuration.encryption is not None
    return encrypts and (settings_.SIGNING is None or configuration.signing is not None)


def load_deploy_problems() -> list[Problem]:
    """Return what is wrong with the configuration on this host; looks at the file system, and is not cached."""
    served = {name: _path(getattr(settings, name, None)) for name in ("MEDIA_ROOT", "STATIC_ROOT")}
    files = {
        alias: sqlite_file(database.get("NAME"))
        for alias, database in settings.DATABASES.items()
        if _vendor(database) == "sqlite"
    }
    return deploy_problems(load(), served, files)


def load_database_problems(aliases: Iterable[str]) -> tuple[Problem, ...]:
    """Return what is wrong between the connectors of these aliases and their servers; connects, and is not cached."""
    return without_secrets(database_problems(load(), aliases), load_secrets())


def load_secrets() -> frozenset[str]:
    """Return every text in any of the settings that no message may show."""
    return load().secrets | _secrets()


def notice_recipients(configured: Settings) -> tuple[str, ...] | None:
    """Return whom NOTIFY names; None where that is Django's ADMINS and there are some."""
    if configured.NOTIFY is None:
        return None if settings.ADMINS else ()
    return configured.NOTIFY


def _project() -> Project:
    return Project(
        snapshots=getattr(settings, "SNAPSHOTS", {}),
        vendors={alias: _vendor(database) for alias, database in settings.DATABASES.items()},
        base_dir=_path(getattr(settings, "BASE_DIR", None)) or Path.cwd(),
        media_root=_path(settings.MEDIA_ROOT),
        secrets=_secrets,
        alike={name: getattr(settings, name) for name in dir(settings) if name.startswith(_ALIKE)},
    )


def _secrets() -> set[str]:
    """Return the secrets of all settings: a storage inside DjangoStorageBackend is made of STORAGES and AWS_*."""
    return secret_texts(_all_settings())


def _all_settings() -> dict[str, Any]:
    found: dict[str, Any] = {}
    with warnings.catch_warnings():
        # Django 6.1 warns who looks at EMAIL_HOST_PASSWORD. It is looked through here, and not used.
        warnings.simplefilter("ignore")
        for name in filter(str.isupper, dir(settings)):
            with suppress(ImproperlyConfigured):  # Django's answer for an empty SECRET_KEY
                found[name] = getattr(settings, name)
    return found


def _path(value: Any) -> Path | None:
    """Return a setting that names a directory; what is no path, or empty, is None."""
    return Path(os.fspath(value)) if isinstance(value, (str, os.PathLike)) and os.fspath(value) else None


def _vendor(database: Any) -> str:
    """Return the vendor of an engine: derived engines (GIS, pools, wrappers) have that of the one they derive from."""
    try:
        return str(load_backend(database["ENGINE"]).DatabaseWrapper.vendor)
    except Exception:  # noqa: BLE001 - Django reports a wrong DATABASES itself, and better
        return "unknown"


def _forget(*, setting: str, **_: object) -> None:
    if setting in _READ or setting.startswith(_ALIKE):
        load.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_snapshots.conf")
