"""Text that came from outside the code, and how it is read: as JSON, as a list with commas, or as it stands."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["OutsideText", "holds_outside_text", "parse_json", "parse_section", "plain", "read_list"]


class OutsideText(str):
    """Text of a variable, an env file or a secret: a class's annotations may turn it into what they ask for."""

    __slots__ = ()


def parse_section(text: str) -> Any:
    """Return the JSON value in `text` with its own texts marked, for sections whose OPTIONS a class will judge."""
    return _marked(parse_json(text))


def parse_json(text: str) -> Any:
    """Return the JSON value in `text`.

    Raises:
        ValueError: It is no JSON (RFC 8259). The message tells where, and shows nothing of the text.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        # The exception keeps the whole text in `doc`, which may be a secret: nothing may hold on to it.
        reason = f"{error.msg} at column {error.colno}" + (f" of line {error.lineno}" if error.lineno > 1 else "")
    except RecursionError:
        reason = "nested too deep"
    raise ValueError(reason)


def read_list(text: str) -> Any:
    """Return the list in `text`: JSON where it starts with "[", else what stands between commas.

    Raises:
        ValueError: It starts with "[" and is no JSON.
    """
    if text.lstrip().startswith("["):
        return parse_json(text)
    return [item.strip() for item in text.split(",") if item.strip()]


def holds_outside_text(value: object) -> bool:
    """Say whether `value` is, or holds at any depth, text from outside."""
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, OutsideText):
            return True
        if isinstance(item, (dict, list, tuple)) and id(item) not in seen:
            seen.add(id(item))  # settings.py may hold a thing twice, or in itself
            waiting.extend(item.values() if isinstance(item, dict) else item)
    return False


def plain(value: Any) -> Any:
    """Return `value` with ordinary text in the place of marked text.

    A dict that names a plugin keeps its marks: the builder of that plugin needs them.
    """
    if isinstance(value, OutsideText):
        return str(value)
    if isinstance(value, dict) and "BACKEND" not in value:
        return {plain(key): plain(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    return value


def _marked(value: Any) -> Any:
    if isinstance(value, str):
        return OutsideText(value)
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
