"""A filter for Django's debug page: hides every secret of SNAPSHOTS, where Django's own hides those of some names.

Django hides settings whose name holds API, AUTH, TOKEN, KEY, SECRET, PASS or SIGNATURE. A connection string,
credentials, or the password inside a URL are shown.
"""

from __future__ import annotations

from typing import Any

from django.views.debug import SafeExceptionReporterFilter

from django_snapshots.conf.loading import load
from django_snapshots.conf.masking import is_secret_name, scrub
from django_snapshots.conf.report import shown
from django_snapshots.conf.sources import PREFIX

__all__ = ["SecretsFilter"]


class SecretsFilter(SafeExceptionReporterFilter):
    """DEFAULT_EXCEPTION_REPORTER_FILTER = "django_snapshots.conf.debug.SecretsFilter"."""

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        """Return the value as the page may show it."""
        if is_secret_name(key) or _is_json_of_ours(key, value):
            return self.cleansed_substitute
        # A live object is named by its class: its repr is its author's, and may show anything.
        cleansed = super().cleanse_setting(key, shown(value) if key == "SNAPSHOTS" else value)
        return scrub(cleansed, load().secrets) if isinstance(cleansed, str) else cleansed


def _is_json_of_ours(key: Any, value: Any) -> bool:
    """Say whether it is a variable of the environment that holds a whole section; the page shows request.META."""
    is_ours = isinstance(key, str) and key.upper().startswith(PREFIX)
    return is_ours and isinstance(value, str) and value.lstrip()[:1] in {"{", "["}
