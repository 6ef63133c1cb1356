"""Free ports for servers of our own."""

from __future__ import annotations

import random
import socket

__all__ = ["free_port"]

_BELOW_OUTGOING = range(20_000, 32_000)
"""Linux takes the ports of outgoing connections from 32768 on (ip_local_port_range in ip(7)): none of them can become
busy between the look here and the start of a server."""

_TRIES = 100


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on; another one each time, whatever the tests' seed."""
    for port in random.SystemRandom().sample(_BELOW_OUTGOING, _TRIES):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise RuntimeError(f"{_TRIES} ports of {_BELOW_OUTGOING} are all busy.")
