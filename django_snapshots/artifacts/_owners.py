"""Names of users and groups, and their numbers on this host, each looked up once."""

from __future__ import annotations

import grp
import os
import pwd
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OwnerNames", "OwnerNumbers"]


class OwnerNames:
    """Names for numbers; b"" for a number that has no name here."""

    def __init__(self) -> None:
        self.user = cache(lambda uid: _name_or_empty(lambda: pwd.getpwuid(uid).pw_name))
        self.group = cache(lambda gid: _name_or_empty(lambda: grp.getgrgid(gid).gr_name))


class OwnerNumbers:
    """Numbers for names, since a name means the same owner on another host and a number need not.

    `user(name, uid)` is the number of the user called `name`, or `uid` where this host knows no such name or the
    name is b""; `group(name, gid)` likewise.
    """

    def __init__(self) -> None:
        self.user = cache(lambda name, uid: _number_or(uid, lambda text: pwd.getpwnam(text).pw_uid, name))
        self.group = cache(lambda name, gid: _number_or(gid, lambda text: grp.getgrnam(text).gr_gid, name))


def _name_or_empty(look_up: Callable[[], str]) -> bytes:
    try:
        return os.fsencode(look_up())
    except KeyError:
        return b""


def _number_or(number: int, look_up: Callable[[str], int], name: bytes) -> int:
    try:
        return look_up(os.fsdecode(name)) if name else number
    except (KeyError, ValueError):
        return number
