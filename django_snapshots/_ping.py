"""A GET to the URL of a cron monitor, as healthchecks.io and its like take it: URL, URL/start, URL/fail."""

from __future__ import annotations

import http.client
from typing import Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

__all__ = ["PingEvent", "ping"]

PingEvent = Literal["start", "success", "fail"]
LIMIT_S = 10.0


def ping(url: str, event: PingEvent, *, limit_s: float = LIMIT_S) -> None:
    """Tell the monitor.

    Args:
        url: http or https; the path of the event goes before a query.
        event: Success is the URL itself.
        limit_s: Seconds to wait for a connection, and for an answer.

    Raises:
        OSError: It was not told; the text names the host at most, for the rest of the URL is a secret.
    """
    parts = urlsplit(url)
    path = parts.path if event == "success" else f"{parts.path.rstrip('/')}/{event}"
    try:
        with urlopen(urlunsplit(parts._replace(path=path)), timeout=limit_s):  # noqa: S310 - HEALTH takes http(s) only
            return
    except HTTPError as error:
        error.close()
        raise OSError(f"{parts.hostname} answered {error.code}") from None
    except URLError as error:
        raise OSError(f"{parts.hostname} cannot be reached: {error.reason}") from None
    except (http.client.HTTPException, OSError) as error:
        raise OSError(f"{parts.hostname} did not answer rightly: {type(error).__name__}") from None
