"""Variables, and settings beside SNAPSHOTS, that match nothing, and what was probably meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django_snapshots.conf.mistakes import SPEC_KEYS, meant_spec_key
from django_snapshots.conf.problems import Problem, format_place
from django_snapshots.conf.schema import POSITIONS, SECTIONS, Position
from django_snapshots.conf.sources import ENV_FILE, PREFIX, SECRETS_DIR
from django_snapshots.names import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_snapshots.conf.sources import Variable

__all__ = ["no_such_variable", "stray_settings", "unknown_key"]

_CONTROL = tuple(name.removeprefix(PREFIX) for name in (ENV_FILE, SECRETS_DIR))
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_KUBERNETES = re.compile(r"PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?|SERVICE_(HOST|PORT(_\w+)?)")
_KUBERNETES_HINT = (
    "Kubernetes sets it for a service called 'snapshots': set enableServiceLinks: false in the pod, or rename the "
    "service."
)
_MISSPELT = ("SNAPSHOT", "DJANGO_SNAPSHOTS")
Path = tuple[str | int, ...]


def no_such_variable(variable: Variable) -> Problem:
    """Return the W001 of a variable whose first part is no key."""
    name = variable.name.removeprefix(PREFIX)
    if _KUBERNETES.fullmatch(name):
        hint: str | None = _KUBERNETES_HINT
    else:
        meant = _nearest_variable(name)
        hint = f"Did you mean '{PREFIX}{meant}'?" if meant else f"Keys are {', '.join(POSITIONS)}."
    subject = "Does" if variable.origin.where.upper() == variable.name else f"{variable.name} does"
    return Problem("snapshots.W001", (), f"{subject} not match any setting.", hint, variable.origin.where)


def stray_settings(named: Mapping[str, object]) -> list[Problem]:
    """Return a W001 for each of Django's settings that is SNAPSHOTS misspelt, or a key of it written as a setting.

    SNAPSHOT and DJANGO_SNAPSHOTS may be somebody else's: they are taken for ours where they hold a dict. A project's
    own SNAPSHOTS_DIR resembles no key and is passed over.

    Args:
        named: Settings by name.
    """
    hints = {name: _setting_hint(name, value) for name, value in named.items()}
    return [
        Problem("snapshots.W001", (), "Does not match any setting.", hint, f"settings.{name}")
        for name, hint in hints.items()
        if hint is not None
    ]


def _setting_hint(name: str, value: object) -> str | None:
    if name in _MISSPELT and isinstance(value, dict):
        return "Did you mean SNAPSHOTS = {…}?"
    meant = _nearest_variable(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
    if meant is None:
        return None
    if meant in _CONTROL:
        return f"{PREFIX}{meant} is read from the environment only: set it there."
    return f"Did you mean {format_place(_keys_of(meant))}?"


def _keys_of(variable: str) -> Path:
    """Return the keys that the parts of a variable's name mean."""
    key, *rest = variable.split("__")
    position = POSITIONS[key]
    if position is Position.SECTION:
        return (key, *rest)
    if position is Position.PLUGIN and rest and rest[0] not in SPEC_KEYS:
        rest = ["OPTIONS", *rest]
    return (key, *(part if part in SPEC_KEYS else part.lower() for part in rest))


def unknown_key(section: Path, rest: list[str], variable: str) -> Problem:
    """Return the E003 of a part that does not exist below a key that does.

    Args:
        section: The path of what was assigned into.
        rest: The parts of the variable's name below it.
        variable: The name of the variable that would have assigned the section itself.
    """
    likely = _likely_parts(section, rest)
    target = "__".join((variable, *likely)) if likely else variable
    return Problem("snapshots.E003", (*section, rest[0]), "Unknown key.", f"Did you mean '{target}'?")


def _likely_parts(section: Path, rest: list[str]) -> list[str]:
    if section[-1] == "BACKEND" or POSITIONS[str(section[0])] in (Position.TEXT, Position.LIST):
        return []
    keys = SECTIONS.get(str(section[0]))
    if keys is not None:
        return nearest(rest[0], keys.model_fields)
    meant = meant_spec_key(rest[0])
    if meant:
        return [meant, *rest[1:]]
    for key in SPEC_KEYS:  # one underscore: OPTIONS_LOCATION
        if rest[0].startswith(f"{key}_"):
            return [key, rest[0].removeprefix(f"{key}_"), *rest[1:]]
    return ["OPTIONS", *(part for part in rest if part)]


def _nearest_variable(name: str) -> str | None:
    key, *rest = name.strip("_").split("__")
    candidates = (*POSITIONS, *_CONTROL)
    split = _one_underscore(key)
    if split:
        return "__".join((*split, *rest))
    match = [f"SNAPSHOT_{key}"] if f"SNAPSHOT_{key}" in POSITIONS else nearest(key, candidates)
    return "__".join((match[0], *rest)) if match else None


def _one_underscore(part: str) -> list[str] | None:
    """Return the parts of "STORAGE_OPTIONS_LOCATION", where one underscore stands for two."""
    for key in sorted(POSITIONS, key=len, reverse=True):
        if part == key:
            return [key]
        if part.startswith(f"{key}_") and POSITIONS[key] is not Position.TEXT:
            below = part.removeprefix(f"{key}_")
            spec = next((word for word in SPEC_KEYS if below.startswith(f"{word}_")), None)
            return [key, spec, below.removeprefix(f"{spec}_")] if spec else [key, below]
    return None
