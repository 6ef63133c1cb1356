"""Runs verbs of a project, each in a process that can be killed: `python -m tests.cli.killable FOLDER`.

The project is loaded once, and each verb runs in a fork of it, so that a kill at a random moment meets the work and
not the start of Python. Reads a JSON list a line: after how many seconds to kill, null for never, and the arguments.
Says how the process ended, a negative number when it was killed, and how many seconds it took.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import django
from django.core.management import CommandError, call_command
from django.db import connections


def main(folder: str) -> None:
    os.chdir(folder)
    sys.path.insert(0, folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
    django.setup()
    import django_snapshots.cli.verbs  # noqa: F401 - needs Django; a fork need not import it again

    connections.all()  # imports the backends, and connects to nothing

    ended = {signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, ended)
    for line in sys.stdin:
        kill_after_s, *arguments = json.loads(line)
        signal.sigtimedwait(ended, 0)  # the one before
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ended)
            run(arguments)
        if kill_after_s is not None:
            signal.sigtimedwait(ended, kill_after_s)
            os.kill(child, signal.SIGKILL)  # it may have ended, and is not waited for yet
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{code} {time.monotonic() - started}\n")
        sys.stdout.flush()


def run(arguments: list[str]) -> None:
    try:
        call_command("snapshots", *arguments, "--verbosity", "0")
    except CommandError as error:
        sys.stderr.write(f"{arguments}: {error}\n")
        sys.stderr.flush()
        os._exit(error.returncode)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
