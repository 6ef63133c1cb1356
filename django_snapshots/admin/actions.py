"""What the buttons of the page do. Long work goes to the task backend where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import messages

from django_snapshots._task_runs import run_backup, run_verify
from django_snapshots.conf.loading import load_secrets
from django_snapshots.conf.masking import scrub

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.http import HttpRequest

    from django_snapshots.project import Project

__all__ = ["ACTIONS", "has_task_backend"]


def has_task_backend() -> bool:
    """Whether `django.tasks` is here (Django 6.0), or django-tasks is in INSTALLED_APPS."""
    try:
        from django import tasks  # noqa: F401, PLC0415 # type: ignore[attr-defined,unused-ignore]
    except ImportError:
        return apps.is_installed("django_tasks")
    return True


def create(request: HttpRequest, _project: Project, _name: str) -> None:
    """Make a snapshot of everything."""
    _run(request, "backup", run_backup, {}, "The backup")


def verify(request: HttpRequest, _project: Project, name: str) -> None:
    """Verify a snapshot to its last byte."""
    _run(request, "verify", run_verify, {"names": [name]}, f"The verification of '{name}'")


def pin(request: HttpRequest, project: Project, name: str) -> None:
    """Pin a snapshot and its copies until the day that was filled in, for ever without one."""
    until = request.POST.get("until", "")
    try:
        last_day = project.upkeep.last_day(until) if until else None
    except ValueError as error:
        messages.error(request, f"{error} Nothing was changed.")
        return
    reason = request.POST.get("reason", "")
    project.upkeep.pin(name, until=last_day, reason=reason)
    messages.success(request, f"'{name}' is pinned.")
    _tell_copies(request, project.replicas.pin(name, until=last_day, reason=reason))


def unpin(request: HttpRequest, project: Project, name: str) -> None:
    """Take the pin away, and those of the copies."""
    project.upkeep.unpin(name)
    messages.success(request, f"'{name}' is not pinned any more.")
    _tell_copies(request, project.replicas.unpin(name))


def _tell_copies(request: HttpRequest, problems: Sequence[str]) -> None:
    """Show on which replicas the copies were not reached: there nothing was changed."""
    for problem in problems:
        messages.warning(request, scrub(problem, load_secrets()))


def _run(
    request: HttpRequest, task: str, function: Callable[..., dict[str, Any]], arguments: Mapping[str, Any], what: str
) -> None:
    """Hand the work to the task backend, or do it within the request where there is none."""
    if not has_task_backend():
        _tell(request, what, function(**arguments))
        return
    from django_snapshots import tasks  # noqa: PLC0415 - judged against TASKS when it is made

    result: Any = getattr(tasks, task).enqueue(**arguments)
    if not result.is_finished:
        messages.info(request, f"{what} was handed to the task backend. Load this page again to see what became of it.")
    elif result.errors:
        messages.error(request, f"{what} failed: {result.errors[-1].exception_class.__name__}. The log says more.")
    else:
        _tell(request, what, result.return_value)


def _tell(request: HttpRequest, what: str, document: Mapping[str, Any]) -> None:
    bad = [text for found in document.get("snapshots", ()) for text in _texts(found)]
    bad += document.get("problems", ())
    if bad:
        messages.warning(request, f"{what} found: {' '.join(bad)}")
    else:
        messages.success(request, f"{what} ended well.")


def _texts(found: Mapping[str, Any]) -> list[str]:
    return [str(problem["message"]) for key in ("problems", "unverified") for problem in found.get(key, ())]


ACTIONS: dict[str, tuple[str, Callable[[HttpRequest, Project, str], None]]] = {
    "create": ("create", create),
    "verify": ("verify", verify),
    "pin": ("pin", pin),
    "unpin": ("pin", unpin),
}
"""Action -> the permission it needs, and what does it."""
