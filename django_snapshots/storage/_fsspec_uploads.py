"""Writing through fsspec so that an object is seen whole or not at all, and a failed write leaves no parts.

Closing a file of fsspec commits what was written so far, and so may its garbage collection: after a failure none of
them is closed here, each is aborted in the way its service has.
"""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from django_snapshots.scratch import SCRATCH_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django_snapshots.storage._fsspec_protocols import FileSystemKind

__all__ = ["Upload", "open_upload", "rename_into", "upload"]

_MIB = 1024 * 1024
_S3_PART = 8 * _MIB
_S3_PART_FIXED = 64 * _MIB
_S3_PARTS_OF_A_SIZE = 500
_IN_FLIGHT = 32 * _MIB
_ATTEMPTS = 20
_BLOCK = 16 * _MIB
"""Azure takes 50,000 blocks: 800 GB."""


class Upload(Protocol):
    """An object being written."""

    def write(self, chunk: bytes) -> None:
        """Append the bytes."""

    def finish(self) -> None:
        """Make the object visible, whole."""

    def abort(self) -> None:
        """Leave nothing behind; the object that was there stays."""


def upload(start: Callable[[], Upload], chunks: Iterator[bytes]) -> None:
    """Write all chunks, or nothing; raises what the iterator or the service raised."""
    target = start()
    try:
        for chunk in chunks:
            target.write(chunk)
        target.finish()
    except BaseException:
        # The first failure is the one to report; a service that is gone refuses the abort as well.
        with suppress(Exception):
            target.abort()
        raise


def open_upload(fs: Any, path: str, root: str, kind: FileSystemKind) -> Upload:
    """Begin to write `path`, in the way that suits the file system.

    Args:
        fs: The fsspec file system.
        path: The whole path in it.
        root: The folder of all snapshots in it.
        kind: What is known of it.
    """
    if kind.has_folders:
        return _RenamedUpload(fs, path, root, kind)
    if hasattr(fs, "call_s3"):
        return _S3Upload(fs, path)
    return _CommittedUpload(fs, path)


class _RenamedUpload:
    """Into a file of another name in the root folder, and then renamed."""

    def __init__(self, fs: Any, path: str, root: str, kind: FileSystemKind) -> None:
        self._fs = fs
        self._path = path
        self._kind = kind
        self._partial = f"{root}/{SCRATCH_PREFIX}{os.urandom(8).hex()}.part"
        _make_folder(fs, root, kind)
        self._file = fs.open(self._partial, "wb")

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)

    def finish(self) -> None:
        self._file.close()
        rename_into(self._fs, self._partial, self._path, self._kind)

    def abort(self) -> None:
        with suppress(Exception):
            self._file.close()
        self._fs.rm_file(self._partial)


def rename_into(fs: Any, src: str, dst: str, kind: FileSystemKind) -> None:
    """Give a file another name, replacing a file of that name in one step; makes the folders above it."""
    for attempt in range(_ATTEMPTS):
        try:
            _make_folder(fs, dst.rpartition("/")[0], kind)
            return _rename(fs, src, dst, kind)
        except FileNotFoundError:
            # Meanwhile another process may have removed the folder, or one above it, because it was empty.
            if attempt == _ATTEMPTS - 1:
                raise
    return None


def _make_folder(fs: Any, path: str, kind: FileSystemKind) -> None:
    fs.makedirs(path, exist_ok=True, **kind.folder_options)


def _rename(fs: Any, src: str, dst: str, kind: FileSystemKind) -> None:
    if kind.renames:
        fs.mv(src, dst)
    elif src != dst:
        fs.cp_file(src, dst)
        fs.rm_file(src)


class _CommittedUpload:
    """Through the file of the file system itself, which sends blocks and commits them at the end."""

    def __init__(self, fs: Any, path: str) -> None:
        self._file = fs.open(path, "wb", block_size=_BLOCK, autocommit=False)

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)

    def finish(self) -> None:
        self._file.close()
        self._file.commit()

    def abort(self) -> None:
        # adlfs commits in close(), which its destructor calls unless the file counts as closed; it has no discard.
        # Azure forgets blocks that were never committed after a week.
        self._file.closed = True
        self._file.discard()


class _S3Upload:
    """A multipart upload with a few parts on their way at a time; one request for an object smaller than a part."""

    def __init__(self, fs: Any, path: str) -> None:
        self._fs = fs
        self._bucket, self._key, _ = fs.split_path(path)
        self._id = ""
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._parts: list[dict[str, Any]] = []
        self._sent = 0
        self._flying: set[Future[dict[str, Any]]] = set()
        self._threads = ThreadPoolExecutor(_IN_FLIGHT // _S3_PART, "snapshots-upload")

    def write(self, chunk: bytes) -> None:
        self._pending.append(chunk)
        self._pending_bytes += len(chunk)
        while self._pending_bytes >= self._part_bytes:
            self._send(self._part_bytes)

    def finish(self) -> None:
        try:
            if not self._id:
                self._call("put_object", Body=b"".join(self._pending))
                return
            if self._pending_bytes:
                self._send(self._pending_bytes)
            self._collect(until=0)
            parts = sorted(self._parts, key=lambda part: int(part["PartNumber"]))
            self._call("complete_multipart_upload", UploadId=self._id, MultipartUpload={"Parts": parts})
        finally:
            self._threads.shutdown()

    def abort(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        if self._id:
            self._call("abort_multipart_upload", UploadId=self._id)

    @property
    def _part_bytes(self) -> int:
        # S3 takes 10,000 parts. Cloudflare R2 wants them of one size, for which s3fs has its option.
        if self._fs.fixed_upload_size:
            return _S3_PART_FIXED
        return _S3_PART * (1 + self._sent // _S3_PARTS_OF_A_SIZE)

    def _send(self, size_bytes: int) -> None:
        if not self._id:
            self._id = self._call("create_multipart_upload")["UploadId"]
        data = b"".join(self._pending)
        body, rest = data[:size_bytes], data[size_bytes:]
        self._pending, self._pending_bytes = [rest], len(rest)
        self._sent += 1
        self._collect(until=max(0, _IN_FLIGHT // len(body) - 1))
        self._flying.add(self._threads.submit(self._send_part, self._sent, body))

    def _send_part(self, number: int, body: bytes) -> dict[str, Any]:
        answer = self._call("upload_part", PartNumber=number, UploadId=self._id, Body=body)
        sums = {name: value for name, value in answer.items() if name.startswith("Checksum") and name != "ChecksumType"}
        return {"PartNumber": number, "ETag": answer["ETag"], **sums}

    def _collect(self, *, until: int) -> None:
        while len(self._flying) > until:
            done, self._flying = wait(self._flying, return_when=FIRST_COMPLETED)
            self._parts.extend(part.result() for part in done)

    def _call(self, method: str, **arguments: Any) -> Any:
        return self._fs.call_s3(method, Bucket=self._bucket, Key=self._key, **arguments)
