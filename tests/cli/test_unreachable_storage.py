"""A storage that cannot be reached is an error everywhere, never an empty one: each verb, and each page of the admin.

Two that are away: a disk that is not mounted, and a bucket whose port refuses connections.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.admin.served import make_admin_site
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from tests.site import Site

SETTINGS = """
BUCKET = {
    "access_key": "tests", "secret_key": "only-for-tests", "bucket_name": "snapshots", "region_name": "us-east-1",
    "endpoint_url": "http://127.0.0.1:%(port)d",
}
if os.environ.get("AWAY") == "port":
    from botocore.config import Config
    BUCKET["client_config"] = Config(retries={"total_max_attempts": 1}, connect_timeout=2)
PLACES = {
    "disk": {
        "BACKEND": "django_snapshots.storage.LocalFileSystemBackend",
        "OPTIONS": {"location": BASE_DIR / "mnt" / "disk" / "snapshots"},
    },
    "port": {
        "BACKEND": "django_snapshots.storage.DjangoStorageBackend",
        "OPTIONS": {"storage": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": BUCKET}},
    },
}
SNAPSHOTS = {"STORAGE": PLACES[os.environ.get("AWAY", "disk")], "PRUNE": {"KEEP": 1}}
"""
VERBS = {
    "list": ["list"],
    "info": ["info", "nightly"],
    "info latest": ["info", "latest"],
    "check": ["check"],
    "verify": ["verify", "latest"],
    "verify --all": ["verify", "--all"],
    "restore": ["restore", "latest", "--noinput"],
    "restore --dry-run": ["restore", "nightly", "--dry-run"],
    "delete": ["delete", "nightly", "--noinput"],
    "prune": ["prune"],
    "prune --dry-run": ["prune", "--dry-run"],
    "prune --leftovers": ["prune", "--leftovers"],
    "pin": ["pin", "nightly"],
    "backup": ["backup", "environment", "--name", "nightly"],
    "health": ["health"],
}
PAGES = ["GET ", "GET nightly/", "GET nightly/media/download/", "POST do/verify/", "POST do/pin/", "POST do/create/"]
RUN_ALL = """
import io, json
from html import unescape
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

def run(arguments):
    out = io.StringIO()
    try:
        call_command("snapshots", *arguments, "--json", stdout=out, stderr=out)
    except Exception as error:
        return {"exit": getattr(error, "returncode", None), "document": json.loads(out.getvalue())}
    return {"exit": 0, "document": json.loads(out.getvalue())}

client = Client(headers={"host": "127.0.0.1"})
client.force_login(User.objects.get(username="ada"))

def page(way):
    method, _, path = way.partition(" ")
    ask = getattr(client, method.lower())
    answer = ask("/admin/django_snapshots/snapshot/" + path, {"name": "nightly"}, follow=True)
    return {"status": answer.status_code, "text": unescape(answer.content.decode())}

print(json.dumps([{name: run(arguments) for name, arguments in VERBS.items()}, {way: page(way) for way in PAGES}]))
"""


class Away(NamedTuple):
    """What became of everything that was tried while the storage was away."""

    site: Site
    verbs: dict[str, dict[str, Any]]
    pages: dict[str, dict[str, Any]]
    reason: str


@pytest.fixture(scope="module")
def port() -> int:
    """A port where nobody listens."""
    return free_port()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, port: int) -> Site:
    return make_admin_site(tmp_path_factory.mktemp("away") / "site", f"import os\n{SETTINGS % {'port': port}}")


@pytest.fixture(scope="module", params=["disk", "port"])
def away(request: pytest.FixtureRequest, site: Site, port: int) -> Away:
    script = f"VERBS, PAGES = {VERBS!r}, {PAGES!r}\n{RUN_ALL}"
    printed = site.python(script, {"AWAY": request.param, "PYTHONWARNINGS": "default"})
    verbs, pages = json.loads(printed.splitlines()[-1])
    reason = "nor the folder above it exists. If it is on a disk, mount the disk"
    return Away(site, verbs, pages, reason if request.param == "disk" else f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "health"])
def test_each_verb_ends_with_an_error_that_says_why(away: Away, verb: str) -> None:
    ended = away.verbs[verb]

    assert ended["exit"] == 1, ended
    assert set(ended["document"]) == {"error"}
    assert away.reason in ended["document"]["error"]["message"]


def test_health_is_critical_and_says_why(away: Away) -> None:
    ended = away.verbs["health"]
    (check,) = ended["document"]["checks"]

    assert ended["exit"] == 2
    assert (check["name"], check["state"]) == ("storage", "critical")
    assert away.reason in check["message"]


@pytest.mark.parametrize("way", PAGES)
def test_each_page_of_the_admin_shows_it(away: Away, way: str) -> None:
    shown = away.pages[way]

    assert shown["status"] == 200
    assert away.reason in shown["text"]
    assert "no snapshot" not in shown["text"].lower()


def test_nothing_was_changed_and_nothing_was_made_in_the_place_of_the_disk(away: Away) -> None:
    assert away.site.rows() == [(1, "first"), (2, "second")]
    assert not (away.site.folder / "mnt").exists()
