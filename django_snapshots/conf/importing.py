"""From a dotted path to a class, and from an object back to text. Imports what it is asked for, nothing else."""

from __future__ import annotations

import re
import sys
from importlib import import_module

from django_snapshots.conf.problems import Problem
from django_snapshots.names import nearest

__all__ = ["DOTTED_PATH", "dotted_path", "import_class"]

DOTTED_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")

_OURS = {
    path.rpartition(".")[2]: f"django_snapshots.{path}"
    for path in (
        *("storage.LocalFileSystemBackend", "storage.DjangoStorageBackend", "storage.FsspecBackend"),
        *("codecs.Zstd", "codecs.Gzip", "codecs.Age", "signers.HMAC", "signers.Ed25519", "artifacts.DirectoryArtifact"),
        *("connectors.SQLiteConnector", "connectors.PostgresConnector", "connectors.MySQLConnector"),
        "connectors.DumpDataConnector",
    )
}
"""The plugins of this package by name, to guess what a wrong path means; a test holds them to what it exports."""


def dotted_path(thing: object) -> str:
    """Return where a class or function can be imported from, as far as it says so itself; ours by their public path."""
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    module = getattr(thing, "__module__", None) or type(thing).__module__
    return _OURS[name] if name in _OURS and module.startswith("django_snapshots.") else f"{module}.{name}"


def import_class(path: str, place: tuple[str | int, ...]) -> type | Problem:
    """Return the class at the dotted path `path`, or an E010 that stands at `place`."""
    module_path, _, name = path.rpartition(".")
    if not DOTTED_PATH.fullmatch(path):
        return _problem(
            place, f"{path!r} is no dotted path.", _ours_of_that_name(path) or "Write package.module.Class."
        )
    try:
        # Django's import_string without its cache of the message: what failed must be told apart below.
        module = import_module(module_path)
        found = getattr(module, name)
    except AttributeError as error:
        if module_path not in sys.modules or getattr(error, "obj", None) is not sys.modules[module_path]:
            return _broken_module(place, path, error)
        return _no_such_name(place, module_path, name)
    except Exception as error:  # noqa: BLE001 - a module may raise anything while it is imported: reported, never hidden
        return _broken_module(place, path, error)
    if not isinstance(found, type):
        return _problem(place, f"{path!r} is no class (it is {_kind(found)}).", "Name the class itself.")
    return found


def _ours_of_that_name(path: str) -> str | None:
    """Return a hint when `path` ends like a class of this package: its name alone, a colon, a module misspelt."""
    likely = nearest(path.replace(":", ".").rpartition(".")[2], _OURS)
    return f"Did you mean '{_OURS[likely[0]]}'?" if likely else None


def _no_such_name(place: tuple[str | int, ...], module_path: str, name: str) -> Problem:
    module = sys.modules[module_path]
    # A lazy module (PEP 562) has names that dir() does not know, and lists them in __all__.
    public = (key for key in (*getattr(module, "__all__", ()), *dir(module)) if not key.startswith("_"))
    candidates = nearest(name, [key for key in public if isinstance(getattr(module, key, None), type)])
    hint = f"Did you mean '{module_path}.{candidates[0]}'?" if candidates else "Name a class that the module has."
    return _problem(place, f"Module '{module_path}' has no '{name}'.", hint)


def _broken_module(place: tuple[str | int, ...], path: str, error: Exception) -> Problem:
    module_path = path.rpartition(".")[0]
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and (module_path == missing or module_path.startswith(f"{missing}.")):
        return _problem(
            place,
            f"No module named '{missing}'.",
            _ours_of_that_name(path) or f"Check the spelling of '{module_path}', or install the package that has it.",
        )
    if missing:
        return _problem(
            place,
            f"'{module_path}' needs the module '{missing}', which is not installed.",
            "Install it, then try again.",
        )
    return _problem(
        place,
        f"Importing '{module_path}' raised {type(error).__name__}: {error}",
        f"Correct the module: python -c 'import {module_path}' shows where it fails.",
    )


def _kind(found: object) -> str:
    return "a function" if callable(found) else f"of type {type(found).__name__}"


def _problem(place: tuple[str | int, ...], message: str, hint: str | None) -> Problem:
    return Problem("snapshots.E010", place, message, hint)
