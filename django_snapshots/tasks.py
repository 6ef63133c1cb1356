"""Backups as tasks: of Django's task framework, and of Celery, which finds this module by itself.

from django_snapshots.tasks import backup  # of django.tasks, or of django-tasks before Django 6.0

backup.enqueue()

Both packages are optional. There is no scheduler in here: cron, a systemd timer or Celery's beat decide when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_snapshots._task_runs import run_backup, run_prune, run_verify

if TYPE_CHECKING:
    from django_snapshots._django_tasks import backup, prune, verify

__all__ = ["backup", "celery_backup", "celery_prune", "celery_verify", "prune", "verify"]

_NEEDS_CELERY = "{name} needs Celery: pip install celery."
_NEEDS_TASKS = "{name} needs Django 6.0, or before that the package django-tasks: pip install django-tasks."

try:
    from celery import shared_task
except ImportError:
    pass
else:
    celery_backup = shared_task(name="django_snapshots.backup")(run_backup)
    celery_prune = shared_task(name="django_snapshots.prune")(run_prune)
    celery_verify = shared_task(name="django_snapshots.verify")(run_verify)


def __getattr__(name: str) -> Any:
    # A task of Django's framework is judged against TASKS when it is made. Celery imports this module whether or not
    # TASKS is fit for them, so they are made when they are asked for.
    if name in __all__ and name.startswith("celery_"):
        raise ImportError(_NEEDS_CELERY.format(name=name), name="celery")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from django_snapshots import _django_tasks  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        if error.name == "django_tasks":
            raise ImportError(_NEEDS_TASKS.format(name=name), name="django_tasks") from error
        raise
    return getattr(_django_tasks, name)
