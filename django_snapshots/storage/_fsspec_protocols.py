"""Which fsspec file systems are supported, what each needs, and what is wrong with a URL or an option."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from django_snapshots.conf.problems import Problem
from django_snapshots.names import nearest
from django_snapshots.scratch import reserved_name_mistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PROTOCOLS", "FileSystemKind", "coerced", "option_problems", "protocol_of", "url_problems"]

_URL = ("url",)
_SECRET_PARAMETERS = ("sig", "signature", "token", "key", "secret", "password")
_EXAMPLES = "s3://bucket/folder, gs://bucket/folder, az://container/folder or sftp://host/folder"
_CLOSE = 0.85
"""How alike two option names must be for one to be taken as a typing mistake for the other."""


@dataclass(frozen=True, slots=True)
class FileSystemKind:
    """One file system that keeps the promises of the advanced tier.

    Attributes:
        package: The PyPI package it needs beside fsspec, or "".
        extra: The extra of django-snapshots that brings both.
        class_name: Its class, as "module.Class": another of the same protocol would not keep them.
        has_folders: True for file systems with real folders and renames, False for object stores.
        renames: True where a file gets another name in one step; elsewhere it is copied within the service.
        remote: False where the snapshots stay on this host.
        folder_options: What keeps a new folder private.
    """

    package: str
    extra: str
    class_name: str
    has_folders: bool = False
    renames: bool = False
    remote: bool = True
    folder_options: Mapping[str, Any] = field(default_factory=dict)


_S3 = FileSystemKind("s3fs", "s3", "s3fs.core.S3FileSystem")
_GCS = FileSystemKind("gcsfs", "gcs", "gcsfs.core.GCSFileSystem")
_AZURE = FileSystemKind("adlfs", "azure", "adlfs.spec.AzureBlobFileSystem")
# Not fsspec's own, through paramiko: it trusts whatever key a server shows.
_SFTP = FileSystemKind(
    *("sshfs", "sftp", "sshfs.spec.SSHFileSystem"),
    has_folders=True,
    renames=True,
    folder_options={"permissions": 0o700},
)
_LOCAL = FileSystemKind(
    *("", "fsspec", "fsspec.implementations.local.LocalFileSystem"), has_folders=True, renames=True, remote=False
)
_MEMORY = FileSystemKind("", "fsspec", "fsspec.implementations.memory.MemoryFileSystem", has_folders=True, remote=False)
PROTOCOLS = {
    **dict.fromkeys(("s3", "s3a"), _S3),
    **dict.fromkeys(("gs", "gcs"), _GCS),
    **dict.fromkeys(("az", "abfs", "abfss"), _AZURE),
    **dict.fromkeys(("sftp", "ssh"), _SFTP),
    **dict.fromkeys(("file", "local"), _LOCAL),
    "memory": _MEMORY,
}


def protocol_of(url: str) -> str:
    """Return the protocol of a URL in lower case, "" without one."""
    name, found, _ = url.partition("://")
    return name.lower() if found else ""


def url_problems(url: str) -> Iterator[Problem]:
    """Yield what is wrong with a URL; nothing is imported or connected."""
    name = protocol_of(url)
    if not name:
        yield Problem("snapshots.E002", _URL, "The URL has no protocol.", f"Write {_EXAMPLES}.")
    elif name not in PROTOCOLS:
        likely = nearest(name, PROTOCOLS)
        hint = f"Did you mean '{likely[0]}'?" if likely else f"Use one of {', '.join(PROTOCOLS)}."
        yield Problem("snapshots.E002", _URL, f"The protocol '{name}' is not supported.", hint)
    elif not urlsplit(url).netloc and PROTOCOLS[name].remote:
        yield Problem("snapshots.E002", _URL, "The URL names no bucket, container or host.", f"Write {_EXAMPLES}.")
    elif PROTOCOLS[name] is _LOCAL and (mistake := reserved_name_mistake(urlsplit(url).path)):
        yield Problem("snapshots.E002", _URL, *mistake)
    if _has_credentials(url):
        yield Problem(
            "snapshots.E002",
            _URL,
            "The URL holds a password or key, which would be shown wherever the URL is.",
            "Give it as an option of its own, such as SNAPSHOTS_STORAGE__OPTIONS__SECRET or …__PASSWORD.",
        )


def _has_credentials(url: str) -> bool:
    parts = urlsplit(url)
    in_query = any(name.lower().endswith(_SECRET_PARAMETERS) for name, _ in parse_qsl(parts.query))
    return ":" in parts.netloc.rpartition("@")[0] or in_query


def option_problems(cls: type, options: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the options that look like a typing mistake, or whose text does not fit.

    These classes take any keyword and ignore those they do not know, so that an option spelled wrongly would have
    no effect and no message.
    """
    parameters = _parameters(cls)
    for name, value in options.items():
        if name not in parameters and (likely := _misspelt(name, parameters)):
            yield Problem("snapshots.E003", (name,), "Unknown option.", f"Did you mean '{likely}'?")
        elif isinstance(value, str):
            try:
                _coerce(value, parameters.get(name))
            except ValueError as error:
                yield Problem("snapshots.E002", (name,), str(error), "Use true/false, a whole number, or JSON.")


def coerced(cls: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with text, as the environment gives it, turned into what the parameter's default is."""
    parameters = _parameters(cls)
    return {
        name: _coerce(value, parameters.get(name)) if isinstance(value, str) else value
        for name, value in options.items()
    }


def _parameters(cls: type) -> dict[str, inspect.Parameter]:
    parameters: dict[str, inspect.Parameter] = {}
    for base in reversed(cls.__mro__[:-1]):
        constructor = vars(base).get("__init__")
        if constructor is not None:
            parameters |= inspect.signature(constructor).parameters
    return {
        name: parameter
        for name, parameter in parameters.items()
        if parameter.kind not in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL} and name != "self"
    }


def _misspelt(name: str, parameters: Mapping[str, inspect.Parameter]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - only where there is an option to look at

    close = get_close_matches(name, parameters, n=1, cutoff=_CLOSE)
    return close[0] if close else None


def _coerce(text: str, parameter: inspect.Parameter | None) -> Any:
    # What **kwargs passes on has no default to go by; of those only a port has to be a number.
    default = parameter.default if parameter else None
    if isinstance(default, bool):
        return _as_bool(text)
    if isinstance(default, int) or (parameter and parameter.name == "port"):
        return int(text)
    if text.startswith("{"):
        return json.loads(text)
    return text


def _as_bool(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError("Input should be a valid boolean.")
    return words[text.lower()]
