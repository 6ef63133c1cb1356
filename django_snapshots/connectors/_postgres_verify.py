"""Is a stored dump whole? pg_restore reads all of an archive, we read all of a script; no server is asked."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from django_snapshots.connectors._postgres_directory import unpack_directory
from django_snapshots.connectors._postgres_programs import installed_clients
from django_snapshots.connectors._postgres_script import ScriptError, ScriptReader, is_copy
from django_snapshots.connectors._program import Command, inherited_environment, parse_version, running, version_line
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotConnectorError
from django_snapshots.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from django_snapshots.connectors._postgres_programs import Directory
    from django_snapshots.connectors._program import RunningProgram

__all__ = ["verify_dump"]


def verify_dump(alias: str, source: BinaryIO, facts: Mapping[str, Any], bin_directory: Directory | None) -> list[str]:
    """Return what is wrong with the dump.

    Raises:
        SnapshotConnectorError: There is no pg_restore that can read it.
        SnapshotSpaceError: There is no room to unpack the directory format.
    """
    if facts.get("format") == "plain":
        return _script_damage(lambda: source.read(CHUNK_SIZE))
    written_by = str(facts.get("client_version") or "")
    path = _pg_restore(alias, next(iter(parse_version(written_by)), 0), bin_directory)
    if facts.get("format") == "directory":
        return _directory_damage(alias, source, facts, path)
    command = Command((str(path), "--format=custom", "--file=-"), inherited_environment(), f"database/{alias}")
    with running(command, stdin=True, stdout=True) as program:
        return _archive_damage(program, source)


def _directory_damage(alias: str, source: BinaryIO, facts: Mapping[str, Any], pg_restore: Path) -> list[str]:
    artifact = f"database/{alias}"
    with scratch_directory() as scratch:
        folder = scratch / "dump"
        try:
            needed_bytes = int(facts.get("directory_bytes") or 0)
            unpack_directory(source, folder, artifact=artifact, needed_bytes=needed_bytes)
            arguments = (str(pg_restore), "--format=directory", "--file=-", str(folder))
            with running(Command(arguments, inherited_environment(), artifact), stdout=True) as program:
                found = _script_damage(program.read_chunk)
                program.finish()
        except SnapshotConnectorError as error:
            return [str(error)]
    return found


def _archive_damage(program: RunningProgram, source: BinaryIO) -> list[str]:
    found: list[str] = []
    reading = threading.Thread(target=lambda: found.extend(_script_damage(program.read_chunk)), daemon=True)
    reading.start()
    try:
        program.feed(source)
    except BaseException:
        program.terminate()
        raise
    finally:
        reading.join()
    try:
        program.finish()
    except SnapshotConnectorError as error:
        return [str(error)]
    return found


def _script_damage(read: Callable[[], bytes]) -> list[str]:
    """Read to the end, what follows damage too, so that whoever writes is not held up."""
    reader = ScriptReader(read)
    try:
        for statement in reader.statements():
            if is_copy(statement):
                for _ in reader.rows():
                    pass
    except ScriptError as error:
        while read():
            pass
        return [f"The dump is not whole: {error}."]
    return [] if reader.complete else ["The dump is not whole: the mark at its end is missing."]


def _pg_restore(alias: str, at_least: int, bin_directory: Directory | None) -> Path:
    artifact = f"database/{alias}"
    for path in installed_clients("pg_restore", bin_directory):
        if next(iter(parse_version(version_line(path, artifact=artifact))), 0) >= at_least:
            return path
    raise SnapshotConnectorError(
        f"The dump was made by pg_dump {at_least or 'of an unknown version'}, and no pg_restore as new as that is "
        f"installed here: it cannot be parsed. Install it (Debian package: postgresql-client-{at_least}).",
        artifact=artifact,
    )
