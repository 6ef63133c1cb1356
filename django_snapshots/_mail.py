"""One e-mail through Django's mail, within a time: a mail server that is silent must not hold a backup for ever."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.mail import mail_admins, send_mail
from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Mail", "send_in_time"]

LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail.

    Attributes:
        subject: One line.
        text: The body.
        recipients: Addresses; None means ADMINS, through Django's `mail_admins`.
    """

    subject: str
    text: str
    recipients: Sequence[str] | None


def send_in_time(mail: Mail, limit_s: float = LIMIT_S) -> None:
    """Send it, or raise what the mail backend raised.

    Raises:
        TimeoutError: It was not sent within `limit_s` seconds; the attempt goes on in a thread and ends with the
            process.
    """
    failures: list[Exception] = []
    thread = threading.Thread(target=_send, args=(mail, failures), name="snapshots-mail", daemon=True)
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        raise TimeoutError(f"the mail server did not take it within {limit_s:.0f} seconds")
    if failures:
        raise failures[0]


def _send(mail: Mail, failures: list[Exception]) -> None:
    try:
        if mail.recipients is None:
            mail_admins(mail.subject, mail.text)
        elif mail.recipients:
            send_mail(mail.subject, mail.text, None, list(mail.recipients))
    except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
        failures.append(error)
    finally:
        connections.close_all()  # a mail backend may queue in the database; this thread has connections of its own
