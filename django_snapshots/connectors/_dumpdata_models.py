"""Which models are rows of a database, in which order, and how a snapshot's differ from the code's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connections, router
from django.db.migrations.recorder import MigrationRecorder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.db import models

__all__ = ["Model", "applied_migrations", "differences", "missing_tables", "models_of", "stored_fields", "unmanaged"]

Model = type["models.Model"]

_SHOWN_MAX = 5


def models_of(alias: str) -> list[Model]:
    """Return the models with a table of ours in the database, those that others point to first.

    The tables between many-to-many fields are among them: their rows are dumped as rows, with their own keys.
    """
    connection = connections[alias]
    found = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.can_migrate(connection) and router.allow_migrate_model(alias, model)
    ]
    return _parents_first(sorted(found, key=lambda model: model._meta.label_lower))


def unmanaged(alias: str) -> list[str]:
    """Return the labels of models that have `managed = False`: views and the tables of others."""
    return sorted(
        model._meta.label_lower
        for model in apps.get_models(include_auto_created=True)
        if not (model._meta.managed or model._meta.proxy or model._meta.swapped)
        and model._meta.app_label != "django_snapshots"  # ours has no table anywhere
        and router.allow_migrate_model(alias, model)
    )


def stored_fields(model: Model) -> list[models.Field[Any, Any]]:
    """Return the fields that have a column in the model's own table and are not computed by the database."""
    return [field for field in model._meta.local_concrete_fields if not getattr(field, "generated", False)]


def missing_tables(alias: str, models_here: Iterable[Model]) -> list[str]:
    """Return the tables of the models that are not in the database."""
    connection = connections[alias]
    present = {connection.introspection.identifier_converter(name) for name in connection.introspection.table_names()}
    tables = [model._meta.db_table for model in models_here]
    return [table for table in tables if connection.introspection.identifier_converter(table) not in present]


def applied_migrations(alias: str) -> dict[str, str]:
    """Return the last applied migration of each app."""
    recorder = MigrationRecorder(connections[alias])
    if not recorder.has_table():
        return {}
    return dict(recorder.migration_qs.order_by("id").values_list("app", "name"))


def differences(alias: str, models_here: Iterable[Model], facts: Mapping[str, Any]) -> list[str]:
    """Return how the models and migrations of the facts differ from those here, a text each; at most some."""
    recorded: Mapping[str, list[str]] = facts.get("models") or {}
    here = {model._meta.label_lower: [field.name for field in stored_fields(model)] for model in models_here}
    found = [f"{label} is in the snapshot only" for label in recorded if label not in here]
    found += [f"{label} is here only" for label in here if label not in recorded]
    for label in recorded.keys() & here.keys():
        found += [f"{label}.{name} is in the snapshot only" for name in recorded[label] if name not in here[label]]
        found += [f"{label}.{name} is here only" for name in here[label] if name not in recorded[label]]
    found += _migration_differences(alias, {label.partition(".")[0] for label in (*recorded, *here)}, facts)
    more = [f"and {len(found) - _SHOWN_MAX} more"] if len(found) > _SHOWN_MAX else []
    return sorted(found)[:_SHOWN_MAX] + more


def _migration_differences(alias: str, app_labels: set[str], facts: Mapping[str, Any]) -> list[str]:
    recorded: Mapping[str, str] = facts.get("migrations") or {}
    here = applied_migrations(alias)
    return [
        f"{app} is at migration {recorded.get(app, 'none')} in the snapshot and at {here.get(app, 'none')} here"
        for app in sorted(app_labels)
        if recorded.get(app) != here.get(app)
    ]


def _parents_first(found: list[Model]) -> list[Model]:
    # Where models point to each other in a circle the order cannot help; constraints are deferred or disabled anyway.
    ordered: dict[Model, None] = {}
    entered: set[Model] = set()

    def visit(model: Model) -> None:
        if model in entered:
            return
        entered.add(model)
        for field in model._meta.local_concrete_fields:
            target = field.remote_field.model if field.remote_field else None
            if target is not None and target._meta.concrete_model in known:
                visit(target._meta.concrete_model)
        ordered[model] = None

    known = set(found)
    for model in found:
        visit(model)
    return list(ordered)
