"""The system checks: problems become Django's messages. Imports pydantic only when a check runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.apps import AppConfig

    from django_snapshots.conf.problems import Problem

__all__ = ["TAG", "check_configuration", "check_databases", "check_deployment"]

TAG = "snapshots"


@register(TAG)
def check_configuration(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Return every problem of SNAPSHOTS; nothing when only other apps are to be checked."""
    if _is_about_others(app_configs):
        return []
    from django_snapshots.conf.loading import load  # noqa: PLC0415 - costs pydantic, which start-up must not

    return [_message(problem) for problem in load().problems]


@register(TAG, deploy=True)
def check_deployment(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Return what is wrong on this host, for `manage.py check --deploy`."""
    if _is_about_others(app_configs):
        return []
    from django_snapshots.conf.loading import load_deploy_problems  # noqa: PLC0415 - see check_configuration

    return [_message(problem) for problem in load_deploy_problems()]


@register(TAG, Tags.database)
def check_databases(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Return what the servers of these aliases say, for `manage.py check --database ALIAS`; connects to no other."""
    if _is_about_others(app_configs) or not databases:
        return []
    from django_snapshots.conf.loading import load_database_problems  # noqa: PLC0415 - see check_configuration

    return [_message(problem) for problem in load_database_problems(databases)]


def _is_about_others(app_configs: Sequence[AppConfig] | None) -> bool:
    return app_configs is not None and all(app.name != "django_snapshots" for app in app_configs)


def _message(problem: Problem) -> CheckMessage:
    kind = Error if problem.is_error else CheckWarning
    return kind(problem.message, hint=problem.hint, obj=problem.place, id=problem.id)
