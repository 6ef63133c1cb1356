"""Certificates for servers of our own: an authority signs for this host, a stranger for nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.programs import require_program

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Certificates", "making_certificates"]

_HERE = "subjectAltName=IP:127.0.0.1,DNS:localhost"
_ELSEWHERE = "subjectAltName=DNS:elsewhere.example.org"


@dataclass(frozen=True)
class Certificates:
    """A folder of certificates (`crt`) and their keys (`key`).

    The authority "ca" has signed "server", which is for this host, "elsewhere", which is for another, and "client".
    "stranger" is an authority that has signed nothing.
    """

    folder: Path

    def crt(self, name: str) -> str:
        return str(self.folder / f"{name}.crt")

    def key(self, name: str) -> str:
        return str(self.folder / f"{name}.key")

    def make_authority(self, name: str) -> None:
        self._openssl("req", "-x509", *self._new(name), "-days", "2", "-out", self.crt(name))

    def make_signed(self, name: str, extension: str) -> None:
        request, extensions = self.folder / "request", self.folder / "extensions"
        self._openssl("req", *self._new(name), "-out", str(request))
        extensions.write_text(extension)
        by = ("-CA", self.crt("ca"), "-CAkey", self.key("ca"), "-CAcreateserial", "-extfile", str(extensions))
        self._openssl("x509", "-req", "-in", str(request), *by, "-days", "2", "-out", self.crt(name))

    def _new(self, name: str) -> tuple[str, ...]:
        return ("-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", self.key(name))

    def _openssl(self, *arguments: str) -> None:
        subprocess.run([require_program("openssl"), *arguments], check=True, capture_output=True)


@contextmanager
def making_certificates(user: str) -> Iterator[Certificates]:
    """Give a folder that anybody may enter; where tests run as root, the servers' keys are those of `user`."""
    folder = Path(tempfile.mkdtemp(prefix="tls-"))
    try:
        folder.chmod(0o755)
        made = Certificates(folder)
        for name in ("ca", "stranger"):
            made.make_authority(name)
        for name, extension in (("server", _HERE), ("elsewhere", _ELSEWHERE), ("client", "")):
            made.make_signed(name, extension)
        for name in ("server", "elsewhere"):
            Path(made.key(name)).chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(made.key(name), user)
        yield made
    finally:
        shutil.rmtree(folder)
