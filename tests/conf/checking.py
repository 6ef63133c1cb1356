"""Runs `manage.py check` in this process, over settings, variables and files of a test."""

from __future__ import annotations

import io
import os
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from django.core.management.commands.check import Command
from django.test import override_settings

from django_snapshots.conf import load
from django_snapshots.management.commands.snapshots import Command as SnapshotsCommand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from django_snapshots.conf.configuration import Configuration

MISSING: Any = object()
"""Stands for SNAPSHOTS that settings.py does not have."""


@dataclass
class Checked:
    """What a run of the command showed."""

    configuration: Configuration
    output: str
    exit_code: int


@contextmanager
def project(snapshots: Any, environ: Mapping[str, str] = {}, **settings: Any) -> Iterator[None]:
    """Make SNAPSHOTS and the environment what the test says, with nothing of ours left over from outside."""
    foreign = {name: value for name, value in os.environ.items() if not name.upper().startswith("SNAPSHOTS_")}
    # Django warns that connections keep the old DATABASES: here only the names and engines are read.
    warnings.filterwarnings("ignore", message="Overriding setting DATABASES")
    environment = mock.patch.dict(os.environ, {**foreign, **environ}, clear=True)
    with environment, override_settings(**settings), override_settings(SNAPSHOTS=snapshots):
        if snapshots is MISSING:
            del_snapshots()
        load.cache_clear()
        yield
    load.cache_clear()


def del_snapshots() -> None:
    """Take SNAPSHOTS away for the rest of the surrounding `override_settings`."""
    from django.conf import settings

    del settings.SNAPSHOTS  # type: ignore[misc]
    load.cache_clear()


def run_check(*arguments: str) -> Checked:
    """Run `manage.py check` with the arguments, as a person would, and return what it said."""
    output, exit_code = io.StringIO(), 0
    with redirect_stdout(output), redirect_stderr(output):
        try:
            Command().run_from_argv(["manage.py", "check", "--no-color", *arguments])
        except SystemExit as end:
            exit_code = int(end.code or 0)
    return Checked(load(), output.getvalue(), exit_code)


def run_verb(*arguments: str) -> tuple[int, str, str]:
    """Run `manage.py snapshots` with the arguments; return exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        SnapshotsCommand(stdout=out, stderr=err, no_color=True).run_from_argv(["manage.py", "snapshots", *arguments])
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write the files, folders included."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def in_folder(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the variables with "{tmp}" replaced by the folder."""
    return {name: value.replace("{tmp}", str(folder)) for name, value in environ.items()}
