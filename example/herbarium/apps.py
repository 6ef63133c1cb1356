"""The example's one app."""

from django.apps import AppConfig


class HerbariumConfig(AppConfig):
    """Pressed plants, where they were found, and who determined them."""

    name = "herbarium"
