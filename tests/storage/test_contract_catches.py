"""The contract suites fail for storages that are wrong: for each of their tests, a mistake that it catches."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from django_snapshots.testing import AdvancedStorageContract

ROOT = Path(__file__).parent.parent.parent

MODULE = """
import gzip, io, time
import pytest
from django_snapshots.storage import LocalFileSystemBackend
from django_snapshots.testing import AdvancedStorageContract

class Storage(LocalFileSystemBackend):
{body}

class TestIt(AdvancedStorageContract):
    large_bytes, many, writers, moves = 100_000, 30, 4, 10

    @pytest.fixture
    def storage(self, tmp_path):
        return Storage(tmp_path / "snapshots")
"""

MISTAKES = {
    "test_it_has_the_methods_with_the_right_arguments": """
        async def delete(self, path):
            pass
    """,
    "test_it_gives_back_the_bytes_it_was_given": """
        def read(self, path):
            with super().read(path) as file:
                return io.BytesIO(file.read().replace(b'\\r\\n', b'\\n'))
    """,
    "test_it_keeps_a_large_object_of_unknown_size": """
        def stream_write(self, path, chunks):
            super().stream_write(path, iter([b''.join(chunks)[:65536]]))
    """,
    "test_a_read_gives_no_more_than_was_asked_for": """
        def read(self, path):
            with super().read(path) as file:
                data = io.BytesIO(file.read())
            data.read = lambda size: data.getvalue()
            return data
    """,
    "test_a_write_replaces_what_was_there": """
        def stream_write(self, path, chunks):
            super().stream_write(path + '_1' if self.exists(path) else path, chunks)
    """,
    "test_an_object_exists_from_its_write_to_its_deletion": """
        def exists(self, path):
            return len(self.list(path))
    """,
    "test_deleting_a_missing_object_is_no_error": """
        def delete(self, path):
            if not self.exists(path):
                raise FileNotFoundError(path)
            super().delete(path)
    """,
    "test_deleting_leaves_names_that_begin_alike": """
        def delete(self, path):
            for name in self.list(path):
                super().delete(name)
    """,
    "test_reading_a_missing_object_raises": """
        def read(self, path):
            return super().read(path) if self.exists(path) else io.BytesIO()
    """,
    "test_list_takes_its_prefix_as_text": """
        def list(self, prefix):
            return super().list(prefix.rstrip('/') + '/')
    """,
    "test_list_of_everything_holds_what_was_written": """
        def list(self, prefix):
            return [path for path in super().list(prefix) if prefix or '/' not in path]
    """,
    "test_list_of_a_prefix_that_nothing_has_is_empty": """
        def list(self, prefix):
            return super().list(prefix) or [prefix]
    """,
    "test_it_keeps_names_of_any_text": """
        def stream_write(self, path, chunks):
            super().stream_write(path.replace('%20', ' '), chunks)
    """,
    "test_the_ending_of_a_name_changes_nothing": """
        def read(self, path):
            file = super().read(path)
            return gzip.GzipFile(fileobj=file) if path.endswith('.gz') else file
    """,
    "test_it_keeps_long_paths": """
        def stream_write(self, path, chunks):
            super().stream_write(path[:255], chunks)
    """,
    "test_a_source_that_fails_leaves_nothing": """
        def stream_write(self, path, chunks):
            sent = []
            try:
                sent.extend(chunks)
            finally:
                super().stream_write(path, iter(sent))
    """,
    "test_a_source_that_fails_leaves_the_object_it_would_replace": """
        def stream_write(self, path, chunks):
            self.delete(path)
            super().stream_write(path, chunks)
    """,
    "test_list_finds_every_one_of_many_objects": """
        def list(self, prefix):
            return super().list(prefix)[:20]
    """,
    "test_writers_at_the_same_time_do_not_disturb_each_other": """
        def stream_write(self, path, chunks):
            super().stream_write('partial', chunks)
            time.sleep(0.01)
            self.atomic_move('partial', path)
    """,
    "test_two_objects_can_be_read_at_the_same_time": """
        def read(self, path):
            opened = super().read(path)
            self.current = opened
            file = io.BytesIO()
            file.read = lambda size: self.current.read(size)
            return file
    """,
    "test_a_size_is_that_of_the_object": """
        def size(self, path):
            return 7
    """,
    "test_many_objects_are_deleted_by_one_call": """
        def delete_many(self, paths):
            for path in paths[:4]:
                self.delete(path)
    """,
    "test_the_start_of_an_object_is_what_read_gives": """
        def read_start(self, path, most_bytes):
            with super().read(path) as file:
                return file.read(most_bytes - 1)
    """,
    "test_a_stream_is_stored_and_given_back": """
        def stream_read(self, path):
            return (chunk for chunk in list(super().stream_read(path))[1:])
    """,
    "test_chunks_of_any_size_make_one_object": """
        def stream_write(self, path, chunks):
            super().stream_write(path, iter(lambda: next(chunks, b''), b''))
    """,
    "test_nothing_is_visible_before_the_stream_has_ended": """
        def stream_write(self, path, chunks):
            super().stream_write(path, iter([]))
            super().stream_write(path, iter(list(chunks)))
    """,
    "test_a_stream_that_fails_leaves_nothing": """
        def stream_write(self, path, chunks):
            try:
                super().stream_write(path, chunks)
            except Exception:
                pass
    """,
    "test_a_stream_that_fails_leaves_the_object_it_would_replace": """
        def stream_write(self, path, chunks):
            self.delete(path)
            super().stream_write(path, chunks)
    """,
    "test_reading_a_missing_stream_raises": """
        def stream_read(self, path):
            return super().stream_read(path) if self.exists(path) else iter([])
    """,
    "test_a_stream_may_be_left_half_read": """
        busy = False
        def stream_read(self, path):
            self.busy = True
            yield from super().stream_read(path)
            self.busy = False
        def delete(self, path):
            if not self.busy:
                super().delete(path)
    """,
    "test_a_move_takes_the_object_to_its_new_path": """
        def atomic_move(self, src, dst):
            self.stream_write(dst, self.stream_read(src))
    """,
    "test_a_move_replaces_an_existing_object": """
        def atomic_move(self, src, dst):
            if not self.exists(dst):
                super().atomic_move(src, dst)
    """,
    "test_moving_a_missing_object_raises_and_keeps_the_target": """
        def atomic_move(self, src, dst):
            self.delete(dst)
            super().atomic_move(src, dst)
    """,
    "test_a_large_object_is_moved_whole": """
        def atomic_move(self, src, dst):
            self.stream_write(dst, iter([next(self.stream_read(src))[:65536]]))
            self.delete(src)
    """,
    "test_a_reader_finds_the_old_or_the_new_object_during_moves": """
        def atomic_move(self, src, dst):
            self.stream_write(dst, iter([b'half']))
            time.sleep(0.05)
            super().atomic_move(src, dst)
    """,
    "test_recursive_list_takes_its_prefix_as_a_folder": """
        def recursive_list(self, prefix):
            return self.list(prefix)
    """,
    "test_sync_makes_one_folder_like_another": """
        def sync(self, src, dst):
            for path in self.recursive_list(src):
                self.stream_write(dst + path.removeprefix(src), self.stream_read(path))
    """,
    "test_sync_with_an_empty_folder_empties_the_other": """
        def sync(self, src, dst):
            if self.recursive_list(src):
                super().sync(src, dst)
    """,
    "test_sync_refuses_a_folder_inside_the_other": """
        def sync(self, src, dst):
            for path in self.recursive_list(src):
                self.stream_write(dst + path.removeprefix(src), self.stream_read(path))
    """,
}
"""Test of the suite -> what is wrong with the storage it has to catch."""


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Run each test over the storage with its mistake, all in one process, and give the names of those that failed."""
    folder = tmp_path_factory.mktemp("mistakes")
    chosen = []
    for test, body in MISTAKES.items():
        module = folder / f"test_of_{test}.py"
        module.write_text(MODULE.format(body=textwrap.indent(textwrap.dedent(body), "    ")))
        chosen.append(f"{module}::TestIt::{test}")
    # What a broken storage leaves open is not what these tests are about.
    options = ["-q", "-rfE", "--tb=no", "-W", "ignore", "-p", "no:cacheprovider", "-p", "no:randomly"]
    options += ["-p", "no:unraisableexception", "-p", "no:threadexception", "--rootdir", str(folder)]
    command = [sys.executable, "-m", "pytest", *options, "-c", str(ROOT / "pyproject.toml"), *chosen]
    # With CI set pytest shows differences whole: a suite that compared large values would not end here.
    environment = {**os.environ, "CI": "true"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return {line.split("::")[2].split()[0].partition("[")[0] for line in lines}


@pytest.mark.parametrize("test", MISTAKES)
def test_the_suite_catches_the_mistake(test: str, failed: set[str]) -> None:
    assert test in failed


def test_every_test_of_the_suite_has_a_mistake_that_it_catches() -> None:
    tests = {name for name in dir(AdvancedStorageContract) if name.startswith("test_")}

    assert tests == set(MISTAKES)
