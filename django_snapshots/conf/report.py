"""The configuration as rows: each key, its value without secrets, and where it was assigned. Pure; prints nothing."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from pydantic import BaseModel, TypeAdapter, ValidationError

from django_snapshots.conf.importing import dotted_path
from django_snapshots.conf.masking import MASK, is_secret_name, mask_urls
from django_snapshots.conf.origins import DEFAULT
from django_snapshots.conf.schema import POSITIONS, Position, Settings
from django_snapshots.conf.sources import printable
from django_snapshots.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import JsonValue

    from django_snapshots.conf.configuration import Configuration

__all__ = ["Row", "nearest_key", "rows_below", "setting_rows", "shown", "shown_key", "validated"]

Path = tuple[str | int, ...]
_DEPTH_LIMIT = 100
_DURATION = TypeAdapter(dt.timedelta)


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as it is shown.

    Attributes:
        key: Its place with dots, such as "STORAGE.OPTIONS.location"; a part that holds a dot stands in quotes.
        value: What it is; a secret is asterisks, a live object "<package.Class>".
        origin: Such as "settings" or "environment SNAPSHOTS_ALLOW_RESTORE".
    """

    key: str
    value: JsonValue
    origin: str


def setting_rows(configuration: Configuration) -> list[Row]:
    """Return a row for every value, in the order of the schema; wrong values are shown as they are written."""
    rows: list[Row] = []
    for key in Settings.model_fields:
        if key in configuration.tree:
            rows += _rows(configuration, (key,), validated(configuration, key))
    return rows


def rows_below(rows: Iterable[Row], key: str) -> list[Row]:
    """Return the rows of `key`, which is a setting or a section; none where there is no such key."""
    return [row for row in rows if row.key == key or row.key.startswith(f"{key}.")]


def nearest_key(rows: Iterable[Row], key: str) -> str | None:
    """Return the key or section that `key` was probably meant to be."""
    sections = {row.key.rsplit(".", count)[0] for row in rows for count in range(row.key.count(".") + 1)}
    found = nearest(key, sorted(sections))
    return found[0] if found else None


def validated(configuration: Configuration, key: str) -> Any:
    """Return the value of `key` as it is used: plugins with the OPTIONS they are called with, others as validated."""
    value = configuration.tree[key]
    if POSITIONS[key] is Position.PLUGIN:
        return _as_called(configuration, (key,), value)
    if POSITIONS[key] is Position.PLUGIN_LIST and isinstance(value, (list, tuple)):
        return {number: _as_called(configuration, (key, number), item) for number, item in enumerate(value)} or []
    if POSITIONS[key] is Position.PLUGINS and isinstance(value, dict):
        return {name: _as_called(configuration, (key, name), item) for name, item in value.items()}
    try:
        found = getattr(Settings.model_validate({key: value}), key)
    except ValidationError:
        return value
    return found.model_dump(mode="json") if isinstance(found, BaseModel) else found


def shown(value: Any, above: tuple[int, ...] = ()) -> JsonValue:
    """Return `value` as JSON that shows no secret; what JSON cannot hold is described.

    Args:
        value: Anything that may stand in SNAPSHOTS.
        above: The ids of the containers it stands in; one of them again, or too many, ends the view.
    """
    if id(value) in above or len(above) > _DEPTH_LIMIT:
        return "<…>"
    inside = (*above, id(value))
    if isinstance(value, dict):
        return {shown_key(key): MASK if is_secret_name(key) else shown(item, inside) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(item, inside) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((shown(item, inside) for item in value), key=repr)
    if isinstance(value, enum.Enum):
        return shown(value.value, inside)
    return _scalar(value)


def shown_key(key: object) -> str:
    """Return a dict's key as text; one that is no text is wrong, and may be anything."""
    if isinstance(key, str):
        return printable(key)
    return str(key) if key is None or isinstance(key, (int, float)) else f"<{dotted_path(type(key))}>"


def _scalar(value: Any) -> JsonValue:
    if hasattr(type(value), "get_secret_value"):
        return MASK
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (str, PurePath, decimal.Decimal, uuid.UUID, dt.date, dt.time)):
        return printable(mask_urls(str(value)))
    if isinstance(value, dt.timedelta):
        return str(_DURATION.dump_python(value, mode="json"))
    return _described(value)


def _described(value: Any) -> str:
    if isinstance(value, Promise):
        return "<lazy text>"
    if callable(value) and hasattr(value, "__qualname__"):
        return dotted_path(value)
    return f"<{dotted_path(type(value))}>"


def _as_called(configuration: Configuration, path: Path, value: Any) -> Any:
    built = configuration.plugins.get(path)
    if not isinstance(value, dict) or built is None:
        return value
    options = built.options or value.get("OPTIONS", {})
    if not isinstance(options, Mapping):
        return value
    return {**value, "OPTIONS": {key: MASK if key in built.secrets else item for key, item in options.items()}}


def _rows(configuration: Configuration, path: Path, value: Any, above: tuple[int, ...] = ()) -> Iterator[Row]:
    if is_secret_name(path[-1]) and value is not None:
        yield _row(configuration, path, MASK)
    elif isinstance(value, dict) and value and id(value) not in above and len(path) <= _DEPTH_LIMIT:
        for key, item in value.items():
            part = key if isinstance(key, (str, int)) else shown_key(key)
            yield from _rows(configuration, (*path, part), item, (*above, id(value)))
    else:
        yield _row(configuration, path, shown(value, above))


def _row(configuration: Configuration, path: Path, value: JsonValue) -> Row:
    key = printable(".".join(_quoted(str(part)) for part in path))
    return Row(key, value, _origin(configuration, path))


def _origin(configuration: Configuration, path: Path) -> str:
    """Return where the value was assigned; a key of a section that nobody wrote has its default."""
    written = configuration.tree.get(path[0])
    if (
        POSITIONS[str(path[0])] is Position.SECTION
        and isinstance(written, dict)
        and path[1:]
        and path[1] not in written
    ):
        return str(DEFAULT)
    origins = configuration.origins
    return next((origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in origins), "settings")


def _quoted(part: str) -> str:
    return json.dumps(part, ensure_ascii=False) if "." in part or '"' in part or not part else part
