"""A project with Django's admin, served by a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, NamedTuple

from tests.servers.ports import free_port
from tests.site import Site, make_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path

__all__ = ["PASSWORD", "Answer", "Visitor", "make_admin_site", "run", "serving"]

SECONDS = 60
PASSWORD = "correct horse battery"
SETTINGS = """\
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "site_urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django.contrib.staticfiles", "django_snapshots",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
"""
URLS = """\
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""
USERS = """\
from django.contrib.auth.models import Permission, User
def user(name, *codenames):
    made = User.objects.create_user(name, password={password!r}, is_staff=True)
    ours = Permission.objects.filter(content_type__app_label="django_snapshots")
    made.user_permissions.set(ours.filter(codename__in=codenames))
names = ("view", "create", "verify", "pin", "download")
user("ada", *(name + "_snapshot" for name in names))
user("viewer", "view_snapshot")
user("stranger")
"""


def run(site: Site, *arguments: str) -> str:
    """Run manage.py and return what it printed."""
    environment = {**site.environment(), "PYTHONWARNINGS": "default"}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=site.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_admin_site(folder: Path, more: str = "") -> Site:
    """Make a project whose users are ada, who may do everything, viewer, who may look, and stranger."""
    site = make_site(folder, SETTINGS + more)
    (site.folder / "site_urls.py").write_text(URLS)
    run(site, "migrate", "--verbosity", "0")
    run(site, "shell", "--command", USERS.format(password=PASSWORD))
    return site


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """Serve the project and give the address of its admin."""
    port = free_port()
    with (site.folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
            cwd=site.folder,
            env={**site.environment(), "PYTHONWARNINGS": "default"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _wait(server, port)
            yield f"http://127.0.0.1:{port}/admin/"
        finally:
            server.terminate()
            server.wait(timeout=SECONDS)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + SECONDS
    while True:
        assert server.poll() is None, "runserver ended at once"
        assert time.monotonic() < end, "runserver does not answer"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


class Answer(NamedTuple):
    """What the server answered, read to its end."""

    status: int
    url: str
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Visitor:
    """A user who is logged in, without a browser."""

    def __init__(self, admin: str, name: str) -> None:
        self._admin = admin
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self.get("login/")
        self.post("login/", username=name, password=PASSWORD)

    def get(self, path: str) -> Answer:
        return self._open(urllib.request.Request(self._admin + path))

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form."""
        token = next((cookie.value or "" for cookie in self._cookies if cookie.name == "csrftoken"), "")
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
        return self._open(urllib.request.Request(self._admin + path, data, {"Referer": self._admin}))

    def _open(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return Answer(answer.status, answer.url, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.url or "", error.headers, error.read())
