"""The pages of the admin: the list, the details of a snapshot, and where the buttons and downloads lead."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST

from django_snapshots.errors import SnapshotError, SnapshotNameError, SnapshotNotFoundError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase
    from django.urls import URLPattern, URLResolver

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.project import Project

__all__ = ["SnapshotAdmin"]

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin  # it takes no parameter where django-stubs is not at hand

_log = logging.getLogger("django_snapshots.admin")
_FAILURES = (SnapshotError, ImproperlyConfigured)


class SnapshotAdmin(_ModelAdmin):
    """Shows what the storage holds. No query is made for it: the model has no table."""

    def get_urls(self) -> list[URLPattern | URLResolver]:  # type: ignore[override,unused-ignore]
        """Return the pages, in the place of those of a model."""
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(require_GET(self.list_page)), name="django_snapshots_snapshot_changelist"),
            path("do/<str:action>/", wrap(require_POST(self.act)), name="django_snapshots_snapshot_act"),
            path("<str:quoted>/", wrap(require_GET(self.detail_page)), name="django_snapshots_snapshot_change"),
            path(
                "<str:quoted>/<path:artifact>/download/",
                wrap(require_GET(self.download)),
                name="django_snapshots_snapshot_download",
            ),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django calls it so
        """Refuse: snapshots are made by a button of the list."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django calls it so
        """Refuse: a snapshot never changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django calls it so
        """Refuse: the command and the retention policy delete."""
        return False

    def list_page(self, request: HttpRequest) -> HttpResponse:
        """Show all snapshots; what keeps that from being done is shown instead."""
        from django_snapshots.admin.actions import has_task_backend  # noqa: PLC0415 - the engine, when it is looked at
        from django_snapshots.admin.chart import chart_of  # noqa: PLC0415
        from django_snapshots.admin.rows import row_of  # noqa: PLC0415

        self._require(request, "view")
        rows, failure = [], ""
        try:
            project = self._project()
            now = datetime.now(UTC)
            rows = [row_of(found, project.upkeep.pin_of(found), now) for found in project.list_snapshots()]
        except _FAILURES as error:
            failure = self._failed(error)
        links = [
            (row, reverse(f"{self.admin_site.name}:django_snapshots_snapshot_change", args=[quote(row.name)]))
            for row in rows
        ]
        context = {"rows": links, "chart": chart_of(rows), "failure": failure, "has_task_backend": has_task_backend()}
        return self._page(request, "list", "Snapshots", context)

    def detail_page(self, request: HttpRequest, quoted: str) -> HttpResponse:
        """Show one snapshot."""
        self._require(request, "view")
        name = unquote(quoted)
        try:
            project = self._project()
            snapshot = self._find(project, name)
            context = self._details(project, snapshot)
        except _FAILURES as error:
            context = {"failure": self._failed(error)}
        return self._page(request, "detail", name, {"name": name, **context})

    def _details(self, project: Project, snapshot: Snapshot) -> dict[str, Any]:
        from django_snapshots.admin import rows  # noqa: PLC0415 - the engine, when it is looked at
        from django_snapshots.manifest import format_manifest  # noqa: PLC0415

        manifest = snapshot.manifest
        context: dict[str, Any] = {"row": rows.row_of(snapshot, project.upkeep.pin_of(snapshot), datetime.now(UTC))}
        if manifest is None:
            return context
        artifacts = [
            (rows.artifact_row(record), self._address("download", quote(snapshot.name), record.name))
            for record in manifest.artifacts
        ]
        packages, migrations = rows.differences(manifest)
        return {
            **context,
            "manifest": manifest,
            "manifest_text": format_manifest(manifest).decode(),
            "artifacts": artifacts,
            "packages": packages,
            "migrations": migrations,
        }

    def act(self, request: HttpRequest, action: str) -> HttpResponse:
        """Do what a button says, tell what became of it, and go back to where the button is."""
        from django_snapshots.admin.actions import ACTIONS  # noqa: PLC0415 - the engine, when something is done

        if action not in ACTIONS:
            raise Http404
        permission, function = ACTIONS[action]
        self._require(request, permission)
        name = request.POST.get("name", "")
        try:
            function(request, self._project(), name)
            _log.info("%s of '%s' by %s in the admin.", action, name, request.user)
        except _FAILURES as error:
            messages.error(request, self._failed(error))
        return HttpResponseRedirect(self._address("change", quote(name)) if name else self._address("changelist"))

    def download(self, request: HttpRequest, quoted: str, artifact: str) -> HttpResponseBase:
        """Stream the stored file of an artifact."""
        from django_snapshots.admin.download import download  # noqa: PLC0415 - the engine, when it is looked at

        self._require(request, "download")
        name = unquote(quoted)
        try:
            project = self._project()
            snapshot = self._find(project, name)
            record = snapshot.require_manifest().artifact(artifact)
            if record is None:
                raise Http404
            _log.info("Download of '%s' of '%s' by %s in the admin.", artifact, name, request.user)
            return download(project.storage, snapshot, record)
        except _FAILURES as error:
            messages.error(request, self._failed(error))
        return HttpResponseRedirect(self._address("change", quote(name)))

    def _address(self, page: str, *arguments: str) -> str:
        return reverse(f"{self.admin_site.name}:django_snapshots_snapshot_{page}", args=arguments)

    @staticmethod
    def _project() -> Project:
        from django_snapshots.project import Project  # noqa: PLC0415 - pydantic and the engine, when they are needed

        return Project()

    @staticmethod
    def _find(project: Project, name: str) -> Snapshot:
        try:
            return project.find_snapshot(name)
        except (SnapshotNotFoundError, SnapshotNameError) as error:
            raise Http404(str(error)) from error

    @staticmethod
    def _failed(error: Exception) -> str:
        from django_snapshots.conf.loading import load_secrets  # noqa: PLC0415 - as of _project
        from django_snapshots.conf.masking import scrub  # noqa: PLC0415

        return scrub(str(error), load_secrets())

    def _require(self, request: HttpRequest, action: str) -> None:
        if not self._may(request, action):
            raise PermissionDenied

    def _may(self, request: HttpRequest, action: str) -> bool:
        codename = get_permission_codename(action, self.opts)
        user: Any = request.user  # whatever AUTH_USER_MODEL is
        return bool(user.has_perm(f"{self.opts.app_label}.{codename}"))

    def _page(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        allowed = {f"may_{action}": self._may(request, action) for action in ("create", "verify", "pin", "download")}
        request.current_app = self.admin_site.name
        common = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, f"django_snapshots/admin/{template}.html", {**common, **allowed, **context})
