"""A drill in a process of its own, which says when its scratch database is there, and is then ended."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping

__all__ = ["end", "start"]


def start(script: str, *arguments: str, database: Mapping[str, Any], **options: Any) -> subprocess.Popen[str]:
    """Return a process that runs the script, once it has printed "made".

    Args:
        script: Python; reads what DATABASES says of "default" from its standard input.
        arguments: Of the script.
        database: What it reads.
        options: Of subprocess.Popen.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(database))
    process.stdin.close()
    assert process.stdout.readline() == "made\n"
    return process


def end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send it a signal, which ends it."""
    process.send_signal(number)
    assert process.wait(30) != 0
    assert process.stdout is not None
    process.stdout.close()
