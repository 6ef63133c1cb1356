"""The same database, backed up and restored by us and by published packages, each in an environment of its own."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.compare import Measure, Result, Side
from benchmarks.process import BenchmarkError, Cost, run_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.bench import Bench

__all__ = ["Engine", "Home", "compare_packages"]

_BAR = 1.0
_SNAPSHOT = "measured"
_APPS = ("auth", "contenttypes", "messages", "sessions", "staticfiles")
_SETTINGS = """\
{prologue}
SECRET_KEY = "only for a benchmark that is removed afterwards"
USE_TZ = True
INSTALLED_APPS = {apps!r}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {database!r}}}
SNAPSHOTS = {{
    "STORAGE": {{
        "BACKEND": "django_snapshots.storage.LocalFileSystemBackend",
        "OPTIONS": {{"location": {storage!r}}},
    }}
}}
STORAGES = {{
    "default": {{"BACKEND": "django.core.files.storage.FileSystemStorage"}},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
    "dbbackup": {{"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {{"location": {storage!r}}}}},
}}
"""
_MANAGE = """\
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""


@dataclass(frozen=True)
class Engine:
    """A database with data in it.

    Attributes:
        name: Such as "postgres".
        database: What DATABASES says of it.
        count: Returns the number of rows.
        spoil: Changes that number, so that a restore that does nothing is found out.
        driver: What pip installs for Django to speak to it, "" for nothing.
        prologue: First lines of settings.py.
    """

    name: str
    database: dict[str, Any]
    count: Callable[[], int]
    spoil: Callable[[], object]
    driver: str = ""
    prologue: str = ""


@dataclass(frozen=True)
class _Package:
    """What does the work: an interpreter with a package, and how the package is asked."""

    label: str
    python: str
    apps: tuple[str, ...]
    backup: tuple[str, ...]
    restore: tuple[str, ...]


_OURS = _Package(
    "manage.py snapshots",
    sys.executable,
    ("django_snapshots",),
    ("snapshots", "backup", "database", "--name", _SNAPSHOT),
    # Nobody else saves what a restore replaces.
    ("snapshots", "restore", _SNAPSHOT, "--noinput", "--no-safety-snapshot"),
)


class PackageError(BenchmarkError):
    """A package failed, or left something else than it should have."""


class Home:
    """A project whose database is the engine's, with one package in it; ours without another."""

    def __init__(self, bench: Bench, engine: Engine, package: _Package = _OURS, *, name: str = "") -> None:
        self._bench, self._engine, self._package = bench, engine, package
        self._root = bench.work / f"project-{name or package.label.replace(' ', '-')}"
        self._storage = self._root / "stored"
        self._rows = engine.count()
        self._root.mkdir()
        (self._root / "manage.py").write_text(_MANAGE)
        apps = [*(f"django.contrib.{app}" for app in _APPS), *package.apps]
        text = _SETTINGS.format(
            prologue=engine.prologue, apps=apps, database=engine.database, storage=str(self._storage)
        )
        (self._root / "settings.py").write_text(text)

    def backup_side(self) -> Side:
        """Return a backup into an empty storage."""
        return Side(f"{self._package.label}, backup", self._backup, self._empty, self._expect_file)

    def restore_side(self) -> Side:
        """Back up, and return the restore of that."""
        self._empty()
        self._backup()
        return Side(f"{self._package.label}, restore", self.restore, self._engine.spoil, self.expect_rows)

    def restore(self) -> Cost:
        """Restore what the last backup holds."""
        return self._run(self._package.restore)

    def expect_rows(self) -> None:
        """Check that there are as many rows as there were.

        Raises:
            BenchmarkError: There are not.
        """
        found = self._engine.count()
        if found != self._rows:
            raise self._error(f"{self._package.label} left {found} rows, there were {self._rows}")

    def _backup(self) -> Cost:
        return self._run(self._package.backup)

    def _run(self, arguments: tuple[str, ...]) -> Cost:
        own = self._package is _OURS
        environment = {**self._bench.environment, "PYTHONPATH": self._bench.environment["PYTHONPATH"] if own else ""}
        command = [self._package.python, "manage.py", *arguments]
        try:
            return run_process(command, environment=environment, directory=self._root)
        except BenchmarkError as error:
            raise self._error(str(error)) from error

    def _error(self, text: str) -> BenchmarkError:
        return BenchmarkError(text) if self._package is _OURS else PackageError(text)

    def _empty(self) -> None:
        shutil.rmtree(self._storage, ignore_errors=True)
        self._storage.mkdir()

    def _expect_file(self) -> None:
        if not any(files for _, _, files in os.walk(self._storage)):
            raise self._error(f"{self._package.label} stored nothing")


def compare_packages(bench: Bench, engine: Engine) -> Iterator[Result]:
    """Measure backup and restore by each package against ours.

    What a package cannot do is said in its own words, and the database is made whole for the next.
    """
    ours, kept = Home(bench, engine, name="ours"), Home(bench, engine, name="kept")
    kept.restore_side()
    for package in _packages(bench, engine):
        theirs = Home(bench, engine, package)
        sides: dict[str, Callable[[Home], Side]] = {"backup": Home.backup_side, "restore": Home.restore_side}
        for verb, side in sides.items():
            job = f"{engine.name}: {package.label}, {verb}"
            try:
                yield bench.compare(job, side(theirs), side(ours), bar=_BAR)
            except PackageError as error:
                note = f"{package.label} cannot do it: {error}"
                bench.say(f"\n{job}\n  {note}")
                yield Result(job, package.label, _OURS.label, Measure.WALL_RATIO, _BAR, (), judged=False, notes=(note,))
                kept.restore()
                kept.expect_rows()


def _packages(bench: Bench, engine: Engine) -> Iterator[_Package]:
    dbbackup = _environment(bench, "django-dbbackup==5.4.0", engine.driver)
    command = ("dbbackup", "--noinput", "--compress"), ("dbrestore", "--noinput", "--uncompress")
    yield _Package("django-dbbackup 5.4.0", dbbackup, ("dbbackup",), *command)
    published = _environment(bench, "django-snapshots==0.1.0b1", engine.driver)
    apps = ("django_snapshots", "django_snapshots.backup", "django_snapshots.restore")
    backup, restore = ("snapshots", "backup", "--name", _SNAPSHOT, "database"), ("snapshots", "restore", "--name")
    yield _Package("django-snapshots 0.1.0b1", published, apps, backup, (*restore, _SNAPSHOT, "database"))


def _environment(bench: Bench, package: str, driver: str) -> str:
    """Return the interpreter of a virtual environment with the package and the driver."""
    home = bench.data / f"venv-{package}-{driver.partition('[')[0]}"
    python = home / "bin" / "python"
    if not python.exists():
        bench.say(f"  installing {package} ...")
        bench.process([sys.executable, "-m", "venv", str(home)])
        needed = filter(None, [package, driver, "django==5.2.*"])
        bench.process([str(python), "-m", "pip", "install", "--quiet", *needed])
    return str(python)
