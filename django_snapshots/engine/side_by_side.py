"""Several tasks at a time in threads: all end well, or the first failure ends the others and is raised."""

from __future__ import annotations

import queue
import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from django_snapshots.cancellation import Cancellation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["run_side_by_side"]

_MAIL_MAX = 32
"""Messages that wait for the caller's thread before those who send them wait too."""

_LOOK_S = 0.5

Message = TypeVar("Message")
Result = TypeVar("Result")


def run_side_by_side(
    tasks: Sequence[Callable[[Callable[[Message], None]], Result]],
    *,
    jobs: int,
    deliver: Callable[[Message], None],
    release: Callable[[], None],
) -> list[Result]:
    """Run the tasks, `jobs` of them at a time, and return their results in the order of the tasks.

    With one job, or one task, all run in this thread.

    Args:
        tasks: Each is called once, in another thread, with a function that sends a message.
        jobs: At least 1.
        deliver: Called with each message, in this thread.
        release: Called at the end of each thread that ran tasks: closes what belongs to the thread.

    Raises:
        BaseException: What failed first: a task, `deliver`, or an interrupt of this thread. All threads have ended;
            a second interrupt alone does not wait for them.
    """
    if jobs == 1 or len(tasks) == 1:
        return [task(deliver) for task in tasks]
    crew = _Crew(tasks, release)
    failure: BaseException | None = None
    try:
        crew.start(min(jobs, len(tasks)))
    except BaseException as error:  # noqa: BLE001 - an interrupt; it is raised when those that have begun have ended
        crew.cancellation.cancel()
        failure = error
    while crew.at_work:
        try:
            for message in crew.mail():
                if failure is None:
                    deliver(message)
        except BaseException as error:
            crew.cancellation.cancel()
            if failure is not None and not isinstance(error, Exception):
                raise
            failure = failure or error
    if failure is None:
        failure = crew.failure
    if failure is not None:
        raise failure
    return crew.results()


class _Crew(Generic[Message, Result]):
    """The threads, what they still have to do, and what came of it.

    Attributes:
        cancellation: Ends the work of all.
        failure: What failed first in one of them, None so far.
    """

    def __init__(
        self, tasks: Sequence[Callable[[Callable[[Message], None]], Result]], release: Callable[[], None]
    ) -> None:
        self.cancellation = Cancellation()
        self.failure: BaseException | None = None
        self._release = release
        self._waiting = deque(enumerate(tasks))
        self._results: dict[int, Result] = {}
        self._lock = threading.Lock()
        self._mail: queue.Queue[Message | threading.Thread] = queue.Queue(_MAIL_MAX)
        self._threads: list[threading.Thread] = []

    def start(self, count: int) -> None:
        """Start as many threads."""
        self._threads = [
            threading.Thread(target=self._run, name=f"snapshots-job-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def at_work(self) -> bool:
        """Whether a thread is alive, or a message waits."""
        return any(thread.is_alive() for thread in self._threads) or not self._mail.empty()

    def mail(self) -> list[Message]:
        """Return the next message; none when a thread has ended, or nothing comes for a while."""
        try:
            found = self._mail.get(timeout=_LOOK_S)
        except queue.Empty:
            return []
        if isinstance(found, threading.Thread):
            found.join()
            return []
        return [found]

    def results(self) -> list[Result]:
        """Return the results in the order of the tasks."""
        return [self._results[number] for number in sorted(self._results)]

    def _run(self) -> None:
        try:
            with self.cancellation.governing():
                self._work()
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            with self._lock:
                self.failure = self.failure or error
            self.cancellation.cancel()
        finally:
            self._mail.put(threading.current_thread())

    def _work(self) -> None:
        try:
            while (taken := self._next()) is not None:
                number, task = taken
                self._results[number] = task(self._mail.put)
        finally:
            self._release()

    def _next(self) -> tuple[int, Callable[[Callable[[Message], None]], Result]] | None:
        with self._lock:
            return None if self.cancellation.cancelled or not self._waiting else self._waiting.popleft()
