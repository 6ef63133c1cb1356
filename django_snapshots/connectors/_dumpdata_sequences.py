"""Where the keys of new rows go on after rows were inserted with their own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.management.color import no_style
from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from django_snapshots.connectors._dumpdata_models import Model

__all__ = ["advance_sequences"]

_ADVANCE = """
SELECT setval(s.name::regclass, GREATEST(COALESCE((SELECT MAX({column}) FROM {table}), 1),
                                         COALESCE(pg_sequence_last_value(s.name::regclass), 1)))
FROM (SELECT pg_get_serial_sequence(%s, %s) AS name) AS s
WHERE s.name IS NOT NULL
  AND (EXISTS (SELECT 1 FROM {table}) OR pg_sequence_last_value(s.name::regclass) IS NOT NULL)
"""


def advance_sequences(connection: BaseDatabaseWrapper, models_here: list[Model]) -> None:
    """Let new keys begin above those in the tables; they never go back, as an AUTOINCREMENT does not.

    PostgreSQL sets a sequence at once and for everybody, whether the transaction commits or not: going forward only,
    a restore that is given up harms nobody.
    """
    if connection.vendor != "postgresql":
        statements = connection.ops.sequence_reset_sql(no_style(), models_here)
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        return
    with connection.cursor() as cursor:
        for model in models_here:
            for field in model._meta.local_concrete_fields:
                if isinstance(field, models.AutoField):
                    table = connection.ops.quote_name(model._meta.db_table)
                    statement = _ADVANCE.format(column=connection.ops.quote_name(str(field.column)), table=table)
                    cursor.execute(statement, [table, field.column])
