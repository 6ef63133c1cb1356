"""The verb `verify`, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_snapshots.cli.documents import verify_document
from django_snapshots.cli.session import EXIT_DAMAGED, EXIT_FAILED
from django_snapshots.errors import SnapshotStorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_snapshots.cli.session import Session
    from django_snapshots.engine.verify_all import Verified
    from django_snapshots.project import Project

__all__ = ["verified_text", "verify"]

_DEPTH = {
    1: "stored bytes proved",
    2: "stored bytes proved, decoded and parsed",
    3: "stored bytes proved, decoded, parsed and restored in a drill",
}


def verify(project: Project, session: Session) -> None:
    """Verify, print what was found in each snapshot, and end with an exit code that says how it is."""
    from django_snapshots.verification import verify_snapshots  # noqa: PLC0415 - other verbs do without its memory

    options = session.options
    if options["require_level"] == max(_DEPTH) and not options["deep"]:
        raise session.refuse("--require-level 3 is a drill: add --deep.")
    names = [] if options["all"] else [options["name"] or "latest"]
    found: list[Verified] = []
    failure = None
    with session.progress() as on_progress:
        try:
            for each in verify_snapshots(
                project, names, sample_percent=options["sample"], deep=options["deep"], on_progress=on_progress
            ):
                found.append(each)  # noqa: PERF402 - those before a failure are wanted
        except SnapshotStorageError as error:
            failure = error
    if failure is not None and not _damaged(found):
        raise failure
    session.finish(verify_document(found), lambda: verified_text(found))
    _end(session, found, failure)
    _require_level(session, found, options["require_level"])


def _require_level(session: Session, found: Sequence[Verified], level: int | None) -> None:
    lower = [each for each in found if each.verification.level < (level or 0)]
    if lower:
        verifications = [each.verification for each in lower]
        listed = ", ".join(f"{one.snapshot.name} (level {one.level})" for one in verifications)
        raise session.not_well(
            f"Not verified to level {level}: {listed}. No damage was found, but not everything could be looked at; "
            "the notes say why.",
            [verified_text(lower)],
            EXIT_FAILED,
        )


def _damaged(found: Sequence[Verified]) -> list[Verified]:
    return [each for each in found if each.verification.problems]


def _end(session: Session, found: Sequence[Verified], failure: SnapshotStorageError | None) -> None:
    more = "" if failure is None else f" Others could not be verified: {failure}"
    if damaged := _damaged(found):
        raise session.not_well(
            f"Damaged: {_names(damaged)}. Do not rely on it: make a new backup, and find out what changed the "
            f"files.{more}",
            [verified_text(damaged)],
            EXIT_DAMAGED,
        )
    if unverified := [each for each in found if each.verification.unverified]:
        raise session.not_well(
            f"Not verified: {_names(unverified)}. No damage was found, but not everything could be looked at.",
            [verified_text(unverified)],
            EXIT_FAILED,
        )


def _names(found: Sequence[Verified]) -> str:
    return ", ".join(each.verification.snapshot.name for each in found)


def verified_text(found: Sequence[Verified]) -> str:
    """Return what `verify` says of each snapshot."""
    return "\n".join(line for each in found for line in _lines(each))


def _lines(each: Verified) -> list[str]:
    one = each.verification
    state = "DAMAGED" if one.problems else "whole" if one.ok else "not verified"
    manifest = one.snapshot.manifest
    of = f" of {len(manifest.artifacts)}" if manifest and not one.is_whole else ""
    depth = f", {_DEPTH[one.level]}" if one.ok else ""
    lines = [f"{one.snapshot.name}: {state} (level {one.level}{depth}; artifacts: {len(one.artifacts)}{of})"]
    for label, findings in (("", one.problems), ("not verified: ", one.unverified), ("note: ", one.notes)):
        lines += [f"  {label}{finding.artifact or 'manifest'}: {finding.message}" for finding in findings]
    if each.unrecorded_because:
        lines.append(f"  The result could not be recorded: {each.unrecorded_because}")
    return lines
