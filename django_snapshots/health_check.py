"""The health of the backups for the package django-health-check (4.0 or newer), which is optional.

path("health/", HealthCheckView.as_view(checks=["django_snapshots.health_check.SnapshotsHealth"]))
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

try:
    from health_check.base import HealthCheck
    from health_check.exceptions import ServiceUnavailable, ServiceWarning
except ImportError as error:
    raise ImportError(
        "django_snapshots.health_check needs django-health-check 4.0 or newer: pip install django-health-check."
    ) from error

__all__ = ["SnapshotsHealth"]


@dataclass
class SnapshotsHealth(HealthCheck):  # type: ignore[misc,unused-ignore] # where it is not installed it is Any
    """What `manage.py snapshots health` says. Sends no signal and no e-mail: a page is asked for often."""

    timeout = timedelta(seconds=30)

    async def run(self) -> None:
        """Look at the storage.

        Raises:
            ServiceWarning: The health is a warning; the texts of all checks that are not ok.
            ServiceUnavailable: It is critical.
        """
        from django_snapshots.project import Project  # noqa: PLC0415 - urls.py is imported at start-up

        report = await asyncio.to_thread(lambda: Project().look_at_health())
        if report.state != "ok":
            text = " ".join(check.message for check in report.checks if check.state != "ok")
            raise (ServiceWarning if report.state == "warning" else ServiceUnavailable)(text)
