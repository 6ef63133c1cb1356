"""Runs the tests of the settings and of the engine with the other Pythons of this machine, and the newest Django.

`python -m tools.matrix` takes each minor version that is found on PATH and below pyenv's root, but its own; `--newest`
the newest of them alone; `--pythons "python3.12 /opt/python3.13"` these. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["find_pythons", "main"]

_REPOSITORY = Path(__file__).resolve().parent.parent
_ENVIRONMENTS = _REPOSITORY / ".venv-matrix"
_TESTS = ("tests/conf", "tests/engine")
_NAME = re.compile(r"python3\.(\d+)")
_ASK = "import sys; print(*sys.version_info[:4])"
_VERSIONS = "import django, pydantic; print(f'Django {django.__version__}, pydantic {pydantic.VERSION}')"

Minor = tuple[int, int]


def find_pythons(folders: list[Path], *, oldest: Minor) -> dict[Minor, Path]:
    """Return the newest release of each minor version, from `oldest` on, that is in one of the folders."""
    found: dict[Minor, tuple[tuple[int, ...], Path]] = {}
    for folder in folders:
        for path in sorted(folder.glob("python3.*")):
            if _NAME.fullmatch(path.name) and (version := _release(str(path))) is not None:
                minor = (version[0], version[1])
                if minor >= oldest and (minor not in found or version > found[minor][0]):
                    found[minor] = (version, path)
    return {minor: found[minor][1] for minor in sorted(found)}


def _release(python: str) -> tuple[int, ...] | None:
    """Return the version of an interpreter; None when it is no release, or does not start."""
    try:
        asked = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, timeout=60, check=True)
        *version, level = asked.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return tuple(map(int, version)) if level == "final" else None


def _folders() -> list[Path]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    on_path = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    # pyenv's own programs on PATH are shims, which start only what is chosen for the folder one is in.
    return [*(folder for folder in on_path if folder != root / "shims"), *sorted(root.glob("versions/*/bin"))]


def _supported() -> list[Minor]:
    text = (_REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    return [(3, int(number)) for number in re.findall(r'"Programming Language :: Python :: 3\.(\d+)"', text)]


def _environment(python: str, name: str) -> Path:
    """Return the interpreter of an environment with the group "newest", made when it is not there or is outdated."""
    folder = _ENVIRONMENTS / name
    inside, stamp, wanted = folder / "bin" / "python", folder / ".installed", _REPOSITORY / "pyproject.toml"
    if stamp.exists() and stamp.stat().st_mtime > wanted.stat().st_mtime:
        return inside
    subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
    install = [str(inside), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*install, "--upgrade", "pip>=25.1"], check=True)
    subprocess.run([*install, "--editable", ".", "--group", "newest"], cwd=_REPOSITORY, check=True)
    stamp.touch()
    return inside


def _test(python: str, name: str, arguments: list[str]) -> bool:
    inside = str(_environment(python, name))
    versions = subprocess.run([inside, "-c", _VERSIONS], capture_output=True, text=True, check=True).stdout.strip()
    print(f"\nPython {name} ({python}), {versions}:", flush=True)
    tests = () if any(not each.startswith("-") for each in arguments) else _TESTS
    command = [inside, "-m", "pytest", *tests, *arguments]
    return subprocess.run(command, cwd=_REPOSITORY, check=False).returncode == 0


def main(arguments: list[str] | None = None) -> int:
    """Run the tests, and return 0 when they passed with each Python; also when there is none, which is said."""
    parser = argparse.ArgumentParser(prog="python -m tools.matrix", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pythons", default="", help="interpreters to take instead of those that are found")
    parser.add_argument("--newest", action="store_true", help="take the newest only")
    options, rest = parser.parse_known_args(arguments)
    own = sys.version_info[:2]
    if options.pythons:
        chosen = {str(path): path for path in options.pythons.split()}
    else:
        found = {minor: path for minor, path in find_pythons(_folders(), oldest=(3, 11)).items() if minor != own}
        missing = [f"{major}.{minor}" for major, minor in _supported() if (major, minor) not in {own, *found}]
        print(f"Found: {', '.join(map(str, found.values())) or 'no other Python'}.")
        print(f"Supported, and not found: {', '.join(missing) or 'none'}.")
        chosen = {f"{major}.{minor}": str(path) for (major, minor), path in found.items()}
    if options.newest:
        chosen = dict(list(chosen.items())[-1:])
    failed = [name for name, python in chosen.items() if not _test(python, Path(name).name, rest)]
    if failed:
        print(f"\nFailed with: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
