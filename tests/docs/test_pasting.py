"""The blocks of the how-tos, pasted one below the other: each adds its key to SNAPSHOTS, and none forgets another."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from tests.conf.checking import project, run_check
from tests.docs.pages import DOCS, ROOT, Fence, fences_of

FROM_NOTHING = ("how-to/from-django-dbbackup.md",)
"""Pages that begin with a project without SNAPSHOTS: they show the whole of it."""
PAGES = [str(path.relative_to(DOCS)) for path in sorted(DOCS.glob("how-to/*.md"))]
BLOCKS = [
    fence
    for page in PAGES
    if page not in FROM_NOTHING
    for fence in fences_of(page)
    if fence.language == "python" and "SNAPSHOTS" in fence.body
]


def paste(*fences: Fence) -> dict[str, Any]:
    names: dict[str, Any] = {"INSTALLED_APPS": []}
    for fence in fences:
        exec(fence.body, names)
    found: dict[str, Any] = names["SNAPSHOTS"]
    return found


def first_block(page: str) -> Fence:
    return next(fence for fence in fences_of(page) if fence.language == "python" and "SNAPSHOTS" in fence.body)


def test_encryption_and_retention_pasted_below_the_readme_keep_the_storage_and_each_other() -> None:
    pages = ("how-to/encrypt.md", "how-to/retention.md", "how-to/monitor.md", "how-to/off-site-copies.md")

    snapshots = paste(first_block(str(ROOT / "README.md")), *map(first_block, pages))

    assert set(snapshots) == {"STORAGE", "ENCRYPTION", "PRUNE", "NOTIFY", "REPLICAS"}
    assert snapshots["STORAGE"]["OPTIONS"] == {"location": "/var/backups/snapshots"}
    with project(snapshots):
        assert run_check("--tag", "snapshots", "--fail-level", "WARNING").exit_code == 0


def test_a_block_without_any_snapshots_above_it_is_loud() -> None:
    with pytest.raises(NameError, match="SNAPSHOTS"):
        paste(first_block("how-to/encrypt.md"))


@pytest.mark.parametrize("fence", BLOCKS, ids=lambda fence: fence.place)
def test_no_how_to_replaces_the_whole_setting(fence: Fence) -> None:
    assigned = [
        target.id
        for node in ast.walk(ast.parse(fence.body))
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]

    assert "SNAPSHOTS" not in assigned
