"""The one model: it has no table. It gives the admin page its place, and its permissions a content type."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

__all__ = ["Snapshot"]


class Snapshot(models.Model):
    """A snapshot, for the permissions of the admin page. Snapshots live in the storage, and only there.

    Django's permissions belong to a content type, which belongs to a model. This one is not managed: `migrate` makes
    the content type and the permissions, and no table.
    """

    name = models.CharField(max_length=128, primary_key=True)

    class Meta:
        """Permissions finer than those of a model: whoever may look may not download every password hash."""

        managed = False
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("create_snapshot", "Can create snapshots"),
            ("verify_snapshot", "Can verify snapshots"),
            ("pin_snapshot", "Can pin and unpin snapshots"),
            ("download_snapshot", "Can download artifacts of snapshots"),
        ]

    def __str__(self) -> str:
        return self.name
