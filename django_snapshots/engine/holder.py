"""Who holds a lock: which process, on which machine, since when; and whether that process is surely gone."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

__all__ = ["HOLDER_MAX_BYTES", "Holder", "parse_holder", "this_process"]

HOLDER_MAX_BYTES = 4096
_GONE_STATES = {"Z", "X"}
_TEXT_MAX = 200


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lock.

    Attributes:
        verb: What it does, such as "backup".
        host: The name of its host.
        machine: Tells processes whose ids can be compared: the same boot of the same kernel, and the same namespace of
            process ids. Containers may share a host's name, and "process 7" is another one in each. "" is comparable
            with nothing.
        pid: Its process id.
        born: When the kernel started it, in a unit of the kernel's; tells it from a later process of the same id.
        since: When it took the lock, aware.
    """

    verb: str
    host: str
    machine: str
    pid: int
    born: str
    since: datetime

    def to_json(self) -> bytes:
        """Return it as it stands in a lock."""
        fields = {name: getattr(self, name) for name in ("verb", "host", "machine", "pid", "born")}
        return json.dumps({**fields, "since": self.since.isoformat()}).encode()

    @property
    def is_gone(self) -> bool:
        """Whether the process is known to have ended; False where that cannot be known from here."""
        if not self.machine or self.machine != _machine():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            pass
        state, born = _process(self.pid)
        return state in _GONE_STATES or bool(born and self.born and born != self.born)


def this_process(verb: str, since: datetime) -> Holder:
    """Return this process as the holder of a lock."""
    pid = os.getpid()
    return Holder(verb, socket.gethostname(), _machine(), pid, _process(pid)[1], since)


def parse_holder(data: bytes) -> Holder | None:
    """Return the holder that `to_json` wrote; None for anything else."""
    try:
        fields = json.loads(data)
        texts = [str(fields[name])[:_TEXT_MAX] for name in ("verb", "host", "machine", "born")]
        since = datetime.fromisoformat(fields["since"])
        pid = int(fields["pid"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    verb, host, machine, born = texts
    return Holder(verb, host, machine, pid, born, since) if since.tzinfo and pid > 0 else None


@lru_cache(maxsize=1)
def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
    return f"{boot} {namespace}"


def _process(pid: int) -> tuple[str, str]:
    # proc(5): the name in parentheses may hold anything; then state (field 3) and starttime (field 22).
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return "", ""
    return fields[0], fields[19]
