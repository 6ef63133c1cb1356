"""Rows as lines of JSON and back: the `jsonl` format of Django's serializers, without its roundings.

One object a line: `{"model": "auth.user", "pk": 1, "fields": {"username": "ada", …}}`, as `loaddata` reads it. Times
keep their microseconds, which `dumpdata` cuts to milliseconds. A line may have one key more, which `loaddata` passes
over: `json_null` names the JSON fields that hold JSON's null, where a null in `fields` means SQL's NULL.
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.expressions import ExpressionWrapper, Value
from django.db.models.query_utils import Q

from django_snapshots.connectors._dumpdata_models import stored_fields
from django_snapshots.digests import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

    from django_snapshots.connectors._dumpdata_models import Model

__all__ = ["RowReader", "count_rows", "decode_row", "encoded_rows", "lines_of"]

_FIRST_ROWS, _ROWS_MAX = 16, 512
_FEW_BYTES, _MANY_BYTES = CHUNK_SIZE, 8 * CHUNK_SIZE
_PLAIN = (type(None), bool, int, str)
_TEMPORAL = (datetime, date, time)


def encoded_rows(alias: str, model: Model) -> Iterator[tuple[bytes, int]]:
    """Yield the rows of the model's table in the order of their keys: some lines, and how many.

    Each step asks for the rows after the last key, so that no driver gathers a whole table; how many is chosen by the
    size of those before (about 1 to 8 MiB at a time).
    """
    codec = _RowEncoder(model)
    rows: models.QuerySet[Any, Any] = models.QuerySet(model, using=alias).order_by("pk")
    step, last = _FIRST_ROWS, None
    while True:
        following = rows if last is None else rows.filter(pk__gt=last)
        batch = list(following.values_list("pk", *codec.columns)[:step])
        if not batch:
            return
        lines = b"".join([codec.encode(row[1:]) for row in batch])
        yield lines, len(batch)
        if len(batch) < step:
            return
        last = batch[-1][0]
        if len(lines) < _FEW_BYTES:
            step = min(step * 2, _ROWS_MAX)
        elif len(lines) > _MANY_BYTES:
            step = max(step // 4, 1)


class _RowEncoder:
    """Makes lines of the values of one model's columns.

    Attributes:
        columns: What to select, in this order.
    """

    def __init__(self, model: Model) -> None:
        self._label = model._meta.label_lower
        self._fields = stored_fields(model)
        self._pk: Any = model._meta.pk
        self._json = [field for field in self._fields if isinstance(field, models.JSONField)]
        self.columns: list[Any] = [
            *(field.attname for field in self._fields),
            *(_is_sql_null(field.name) for field in self._json),
        ]

    def encode(self, values: tuple[Any, ...]) -> bytes:
        row = SimpleNamespace(**{field.attname: value for field, value in zip(self._fields, values, strict=False)})
        record: dict[str, Any] = {"model": self._label}
        key = _serialized(self._pk, row) if hasattr(row, self._pk.attname) else self._composite_key(row)
        record["pk"] = key
        record["fields"] = {field.name: _serialized(field, row) for field in self._fields if field is not self._pk}
        json_null = self._json_nulls(row, values[len(self._fields) :])
        if json_null:
            record["json_null"] = json_null
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"

    def _composite_key(self, row: SimpleNamespace) -> Any:
        by_name = {field.name: field for field in self._fields}
        return [_serialized(by_name[name], row) for name in self._pk.field_names]

    def _json_nulls(self, row: SimpleNamespace, are_sql_null: tuple[bool, ...]) -> list[str]:
        return [
            field.name
            for field, is_sql_null in zip(self._json, are_sql_null, strict=True)
            if getattr(row, field.attname) is None and not is_sql_null
        ]


def _is_sql_null(name: str) -> ExpressionWrapper[Any]:
    return ExpressionWrapper(Q(**{f"{name}__isnull": True}), output_field=models.BooleanField())


def _serialized(field: Any, row: SimpleNamespace) -> Any:
    value = getattr(row, field.attname)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, _TEMPORAL):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return field.value_to_string(row)


class RowReader:
    """Reads lines into rows that can be inserted.

    Attributes:
        fields: The fields of each model, by label.
    """

    def __init__(self, models_here: Iterable[Model]) -> None:
        """Take the models that lines may be of."""
        self.models = {model._meta.label_lower: model for model in models_here}
        self.fields = {label: stored_fields(model) for label, model in self.models.items()}

    def read(self, line: bytes) -> tuple[str, SimpleNamespace]:
        """Return the label of the model and the row, its attributes called as the columns.

        Raises:
            ValueError, TypeError, LookupError, ValidationError: The line is no row of these models.
        """
        record = json.loads(line)
        label = record["model"]
        return label, decode_row(self.models[label], self.fields[label], record)


def decode_row(model: Model, fields: Iterable[models.Field[Any, Any]], record: Mapping[str, Any]) -> SimpleNamespace:
    """Return the values of one record, converted by the fields; every field must be there."""
    values, json_null = record["fields"], record.get("json_null", ())
    row = {}
    for field in fields:
        value = record["pk"] if field is model._meta.pk else values[field.name]
        if value is None and field.name in json_null:
            row[field.attname] = Value(None, models.JSONField())
        else:
            row[field.attname] = field.to_python(value)
    return SimpleNamespace(**row)


def count_rows(source: BinaryIO) -> dict[str, int]:
    """Return how many rows of each model there are, by label, without asking whether the models exist.

    Raises:
        ValueError: A line is no row; says which.
    """
    counts: dict[str, int] = {}
    for number, line in enumerate(lines_of(source), start=1):
        try:
            record = json.loads(line)
            label, values = record["model"], record["fields"]
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise ValueError(f"Line {number} is no row: {type(error).__name__}: {error}.") from error
        if not isinstance(label, str) or not isinstance(values, dict):
            raise ValueError(f"Line {number} is no row.")  # noqa: TRY004 - what is wrong is the text
        counts[label] = counts.get(label, 0) + 1
    return counts


def lines_of(source: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream, each with its line end; a last one without line end as it is."""
    pending: list[bytes] = []
    while chunk := source.read(CHUNK_SIZE):
        first, *rest = chunk.split(b"\n")
        pending.append(first)
        for piece in rest:
            yield b"".join(pending) + b"\n"
            pending = [piece]
    if last := b"".join(pending):
        yield last
