"""What an annotation says of text from outside: is it a list, a dict, a secret, or text as it stands?"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from django_snapshots.conf.text import parse_json, read_list

__all__ = ["is_secret", "read_as"]

_LISTS = (list, tuple, set, frozenset)


def read_as(text: str, hint: Any) -> Any:
    """Return the value that `text` stands for where `hint` is expected: parsed for lists and dicts, else as it is.

    Raises:
        ValueError: A list or dict is expected, and the text is no JSON.
    """
    members = list(_members(hint))
    takes_list = any(_is_list(member) for member in members)
    takes_dict = any(_is_dict(member) for member in members)
    start = text.lstrip()[:1]
    if (takes_dict and start == "{") or (takes_list and start == "["):
        return parse_json(text)
    if Any in members or str in members or not (takes_list or takes_dict):
        return text
    return read_list(text) if takes_list else parse_json(text)


def is_secret(hint: Any) -> bool:
    """Say whether a value of this annotation is a secret by its type, or holds some."""
    if any(_is_subclass(member, (SecretStr, SecretBytes, Secret)) for member in _members(hint)):
        return True
    return any(is_secret(inner) for inner in typing.get_args(hint))


def _members(hint: Any) -> Iterator[Any]:
    """Yield the members of a union, without Annotated, each as its plain class."""
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        yield from _members(typing.get_args(hint)[0])
    elif origin in (typing.Union, types.UnionType):
        for member in typing.get_args(hint):
            yield from _members(member)
    else:
        yield origin or hint


def _is_list(member: Any) -> bool:
    if _is_subclass(member, (str, bytes, Mapping)):
        return False
    is_abstract = getattr(member, "__module__", "") == "collections.abc"
    return _is_subclass(member, _LISTS) or (is_abstract and _is_subclass(member, (Iterable,)))


def _is_dict(member: Any) -> bool:
    return _is_subclass(member, (dict, Mapping, BaseModel)) or typing.is_typeddict(member)


def _is_subclass(member: Any, classes: tuple[type, ...]) -> bool:
    return isinstance(member, type) and issubclass(member, classes)
