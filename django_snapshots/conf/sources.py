"""The three places outside the code that assign settings: environment, env file, secrets directory.

pydantic-settings reads them; which variables are ours and where each was found is told here, what they mean in
`layers`. The merge of pydantic-settings is not used: it replaces live objects and merges JSON without a word.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django_snapshots.conf.origins import Origin
from django_snapshots.conf.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

__all__ = ["ENV_FILE", "PREFIX", "SECRETS_DIR", "Source", "Variable", "printable", "read_sources"]

PREFIX = "SNAPSHOTS_"
ENV_FILE = f"{PREFIX}ENV_FILE"
SECRETS_DIR = f"{PREFIX}SECRETS_DIR"
_ENCODING = "utf-8-sig"  # an editor's byte order mark would hide the first line


@dataclass(frozen=True, slots=True)
class Variable:
    """One assignment from outside.

    Attributes:
        name: In upper case, such as "SNAPSHOTS_ALLOW_RESTORE".
        value: Its text, never empty.
        origin: Where it was found.
    """

    name: str
    value: str = field(repr=False)
    origin: Origin


@dataclass(frozen=True, slots=True)
class Source:
    """What one place assigns.

    Attributes:
        variables: By name, the name in upper case.
        problems: What could not be read.
    """

    variables: Mapping[str, Variable]
    problems: tuple[Problem, ...] = ()


def read_sources() -> list[Source]:
    """Return the sources, the weakest first: secrets directory, env file, environment.

    Nothing is imported when no variable of this process starts with SNAPSHOTS_.
    """
    if not any(_is_ours(name) for name in os.environ):
        return []
    try:
        settings_sources = _pydantic_settings()
    except ImportError:
        return [Source({}, (_shadowed(),))]
    environment = _environment(settings_sources)
    return [
        _opted_in(environment, SECRETS_DIR, "secrets directory", lambda path: _secrets(settings_sources, path)),
        _opted_in(environment, ENV_FILE, "env file", lambda path: _env_file(settings_sources, path)),
        environment,
    ]


def _pydantic_settings() -> ModuleType:
    # Costs 60 ms: only processes that assign by environment pay for it.
    import pydantic_settings  # noqa: PLC0415

    needed = ("BaseSettings", "EnvSettingsSource", "DotEnvSettingsSource", "NestedSecretsSettingsSource")
    if not all(hasattr(pydantic_settings, name) for name in needed):
        raise ImportError(name="pydantic_settings")
    return pydantic_settings


def _shadowed() -> Problem:
    found = getattr(sys.modules.get("pydantic_settings"), "__file__", None)
    return Problem(
        "snapshots.E007",
        (),
        f"The environment cannot be read: pydantic_settings ({found}) is not the package pydantic-settings.",
        "pip uninstall django-pydantic-settings, whose module has the same name; then "
        "pip install --force-reinstall pydantic-settings.",
    )


def _environment(module: ModuleType) -> Source:
    source = module.EnvSettingsSource(_prefix_carrier(module), case_sensitive=True, env_ignore_empty=True)
    return Source(_ours(source.env_vars, lambda name: Origin("environment", printable(name))))


def _env_file(module: ModuleType, path: Path) -> Source:
    if not path.is_file():
        raise ValueError("it is no regular file")  # a pipe could be read once only, and would block here
    lines, unreadable = _lines(path)
    source = module.DotEnvSettingsSource(
        _prefix_carrier(module), env_file=path, case_sensitive=True, env_ignore_empty=True, env_file_encoding=_ENCODING
    )
    variables = _ours(source.env_vars, lambda name: Origin("env file", f"{path}:{lines.get(name, 1)}"))
    problems = [
        Problem(
            "snapshots.E007",
            (),
            "This line cannot be read.",
            f"Write {PREFIX}KEY=value; put a value with spaces in quotes.",
            f"{path}:{line}",
        )
        for line in unreadable
    ]
    return Source(variables, tuple(problems))


def _lines(path: Path) -> tuple[dict[str, int], list[int]]:
    """Return the line of each variable, and the lines that look like ours and cannot be read."""
    from dotenv.parser import parse_stream  # noqa: PLC0415 - comes with pydantic-settings, see _pydantic_settings

    lines, unreadable = {}, []
    with path.open(encoding=_ENCODING) as stream:
        for binding in parse_stream(stream):
            text = binding.original.string
            line = binding.original.line + len(text[: len(text) - len(text.lstrip())].splitlines())
            if binding.error and PREFIX in text.upper():
                unreadable.append(line)
            elif binding.key:
                lines[binding.key] = line
    return lines, unreadable


def _secrets(module: ModuleType, path: Path) -> Source:
    if not path.is_dir():
        raise ValueError("it is no directory")

    class Secrets(module.NestedSecretsSettingsSource):  # type: ignore[name-defined, misc]
        @staticmethod
        def load_secrets(path: Path) -> dict[str, str]:
            # The directory holds the secrets of the whole container. Another program's binary key is not UTF-8,
            # and none of our business.
            return {name: _secret_text(path / name) for name in _secret_files(path)}

    source = Secrets(_prefix_carrier(module), secrets_dir=path, secrets_dir_missing="error", case_sensitive=True)
    return Source(_ours(source.env_vars, lambda name: Origin("secrets", str(path / name))))


def _secret_files(directory: Path) -> Iterable[str]:
    return [entry.name for entry in os.scandir(directory) if _is_ours(entry.name) and entry.is_file()]


def _secret_text(path: Path) -> str:
    try:
        return path.read_text(encoding=_ENCODING).strip()
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} is not UTF-8") from None  # the error would keep the bytes of the secret


def _prefix_carrier(module: ModuleType) -> Any:
    class Carrier(module.BaseSettings):  # type: ignore[name-defined, misc]
        model_config = module.SettingsConfigDict(env_prefix=PREFIX)

    return Carrier


def _ours(found: Mapping[str, str | None], origin: Callable[[str], Origin]) -> dict[str, Variable]:
    """Return our variables by upper-case name; of two spellings the upper-case one wins, an empty one is unset."""
    names = sorted((name for name, value in found.items() if _is_ours(name) and value), key=lambda name: name.isupper())
    return {name.upper(): Variable(name.upper(), found[name] or "", origin(name)) for name in names}


def _is_ours(name: str) -> bool:
    return name.upper().startswith(PREFIX)


def _opted_in(environment: Source, name: str, noun: str, read: Callable[[Path], Source]) -> Source:
    """Return the source that the variable `name` points at, an empty one without it, or the reason why not."""
    variable = environment.variables.get(name)
    if variable is None:
        return Source({})
    origin = variable.origin.where
    try:
        path = Path(variable.value).expanduser()
    except RuntimeError:
        homeless = f"The {noun} {variable.value} is below the home directory of a user that this host does not know."
        return Source(
            {}, (Problem("snapshots.E007", (), homeless, f"Write its whole path, or unset {origin}.", origin),)
        )
    try:
        source = read(path) if path.exists() else None
    except Exception as error:  # noqa: BLE001 - permissions, encodings, size limits: each is reported as E007
        return Source({}, (_unreadable(noun, path, error, origin),))
    if source is None:
        hint = f"Create it, or unset {origin}."
        return Source({}, (Problem("snapshots.E007", (), f"The {noun} {path} does not exist.", hint, origin),))
    if path.is_absolute():
        return source
    relative = Problem(
        "snapshots.W002",
        (),
        f"'{path}' is relative: it means another {noun} in every working directory.",
        f"Write {path.absolute()}.",
        origin,
    )
    return Source(source.variables, (*source.problems, relative))


def _unreadable(noun: str, path: Path, error: Exception, origin: str) -> Problem:
    if isinstance(error, UnicodeError):
        reason = "it is not UTF-8"
    elif isinstance(error, OSError):
        where = f": {error.filename}" if error.filename and str(error.filename) != str(path) else ""
        reason = f"{error.strerror or type(error).__name__}{where}"
    else:
        reason = str(error)
    hint = f"Make it readable for the user of this process, or unset {origin}."
    return Problem("snapshots.E007", (), f"The {noun} {path} cannot be read ({reason}).", hint, origin)


def printable(text: str) -> str:
    """Return `text` as text that can be written anywhere: names and values of the system are bytes to begin with."""
    return text.encode("utf-8", "backslashreplace").decode()
