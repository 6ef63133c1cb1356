"""The configuration as SNAPSHOTS_* lines that give it back when they are put into an env file. Pure; prints nothing."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django_snapshots.conf.importing import dotted_path, import_class
from django_snapshots.conf.masking import MASK, is_secret_name, mask_urls
from django_snapshots.conf.mistakes import variable_of
from django_snapshots.conf.options import check_options
from django_snapshots.conf.report import shown, shown_key, validated
from django_snapshots.conf.schema import POSITIONS, SECTIONS, Position, Settings
from django_snapshots.conf.sources import printable
from django_snapshots.conf.text import OutsideText

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django_snapshots.conf.configuration import Configuration

__all__ = ["assignment_line", "environment_lines"]

Path = tuple[str | int, ...]
_NO_QUOTES = re.compile(r"[\w@%+=:,./{}-]*", re.ASCII)
_NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_DEPTH_LIMIT = 50
_CANNOT = "cannot be written as a variable: only settings.py makes it."


def environment_lines(configuration: Configuration) -> list[str]:
    """Return one line per value, in the order of the schema.

    A secret is a comment without its value. What only Python can make (live objects, callables) is a comment too.
    """
    lines: list[str] = []
    for key in Settings.model_fields:
        if key in configuration.tree:
            lines += _key_lines(key, validated(configuration, key))
    return lines


def assignment_line(name: str, text: str) -> str:
    """Return `name=text` as python-dotenv, systemd and a shell read it.

    python-dotenv replaces ${…} even between single quotes: such a value becomes a comment, as does a URL with a
    password in it.
    """
    name, text = printable(name), printable(text)
    if mask_urls(text) != text:
        return f"# {name}="
    if "${" in text:
        return f"# {name} holds ${{, which an env file replaces: set it in the environment itself."
    if _NO_QUOTES.fullmatch(text):
        return f"{name}={text}"
    if "'" not in text and "\\\\" not in text:
        return f"{name}='{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def _key_lines(key: str, value: Any) -> Iterator[str]:
    position = POSITIONS[key]
    if position is Position.PLUGIN:
        yield from _plugin_lines((key,), value)
    elif position is Position.PLUGINS and isinstance(value, dict) and value and all(map(_is_plain_name, value)):
        for name, item in value.items():
            yield from _plugin_lines((key, name), item)
    elif position in {Position.LIST, Position.PLUGIN_LIST}:
        yield from _list_lines((key,), value)
    elif position is Position.SECTION and isinstance(value, dict) and not set(value) - set(SECTIONS[key].model_fields):
        for name, item in value.items():
            if item is not None:
                line = assignment_line(variable_of((key, name)), _text(shown(item)))
                yield f"# {variable_of((key, name))}=" if is_secret_name(name) else line
    elif callable(value):
        yield f"# {variable_of((key,))} is {dotted_path(value)}; it {_CANNOT}"
    elif position is Position.TEXT:
        yield assignment_line(variable_of((key,)), _text(shown(value)))
    else:
        yield from _json_lines((key,), value)


def _plugin_lines(path: Path, value: Any) -> Iterator[str]:
    if value is None or isinstance(value, str):
        yield assignment_line(variable_of(path), _text(value))
    elif not isinstance(value, dict):
        yield f"# {variable_of(path)} is {shown(value)}; it {_CANNOT}"
    elif not isinstance(value.get("BACKEND"), str) or not isinstance(value.get("OPTIONS", {}), dict):
        yield from _json_lines(path, value)
    else:
        yield assignment_line(variable_of((*path, "BACKEND")), value["BACKEND"])
        yield from _options_lines((*path, "OPTIONS"), value["BACKEND"], value.get("OPTIONS", {}))


def _options_lines(path: Path, backend: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line per option where each can be read back from text, else all of them as JSON.

    None at all are written too: the same BACKEND in settings.py would keep its own.
    """
    cls = import_class(backend, ())
    texts = {key: _option_text(cls, key, options) for key in options}
    if not options or any(text is None for text in texts.values()):
        yield from _json_lines(path, dict(options))
        return
    for key, text in texts.items():
        name = variable_of((*path, key))
        yield f"# {name}=" if text == MASK else assignment_line(name, str(text))


def _option_text(cls: object, key: str, options: Mapping[str, Any]) -> str | None:
    """Return the text that is read as the option again, asterisks for a secret, None where there is none."""
    option = options[key]
    if not _is_plain_name(key):
        return None
    if is_secret_name(key) or option == MASK or (isinstance(option, str) and mask_urls(option) != option):
        return MASK
    text = _text(shown(option))
    if not isinstance(cls, type) or not text or (text == "null") != (option is None):
        return None
    read = check_options(cls, {**options, key: OutsideText(text)}, ()).values.get(key) if option is not None else None
    if isinstance(option, PurePath):
        return text if str(read) == text else None
    return text if read == option and type(read) is type(option) else None


def _json_lines(path: Path, value: Any) -> Iterator[str]:
    """Yield the value as JSON without what may not or cannot be written, and a comment for each of those."""
    left_out: list[str] = []
    document = _without_secrets(value, path, left_out)
    yield assignment_line(variable_of(path), json.dumps(document, ensure_ascii=False))
    yield from left_out


def _list_lines(path: Path, value: Any) -> Iterator[str]:
    """Yield the list with commas or as JSON, or a comment: what is in a list cannot be left out of it."""
    items = list(value.values()) if isinstance(value, dict) else value
    text = json.dumps(shown(items), ensure_ascii=False)
    if POSITIONS[str(path[0])] is Position.LIST and isinstance(items, (list, tuple)):
        yield assignment_line(variable_of(path), ",".join(_text(shown(item)) for item in items) or "[]")
    elif MASK in text:
        yield f"# {variable_of(path)}="
    elif '"<' in text:
        yield f"# {variable_of(path)} holds live objects; it {_CANNOT}"
    else:
        yield assignment_line(variable_of(path), text)


def _without_secrets(value: Any, path: Path, left_out: list[str], above: tuple[int, ...] = ()) -> Any:
    if not isinstance(value, dict) or id(value) in above or len(path) > _DEPTH_LIMIT:
        return shown(value, above)
    kept = {}
    for key, item in value.items():
        inner = (*path, shown_key(key))
        text = "" if isinstance(item, dict) else json.dumps(shown(item, above))
        if is_secret_name(key) or MASK in text:
            left_out.append(f"# {variable_of(inner)}=")
        elif text.startswith('"<'):
            left_out.append(f"# {variable_of(inner)} is {shown(item)}; it {_CANNOT}")
        else:
            kept[inner[-1]] = _without_secrets(item, inner, left_out, (*above, id(value)))
    return kept


def _is_plain_name(name: object) -> bool:
    """Say whether a variable's name gives the key back: parts are lower case, two underscores divide them."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)
