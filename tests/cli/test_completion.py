"""Completion in real shells: keys are typed on a terminal, and what the shell makes of them is read."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.programs import require_program
from tests.site import Site, make_site

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 60
READY = "ready" + "-to-type"
START = {
    "bash": (["--norc", "--noprofile", "-i"], ""),
    "zsh": (["-f", "-i"], "autoload -Uz compinit && compinit -u -D; "),
}


class Terminal:
    """A shell on a pseudo terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = ""

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def wait_for(self, text: str) -> str:
        """Return what was shown up to `text`, since the last wait."""
        end = time.monotonic() + SECONDS
        while text not in self._seen:
            assert time.monotonic() < end, self._seen
            if select.select([self._descriptor], [], [], 0.1)[0]:
                self._seen += os.read(self._descriptor, 65536).decode(errors="replace")
        shown, _, self._seen = self._seen.partition(text)
        return shown + text


@contextmanager
def shell(program: str, site: Site) -> Iterator[Terminal]:
    options, before = START[program]
    ours, theirs = pty.openpty()
    environment = {**site.environment(TERM="dumb", PS1="> ", INPUTRC="/dev/null"), "PYTHONWARNINGS": ""}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    process = subprocess.Popen(
        [require_program(program), *options],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=site.folder,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    terminal = Terminal(ours)
    try:
        terminal.type(f'{before}eval "$(python manage.py snapshots completion {program})"; echo ready"-to-type"\n')
        terminal.wait_for(READY)
        yield terminal
    finally:
        process.kill()
        process.wait(timeout=SECONDS)
        os.close(ours)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = make_site(tmp_path_factory.mktemp("completion") / "site")
    site.run("backup", "environment", "--name", "nightly-14")
    return site


@pytest.mark.parametrize("program", ["bash", "zsh"])
def test_a_shell_completes_verbs_options_names_databases_and_artifacts(site: Site, program: str) -> None:
    typed = [
        ("python manage.py snapshots rest\t", "restore"),
        ("nig\t", "nightly-14"),
        ("envi\t", "environment"),
        ("--dry\t", "--dry-run"),
        ("--database def\t", "default"),
    ]
    with shell(program, site) as terminal:
        for keys, completed in typed:
            terminal.type(keys)
            before = keys.split()[-1]
            terminal.wait_for(completed.removeprefix(before) if program == "bash" else completed[-3:])


def test_bash_leaves_other_commands_to_what_completed_them(site: Site) -> None:
    script = (
        "_before() { COMPREPLY=(from-before); }; complete -F _before manage.py\n"
        'eval "$(python manage.py snapshots completion bash)"\n'
        "COMP_WORDS=(manage.py migr); COMP_CWORD=1; _snapshots_manage manage.py migr manage.py\n"
        'echo "${COMPREPLY[@]}"\n'
        "COMP_WORDS=(./manage.py snapshots li); COMP_CWORD=2; _snapshots_manage ./manage.py li snapshots\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    environment = {**site.environment(), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [require_program("bash"), "-c", script],
        cwd=site.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["from-before", "list"]


def test_the_words_are_those_of_the_project(site: Site) -> None:
    assert site.run("completion", "names").stdout.split() == ["nightly-14"]
    assert site.run("completion", "databases").stdout.split() == ["default"]
    assert site.run("completion", "artifacts").stdout.split() == [
        "database",
        "database/default",
        "media",
        "environment",
    ]


def test_without_shtab_the_verb_says_what_to_install(site: Site, tmp_path: Path) -> None:
    (tmp_path / "shtab.py").write_text("raise ImportError('not here')")

    done = site.run("completion", "bash", exit_code=1, env={"PYTHONPATH": str(tmp_path)})

    assert "pip install 'django-snapshots[completion]'" in done.stderr
