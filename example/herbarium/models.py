"""A herbarium's catalogue: text, JSON, decimals, aware datetimes, binary, NULLs, relations and uploads."""

from django.conf import settings
from django.db import models


class Taxon(models.Model):
    """A plant name, below its family or genus."""

    name = models.CharField(max_length=120, unique=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")

    def __str__(self) -> str:
        """The name."""
        return self.name


class Specimen(models.Model):
    """One pressed plant on one sheet of paper."""

    taxon = models.ForeignKey(Taxon, models.PROTECT, related_name="specimens")
    determined_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    label = models.TextField()
    collected_at = models.DateTimeField()
    latitude = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    longitude = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    measurements = models.JSONField(default=dict)
    barcode_dna = models.BinaryField(null=True)
    photo = models.FileField(upload_to="photos/%Y/", blank=True)

    def __str__(self) -> str:
        """The taxon and the number of the sheet."""
        return f"{self.taxon} ({self.pk})"


class Loan(models.Model):
    """Specimens that are with another herbarium."""

    borrower = models.CharField(max_length=200)
    specimens = models.ManyToManyField(Specimen)
    returned_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        """The borrower."""
        return self.borrower
