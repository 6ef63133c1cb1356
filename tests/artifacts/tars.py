"""Tars made by hand, member by member, the hostile ones too."""

from __future__ import annotations

import io
import tarfile
from typing import Any

__all__ = ["member", "tar_of"]


def member(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **attributes: Any) -> tuple[Any, bytes]:
    """Return a member for `tar_of`; attributes are those of TarInfo."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


def tar_of(*members: tuple[Any, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar of members, without judging them; `form` is one of tarfile's formats."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()
