"""From pydantic's errors to Problems: the id, the place without union tags, a sentence, and what to type instead."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from django_snapshots.conf.masking import is_secret_name
from django_snapshots.conf.problems import Problem
from django_snapshots.conf.schema import SECTIONS
from django_snapshots.conf.text import read_list
from django_snapshots.names import nearest

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

__all__ = [
    "SPEC_KEYS",
    "did_you_mean",
    "meant_spec_key",
    "option_problems",
    "structure_problems",
    "variable_hint",
    "variable_of",
    "without_echoes",
]

Path = tuple[str | int, ...]
SPEC_KEYS = ("BACKEND", "OPTIONS")

_LIKE_A_SPEC_KEY = 0.7
_DID_YOU_MEAN = re.compile(r"Did you mean '(?P<meant>[^']*)'\?")
_UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument"}
_MISSING = {"missing", "missing_argument", "missing_keyword_only_argument"}
_MESSAGES = {
    "path_type": "Input should be a valid path",  # pydantic names the union's inner classes
    "tuple_type": "Input should be a valid list",  # what a person writes
    "too_short": "Input should not be empty",
    "model_type": "Input should be a dict",  # pydantic names our class
}
_INVALID_KEY = "invalid_key"
_KEY = "[key]"
"""What pydantic appends to the place when it is the key of a dict that is wrong."""
_LIST_HINT = "Write a list, such as ['a', 'b']."
_LIST_TYPES = {"tuple_type", "list_type"}
_HINTS = {
    "bool_parsing": "Use true/false, yes/no, on/off or 1/0.",
    "bool_type": "Use True or False.",
    "int_parsing": "Use a whole number, such as 3.",
    "int_type": "Use a whole number, such as 3.",
    "int_from_float": "Use a whole number, such as 3.",
    "float_parsing": "Use a number, such as 0.5.",
    "float_type": "Use a number, such as 0.5.",
    "byte_size": "Use a number of bytes, or a number and a unit: 500MB (10^6), 500MiB (2^20).",
    "byte_size_unit": "Use a number of bytes, or a number and a unit: 500MB (10^6), 500MiB (2^20).",
    "time_delta_parsing": "Use P30D, '30 days' or 12:30:00; weeks are written as days.",
    "time_delta_type": "Use datetime.timedelta(days=30), or P30D.",
    "tuple_type": _LIST_HINT,
    "list_type": _LIST_HINT,
    "too_short": "Name at least one artifact, or take the key out for the default.",
    "model_type": "Write a dict, such as {'KEEP_DAILY': 7}.",
    "dict_type": "Write a dict, such as {'name': 'value'}.",
    "literal_error": "Write one of them, in lower case.",
    "string_type": "Put it in quotes.",
}
_HINTS_OF_PLACES: dict[tuple[Path, str], str] = {
    (("DEFAULT_ARTIFACTS",), "tuple_type"): "Write a list, such as ['database', 'media'].",
    (("REPLICAS",), "tuple_type"): "Write a list, such as [{'BACKEND': 'dotted.path.of.the.Class', 'OPTIONS': {}}].",
    (("NOTIFY",), "tuple_type"): "Write a list, such as ['ops@example.com'].",
    (("ENCRYPTION", "BACKEND"), "missing"): (
        "Write 'BACKEND': 'django_snapshots.codecs.Age', or set SNAPSHOTS_ENCRYPTION__BACKEND to that."
    ),
}


def structure_problems(error: ValidationError, keys: Mapping[str, Any], path: Path) -> list[Problem]:
    """Return one Problem per place of `error`, which pydantic raised for a structural part of SNAPSHOTS.

    Args:
        error: What a model of `schema` raised.
        keys: The keys that exist at the top of that model, for nearest names.
        path: Where the model stands in SNAPSHOTS.
    """
    return [_structure_problem(group, keys, path) for group in _by_place(error)]


def option_problems(
    error: ValidationError, parameters: Iterable[str], path: Path, secrets: Container[str] = ()
) -> list[Problem]:
    """Return one Problem per option of `error`, which the call of a stand-in for a constructor raised.

    Args:
        error: What `validate_call` raised.
        parameters: The constructor's parameters, for nearest names.
        path: Where the OPTIONS stand.
        secrets: The options whose values no hint may show, beside those that sound like it.
    """
    names = list(parameters)
    return [_option_problem(group, names, path) for group in _by_place(error, depth=1, secrets=secrets)]


def did_you_mean(word: str, candidates: Iterable[str], otherwise: str | None = None) -> str | None:
    """Return a hint that names the candidate nearest to `word`, or `otherwise`."""
    found = nearest(word, candidates)
    return _hint_for(found[0]) if found else otherwise


def meant_spec_key(word: str) -> str | None:
    """Return which of BACKEND and OPTIONS is meant by `word`; LOCATION, which looks a bit like OPTIONS, is neither."""
    likeness = {key: SequenceMatcher(None, word.upper(), key).ratio() for key in SPEC_KEYS}
    best = max(SPEC_KEYS, key=likeness.__getitem__)
    return best if likeness[best] > _LIKE_A_SPEC_KEY else None


def without_echoes(problems: list[Problem]) -> list[Problem]:
    """Return the problems without a missing key that another problem says was meant: one typo is one problem."""
    meant = {(problem.path[:-1], problem.hint) for problem in problems if problem.id == "snapshots.E003"}
    return [problem for problem in problems if problem.id != "snapshots.E004" or not _is_echo(problem.path, meant)]


def variable_hint(hint: str | None, path: Path) -> str | None:
    """Return the hint for the misspelt key at the end of `path` with the variable to set in the place of the key."""
    found = _DID_YOU_MEAN.fullmatch(hint or "")
    return _hint_for(variable_of((*path[:-1], found["meant"]))) if found else hint


def variable_of(path: Path) -> str:
    """Return the name of the variable that assigns the value at `path`."""
    return "SNAPSHOTS_" + "__".join(str(part).upper() for part in path)


def _is_echo(path: Path, meant: set[tuple[Path, str | None]]) -> bool:
    name = str(path[-1])
    return any(
        candidate in meant
        for candidate in (
            (path[:-1], _hint_for(name)),
            (path[:-2], _move_hint(name)),
            (path[:-2], _hint_for(variable_of(path))),
            (path[:-1], _hint_for(variable_of(path))),
        )
    )


def _hint_for(name: str) -> str:
    return f"Did you mean '{name}'?"


def _by_place(
    error: ValidationError, depth: int | None = None, secrets: Container[str] = ()
) -> Iterator[list[ErrorDetails]]:
    """Group the branches of a union: they differ behind the value's own place only."""
    groups: dict[Path, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        place = tuple(key for key in details["loc"] if key != _KEY)
        kind = _INVALID_KEY if _KEY in details["loc"] else details["type"]
        if kind == _INVALID_KEY and isinstance(place[-1], str):
            place = (*place[:-1], _KeyThatIsNoText(place[-1]))
        item = next((f"[{key}]: " for key in place[depth:] if depth and isinstance(key, int)), "")
        found: ErrorDetails = {**details, "loc": place[:depth], "type": kind, "msg": item + _plain_message(details)}
        # The value may be a secret, and hide_input_in_errors does not clean errors().
        found["input"] = _given_list(details, secrets) if place == place[:depth] else None
        groups.setdefault(place[:depth], []).append(found)
    yield from groups.values()


def _given_list(details: ErrorDetails, secrets: Container[str]) -> list[Any] | None:
    """Return as a list what was given as text in its place; None where there is no such text, or it may be a secret."""
    text, loc = details["input"], details["loc"]
    if details["type"] not in _LIST_TYPES or not isinstance(text, str):
        return None
    if any(str(part) in secrets or is_secret_name(part) for part in loc):
        return None
    try:
        items: list[Any] = read_list(text)
    except ValueError:
        return None
    return items or None


class _KeyThatIsNoText(str):
    """A key of another type than text, as pydantic writes it: it stands without quotes in a place."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _structure_problem(group: list[ErrorDetails], keys: Mapping[str, Any], path: Path) -> Problem:
    details = group[0]
    place = (*path, *details["loc"])
    key = str(place[-1]) if place else ""
    if details["type"] in _UNKNOWN:
        section = next((SECTIONS[part] for part in map(str, place[:-1]) if part in SECTIONS), None)
        keys = section.model_fields if section else keys
        inside_spec = not section and (len(details["loc"]) > 1 or "BACKEND" in keys)
        hint = _stray_key_hint(key) if inside_spec else did_you_mean(key, keys, f"Keys are {', '.join(keys)}.")
        return Problem("snapshots.E003", place, "Unknown key.", hint)
    if details["type"] in _MISSING:
        hint = f"Write '{key}': 'dotted.path.of.the.Class'."
        hint = _HINTS_OF_PLACES.get((place, details["type"]), hint)
        return Problem("snapshots.E004", place, f"{key} is missing.", hint)
    return _value_problem(group, place)


def _stray_key_hint(key: str) -> str:
    meant = meant_spec_key(key)
    if meant:
        return _hint_for(meant)
    return _move_hint(key.lower() if key.isupper() else key)


def _move_hint(option: str) -> str:
    return f"Put it in OPTIONS: {{'{option}': …}}."


def _option_problem(group: list[ErrorDetails], names: list[str], path: Path) -> Problem:
    details = group[0]
    place = (*path, *details["loc"])
    if details["type"] in _UNKNOWN:
        takes = f"It takes {', '.join(names)}." if names else "It takes no options."
        return Problem("snapshots.E003", place, "Unknown option.", did_you_mean(str(place[-1]), names, takes))
    if details["type"] in _MISSING:
        hint = f"Write 'OPTIONS': {{'{place[-1]}': …}}."
        return Problem("snapshots.E004", place, "Required option is missing.", hint)
    return _value_problem(group, place)


def _value_problem(group: list[ErrorDetails], place: Path) -> Problem:
    details = group[0]
    if details["type"] == _INVALID_KEY:
        return Problem("snapshots.E003", place, "A key must be text.", "Put the key in quotes, or take it out.")
    code = details["type"] if _is_ours(details["type"]) else "E002"
    return Problem(f"snapshots.{code}", place, _sentence(group), _value_hint(details, place))


def _value_hint(details: ErrorDetails, place: Path) -> str | None:
    written = details.get("ctx", {}).get("hint")
    if written:
        return str(written)
    if details["input"] and place != ("REPLICAS",):
        return f"Write a list, such as {details['input']}."
    return _HINTS_OF_PLACES.get((place, details["type"])) or _HINTS.get(details["type"])


def _sentence(group: list[ErrorDetails]) -> str:
    """Return what the branches of a union expect as one sentence."""
    messages = list(dict.fromkeys(details["msg"] for details in group))
    first, *others = messages
    sentence = " or ".join([first, *(message.removeprefix("Input should be ") for message in others)])
    return sentence[:1].upper() + sentence[1:].rstrip(".") + "."


def _plain_message(details: ErrorDetails) -> str:
    return _MESSAGES.get(details["type"], details["msg"])


def _is_ours(error_type: str) -> bool:
    """Say whether a validator of `schema` raised it: those name the id themselves."""
    return error_type.startswith("E") and error_type[1:].isdigit()
