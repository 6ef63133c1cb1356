"""Removing many objects of an object store by few requests."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["removed_from_s3"]

_S3_PAGE = 1000
"""Objects that one request may name (DeleteObjects)."""


def removed_from_s3(fs: Any, paths: Sequence[str]) -> Iterator[str]:
    """Remove objects by one request for each 1,000, and yield the paths of which the service says that they are gone.

    The others, and those of a request that failed, are the caller's to remove one by one, which says what is wrong.
    Not `fs.rm`, which says of no object that it could not be removed, and takes "*" in a name for every name.
    """
    for start in range(0, len(paths), _S3_PAGE):
        by_key = {fs.split_path(path)[1]: path for path in paths[start : start + _S3_PAGE]}
        wanted = {"Objects": [{"Key": key} for key in by_key], "Quiet": False}
        answer: Any = {}
        with suppress(Exception):
            answer = fs.call_s3("delete_objects", Bucket=fs.split_path(paths[start])[0], Delete=wanted)
        yield from (by_key[each["Key"]] for each in answer.get("Deleted", ()) if each["Key"] in by_key)
