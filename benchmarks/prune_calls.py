"""Prunes a folder of snapshots down to the newest ten, and writes what that took of its storage: run in a process."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django_snapshots.engine.upkeep import Upkeep
from django_snapshots.retention import Policy
from django_snapshots.storage import LocalFileSystemBackend
from django_snapshots.storage.guard import GuardedStorage

KEPT = 10


class CountingStorage:
    """A folder that counts the calls of each of its methods."""

    def __init__(self, folder: str) -> None:
        self.folder = LocalFileSystemBackend(folder)
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.folder, name)

        def call(*arguments: Any) -> Any:
            self.calls[name] += 1
            return method(*arguments)

        return call if callable(method) else method


def main(folder: str, output: str) -> None:
    """Prune `folder` and write the figures into the file `output`."""
    counting = CountingStorage(folder)
    before = len(counting.folder.list(""))
    began = sum(os.times()[:2])
    upkeep = Upkeep(GuardedStorage(counting), clock=lambda: datetime.now(UTC), zone=UTC)
    pruned = upkeep.prune(Policy(keep=KEPT))
    figures: dict[str, object] = {
        "cpu_seconds": sum(os.times()[:2]) - began,
        "snapshots_deleted": len(pruned.deleted),
        "files_deleted": before - len(counting.folder.list("")),
        "calls": dict(counting.calls.most_common()),
    }
    Path(output).write_text(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
