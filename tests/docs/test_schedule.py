"""The files of the page on schedules: what they start exists, and they are what cron, systemd and Celery read."""

from __future__ import annotations

import configparser
import re
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import DOCS, Fence, fences_of
from tests.docs.terminal import Terminal, commands_of
from tests.docs.test_documented import verb_parsers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.garden import Garden

PAGE = "how-to/schedule.md"
FENCES = fences_of(PAGE)
STARTED = re.findall(r"manage\.py snapshots ([^\n`]+)", (DOCS / PAGE).read_text())


@pytest.mark.parametrize("arguments", STARTED)
def test_every_command_of_the_page_is_one(arguments: str) -> None:
    verb, *rest = arguments.split()

    verb_parsers()[verb].parse_args(rest)


@pytest.mark.parametrize("fence", [fence for fence in FENCES if fence.language == "ini"], ids=lambda f: f.caption)
def test_units_have_their_sections(fence: Fence) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(fence.body)

    own = "Service" if fence.caption.endswith(".service") else "Timer"
    assert {"Unit", own} <= set(parser.sections())


def test_lines_of_the_crontab_have_five_fields_a_user_and_a_command() -> None:
    (crontab,) = [fence.body for fence in FENCES if fence.caption.startswith("/etc/cron.d")]
    lines = [line.split(None, 6) for line in crontab.splitlines() if line[:1].isdigit()]

    assert len(lines) == 2
    assert all(re.fullmatch(r"[\d*/,-]+", field) for line in lines for field in line[:5])
    assert {line[5] for line in lines} == {"www-data"}


def test_a_task_is_enqueued_as_the_page_says(planted_garden: Garden, tmp_path: Path) -> None:
    steps = [fence for fence in FENCES if fence.heading == "django.tasks"]
    install, settings, migrate, enqueue = steps
    garden = planted_garden.copy(tmp_path)

    garden.apply(settings, {})
    Terminal(garden.folder, {}).run(migrate)
    garden.manage("shell", "--command", enqueue.body)
    garden.manage("db_worker", "--batch")

    assert commands_of(install) == [("pip install django-tasks django-tasks-db", [])]
    assert "before-the-import" in garden.manage("snapshots", "list")


def test_the_schedule_of_celery_names_tasks_that_it_finds() -> None:
    from django_snapshots import tasks

    (body,) = [fence.body for fence in FENCES if "beat_schedule" in fence.body]
    names: dict[str, object] = {}
    exec(body, names)

    schedule = names["app"].conf.beat_schedule  # type: ignore[attr-defined]
    assert {entry["task"] for entry in schedule.values()} == {tasks.celery_backup.name, tasks.celery_prune.name}
