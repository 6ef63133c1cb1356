"""The checks as Django runs them: tags, levels, silence, places, and what a process without a check sees."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from django_snapshots.checks import check_configuration
from tests.conf import plugins
from tests.conf.checking import project, run_check, run_verb

ROOT = Path(__file__).resolve().parents[2]
TYPO = {"storage": 1}
NEVER_CHANGES = {"SNAPSHOT_NAME": "nightly"}


def test_the_object_of_a_message_is_its_place() -> None:
    with project({}, {"SNAPSHOTS_ALLOW_RESTORE": "maybe"}):
        (message,) = checks.run_checks(tags=["snapshots"])

    assert message.obj == "SNAPSHOTS['ALLOW_RESTORE'] (from SNAPSHOTS_ALLOW_RESTORE)"
    assert message.id == "snapshots.E002"
    assert str(message) == (
        "SNAPSHOTS['ALLOW_RESTORE'] (from SNAPSHOTS_ALLOW_RESTORE): (snapshots.E002) "
        "Input should be a valid boolean, unable to interpret input.\n"
        "\tHINT: Use true/false, yes/no, on/off or 1/0."
    )


def test_all_problems_of_all_sources_come_in_one_run_sorted_by_place(tmp_path: Path) -> None:
    (tmp_path / "app.env").write_text("SNAPSHOTS_DEFAULT_ARTIFACTS=medai\n")
    environ = {"SNAPSHOTS_ENV_FILE": str(tmp_path / "app.env"), "SNAPSHOTS_ALLOW_RESTORE": "maybe", "SNAPSHOTS_Z": "1"}

    with project({**TYPO, **NEVER_CHANGES}, environ):
        output = run_check("--tag", "snapshots").output
        places = [message.obj for message in checks.run_checks(tags=["snapshots"])]

    errors = [place for place in places if not str(place).endswith("_Z") and "SNAPSHOT_NAME" not in str(place)]
    assert places == sorted(places)
    assert len(places) == 5
    assert [output.index(f"{place}: (") for place in errors] == sorted(output.index(f"{place}: (") for place in errors)


def test_a_plain_check_runs_them_too() -> None:
    with project(TYPO):
        checked = run_check()

    assert checked.exit_code == 1
    assert "SNAPSHOTS['storage']: (snapshots.E003) Unknown key." in checked.output


def test_another_tag_does_not_run_them() -> None:
    with project(TYPO):
        assert run_check("--tag", "models").exit_code == 0


def test_a_check_of_another_app_does_not_run_them() -> None:
    with project(TYPO):
        assert check_configuration([apps.get_app_config("auth")]) == []
        assert len(check_configuration([apps.get_app_config("django_snapshots")])) == 1


def test_errors_and_warnings_have_djangos_levels() -> None:
    with project({**TYPO, **NEVER_CHANGES}):
        levels = {message.id: message.level for message in checks.run_checks(tags=["snapshots"])}

    assert levels == {"snapshots.E003": checks.ERROR, "snapshots.W009": checks.WARNING}


@pytest.mark.parametrize(("level", "exit_code"), [("ERROR", 0), ("WARNING", 1)])
def test_fail_level_decides_on_warnings(level: str, exit_code: int) -> None:
    with project(NEVER_CHANGES):
        assert run_check("--tag", "snapshots", "--fail-level", level).exit_code == exit_code


def test_a_silenced_id_is_not_shown() -> None:
    with project(TYPO, SILENCED_SYSTEM_CHECKS=["snapshots.E003"]):
        checked = run_check("--tag", "snapshots")

    assert checked.exit_code == 0
    assert "Unknown key" not in checked.output
    assert "(1 silenced)" in checked.output


def test_a_mistake_does_not_stop_other_commands() -> None:
    with project(TYPO), pytest.raises(SystemCheckError):
        call_command("check")
    with project(TYPO):
        call_command("diffsettings", output="unified", stdout=io.StringIO())


def test_a_verb_ends_on_wrong_settings_with_everything_that_is_wrong() -> None:
    with project({**TYPO, "SNAPSHOT_FORMAT": "zip"}):
        exit_code, _, err = run_verb("list")

    assert exit_code == 1
    assert "SNAPSHOTS['SNAPSHOT_FORMAT']: (snapshots.E002)" in err
    assert "SNAPSHOTS['storage']: (snapshots.E003)" in err


def test_a_verb_with_json_says_it_as_a_document() -> None:
    with project(TYPO):
        exit_code, out, _ = run_verb("list", "--json")

    document: dict[str, Any] = json.loads(out)
    assert exit_code == 1
    assert document["error"]["type"] == "SnapshotsConfigError"
    assert document["error"]["problems"] == [
        {
            "id": "snapshots.E003",
            "where": "SNAPSHOTS['storage']",
            "message": "Unknown key.",
            "hint": "Did you mean 'STORAGE'?",
        }
    ]


def test_a_verb_runs_no_check_but_its_own() -> None:
    @checks.register("elsewhere")
    def broken(**_: Any) -> list[checks.CheckMessage]:
        return [checks.Error("somebody else's mistake")]

    try:
        with project({"STORAGE": plugins.MemoryStorage()}):
            exit_code, _, err = run_verb("list")
    finally:
        checks.registry.registry.registered_checks.discard(broken)

    assert (exit_code, err) == (0, "")


WEB_PROCESS = """
import sys
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django_snapshots"], ROOT_URLCONF="tests.conf.urls", ALLOWED_HOSTS=["*"], SNAPSHOTS={snapshots}
)
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
environ = {{
    "REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "t", "SERVER_PORT": "80", "wsgi.input": sys.stdin.buffer,
    "wsgi.url_scheme": "http",
}}
application(environ, lambda status, headers: print(status))
print(sorted(name for name in sys.modules if name.split(".")[0] in ("pydantic", "pydantic_settings")))
"""


STARTED = """
import sys
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_snapshots"], SNAPSHOTS=None)
django.setup()
print([name for name in sys.modules if name.startswith("django_snapshots.conf")])
"""
FIRST_USE = "from django_snapshots.conf import get_settings\nget_settings()\n"


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_a_web_process_that_makes_no_snapshot_imports_no_pydantic() -> None:
    process = run_python(WEB_PROCESS.format(snapshots="{'storage': 1}"))

    assert process.stdout == "404 Not Found\n[]\n"


def test_first_use_in_a_web_process_raises_everything_at_once() -> None:
    process = run_python(WEB_PROCESS.format(snapshots="{'storage': 1, 'SNAPSHOT_FORMAT': 'zip'}") + FIRST_USE)

    assert process.returncode == 1
    assert process.stderr.count("The configuration of django-snapshots has 2 errors:") == 1
    assert "SNAPSHOTS['SNAPSHOT_FORMAT']: (snapshots.E002)" in process.stderr
    assert "SNAPSHOTS['storage']: (snapshots.E003)" in process.stderr


def test_nothing_is_validated_when_django_starts() -> None:
    assert run_python(STARTED).stdout == "[]\n"
