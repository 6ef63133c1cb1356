"""Folders that tests back up and restore, as another user too, and processes that are killed meanwhile."""
# ruff: noqa: PTH118, PTH123 - names are bytes, which pathlib does not take

from __future__ import annotations

import io
import os
import shutil
import signal
import sys
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django_snapshots.artifacts import DirectoryArtifact
from django_snapshots.scratch import SCRATCH_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "NOBODY",
    "CallingSink",
    "as_nobody",
    "dumped",
    "grow_new_tree",
    "grow_tree",
    "killed_at_step",
    "leftovers",
    "open_folder",
    "restored",
]

NOBODY = 65534
_CALLS = ("chmod", "chown", "link", "mkdir", "remove", "rename", "rmdir", "scandir", "symlink", "utime")
_EVENTS = frozenset(["open", "tests.commit", *(f"os.{name}" for name in _CALLS)])


def grow_tree(root: Path) -> Path:
    """Make a folder with one of everything that is kept, and return it."""
    root.mkdir(exist_ok=True)
    base = os.fsencode(root)
    (root / "photos/2024").mkdir(parents=True)
    (root / "photos/2024/cat.jpg").write_bytes(bytes(range(256)) * 40)
    (root / "photos/2024/empty.jpg").write_bytes(b"")
    (root / "film.bin").write_bytes(b"frame" * 500_000)
    (root / "empty folder").mkdir(mode=0o750)
    (root / "photos/latest.jpg").symlink_to("2024/cat.jpg")
    (root / "absolute").symlink_to("/etc/hostname")
    (root / "dangling").symlink_to("nowhere/at/all")
    (root / "photos/loop").symlink_to("..")
    os.link(root / "photos/2024/cat.jpg", root / "photos/same cat.jpg")
    (root / "two\nlines.txt").write_text("newline")
    (root / "naïve 日本.txt").write_text("utf-8")
    with open(os.path.join(base, b"caf\xe9.txt"), "wb") as file:
        file.write(b"latin-1")
    long_folder = root.joinpath("d" * 120, "e" * 120)
    long_folder.mkdir(parents=True)
    (long_folder / ("f" * 200)).write_text("far away")
    (long_folder / "long target").symlink_to("t" * 150)
    with (root / "sparse").open("wb") as file:
        file.truncate(3_000_000)
    (root / "private").write_text("secret")
    (root / "private").chmod(0o600)
    (root / "program").write_text("#!/bin/sh")
    (root / "program").chmod(0o4755)
    (root / "read only").mkdir()
    (root / "read only/file").write_text("no one writes")
    (root / "read only/file").chmod(0o444)
    os.utime(root / "private", ns=(0, 1_234_567_890_123_456_789))
    os.utime(root / "program", ns=(0, -1_500_000_000))
    os.utime(root / "empty folder", ns=(0, 987_654_321_000_000_000))
    os.utime(root / "dangling", ns=(0, 1_000_000_000_000_000_001), follow_symlinks=False)
    (root / "read only").chmod(0o555)
    return root


def grow_new_tree(root: Path) -> Path:
    """Make another folder, of which some names are in that of `grow_tree` too, and return it."""
    root.mkdir(exist_ok=True)
    (root / "photos/2025").mkdir(parents=True)
    (root / "photos/2025/dog.jpg").write_bytes(b"wuff" * 1000)
    (root / "film.bin").mkdir()
    (root / "film.bin/inside").write_text("now a folder")
    (root / "absolute").write_text("now a file")
    (root / "added").write_text("after the snapshot")
    return root


def dumped(location: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the tar of a folder, and its facts."""
    sink = io.BytesIO()
    facts = DirectoryArtifact(location).dump(sink)
    return sink.getvalue(), dict(facts)


def restored(location: Path, tar: bytes, facts: dict[str, Any] | None = None) -> None:
    """Replace a folder by a tar."""
    DirectoryArtifact(location).restore(io.BytesIO(tar), facts or {})


def leftovers(*folders: Path) -> list[str]:
    """Return the names of scratch directories in `folders`."""
    return [path.name for folder in folders if folder.is_dir() for path in folder.glob(f"{SCRATCH_PREFIX}*")]


class CallingSink(io.BytesIO):
    """Keeps what is written, and calls a function once, at the first write."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self._calls = [call]

    def write(self, data: Any, /) -> int:
        while self._calls:
            self._calls.pop()()
        return super().write(data)


@contextmanager
def open_folder(parent: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder that other users may enter; pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp(dir=parent))
    folder.chmod(0o755)
    try:
        yield folder.resolve()
    finally:
        for path, names, _ in os.walk(folder):
            Path(path).chmod(0o700)
            for name in names:
                if not Path(path, name).is_symlink():
                    Path(path, name).chmod(0o700)
        shutil.rmtree(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Run a block without the rights of root; it changes nothing where the tests have none."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def killed_at_step(step: int, action: Callable[[], object], *, at: Callable[[], bool] = lambda: True) -> bool:
    """Run `action` in a process that sends itself SIGKILL at its `step`-th call that touches files.

    Calls are counted from when `at` first says yes. Returns False when the action ended before.
    """
    child = os.fork()
    if child == 0:
        _run_and_exit(step, action, at)
    _, status = os.waitpid(child, 0)
    assert status == 0 or os.WIFSIGNALED(status), "the action failed in the child; its traceback is on stderr"
    return os.WIFSIGNALED(status)


def _run_and_exit(step: int, action: Callable[[], object], at: Callable[[], bool]) -> None:
    left = step

    def count(event: str, _: tuple[object, ...]) -> None:
        nonlocal left
        if event in _EVENTS and at():
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(count)
        action()
    except BaseException:  # noqa: BLE001 - a child of fork must end here, and says why first
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
