"""What a class may be called with: its OPTIONS, validated against its constructor before it is called."""

from __future__ import annotations

import inspect
import os
import typing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, validate_call

from django_snapshots.conf.annotations import is_secret, read_as
from django_snapshots.conf.masking import is_secret_name
from django_snapshots.conf.mistakes import option_problems
from django_snapshots.conf.problems import Problem
from django_snapshots.conf.text import OutsideText, holds_outside_text, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CheckedOptions", "check_options", "parameter_names"]

Path = tuple[str | int, ...]
_CONFIG = ConfigDict(arbitrary_types_allowed=True)
_Parameter = inspect.Parameter
_POSITIONAL_ONLY_OR_REST = (_Parameter.POSITIONAL_ONLY, _Parameter.VAR_POSITIONAL)
_NUMBERS_AND_CONTAINERS = ("int", "float", "bool", "Decimal", "timedelta", "list", "tuple", "set", "frozenset", "dict")


@dataclass(frozen=True, slots=True)
class CheckedOptions:
    """The keyword arguments a class is to be called with, or why it cannot be.

    Attributes:
        values: As they are passed.
        problems: Every missing, unknown and mistyped option.
        secrets: The names of the options that the class types as secret.
    """

    values: dict[str, Any] = field(repr=False)
    problems: list[Problem]
    secrets: frozenset[str]


def check_options(
    cls: type, options: Mapping[str, Any], path: Path, is_outside: Callable[[Path], bool] | None = None
) -> CheckedOptions:
    """Return the keyword arguments for `cls`, or every missing, unknown and mistyped option at once.

    Values of settings.py are passed as they are written there. Text from outside becomes what the annotation of its
    parameter asks for.

    Args:
        cls: The class that will be called.
        options: What stands in OPTIONS.
        path: Where the OPTIONS stand in SNAPSHOTS.
        is_outside: Says of the path of an option whether it was assigned outside the code; without it that is told
            by the marks of the values alone.
    """
    hints = _hints(cls)
    secrets = frozenset(name for name, hint in hints.items() if is_secret(hint))
    outside = {
        key
        for key, value in options.items()
        if holds_outside_text(value) or (is_outside is not None and is_outside((*path, key)))
    }
    given, problems = _read(options, hints, path)
    try:
        validated = _validator(cls)(**given)
    except ValidationError as error:
        reported = {problem.path for problem in problems}
        found = option_problems(error, parameter_names(cls), path, secrets)
        return CheckedOptions({}, problems + [one for one in found if one.path not in reported], secrets)
    problems += [
        _type_problem((*path, key), value, validated[key], secret=key in secrets or is_secret_name(key))
        for key, value in options.items()
        if key not in outside and _was_converted(value, validated[key])
    ]
    values = {key: plain(validated[key]) if key in outside else value for key, value in options.items()}
    return CheckedOptions({} if problems else values, problems, secrets)


def _read(options: Mapping[str, Any], hints: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], list[Problem]]:
    """Return the options with text from outside parsed where a list or a dict is expected."""
    given, problems = dict(options), []
    for key, value in options.items():
        if holds_outside_text(value):
            given[key] = plain(value)  # pydantic 2.7 finds no Literal in a subclass of str
        if isinstance(value, OutsideText):
            try:
                given[key] = read_as(given[key], hints.get(key, Any))
            except ValueError as error:
                hint = 'Write JSON, such as ["a", "b"] or {"key": "value"}.'
                problems.append(Problem("snapshots.E005", (*path, key), f"Is not valid JSON: {error}.", hint))
    return given, problems


def parameter_names(cls: type) -> list[str]:
    """Return the names of the options that `cls` takes."""
    return [parameter.name for parameter in _parameters(cls) if parameter.kind is not _Parameter.VAR_KEYWORD]


def _was_converted(value: object, validated: object) -> bool:
    """Say whether a value was read as one of another type: the class would be passed what it does not expect."""
    if isinstance(value, str):
        return any(base.__name__ in _NUMBERS_AND_CONTAINERS for base in type(validated).__mro__)
    if isinstance(value, bytes):
        return isinstance(validated, (str, os.PathLike))
    return type(validated) is int and not isinstance(value, int)


def _type_problem(place: Path, value: object, validated: object, *, secret: bool) -> Problem:
    expected = type(validated).__name__
    found, how = ("text", ", without quotes") if isinstance(value, str) else (type(value).__name__, "")
    hint = f"Write a {expected}{how}." if secret else f"Write {validated!r}{how}."
    return Problem("snapshots.E002", place, f"Input should be of type {expected}, it is {found}.", hint)


@lru_cache(maxsize=256)
def _validator(cls: type) -> Callable[..., dict[str, Any]]:
    """Return a stand-in for `cls` that takes the same keyword arguments and returns them, validated.

    `validate_call` of the class itself is not supported, `create_model` drops parameters called `model_config` or
    `_x`, and `Signature.bind` stops at the first mistake.
    """
    parameters, hints = _parameters(cls), _hints(cls)
    try:
        return _stand_in(parameters, hints)
    except Exception:  # noqa: BLE001 - any class may be an annotation, and its schema hook may raise anything
        return _stand_in(parameters, {name: hint if _has_schema(hint) else Any for name, hint in hints.items()})


def _stand_in(parameters: list[_Parameter], hints: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    def accept(**options: Any) -> dict[str, Any]:
        return options

    accept.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(annotation=hints[parameter.name]) for parameter in parameters]
    )
    accept.__annotations__ = hints
    return validate_call(config=_CONFIG)(accept)


def _has_schema(hint: Any) -> bool:
    try:
        TypeAdapter(hint, config=_CONFIG)
    except Exception:  # noqa: BLE001 - see _validator: an annotation that pydantic cannot use is no check
        return False
    return True


@lru_cache(maxsize=256)
def _constructor(cls: type) -> Callable[..., Any]:
    # Not `inspect.signature(cls)`: @deconstructible makes every Django storage look like (*args, **kwargs).
    return cls.__new__ if cls.__init__ is object.__init__ else cls.__init__  # type: ignore[misc]


@lru_cache(maxsize=256)
def _parameters(cls: type) -> list[_Parameter]:
    """Return the keyword parameters of the constructor, in order, all as keyword-only."""
    constructor = _constructor(cls)
    if constructor is object.__new__:
        return []
    try:
        first, *rest = inspect.signature(constructor).parameters.values()
    except (ValueError, TypeError):
        # Written in C, or a signature that is none: the class itself is the judge, when it is called.
        return [_Parameter("options", _Parameter.VAR_KEYWORD)]
    if first.kind is _Parameter.VAR_POSITIONAL:
        rest = [first, *rest]
    return [_as_keyword(parameter) for parameter in rest if parameter.kind not in _POSITIONAL_ONLY_OR_REST]


def _as_keyword(parameter: _Parameter) -> _Parameter:
    if parameter.kind is _Parameter.VAR_KEYWORD:
        return parameter
    return parameter.replace(kind=_Parameter.KEYWORD_ONLY)


@lru_cache(maxsize=256)
def _hints(cls: type) -> dict[str, Any]:
    """Return the annotations as types; one that is missing, or exists only for type checkers, is Any."""
    hints: dict[str, Any] = {}
    for parameter in _parameters(cls):
        if parameter.annotation is _Parameter.empty:
            hints[parameter.name] = Any
        else:
            hint = _evaluate(parameter, _constructor(cls))
            # `location: str = None` is common in code older than type checkers; None is what it means to allow.
            hints[parameter.name] = typing.Optional[hint] if parameter.default is None else hint  # noqa: UP045
    return hints


def _evaluate(parameter: _Parameter, constructor: Callable[..., Any]) -> Any:
    def probe() -> None: ...

    probe.__annotations__ = {"hint": parameter.annotation}
    names = getattr(inspect.unwrap(constructor), "__globals__", {})
    try:
        return typing.get_type_hints(probe, globalns=names, include_extras=True)["hint"]
    except Exception:  # noqa: BLE001 - evaluating an annotation runs foreign code; what fails is no check
        return Any
