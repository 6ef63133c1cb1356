"""Backups as tasks: really run, in another process, through a real broker."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.servers.redis import serving_redis
from tests.site import Site, make_site
from tests.test_architecture import modules_after

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 60
CELERY_APP = """\
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")

from celery import Celery

app = Celery("site", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.autodiscover_tasks()
app.conf.broker_connection_retry_on_startup = True
app.conf.beat_schedule = {
    "every second": {"task": "django_snapshots.backup", "schedule": 1.0, "kwargs": {"artifacts": ["media"]}},
}
"""
DJANGO_TASKS = """\
INSTALLED_APPS += ["django_tasks", "django_tasks_db"]
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
"""


def python(site: Site, *arguments: str, **env: str) -> str:
    """Run Python in the site's folder and return what it printed."""
    environment = site.environment(PYTHONWARNINGS="default", DJANGO_SETTINGS_MODULE="site_settings", **env)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=site.folder,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def worker(site: Site, broker: str, *options: str) -> Iterator[None]:
    environment = site.environment(PYTHONWARNINGS="default", BROKER=broker)
    command = [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--concurrency", "1", *options]
    with (site.folder / "worker.log").open("w") as log:
        process = subprocess.Popen(command, cwd=site.folder, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=SECONDS)


@pytest.fixture
def broker() -> Iterator[str]:
    with serving_redis() as url:
        yield url


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"PRUNE": {"KEEP": 7}}')
    (site.folder / "celery_app.py").write_text(CELERY_APP)
    return site


def test_a_celery_worker_backs_up_in_another_process(site: Site, broker: str) -> None:
    script = (
        "import celery_app, json\n"
        "from django_snapshots.tasks import celery_backup, celery_prune\n"
        "print(json.dumps([celery_backup.delay(name='by-celery').get(timeout=50),"
        " celery_prune.delay().get(timeout=50)]))\n"
    )
    with worker(site, broker):
        made, pruned = json.loads(python(site, "-c", script, BROKER=broker))

    assert made["status"] == "complete"
    assert made["snapshot"]["name"] == "by-celery"
    assert pruned["deleted"] == []
    assert site.names() == ["by-celery"]


def test_celery_beat_starts_backups(site: Site, broker: str) -> None:
    end = time.monotonic() + SECONDS
    with worker(site, broker, "--beat", "--schedule", str(site.folder / "beat")):
        while not list(site.snapshots.glob("*/manifest.json")):
            assert time.monotonic() < end, (site.folder / "worker.log").read_text()
            time.sleep(0.1)

    assert site.json("list")["snapshots"][0]["artifacts"] == ["media"]


def test_a_worker_of_django_tasks_backs_up_in_another_process(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", DJANGO_TASKS)
    python(site, "manage.py", "migrate", "--verbosity", "0")
    script = "import django; django.setup(); from django_snapshots.tasks import backup; print({}.{})"

    identifier = python(site, "-c", script.format("backup.enqueue(name='by-task')", "id")).strip()
    assert not site.snapshots.exists()
    python(site, "manage.py", "db_worker", "--batch", "--no-startup-delay")

    assert site.names() == ["by-task"]
    result = python(site, "-c", script.format(f"backup.get_result('{identifier}')", "return_value['status']"))
    assert result.strip() == "complete"


@pytest.mark.parametrize(
    ("name", "missing", "sentence"),
    [
        ("backup", ("django.tasks", "django_tasks"), "pip install django-tasks"),
        ("celery_backup", ("celery",), "pip install celery"),
    ],
)
def test_a_task_without_its_package_says_what_to_install(
    name: str, missing: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    hidden = "".join(f"sys.modules[{module!r}] = None; " for module in missing)
    script = f"import sys; {hidden}from django_snapshots.tasks import {name}"
    site = make_site(tmp_path / "site")

    with pytest.raises(AssertionError, match=sentence):
        python(site, "-c", script)


def site_with_a_smaller_replica(tmp_path: Path) -> Site:
    """Return a site with two snapshots, whose replica is to keep one of them."""
    local = '{"BACKEND": "django_snapshots.storage.LocalFileSystemBackend", "OPTIONS": {"location": BASE_DIR / "near"}'
    replica = local + ', "PRUNE": {"KEEP": 1}}'
    site = make_site(tmp_path / "site", f'SNAPSHOTS = {{"PRUNE": {{"KEEP": 2}}, "REPLICAS": [{replica}]}}\n')
    for name in ("a", "b"):
        site.run("backup", "environment", "--name", name)
    return site


def test_the_task_prunes_the_replicas_as_the_command_does(tmp_path: Path) -> None:
    site = site_with_a_smaller_replica(tmp_path)
    script = (
        "import django, json; django.setup()\n"
        "from django_snapshots._task_runs import run_prune; print(json.dumps(run_prune()))"
    )
    pruned = json.loads(python(site, "-c", script))

    assert pruned["deleted"] == []
    assert [(each["replica"], each["deleted"]) for each in pruned["replicas"]] == [(1, ["a"])]


def test_a_script_prunes_the_replicas_as_the_command_does(tmp_path: Path) -> None:
    site = site_with_a_smaller_replica(tmp_path)
    script = (
        "import django, json; django.setup()\n"
        "from django_snapshots import prune_snapshots; from django_snapshots.retention import Policy\n"
        "own = prune_snapshots(Policy(keep=1), dry_run=True); all_ = prune_snapshots()\n"
        "print(json.dumps([[list(each.pruned.decisions) for each in own.replicas],\n"
        "    all_.deleted, [each.pruned.deleted for each in all_.replicas]]))"
    )

    assert json.loads(python(site, "-c", script)) == [[[]], [], [["a"]]]


def test_importing_the_tasks_loads_neither_pydantic_nor_the_engine() -> None:
    loaded = modules_after("import django_snapshots.tasks")

    assert {
        name for name in loaded if name.startswith(("pydantic", "django_snapshots.engine", "django.tasks"))
    } == set()


def test_no_other_name_is_there() -> None:
    from django_snapshots import tasks

    with pytest.raises(AttributeError, match="restore"):
        tasks.restore  # noqa: B018
