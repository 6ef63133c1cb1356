"""The shape of the package, read from its source: layers, who reads settings, who prints, sizes, what imports cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "django_snapshots"
ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / PACKAGE).rglob("*.py"))

LAYERS = (
    {
        "manifest",
        "retention",
        "names",
        "digests",
        "errors",
        "files",
        "missing_disk",
        "sqlite_names",
        "scratch",
        "cancellation",
        "channel",
        "key_texts",
        "processors",
    },
    {"conf"},
    {"storage", "connectors", "artifacts", "codecs", "signers"},
    {"engine"},
    {"", "management", "admin", "checks", "apps", "project", "settings_types", "cli", "signals", "tasks", "testing"}
    | {"api", "databases", "notices", "_mail", "_django_tasks", "_task_runs", "selection", "verification"}
    | {"_monitoring", "_ping", "health_check", "models", "replication"},
)
"""The first part below the package, lowest layer first; "" is the package itself."""

PLUGINS = LAYERS[2]
SURFACE = LAYERS[4]


class Import(NamedTuple):
    """One imported module or name.

    Attributes:
        target: Dotted path; of `from a import b` it is "a.b".
        line: Where.
        runs: False below `if TYPE_CHECKING`.
    """

    target: str
    line: int
    runs: bool


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(name: str) -> str | None:
    """Return the part of the package that a dotted name belongs to, None for foreign names."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return None
    below = "".join(parts[1:2])
    folder = ROOT / PACKAGE / below
    return below if folder.is_dir() or folder.with_suffix(".py").exists() else ""


def layer_of(part: str) -> int:
    return next((number for number, parts in enumerate(LAYERS) if part in parts), -1)


def imports_of(source: str, module: str, *, package: bool = False) -> Iterator[Import]:
    tree = ast.parse(source)
    type_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, node not in type_only)
        elif isinstance(node, ast.ImportFrom):
            base = source_of(node, module, package=package)
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, node not in type_only)


def source_of(node: ast.ImportFrom, module: str, *, package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    above = parts[: len(parts) - node.level + package]
    return ".".join([*above, node.module] if node.module else above)


def broken_arrows(source: str, module: str, *, package: bool = False) -> list[str]:
    """Return the imports of `module` that point up, or across from one family of plugins to another."""
    own = part_of(module)
    assert own is not None
    broken = []
    for imported in imports_of(source, module, package=package):
        target = part_of(imported.target)
        if target is None or target == own:
            continue
        up = layer_of(target) > layer_of(own)
        # A plugin may name the type of its neighbour's contract; nothing of the neighbour is loaded by that.
        contract = not imported.runs and f"{PACKAGE}.{target}.contract." in imported.target
        across = own in PLUGINS and target in PLUGINS and not contract
        if up or across:
            broken.append(f"{module}:{imported.line} imports {imported.target}")
    return broken


def settings_reads(source: str, module: str) -> list[str]:
    found = [
        f"{module}:{imported.line}"
        for imported in imports_of(source, module)
        if imported.target in {"django.conf", "django.conf.settings"}
        or imported.target.startswith("django.conf.settings.")
    ]
    return [place for place in found if module != f"{PACKAGE}.conf.loading"]


def calls_in(source: str, names: set[str]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
            yield ast.unparse(node.func), node.lineno


@pytest.fixture(params=MODULES, ids=dotted)
def module_path(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_every_part_of_the_package_has_a_layer() -> None:
    parts = {part_of(dotted(path)) for path in MODULES}

    assert {part for part in parts if part is not None and layer_of(part) < 0} == set()


def test_imports_point_down_and_plugins_ignore_each_other(module_path: Path) -> None:
    source = module_path.read_text(encoding="utf-8")

    assert broken_arrows(source, dotted(module_path), package=module_path.name == "__init__.py") == []


@pytest.mark.parametrize(
    ("module", "source", "broken"),
    [
        ("django_snapshots.storage.local", "from django_snapshots.engine import catalog", True),
        ("django_snapshots.storage.local", "def late():\n    import django_snapshots.engine.catalog", True),
        ("django_snapshots.storage.local", "from django_snapshots.codecs.zstd import Zstd", True),
        ("django_snapshots.storage.local", "from ..codecs.zstd import Zstd", True),
        ("django_snapshots.names", "from django_snapshots.conf.problems import Problem", True),
        ("django_snapshots.engine.create", "from django_snapshots import create_snapshot", True),
        (
            "django_snapshots.artifacts.database",
            "if TYPE_CHECKING:\n    from django_snapshots.connectors.contract import Connector",
            False,
        ),
        ("django_snapshots.artifacts.database", "from django_snapshots.connectors.contract import Connector", True),
        ("django_snapshots.storage.local", "from django_snapshots.names import check_path", False),
        ("django_snapshots.engine.create", "from django_snapshots.storage.guard import GuardedStorage", False),
    ],
)
def test_the_arrow_test_can_tell(module: str, source: str, broken: bool) -> None:
    assert bool(broken_arrows(source, module)) is broken


def test_only_conf_loading_reads_the_settings(module_path: Path) -> None:
    assert settings_reads(module_path.read_text(encoding="utf-8"), dotted(module_path)) == []


@pytest.mark.parametrize(
    "source", ["from django.conf import settings", "import django.conf", "from django import conf"]
)
def test_the_settings_test_can_tell(source: str) -> None:
    assert settings_reads(source, "django_snapshots.engine.create") == ["django_snapshots.engine.create:1"]
    assert settings_reads(source, "django_snapshots.conf.loading") == []


def test_nothing_below_the_surface_prints_asks_or_exits(module_path: Path) -> None:
    module = dotted(module_path)
    if part_of(module) in SURFACE:
        return
    forbidden = {"print", "input", "exit", "sys.exit", "warnings.warn", "logging.getLogger", "getpass.getpass"}

    assert list(calls_in(module_path.read_text(encoding="utf-8"), forbidden)) == []


def test_no_read_without_a_size(module_path: Path) -> None:
    source = module_path.read_text(encoding="utf-8")
    unbounded = [
        f"{dotted(module_path)}:{node.lineno}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "read"
        and not node.args
        and not node.keywords
    ]

    assert unbounded == []


def test_modules_and_functions_stay_small(module_path: Path) -> None:
    source = module_path.read_text(encoding="utf-8")
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long_ones = [f"{n.name} at line {n.lineno}" for n in functions if (n.end_lineno or n.lineno) - n.lineno >= 50]

    assert source.count("\n") <= 400
    assert long_ones == []


def test_modules_are_named_for_their_subject() -> None:
    names = {
        path.stem
        for folder in ("django_snapshots", "tests", "tools", "example")
        for path in (ROOT / folder).rglob("*.py")
    }

    assert names & {"utils", "util", "helpers", "helper", "common", "misc"} == set()


@pytest.mark.parametrize("module", ["django_snapshots", "django_snapshots.apps", "django_snapshots.storage"])
def test_importing_at_start_up_loads_neither_pydantic_nor_the_engine(module: str) -> None:
    loaded = modules_after(f"import {module}")

    assert module in loaded
    assert {
        name for name in loaded if name.split(".")[0] in {"pydantic", "pydantic_settings", "rich", "fsspec"}
    } == set()
    assert {name for name in loaded if name.startswith("django_snapshots.engine")} == set()


def test_starting_django_loads_neither_pydantic_nor_the_engine() -> None:
    loaded = modules_after(
        "import django\n"
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['django_snapshots'], SNAPSHOTS={'STORAGE': 3})\n"
        "django.setup()"
    )

    assert "django_snapshots.apps" in loaded
    assert {name for name in loaded if name.startswith(("pydantic", "django_snapshots.engine"))} == set()


def modules_after(code: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())
