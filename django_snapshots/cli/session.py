"""One run of the command: its streams, its answer to a question, and how each failure ends it."""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from django_snapshots.cli.documents import error_document, settings_error_document
from django_snapshots.cli.progress import progress_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from types import FrameType

    from django.core.management.base import OutputWrapper, SystemCheckError

    from django_snapshots.conf.problems import Problem
    from django_snapshots.engine.events import ProgressCallback

__all__ = [
    "EXIT_BUSY",
    "EXIT_DAMAGED",
    "EXIT_DEGRADED",
    "EXIT_FAILED",
    "EXIT_USAGE",
    "HEALTH_UNKNOWN",
    "EndedBySignal",
    "Session",
    "ending_on_signals",
    "harmless",
]

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_DEGRADED = 3
EXIT_DAMAGED = 4
EXIT_BUSY = 5
HEALTH_UNKNOWN = 3
"""Of `health` alone, whose exit codes are those of monitors: nothing can be said."""

_CONTROL = re.compile("(\\x1b\\[[0-9;]*m)|[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")
"""Colors (ECMA-48, SGR); control characters of one byte and of two; and what turns the direction of text around."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def harmless(text: str, *, color: bool = False) -> str:
    """Return the text with every control character escaped but line ends and tabs.

    What a manifest says may come from somebody who only can write to the storage. His host's name must not clear the
    screen, and not write another plan over the one that a person is to agree to.

    Args:
        text: For a terminal.
        color: Keep what sets colors.
    """
    return _CONTROL.sub(
        lambda found: found[0] if color and found[1] else found[0].encode("unicode_escape").decode(), text
    )


class Session:
    """Where a verb reads its options and leaves its result: a document, or text for people.

    Attributes:
        options: The parsed command line.
        now: When the command started, aware.
    """

    def __init__(self, stdout: OutputWrapper, stderr: OutputWrapper, options: dict[str, Any]) -> None:
        """Take the command's streams and the parsed command line."""
        self.options = options
        self.now = datetime.now(UTC)
        self._stdout = stdout
        self._stderr = stderr

    @property
    def terminal(self) -> bool:
        """Whether a person sees the output as it comes."""
        return self._stdout.isatty()

    @property
    def color(self) -> bool:
        """Whether text may be colored."""
        return bool(self.options["force_color"] or (self.terminal and not self.options["no_color"]))

    def finish(self, document: dict[str, Any], text: Callable[[], str]) -> None:
        """Print the result: the document with --json, else the text, unless --verbosity is 0."""
        if self.options["json"]:
            self._print(document)
        elif self.options["verbosity"] > 0:
            self._stdout.write(harmless(text(), color=self.color))

    def say(self, text: str) -> None:
        """Tell people something before the result: on standard output, or standard error with --json."""
        if self.options["verbosity"] > 0:
            (self._stderr if self.options["json"] else self._stdout).write(harmless(text), self._plain)

    def confirm(self, question: str, refusal: str, *, answer: str = "yes") -> None:
        """Ask for an answer, unless --noinput was given.

        Args:
            question: Ends with what to type.
            refusal: The text of the error when nobody can answer.
            answer: What has to be typed; the case of a "yes" does not count.

        Raises:
            CommandError: With exit code 2 when nobody can answer, 1 when the answer is another.
        """
        if not self.options["interactive"]:
            return
        if not sys.stdin.isatty():
            raise self.refuse(refusal)
        self._stderr.write(question, self._plain, ending="")
        self._stderr.flush()
        typed = sys.stdin.readline().strip()
        if typed != answer and not (answer == typed.lower() == "yes"):
            wanted = f"Not confirmed: {answer!r} was asked for, {typed!r} was typed. Nothing was changed."
            raise self.refuse(wanted, exit_code=EXIT_FAILED)

    def progress(self) -> AbstractContextManager[ProgressCallback]:
        """Give a callback that shows progress on a terminal."""
        return progress_on(sys.stderr, wanted=self.options["verbosity"] > 0, color=not self.options["no_color"])

    def fail(self, error: BaseException, exit_code: int = EXIT_FAILED, **more: Any) -> CommandError:
        """Return the error that ends the command for a failure, after printing its document with --json.

        Args:
            error: Its text, and the notes added to it on the way up, are what a user reads.
            exit_code: What the program ends with.
            more: Further members of the document's "error".
        """
        message = harmless("\n".join([str(error), *getattr(error, "__notes__", [])]))
        if self.options["json"]:
            self._print(error_document(type(error).__name__, message, **more))
        return CommandError(message, returncode=exit_code)

    def refuse(self, message: str, exit_code: int = EXIT_USAGE) -> CommandError:
        """Return the error that ends the command for what was typed, after printing its document with --json."""
        return self.fail(CommandError(message), exit_code)

    def not_well(self, text: str, details: Iterable[str], exit_code: int) -> CommandError:
        """Return the error that ends the command for a result that is there, and bad.

        Args:
            text: A sentence.
            details: What is bad, a line each: added where `finish` printed no text. Cron's mail holds nothing else.
            exit_code: What the program ends with.
        """
        lines = [text, *details] if self.options["verbosity"] == 0 else [text]
        return CommandError(harmless("\n".join(lines)), returncode=exit_code)

    def fail_settings(self, error: SystemCheckError, problems: Iterable[Problem]) -> CommandError:
        """Return the error that ends the command for wrong settings: Django's text, our problems with --json."""
        if self.options["json"]:
            self._print(settings_error_document(str(error), problems))
        return error

    def _print(self, document: dict[str, Any]) -> None:
        self._stdout.write(json.dumps(document, indent=2, ensure_ascii=False))

    @staticmethod
    def _plain(text: str) -> str:
        return text


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP end the block by EndedBySignal, so that everything it opened is cleaned up.

    Without this a `systemctl stop` or a closed terminal would leave temporary files behind. Only the main thread
    can set handlers; elsewhere, under a task worker say, the block runs as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What was ignored before stays so: that is how nohup and a shell's background jobs ask to go on.
    numbers = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, _end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class EndedBySignal(KeyboardInterrupt):
    """The process was told to end.

    Attributes:
        number: The signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"Ended by {signal.Signals(number).name}.")
        self.number = number


def _end(number: int, _frame: FrameType | None) -> None:
    raise EndedBySignal(number)
