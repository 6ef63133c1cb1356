"""What is a secret, and how it is kept out of every text: by name, by type, and inside URLs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

__all__ = ["MASK", "is_secret_name", "mask_urls", "scrub", "secret_texts"]

MASK = "********"
_SECRET_ENDINGS = (
    *("password", "passphrase", "secret", "secret_key", "api_key", "access_key", "token", "private_key"),
    *("account_key", "sas_token", "connection_string", "credentials", "client_secret", "ping_url"),
)
# RFC 3986 section 3.2: the user info ends at the last "@" before the first "/", "?" or "#".
_USER_INFO = re.compile(r"(?<=://)([^/?#\s]*)@")
_AGE_IDENTITY = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]+", re.IGNORECASE)
"""A secret key says that it is one, wherever somebody puts it: among the recipients, say."""
_SHORT = 8


def is_secret_name(name: object) -> bool:
    """Say whether a value of this name is a secret, whatever the case of the name."""
    return isinstance(name, str) and name.lower().endswith(_SECRET_ENDINGS)


def mask_urls(text: str) -> str:
    """Return `text` with the user info of every URL in it masked, and every secret key of age."""
    return _AGE_IDENTITY.sub(MASK, _USER_INFO.sub(f"{MASK}@", text))


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Return `text` without any of `secrets` and without the user info of URLs.

    A secret of less than eight characters is masked where it stands alone: otherwise a SECRET_KEY "test" would take
    the names of tests apart.
    """
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    for secret in sorted(spellings, key=len, reverse=True):
        pattern = re.escape(secret) if len(secret) >= _SHORT else rf"(?<!\w){re.escape(secret)}(?!\w)"
        text = re.sub(pattern, MASK, text)
    return mask_urls(text)


def _spellings(secret: str) -> set[str]:
    """Return how a secret looks in the messages of other libraries: quoted, in JSON, in a URL, a line of a PEM key."""
    lines = {line for line in secret.splitlines() if len(line) >= _SHORT}
    return {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret), quote(secret, safe=""), *lines} - {""}


def secret_texts(value: object, *, names: Container[str] = ()) -> set[str]:
    """Return every text inside `value` that must not be shown.

    Args:
        value: Anything that may stand in SNAPSHOTS.
        names: Keys of the dict `value` whose values are secret beside those that sound like it.
    """
    found = set(_walk([(value, False)]))
    if isinstance(value, dict):
        found.update(_walk([(item, True) for key, item in value.items() if key in names]))
    return found - {""}


def _walk(waiting: list[tuple[object, bool]]) -> Iterator[str]:
    """Yield the secret texts of pairs of a value and whether it is secret; each container is entered once."""
    seen: set[tuple[int, bool]] = set()
    while waiting:
        value, secret = waiting.pop()
        if not isinstance(value, (dict, list, tuple, set, frozenset)):
            yield from _texts(value, secret=secret)
        elif (id(value), secret) not in seen:
            seen.add((id(value), secret))
            if isinstance(value, dict):
                waiting.extend((item, secret or is_secret_name(key)) for key, item in value.items())
            else:
                waiting.extend((item, secret) for item in value)


def _texts(value: object, *, secret: bool) -> Iterator[str]:
    reveal = getattr(type(value), "get_secret_value", None)  # pydantic's SecretStr and whatever is like it
    if callable(reveal):
        value, secret = reveal(value), True
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if secret and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, str):
        yield from _AGE_IDENTITY.findall(value)
        for user_info in _USER_INFO.findall(value):
            yield from (user_info, user_info.partition(":")[2])
