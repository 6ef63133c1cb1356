"""The page in Django's admin: look, create, verify, pin, download. Restoring is never offered in a browser."""

from __future__ import annotations

from django.contrib import admin

from django_snapshots.admin.pages import SnapshotAdmin
from django_snapshots.models import Snapshot

__all__ = ["SnapshotAdmin"]

admin.site.register(Snapshot, SnapshotAdmin)
