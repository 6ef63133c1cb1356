"""Models that are hard to bring back exactly. Their app has no migrations: `migrate --run-syncdb` makes the tables."""

# ruff: noqa: DJ008 - nobody shows these

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower

__all__ = ["Bramble", "Fern", "Hedge", "Moss", "Order", "Owner", "Plot", "Stamp", "View"]


class Owner(models.Model):
    """Points to itself, and with Hedge in a circle."""

    name = models.CharField(max_length=200, unique=True)
    lower_name = models.GeneratedField(
        expression=Lower("name"), output_field=models.CharField(max_length=200), db_persist=True
    )
    friend = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    hedge = models.ForeignKey("Hedge", models.CASCADE, null=True, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "thicket"


class Hedge(models.Model):
    """Is keyed by a UUID and by many-to-many rows with and without a model of their own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.ForeignKey(Owner, models.CASCADE)
    friends = models.ManyToManyField(Owner, related_name="hedges")
    keepers = models.ManyToManyField(Owner, through="Plot", related_name="kept")

    class Meta:
        app_label = "thicket"


class Plot(models.Model):
    """Stands between, with data of its own."""

    hedge = models.ForeignKey(Hedge, models.CASCADE)
    owner = models.ForeignKey(Owner, models.CASCADE)
    size = models.DecimalField(max_digits=30, decimal_places=15)

    class Meta:
        app_label = "thicket"


class Bramble(Hedge):
    """Has its row in two tables."""

    thorns = models.BigIntegerField()

    class Meta:
        app_label = "thicket"


class Moss(models.Model):
    """Holds a value of every kind."""

    text = models.TextField(blank=True)
    binary = models.BinaryField()
    real = models.FloatField()
    decimal = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    moment = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    clock = models.TimeField(null=True)
    span = models.DurationField(null=True)
    data = models.JSONField()
    maybe = models.JSONField(null=True)
    flag = models.BooleanField(null=True)
    address = models.GenericIPAddressField(null=True)
    file = models.FileField(upload_to="moss", blank=True)

    class Meta:
        app_label = "thicket"


class Order(models.Model):
    """Has reserved words and mixed case for names, and a Meta that would hide rows."""

    select = models.IntegerField(db_column="Group By")

    class Meta:
        app_label = "thicket"
        db_table = "Order of Things"
        ordering: ClassVar[list[str]] = ["-select"]


class Fern(models.Model):
    """Is keyed by two columns."""

    pk = models.CompositePrimaryKey("tenant", "number")
    tenant = models.IntegerField()
    number = models.IntegerField()
    note = models.CharField(max_length=20)

    class Meta:
        app_label = "thicket"


class Stamp(models.Model):
    """Hides rows from its default manager and acts on every save."""

    text = models.CharField(max_length=20)

    class _Some(models.Manager["Stamp"]):
        def get_queryset(self) -> models.QuerySet[Stamp]:
            return super().get_queryset().exclude(text="hidden")

    objects = _Some()

    class Meta:
        app_label = "thicket"
        base_manager_name = "objects"


class View(models.Model):
    """Belongs to somebody else."""

    text = models.CharField(max_length=20)

    class Meta:
        app_label = "thicket"
        managed = False
        db_table = "somebody_elses"
