"""Snapshots on S3, Google Cloud Storage, Azure and SFTP through fsspec: streamed, without a temporary file."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

from django_snapshots.conf.problems import Problem
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotNameError, SnapshotStorageError
from django_snapshots.names import check_path
from django_snapshots.scratch import SCRATCH_PREFIX
from django_snapshots.storage._fsspec_deletions import removed_from_s3
from django_snapshots.storage._fsspec_protocols import PROTOCOLS, coerced, option_problems, protocol_of, url_problems
from django_snapshots.storage._fsspec_uploads import open_upload, rename_into, upload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django_snapshots.storage._fsspec_protocols import FileSystemKind

__all__ = ["FsspecBackend"]

_READ_AHEAD = 8 * 1024 * 1024
_ATTEMPTS = 5
# s3fs gives up on a request after 15 s and sends it again. A server whose disk stalled for longer took the repeated
# part for a second upload and refused the whole object (rclone 1.75, 2 GiB on a busy disk).
_S3_TIMEOUTS = {"connect_timeout": 30, "read_timeout": 120}
_SWEEP_AFTER_SECONDS = 7 * 24 * 3600


class FsspecBackend:
    """The advanced tier on s3://, gs://, az://, sftp://, file:// and memory://.

    An object is sent in parts while it is made, and is visible once it is whole; a write that fails is aborted. On
    SFTP it gets another name first and is then renamed. Host keys of SFTP servers are verified against known_hosts.
    """

    def __init__(self, url: str, **storage_options: Any) -> None:
        """Keep snapshots below `url`; nothing is connected before the first use.

        Args:
            url: Such as "s3://bucket/folder". Passwords and keys do not belong in it.
            storage_options: What the file system's class takes: `key`, `secret` and `endpoint_url` of s3fs,
                `account_name` and `account_key` of adlfs, `token` of gcsfs, `username` of sshfs.
        """
        self.url = url
        self.storage_options = storage_options
        self._fs: Any = None
        self._root = ""
        self._connecting = threading.Lock()
        self._swept = False

    def __repr__(self) -> str:
        from django_snapshots.conf.masking import mask_urls  # noqa: PLC0415 - imports pydantic

        return f"FsspecBackend({mask_urls(self.url)!r})"

    @property
    def is_remote(self) -> bool:
        """Say whether snapshots leave this host."""
        name = protocol_of(self.url)
        return name not in PROTOCOLS or PROTOCOLS[name].remote

    def check(self) -> list[Problem]:
        """Return what is wrong with the URL and the options; imports the file system's package, connects nothing."""
        problems = list(url_problems(self.url))
        if problems:
            return problems
        cls, missing = self._class()
        return [missing] if missing else list(option_problems(cls, self.storage_options))

    def read(self, path: str) -> IO[bytes]:
        """Open the object for reading; it can seek, each jump is a request.

        Raises:
            FileNotFoundError: There is none.
        """
        fs, full = self._at(path)
        if self._kind.has_folders:
            stream: IO[bytes] = fs.open(full, "rb")
            return stream
        return _open_object(fs, full)

    def read_start(self, path: str, most_bytes: int) -> bytes:
        """Return the first `most_bytes` of the object, all of one that has no more: one request on object stores.

        Raises:
            FileNotFoundError: There is none.
        """
        fs, full = self._at(path)
        if not self._kind.has_folders:
            # What goes wrong is said by `read`, which also knows the empty object: it has no range to ask for.
            with suppress(Exception):
                return bytes(fs.cat_file(full, start=0, end=most_bytes))
        with self.read(path) as source:
            return source.read(most_bytes)

    def stream_read(self, path: str) -> Iterator[bytes]:
        """Yield the object in chunks of 1 MiB; raises what `read` raises."""
        with self.read(path) as source:
            while chunk := source.read(CHUNK_SIZE):
                yield chunk

    def write(self, path: str, content: IO[bytes]) -> None:
        """Store `content` to its end, replacing what was there in one step."""
        self.stream_write(path, iter(lambda: content.read(CHUNK_SIZE), b""))

    def stream_write(self, path: str, chunks: Iterator[bytes]) -> None:
        """Store the chunks as they come, replacing what was there in one step."""
        fs, full = self._at(path)
        if self._kind.has_folders and not self._swept:
            _sweep(fs, self._root)
            self._swept = True
        upload(lambda: open_upload(fs, full, self._root, self._kind), chunks)

    def exists(self, path: str) -> bool:
        """Say whether an object is stored at `path`."""
        try:
            self._info(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def size(self, path: str) -> int:
        """Return the size of the object in bytes, as the service knows it."""
        return int(self._info(path)["size"])

    def delete(self, path: str) -> None:
        """Remove the object; a missing one is no error. Real folders that became empty go too."""
        fs, full = self._at(path)
        if not self._kind.has_folders or self.exists(path):
            with suppress(FileNotFoundError):
                fs.rm_file(full)
        if self._kind.has_folders:
            self._remove_empty(path)

    def delete_many(self, paths: Sequence[str]) -> None:
        """Remove the objects; missing ones are no error. On S3 it takes a request for each 1,000 of them."""
        full_paths = {self._at(path)[1]: path for path in paths}
        if self._kind.extra == "s3":
            for removed in removed_from_s3(self._opened(), list(full_paths)):
                full_paths.pop(removed, None)
        for path in full_paths.values():
            self.delete(path)

    def atomic_move(self, src: str, dst: str) -> None:
        """Rename an object; an object store copies it within the service and then deletes `src`.

        Raises:
            FileNotFoundError: There is no object at `src`.
        """
        fs, source = self._at(src)
        _, target = self._at(dst)
        self._info(src)
        if self._kind.has_folders:
            rename_into(fs, source, target, self._kind)
            self._remove_empty(src)
        elif source != target:
            fs.cp_file(source, target)
            fs.rm_file(source)

    def sync(self, src_prefix: str, dst_prefix: str) -> None:
        """Make the folder `dst_prefix` hold exactly the objects of `src_prefix`; copies first, then deletes.

        Raises:
            SnapshotNameError: One of the folders is inside the other.
        """
        src, dst = (f"{prefix.rstrip('/')}/" if prefix else "" for prefix in (src_prefix, dst_prefix))
        if src == dst:
            return
        if src.startswith(dst) or dst.startswith(src):
            raise SnapshotNameError(f"'{dst_prefix}' and '{src_prefix}' lie one inside the other.", name=dst_prefix)
        copies = {dst + path.removeprefix(src): path for path in self.recursive_list(src_prefix)}
        for copy, path in copies.items():
            self.stream_write(copy, self.stream_read(path))
        for path in self.recursive_list(dst_prefix):
            if path not in copies:
                self.delete(path)

    def _class(self) -> tuple[Any, Problem | None]:
        """Return the file system's class, or what has to be installed for it."""
        kind = self._kind
        module, _, name = kind.class_name.rpartition(".")
        try:
            import_module("fsspec")
            return getattr(import_module(module), name), None
        except ImportError as error:
            package = " and ".join(filter(None, ("fsspec", kind.package)))
            return None, Problem(
                "snapshots.E019",
                ("url",),
                f"{protocol_of(self.url)}:// needs the package {package}, which cannot be imported ({error}).",
                f'pip install "django-snapshots[{kind.extra}]"',
            )

    def _opened(self) -> Any:
        with self._connecting:
            if self._fs is None:
                problems = self.check()
                if problems:
                    text = " ".join(f"{problem.message} {problem.hint or ''}".strip() for problem in problems)
                    raise SnapshotStorageError(text, operation="open")
                self._connect()
        return self._fs

    def _connect(self) -> None:
        cls, _ = self._class()
        options = {"skip_instance_cache": True, **coerced(cls, self.storage_options)}
        if not self._kind.has_folders:
            # Another process may have written since the last listing.
            options["use_listings_cache"] = False
        if self._kind.extra == "s3":
            options["config_kwargs"] = {**_S3_TIMEOUTS, **options.get("config_kwargs", {})}
        if self._kind.extra == "sftp":
            # sshfs verifies no host key unless it is told to; () means the known_hosts of this user.
            options.setdefault("known_hosts", ())
        self._fs = cls(**{**cls._get_kwargs_from_urls(self.url), **options})
        self._root = str(cls._strip_protocol(self.url)).rstrip("/")

    @property
    def _kind(self) -> FileSystemKind:
        return PROTOCOLS[protocol_of(self.url)]

    def _at(self, path: str) -> tuple[Any, str]:
        if check_path(path).startswith(SCRATCH_PREFIX):
            raise SnapshotNameError(f"'{path}': names that begin with {SCRATCH_PREFIX} are reserved.", name=path)
        fs = self._opened()
        return fs, f"{self._root}/{path}"

    def _info(self, path: str) -> Any:
        fs, full = self._at(path)
        info = fs.info(full)
        if info["type"] == "directory":
            raise FileNotFoundError(f"'{path}' is a folder, not an object")
        return info

    def _remove_empty(self, path: str) -> None:
        # A courtesy: what is not empty any more cannot be removed, and each service says so in its own way.
        with suppress(Exception):
            while path := path.rpartition("/")[0]:
                self._fs.rmdir(f"{self._root}/{path}")

    def recursive_list(self, prefix: str) -> list[str]:
        """Return the paths in the folder `prefix`, at any depth, sorted; "" means all."""
        return self.list(f"{prefix.rstrip('/')}/" if prefix else "")

    def list(self, prefix: str) -> list[str]:
        """Return the paths that start with `prefix`, sorted; one listing on object stores.

        Raises:
            FileNotFoundError: The bucket or container does not exist.
            SnapshotStorageError: On a file system with folders, the folder above the root is missing as well.
        """
        above, slash, _ = prefix.rpartition("/")
        if slash:
            check_path(above)
        fs = self._opened()
        folder = f"{self._root}/{above}".rstrip("/")
        found = _walk(fs, folder, self._root) if self._kind.has_folders else _find(fs, folder, self._root)
        paths = (path.removeprefix(f"{self._root}/") for path in found)
        return sorted(path for path in paths if path.startswith(prefix) and not path.startswith(SCRATCH_PREFIX))


def _open_object(fs: Any, path: str) -> IO[bytes]:
    attempts = _ATTEMPTS
    while True:
        stream: IO[bytes] = fs.open(path, "rb", block_size=_READ_AHEAD, cache_type="readahead")
        if stream.details["type"] != "file":  # type: ignore[attr-defined]
            stream.close()
            raise FileNotFoundError(f"'{path}' is a folder, not an object")
        try:
            # The first block is fetched here and kept, so that what is missing or forbidden is said by `open`.
            stream.read(1)
            stream.seek(0)
        except OSError as error:
            stream.close()
            attempts -= 1
            # What s3fs raises when the object was replaced between its two requests, for the size and for the bytes.
            if type(error).__name__ != "FileExpired" or not attempts:
                raise
        else:
            return stream


def _find(fs: Any, folder: str, root: str) -> Iterator[str]:
    """Yield the paths of all objects in a folder of an object store, from one listing."""
    found = fs.find(folder, detail=True)
    if not found:
        # Some answer a listing of a bucket that does not exist with an empty one.
        bucket = root.partition("/")[0]
        if not fs.exists(bucket):
            raise FileNotFoundError(f"The bucket or container '{bucket}' does not exist")
    for path, info in found.items():
        # An object whose name ends with a slash stands for a folder; other tools make them.
        if info["type"] != "directory" and not path.endswith("/"):
            yield path


def _walk(fs: Any, folder: str, root: str) -> Iterator[str]:
    """Yield the paths of all files in a folder; not `fs.find`, which takes a lost connection for an empty folder."""
    try:
        entries = fs.ls(folder, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        _require_parent(fs, root)
        return
    for entry in entries:
        name = entry["name"].rstrip("/")
        if entry["type"] == "directory":
            yield from _walk(fs, name, root)
        elif name != folder:
            yield name


def _require_parent(fs: Any, root: str) -> None:
    parent = root.rpartition("/")[0]
    if parent and not fs.exists(root) and not fs.exists(parent):
        raise SnapshotStorageError(
            f"Neither {root} nor the folder above it exists. If it is on a disk, mount the disk; "
            f"otherwise create {parent}.",
            operation="list",
        )


def _sweep(fs: Any, root: str) -> None:
    """Remove what killed processes left of their uploads a week ago; nothing tells a younger one from one in use."""
    try:
        entries = fs.ls(root, detail=True)
    except FileNotFoundError:
        return
    for entry in entries:
        changed = entry.get("mtime") or entry.get("created") or time.time()
        seconds = changed.timestamp() if isinstance(changed, datetime) else float(changed)
        is_ours = entry["name"].rpartition("/")[2].startswith(SCRATCH_PREFIX)
        if is_ours and seconds < time.time() - _SWEEP_AFTER_SECONDS:
            with suppress(FileNotFoundError):
                fs.rm_file(entry["name"])
