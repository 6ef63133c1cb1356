"""Small plugins for the tests of settings: right ones, and one for each way of being wrong."""

from __future__ import annotations

import abc
import asyncio
import datetime as dt
import io
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from django.core.files.storage import Storage
from django.utils.deconstruct import deconstructible
from pydantic import ByteSize, SecretStr

from django_snapshots.conf.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from somewhere_only_type_checkers_know import Unknown  # type: ignore[import-not-found]


class MemoryStorage:
    """The five methods, over a dict."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def read(self, path: str) -> IO[bytes]:
        return io.BytesIO(self.objects[path])

    def write(self, path: str, content: IO[bytes]) -> None:
        self.objects[path] = content.read()

    def list(self, prefix: str) -> list[str]:
        return [path for path in self.objects if path.startswith(prefix)]

    def delete(self, path: str) -> None:
        self.objects.pop(path, None)

    def exists(self, path: str) -> bool:
        return path in self.objects


class StreamingStorage(MemoryStorage):
    """All ten methods."""

    def stream_read(self, path: str) -> Iterator[bytes]:
        yield self.objects[path]

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        self.objects[path] = b"".join(chunks)

    def atomic_move(self, src: str, dst: str) -> None:
        self.objects[dst] = self.objects.pop(src)

    def recursive_list(self, prefix: str) -> list[str]:
        return self.list(prefix)

    def sync(self, src_prefix: str, dst_prefix: str) -> None:
        raise NotImplementedError


class AsyncStreamingStorage(StreamingStorage):
    async def stream_read(self, path: str) -> Any:
        yield self.objects[path]


class Typed(MemoryStorage):
    """Every kind of annotation that text can be turned into."""

    def __init__(  # type: ignore[no-untyped-def]
        self,
        location: str | Path = "/srv",
        level: int = 3,
        every: dt.timedelta = dt.timedelta(days=1),
        limit: ByteSize = ByteSize(0),  # noqa: B008 - immutable
        folder: Path = Path("/srv"),
        names: list[str] | None = None,
        table: dict[str, int] | None = None,
        ratio: float = 0.5,
        switch: bool = False,
        key: SecretStr | None = None,
        plain=None,  # noqa: ANN001 - a parameter without annotation is what is tested
        exotic: Unknown = None,
    ) -> None:
        super().__init__()
        self.options = {name: value for name, value in locals().items() if name not in {"self", "__class__"}}


class Keyring(MemoryStorage):
    """Lists of secrets: by their type, and by their name."""

    def __init__(self, ring: list[SecretStr] | None = None, token: list[str] | None = None) -> None:
        super().__init__()
        self.options = {"ring": ring, "token": token}


class Required(MemoryStorage):
    def __init__(self, bucket: str, region: str) -> None:
        super().__init__()
        self.options = {"bucket": bucket, "region": region}


class Keywords(MemoryStorage):
    """Takes anything and judges itself, as S3Storage does."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        for name in options:
            if name not in {"bucket_name", "access_key", "secret_key", "endpoint_url"}:
                raise ValueError(f"Invalid setting {name!r} in {options}")
        self.options = options


class OddNames(MemoryStorage):
    """Parameters whose names mean something to the machinery behind OPTIONS."""

    def __init__(self, model_config: int = 0, _x: int = 0, args: int = 0, kwargs: int = 0, cls: int = 0) -> None:
        super().__init__()
        self.options = {"model_config": model_config, "_x": _x, "args": args, "kwargs": kwargs, "cls": cls}


@deconstructible
class Deconstructible(MemoryStorage):
    def __init__(self, bucket: str) -> None:
        super().__init__()
        self.options = {"bucket": bucket}


class Raising(MemoryStorage):
    def __init__(self, password: str = "") -> None:
        super().__init__()
        raise RuntimeError(f"login with {password} refused")


class Unprintable(MemoryStorage):
    class Error(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def __init__(self) -> None:
        super().__init__()
        raise self.Error


class DjangoBucket(Storage):
    """A Django storage that is none of Django's own."""


class Abstract(abc.ABC):
    @abc.abstractmethod
    def read(self, path: str) -> IO[bytes]: ...


class Contract(Protocol):
    def read(self, path: str) -> IO[bytes]: ...


class NoWrite:
    read = MemoryStorage.read
    list = MemoryStorage.list
    delete = MemoryStorage.delete
    exists = MemoryStorage.exists
    objects: dict[str, bytes] = {}  # noqa: RUF012 - never filled


class AsyncRead(MemoryStorage):
    async def read(self, path: str) -> IO[bytes]:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().read(path)


class NumberForMethod(MemoryStorage):
    read = 3  # type: ignore[assignment]


class TooFewArguments(MemoryStorage):
    def write(self, path: str) -> None:  # type: ignore[override]
        """Takes no content."""


class TooManyArguments(MemoryStorage):
    def exists(self, path: str, bucket: str) -> bool:  # type: ignore[override]
        return False


class PropertyThatRaises(MemoryStorage):
    @property
    def read(self) -> Any:
        raise RuntimeError("not connected")


class Judged(MemoryStorage):
    """Has a check() of its own."""

    def __init__(self, region: str = "") -> None:
        super().__init__()
        self.region = region

    def check(self) -> list[Problem]:
        return [
            Problem("snapshots.E002", ("region",), "There is no such region.", "Write 'eu-1'."),
            Problem("snapshots.W002", (), "This storage is slow."),
        ]


class CheckRaises(MemoryStorage):
    def check(self) -> list[Problem]:
        raise LookupError("hunter2")


class CheckReturnsText(MemoryStorage):
    def check(self) -> list[str]:
        return ["something is wrong"]


class CheckWantsArguments(MemoryStorage):
    def check(self, _deep: bool) -> list[Problem]:
        return []


class Codec:
    name = "none"
    suffix = ".none"

    def __init__(self, level: int = 1) -> None:
        self.level = level

    def encode(self, source: Any) -> Any:
        return source

    def decode(self, source: Any) -> Any:
        return source


class NamelessCodec(Codec):
    name = None  # type: ignore[assignment]


class Connector:
    suffix = "dump"

    def __init__(self, host: str = "", password: str = "") -> None:
        self.host = host
        self.password = password

    def dump(self, alias: str, sink: Any) -> dict[str, Any]:
        return {}

    def restore(self, alias: str, source: Any, facts: Any) -> None:
        """Nothing to restore."""


class ConnectorOfFiles(Connector):
    """Dumps into files of the temporary directory."""

    plain_on_disk = True


class Artifact:
    suffix = "txt"

    def __init__(self, folder: str = "") -> None:
        self.folder = folder

    def dump(self, sink: Any) -> dict[str, Any]:
        return {}

    def restore(self, source: Any, facts: Any) -> None:
        """Nothing to restore."""


class ArtifactOfFiles(Artifact):
    """Dumps into files of the temporary directory."""

    plain_on_disk = True


class StagesWrongly(Artifact):
    def stage(self, source: Any) -> None:
        """Takes no facts."""


class NotAStorage:
    """A class that is imported and called without complaint, and is no storage."""


def function() -> MemoryStorage:
    return MemoryStorage()


def nightly(created_at: dt.datetime) -> str:
    return f"nightly-{created_at:%Y%m%d}"


def takes_nothing() -> str:
    return "nightly"


async def asynchronous(created_at: dt.datetime) -> str:
    return "nightly"


DATA = 3


def holding_itself() -> dict[str, Any]:
    inside: dict[str, Any] = {}
    inside["again"] = inside
    return inside


def nested(levels: int) -> dict[str, Any]:
    inside: dict[str, Any] = {}
    for _ in range(levels):
        inside = {"d": inside}
    return inside
