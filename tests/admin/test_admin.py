"""The admin page, in a real browser and by plain requests: as one who may, one who may look, and one who may not."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.manifest import format_manifest, parse_manifest
from tests.admin.served import PASSWORD, Visitor, make_admin_site, run, serving
from tests.browser import browsing, serious_violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

    from tests.site import Site

PAGE = "django_snapshots/snapshot/"
SCREENSHOTS = Path(__file__).parents[2] / ".screenshots"
LOCAL = "django_snapshots.storage.LocalFileSystemBackend"
TASKS = """\
INSTALLED_APPS += ["django_tasks", "django_tasks_db"]
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = make_admin_site(tmp_path_factory.mktemp("admin") / "site", TASKS)
    for name in ("whole_1", "broken"):
        site.run("backup", "--name", name)
    next((site.snapshots / "broken").glob("media*")).unlink()
    path = site.snapshots / "whole_1" / "manifest.json"
    manifest = parse_manifest(path.read_bytes())
    packages = [package for package in manifest.packages if not package.lower().startswith("django==")]
    odd = {"packages": ("Django==1.0", *packages), "metadata": {"note": "<script>alert(1)</script>"}}
    path.write_bytes(format_manifest(manifest.model_copy(update=odd)))
    return site


@pytest.fixture(scope="module")
def admin(site: Site) -> Iterator[str]:
    with serving(site) as address:
        yield address


@contextmanager
def logged_in(admin: str, folder: Path, *, dark: bool = False, user: str = "ada") -> Iterator[Chrome]:
    """Give a browser in which the user is logged in: ada, who may do everything, or another."""
    from selenium.webdriver.common.by import By

    with browsing(folder, dark=dark) as browser:
        browser.get(admin)
        browser.find_element(By.NAME, "username").send_keys(user)
        browser.find_element(By.NAME, "password").send_keys(PASSWORD, "\n")
        wait_for(browser, "Welcome")
        yield browser


@pytest.fixture(scope="module")
def browser(admin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with logged_in(admin, tmp_path_factory.mktemp("downloads")) as browser:
        yield browser


@pytest.fixture(scope="module", params=[False, True], ids=["light", "dark"])
def themed(request: pytest.FixtureRequest, admin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with logged_in(admin, tmp_path_factory.mktemp("downloads"), dark=request.param) as browser:
        yield browser


def wait_for(browser: Chrome, text: str) -> None:
    """Wait until the page that is loading shows the text, whatever the case of its letters."""
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.wait import WebDriverWait

    script = "return document.readyState === 'complete' ? document.body.innerText.toLowerCase() : ''"
    # A page that is being replaced may refuse to be asked.
    waiting = WebDriverWait(browser, 30, ignored_exceptions=[WebDriverException])
    waiting.until(lambda _: text.lower() in browser.execute_script(script), f"no {text!r}")


def shoot(browser: Chrome, name: str) -> None:
    """Keep a picture for people; the folder is not in git."""
    SCREENSHOTS.mkdir(exist_ok=True)
    theme = "dark" if browser.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    browser.save_screenshot(str(SCREENSHOTS / f"{name}-{theme}.png"))


def text_of(browser: Chrome) -> str:
    return str(browser.execute_script("return document.querySelector('#content').innerText"))


def test_the_list_shows_the_snapshots_and_damage_in_red(themed: Chrome, admin: str) -> None:
    themed.get(admin + PAGE)
    shoot(themed, "list")

    text = text_of(themed)
    assert "whole_1" in text
    assert "Damaged: Missing from the storage: media.tar.zst." in text
    color = themed.execute_script(
        "return getComputedStyle([...document.querySelectorAll('td .snapshots-bad')].at(0)).color.match(/\\d+/g)"
    )
    red, green, blue = map(int, color)
    assert red > 1.5 * max(green, blue)
    bars = themed.execute_script("return document.querySelectorAll('svg rect').length")
    assert bars >= 2
    assert "Sizes of" in themed.execute_script("return document.querySelector('svg title').textContent")
    assert serious_violations(themed) == []


def test_the_details_show_artifacts_differences_and_the_manifest(themed: Chrome, admin: str) -> None:
    themed.get(f"{admin}{PAGE}whole_5F1/")
    themed.execute_script("document.querySelector('details').open = true")
    shoot(themed, "detail")

    text = text_of(themed)
    assert "database/default" in text
    assert "sha256:" in text
    assert "<script>alert(1)</script>" in text
    assert '"version": 2' in text
    rows = themed.execute_script(
        "const tables = [...document.querySelectorAll('table')];"
        "return tables.find(table => table.caption.textContent.startsWith('Packages')).innerText"
    )
    assert "Django" in rows
    assert serious_violations(themed) == []


def test_restoring_is_not_offered(browser: Chrome, admin: str) -> None:
    for page in (PAGE, f"{PAGE}whole_5F1/"):
        browser.get(admin + page)
        targets = browser.execute_script(
            "return [...document.querySelectorAll('#content a, #content form')].map(e => e.href || e.action)"
        )
        assert targets
        assert not [target for target in targets if "restore" in target]


def test_a_snapshot_is_created_with_the_keyboard_by_the_task_backend(browser: Chrome, admin: str, site: Site) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    browser.get(admin + PAGE)
    before = len(site.names())
    for _ in range(60):
        if browser.switch_to.active_element.get_attribute("value") == "Create a snapshot":
            break
        ActionChains(browser).send_keys(Keys.TAB).perform()
    ActionChains(browser).send_keys(Keys.ENTER).perform()

    wait_for(browser, "was handed to the task backend")
    assert len(site.names()) == before
    run(site, "db_worker", "--batch", "--no-startup-delay")
    assert len(site.names()) == before + 1
    browser.get(admin + PAGE)
    assert site.names()[0] in text_of(browser)


def test_a_snapshot_is_pinned_verified_and_unpinned(browser: Chrome, admin: str, site: Site) -> None:
    from selenium.webdriver.common.by import By

    browser.get(f"{admin}{PAGE}whole_5F1/")
    browser.find_element(By.ID, "snapshots-reason").send_keys("audit 1637")
    browser.find_element(By.CSS_SELECTOR, "input[value='Pin']").click()
    wait_for(browser, "pinned: audit 1637")
    assert site.json("list")["snapshots"][-1]["pinned"]

    browser.find_element(By.CSS_SELECTOR, "input[value='Unpin']").click()
    wait_for(browser, "not pinned any more")
    assert not site.json("list")["snapshots"][-1]["pinned"]

    browser.find_element(By.CSS_SELECTOR, "input[value='Verify']").click()
    wait_for(browser, "was handed to the task backend")
    run(site, "db_worker", "--batch", "--no-startup-delay")
    browser.refresh()
    assert site.json("list")["snapshots"][-1]["verification"] is not None


def test_an_artifact_is_downloaded_as_it_is_stored(admin: str, site: Site) -> None:
    answer = Visitor(admin, "ada").get(f"{PAGE}whole_5F1/database/default/download/")

    stored = (site.snapshots / "whole_1" / "database" / "default.sqlite3.zst").read_bytes()
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="whole_1-database-default.sqlite3.zst"'
    assert int(answer.headers["Content-Length"]) == len(stored)
    assert answer.body == stored


@pytest.mark.parametrize("path", ["broken/media/download/", "nothing/", "whole_5F1/search/download/"])
def test_what_is_not_there_is_told(admin: str, path: str) -> None:
    answer = Visitor(admin, "ada").get(PAGE + path)

    assert answer.status == (200 if "broken" in path else 404)
    assert "broken" not in path or "is missing from the storage" in answer.text


FORBIDDEN = ["do/create/", "do/verify/", "do/pin/", "do/unpin/"]


def test_one_who_may_only_look_gets_no_buttons_and_no_data(admin: str, site: Site) -> None:
    viewer = Visitor(admin, "viewer")
    before = site.names()

    pages = [viewer.get(PAGE + page).text for page in ("", "whole_5F1/")]
    refused = [viewer.post(PAGE + path, name="whole_1").status for path in FORBIDDEN]

    assert all("whole_1" in page and "/do/" not in page and "/download/" not in page for page in pages)
    assert refused == [403] * 4
    assert viewer.get(f"{PAGE}whole_5F1/media/download/").status == 403
    assert site.names() == before


def test_a_stranger_sees_nothing(admin: str) -> None:
    stranger = Visitor(admin, "stranger")

    assert PAGE not in stranger.get("").text
    assert [stranger.get(PAGE + page).status for page in ("", "whole_5F1/", "whole_5F1/media/download/")] == [403] * 3
    assert [stranger.post(PAGE + path, name="whole_1").status for path in FORBIDDEN] == [403] * 4


def test_the_browser_of_one_who_may_only_look_offers_nothing_else(admin: str, tmp_path: Path) -> None:
    with logged_in(admin, tmp_path, user="viewer") as browser:
        for page in ("", "whole_5F1/"):
            browser.get(admin + PAGE + page)
            shoot(browser, f"viewer-{page.strip('/') or 'list'}")

            assert "whole_1" in text_of(browser)
            offered = "[...document.querySelectorAll('#content a, #content form')].map(e => e.href || e.action)"
            targets = browser.execute_script(f"return {offered}")
            assert not [target for target in targets if "/do/" in target or "/download/" in target]
            assert serious_violations(browser) == []


def test_the_browser_of_a_stranger_shows_nothing(admin: str, tmp_path: Path) -> None:
    with logged_in(admin, tmp_path, user="stranger") as browser:
        assert "snapshot" not in text_of(browser).lower()
        for page in ("", "whole_5F1/", "whole_5F1/media/download/"):
            browser.get(admin + PAGE + page)
            shoot(browser, f"stranger-{page.strip('/').replace('/', '-') or 'list'}")

            shown = browser.execute_script("return document.body.innerText")
            assert "403" in shown
            assert "whole_1" not in shown


def test_without_a_login_every_page_asks_for_one(admin: str) -> None:
    nobody = Visitor(admin, "nobody")

    for page in ("", "whole_5F1/", "whole_5F1/media/download/"):
        assert "/login/?next=" in nobody.get(PAGE + page).url


def test_errors_of_the_storage_are_shown(themed: Chrome, admin: str, site: Site) -> None:
    aside = site.snapshots.with_name("aside")
    site.snapshots.rename(aside)
    site.snapshots.write_text("no folder")
    try:
        themed.get(admin + PAGE)
        shoot(themed, "failure")
        alert = themed.execute_script("return document.querySelector('[role=alert]').innerText")
        assert "The storage" in alert or "could not" in alert or "not a" in alert.lower()
        assert serious_violations(themed) == []
        themed.get(f"{admin}{PAGE}whole_5F1/")
        assert themed.execute_script("return document.querySelector('[role=alert]').innerText")
    finally:
        site.snapshots.unlink()
        aside.rename(site.snapshots)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project without a task backend."""
    return make_admin_site(tmp_path_factory.mktemp("plain") / "site")


def test_without_a_task_backend_a_snapshot_is_made_at_once(plain: Site) -> None:
    before = len(plain.names())
    script = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'site_settings'\n"
        "import django; django.setup()\n"
        "from django.contrib.auth.models import User\n"
        "from django.test import Client\n"
        "client = Client(headers={'host': '127.0.0.1'}); client.force_login(User.objects.get(username='ada'))\n"
        f"print(client.post('/admin/{PAGE}do/create/', follow=True).content.decode())\n"
    )
    done: Any = subprocess.run(
        [sys.executable, "-c", script],
        cwd=plain.folder,
        env=plain.environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert "The backup ended well." in done.stdout
    assert "There is no task backend" in done.stdout
    assert len(plain.names()) == before + 1


def test_a_pin_of_the_page_holds_the_copies_too_and_names_a_replica_that_is_away(plain: Site) -> None:
    places = [plain.folder / name / "snapshots" for name in ("near", "far")]
    replicas = [{"BACKEND": LOCAL, "OPTIONS": {"location": str(place)}} for place in places]
    env = {"SNAPSHOTS_REPLICAS": json.dumps(replicas)}
    for place in places:
        place.parent.mkdir()
    plain.run("backup", "environment", "--name", "copied", env=env)
    places[1].parent.rename(plain.folder / "unmounted")
    script = (
        "from django.contrib.auth.models import User\n"
        "from django.test import Client\n"
        "from html import unescape\n"
        "from django_snapshots.project import Project\n"
        "client = Client(headers={'host': '127.0.0.1'}); client.force_login(User.objects.get(username='ada'))\n"
        "for action in ('pin', 'unpin'):\n"
        f"    answer = client.post(f'/admin/{PAGE}do/{{action}}/', {{'name': 'copied'}}, follow=True)\n"
        "    print(unescape(answer.content.decode()))\n"
        "    print('HELD', 'pinned' in Project(replica=1).find_snapshot('copied').sidecars)\n"
    )

    pinned, unpinned, after = plain.python(script, {**env, "PYTHONWARNINGS": "default"}).split("HELD ")

    assert "'copied' is pinned." in pinned
    assert "'copied' is not pinned any more." in unpinned
    for page in (pinned, unpinned):
        assert f"Replica 2 (SNAPSHOTS['REPLICAS'][1]): Neither {places[1]} nor the folder above it exists." in page
    assert (unpinned.split()[0], after.split()[0]) == ("True", "False")


def test_a_pin_of_the_page_that_would_hold_nothing_is_refused(plain: Site) -> None:
    plain.run("backup", "environment", "--name", "nightly")
    script = (
        "from django.contrib.auth.models import User\n"
        "from django.test import Client\n"
        "client = Client(headers={'host': '127.0.0.1'}); client.force_login(User.objects.get(username='ada'))\n"
        "data = {'name': 'nightly', 'until': '2020-01-01'}\n"
        f"answer = client.post('/admin/{PAGE}do/pin/', data, follow=True)\n"
        "print(answer.content.decode())\n"
    )

    page = plain.python(script, {"PYTHONWARNINGS": "default"})

    assert "2020-01-01 is over" in page
    assert "Nothing was changed." in page
    assert not (plain.snapshots / "nightly" / "pinned.json").exists()


def test_starting_a_project_with_the_admin_loads_neither_pydantic_nor_the_engine(plain: Site) -> None:
    script = "import sys, django; django.setup(); print(*sys.modules)"
    environment = plain.environment(DJANGO_SETTINGS_MODULE="site_settings")

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=plain.folder, env=environment, capture_output=True, text=True, check=True
    )

    loaded = done.stdout.split()
    assert "django_snapshots.admin.pages" in loaded
    assert [name for name in loaded if name.startswith(("pydantic", "django_snapshots.engine"))] == []


def test_the_model_makes_permissions_and_no_table(plain: Site) -> None:
    script = "from django.db import connection; print(connection.introspection.table_names())"

    tables = run(plain, "shell", "--command", script)

    assert "auth_permission" in tables
    assert "snapshot" not in tables
    assert "No changes detected" in run(plain, "makemigrations", "--check", "--dry-run")
