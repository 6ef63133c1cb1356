"""What the command asks of the C library's allocator, and of Python's garbage collector."""

from __future__ import annotations

import ctypes
import gc
import io
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from django_snapshots.cli.allocator import tune_allocator
from tests.site import make_site

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS = 200
PAGES_OF_A_BLOCK = 1024 * 1024 // 4096
PASS_BLOCKS_BETWEEN_THREADS = f"""
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from django_snapshots.cli.allocator import tune_allocator

if sys.argv[1] == "tuned":
    tune_allocator()
with ThreadPoolExecutor(2) as pool:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range({BLOCKS}):
        made = [pool.submit(b"x".__mul__, 1024 * 1024 + number) for number in range(3)]
        del [future.result() for future in made][:], made
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how: str) -> int:
    command = [sys.executable, "-c", PASS_BLOCKS_BETWEEN_THREADS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc has mallopt")
def test_blocks_that_threads_pass_on_take_the_same_memory_again() -> None:
    assert page_faults("tuned") < 10 * PAGES_OF_A_BLOCK
    assert page_faults("as it comes") > 10 * page_faults("tuned")


def test_without_glibc_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())

    tune_allocator()


def test_a_process_of_the_command_does_not_look_for_garbage_in_what_django_loaded(tmp_path: Path) -> None:
    witness = tmp_path / "frozen"
    at_exit = f"lambda: pathlib.Path({str(witness)!r}).write_text(str(gc.get_freeze_count()))"
    site = make_site(tmp_path / "site", f"import atexit, gc, pathlib; atexit.register({at_exit})")

    site.run("list")

    assert int(witness.read_text()) > 10_000


def test_call_command_leaves_the_collector_of_its_process_alone() -> None:
    gc.unfreeze()  # other tests are processes of the command, and what they froze may end at any time

    call_command("snapshots", "config", stdout=io.StringIO())

    assert gc.get_freeze_count() == 0
