"""What the schema cannot say: rules between keys, and between SNAPSHOTS and the project around it."""

from __future__ import annotations

import json
import math
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from django_snapshots.conf.conformance import ADVANCED_METHODS, missing_methods
from django_snapshots.conf.mistakes import SPEC_KEYS, did_you_mean
from django_snapshots.conf.naming import name_problems
from django_snapshots.conf.problems import Problem
from django_snapshots.conf.report import shown
from django_snapshots.errors import SnapshotNameError
from django_snapshots.names import check_artifact_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

__all__ = ["disk_problems", "rule_problems", "tier_problems"]

_JSON_DEPTH = 100
_KEY_HINT = "Put the key in quotes."
Path = tuple[str | int, ...]


def rule_problems(tree: Mapping[str, Any], aliases: Collection[str], *, has_media: bool) -> list[Problem]:
    """Return what is wrong beyond the schema; a value of the wrong type is skipped, the schema has said so.

    Args:
        tree: SNAPSHOTS with defaults.
        aliases: The aliases of DATABASES.
        has_media: Whether MEDIA_ROOT is set.
    """
    return [
        *name_problems(tree.get("SNAPSHOT_NAME")),
        *_artifact_name_problems(_dict(tree.get("ARTIFACTS"))),
        *_default_artifact_problems(tree, aliases, has_media=has_media),
        *_alias_problems(_dict(tree.get("DATABASE_CONNECTORS")), aliases),
        *_json_problems(_dict(tree.get("METADATA")), ("METADATA",)),
        *_address_problems(tree.get("NOTIFY")),
        *_replica_problems(tree),
    ]


def tier_problems(storage: object, replicas: Sequence[object], snapshot_format: object) -> list[Problem]:
    """Return the E018 of each storage whose tier cannot hold the format; None for one that could not be built."""
    if not isinstance(snapshot_format, str) or snapshot_format != "archive":
        return []  # not compared with whatever else stands there: its __eq__ is somebody else's
    places: list[tuple[Path, object]] = [(("STORAGE",), storage)]
    places += [(("REPLICAS", number), replica) for number, replica in enumerate(replicas)]
    return [problem for place, each in places if each is not None for problem in _tier_problems(each, place)]


def disk_problems(
    encryption: object, connectors: Mapping[str, object], artifacts: Mapping[str, object]
) -> Iterator[Problem]:
    """Yield the E021 of each plugin that dumps into files on disk, where everything is to be encrypted."""
    places: list[tuple[Path, object]] = [(("DATABASE_CONNECTORS", alias), each) for alias, each in connectors.items()]
    places += [(("ARTIFACTS", name), each) for name, each in artifacts.items()]
    for place, plugin in places if encryption is not None else ():
        if getattr(plugin, "plain_on_disk", False) is True:
            yield Problem(
                "snapshots.E021",
                place,
                f"{type(plugin).__name__}, as it is configured, writes files into the temporary directory that are not "
                "encrypted, and ENCRYPTION is set.",
                "Let it stream: for PostgreSQL that is 'format': 'custom', without 'jobs'.",
            )


def _tier_problems(storage: object, place: Path) -> list[Problem]:
    missing = missing_methods(storage, ADVANCED_METHODS)
    if not missing:
        return []
    return [
        Problem(
            "snapshots.E018",
            place,
            f"SNAPSHOT_FORMAT 'archive' needs a storage of the advanced tier; {type(storage).__name__} has no "
            f"{', '.join(missing)}.",
            "Use SNAPSHOT_FORMAT 'directory', or a storage that has these methods, such as LocalFileSystemBackend.",
        )
    ]


def _dict(value: object) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _artifact_name_problems(artifacts: Mapping[Any, Any]) -> Iterator[Problem]:
    for name in artifacts:
        if isinstance(name, str):
            try:
                check_artifact_name(name)
            except SnapshotNameError as error:
                yield Problem("snapshots.E002", ("ARTIFACTS", name), str(error), "Rename the key.")


def _default_artifact_problems(
    tree: Mapping[str, Any], aliases: Collection[str], *, has_media: bool
) -> Iterator[Problem]:
    names = tree.get("DEFAULT_ARTIFACTS")
    if not isinstance(names, (list, tuple)):
        return
    own = [name for name in _dict(tree.get("ARTIFACTS")) if isinstance(name, str)]
    known = ["database", "environment", *(f"database/{alias}" for alias in aliases), *own]
    if has_media:
        known.append("media")
    earlier: set[str] = set()
    for index, name in enumerate(names):
        place = ("DEFAULT_ARTIFACTS", index)
        if not isinstance(name, str):
            continue  # nor compared with the others: its __eq__ is somebody else's
        if name in earlier:
            yield Problem("snapshots.E002", place, f"'{name}' stands twice.", "Take one out.")
        elif name == "media" and not has_media:
            message = "'media' is named, and MEDIA_ROOT is not set."
            yield Problem("snapshots.E020", place, message, "Set MEDIA_ROOT, or take 'media' out.")
        elif name not in known:
            hint = did_you_mean(name, known, f"Known are {', '.join(known)}.")
            yield Problem("snapshots.E020", place, f"There is no artifact '{name}'.", hint)
        earlier.add(name)


def _alias_problems(connectors: Mapping[Any, Any], aliases: Collection[str]) -> Iterator[Problem]:
    for alias in connectors:
        if isinstance(alias, str) and alias not in aliases:
            hint = did_you_mean(alias, aliases, f"DATABASES has {', '.join(aliases)}.")
            yield Problem("snapshots.E017", ("DATABASE_CONNECTORS", alias), "DATABASES has no such alias.", hint)


def _address_problems(addresses: object) -> Iterator[Problem]:
    for index, address in enumerate(addresses if isinstance(addresses, (list, tuple)) else ()):
        if not isinstance(address, str):
            continue
        try:
            validate_email(parseaddr(address)[1])
        except ValidationError:
            message = f"{address!r} is no e-mail address."
            yield Problem("snapshots.E002", ("NOTIFY", index), message, "Write 'ops@example.com'.")


def _replica_problems(tree: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each replica that is a storage named before: it would hold no second copy."""
    replicas = tree.get("REPLICAS")
    seen = {_spelled(tree.get("STORAGE")): "STORAGE"}
    for number, replica in enumerate(replicas if isinstance(replicas, (list, tuple)) else ()):
        if not isinstance(replica, dict):
            continue
        same = seen.setdefault(_spelled(replica), f"REPLICAS[{number}]")
        if same != f"REPLICAS[{number}]":
            message = f"Is the same storage as {same}: it would hold no second copy."
            yield Problem("snapshots.E002", ("REPLICAS", number), message, "Name another folder, bucket or prefix.")


def _spelled(spec: object) -> str:
    named = {key: spec.get(key) for key in SPEC_KEYS} if isinstance(spec, dict) else {}
    return json.dumps(shown(named), sort_keys=True)


def _json_problems(value: object, path: Path, above: tuple[int, ...] = ()) -> Iterator[Problem]:
    """Yield a problem for each value that JSON cannot hold (RFC 8259: no NaN, no infinity, keys are text)."""
    inside = (*above, id(value))
    if id(value) in above:
        yield Problem("snapshots.E002", path, "Input holds itself.", "Write out what you mean.")
    elif len(path) > _JSON_DEPTH:
        yield Problem("snapshots.E002", path[:2], f"Input is nested deeper than {_JSON_DEPTH} levels.", "Make it flat.")
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, str):
                yield from _json_problems(item, (*path, key), inside)
            elif len(path) > 1:  # below METADATA itself the schema has said so
                yield Problem("snapshots.E003", path, f"A key of type {type(key).__name__} is no text.", _KEY_HINT)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _json_problems(item, (*path, index), inside)
    elif not _is_json_scalar(value):
        found = "NaN or infinite" if isinstance(value, float) else f"of type {type(value).__name__}"
        hint = "Use text, finite numbers, True, False, None, lists and dicts."
        yield Problem("snapshots.E002", path, f"Input should be a JSON value, it is {found}.", hint)


def _is_json_scalar(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (str, int))
