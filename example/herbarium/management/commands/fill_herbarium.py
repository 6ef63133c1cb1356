"""Fills the catalogue with the same invented specimens every time."""

import random
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from django.db import transaction

from herbarium.models import Loan, Specimen, Taxon

FAMILIES = {
    "Asteraceae": ["Achillea millefolium", "Bellis perennis", "Carlina acaulis"],
    "Fabaceae": ["Anthyllis vulneraria", "Trifolium pratense", "Vicia cracca"],
    "Orchidaceae": ["Ophrys apifera", "Orchis mascula", "Neottia nidus-avis"],
}
PLACES = [
    "dry meadow above the river",
    "Kiesbank, Südufer",
    "edge of a beech wood",
    "mur calcaire, exposé au nord",
    "草原",
]
FIRST_DAY = datetime(1987, 4, 12, 9, 30, tzinfo=UTC)


class Command(BaseCommand):
    """`manage.py fill_herbarium`: users, taxa, specimens with photos, loans."""

    help = "Fills the catalogue with invented specimens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the number of specimens."""
        parser.add_argument("--specimens", type=int, default=300)

    def handle(self, *, specimens: int, **_options: object) -> None:
        """Fill everything in one transaction."""
        chance = random.Random(1753)
        with transaction.atomic():
            users = [User.objects.create_user(name, password=f"{name}'s password") for name in ("ana", "jun", "olu")]
            taxa = _create_taxa()
            made = [_create_specimen(number, chance, users, taxa) for number in range(1, specimens + 1)]
            _create_loans(chance, made)
            _correct_labels(made)
        self.stdout.write(f"{len(users)} users, {Taxon.objects.count()} taxa, {len(made)} specimens with photos.")


def _create_taxa() -> list[Taxon]:
    species = []
    for family, names in FAMILIES.items():
        parent = Taxon.objects.create(name=family)
        species += [Taxon.objects.create(name=name, parent=parent) for name in names]
    return species


def _create_specimen(number: int, chance: random.Random, users: list[User], taxa: list[Taxon]) -> Specimen:
    located = chance.random() < 0.8
    specimen = Specimen(
        taxon=chance.choice(taxa),
        determined_by=chance.choice([*users, None]),
        label=f"No. {number}\r\n{chance.choice(PLACES)}\n'leg. & det.'; 100 % \"dried\"",
        collected_at=FIRST_DAY + timedelta(days=chance.randrange(13_000), microseconds=chance.randrange(1_000_000)),
        latitude=Decimal(chance.randrange(36_000_000, 60_000_000)).scaleb(-6) if located else None,
        longitude=Decimal(chance.randrange(-9_000_000, 25_000_000)).scaleb(-6) if located else None,
        measurements={"height_cm": chance.randrange(3, 90), "petals": [chance.random(), None, "ø"], "ok": located},
        barcode_dna=chance.randbytes(400) if chance.random() < 0.5 else None,
    )
    # Half of a real photo archive does not compress.
    specimen.photo.save(f"sheet-{number:04}.jpg", ContentFile(chance.randbytes(20_000) + b"\0" * 20_000), save=False)
    specimen.save()
    return specimen


def _create_loans(chance: random.Random, specimens: list[Specimen]) -> None:
    for borrower, returned in (("Botanic Garden of Coimbra", FIRST_DAY), ("Conservatoire de Genève", None)):
        loan = Loan.objects.create(borrower=borrower, returned_at=returned)
        loan.specimens.set(chance.sample(specimens, min(12, len(specimens))))


def _correct_labels(specimens: list[Specimen]) -> None:
    for specimen in specimens[::10]:
        specimen.label = specimen.label.replace("dried", "dried and mounted")
        specimen.save(update_fields=["label"])
