"""Tables for people: the lists of snapshots and of artifacts. Plain columns when the output is no terminal."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from django_snapshots.cli.render import age_text, moment_text, notes_lines
from django_snapshots.engine.verified import last_verification
from django_snapshots.scratch import format_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django_snapshots.engine.catalog import Snapshot
    from django_snapshots.engine.pins import Pin
    from django_snapshots.manifest import Manifest

__all__ = ["info_text", "list_text"]

PLAIN_WIDTH = 1000
"""Columns of output that is no terminal: a name must never be cut or folded there."""


def list_text(
    snapshots: Sequence[Snapshot], pins: Mapping[str, Pin], *, terminal: bool, color: bool, now: datetime
) -> str:
    """Return the table of `list`, and below it what is damaged, what holds an artifact in part, and each pin."""
    table = _table("Name", "Created", "Age", "Size", "Format", "Status", "Verified", "Artifacts")
    for snapshot in snapshots:
        manifest = snapshot.manifest
        status = "complete" if snapshot.damage is None else "[bold red]DAMAGED[/]"
        status += ", lacks some" if snapshot.lacking else ""
        status += ", pinned" if snapshot.name in pins else ""
        if manifest is None:
            table.add_row(escape(snapshot.name), "?", "?", "?", snapshot.format, status, _verified(snapshot, now), "?")
            continue
        table.add_row(
            escape(snapshot.name),
            moment_text(manifest.created_at),
            age_text(manifest.created_at, now),
            format_size(manifest.stored_size_bytes),
            snapshot.format,
            status,
            _verified(snapshot, now),
            escape(" ".join(record.name for record in manifest.artifacts)),
        )
    damage = [f"{snapshot.name}: {snapshot.damage}" for snapshot in snapshots if snapshot.damage]
    lacking = [
        f"{snapshot.name}: some of {' and '.join(snapshot.lacking)} could not be read when it was made, see `info`."
        for snapshot in snapshots
        if snapshot.lacking
    ]
    pinned = [f"{name}: {pin}" for name, pin in pins.items()]
    return "\n".join([_render(table, terminal=terminal, color=color), *damage, *lacking, *pinned])


def _verified(snapshot: Snapshot, now: datetime) -> str:
    last = last_verification(snapshot)
    if last is None:
        return "-"
    if last.record is None:
        return "?"
    age = f"{age_text(last.record.verified_at, now)} ago"
    return f"{age}, level {last.record.level}" if last.record.ok else f"[bold red]FAILED[/] {age}"


def info_text(
    snapshot: Snapshot,
    manifest: Manifest,
    pin: Pin | None,
    *,
    signing: bool,
    terminal: bool,
    color: bool,
    now: datetime,
) -> str:
    """Return the text of `info`; `signing` is whether the settings want manifests to be signed."""
    lines = [
        f"Snapshot   {manifest.name} ({snapshot.status}, {snapshot.format} format)",
        f"Created    {moment_text(manifest.created_at)} ({age_text(manifest.created_at, now)} ago)",
        f"Made by    {manifest.tool}, Python {manifest.python}, Django {manifest.django}, on {manifest.hostname}",
        f"Packages   {len(manifest.packages)} recorded",
        f"Encrypted  {_encryption(manifest)}",
        f"Signed     {_signature(snapshot, signing=signing)}",
    ]
    lines += [f"{key:<10} {value}" for key, value in manifest.metadata.items()]
    lines += _verification_lines(snapshot, now)
    if pin is not None:
        lines.append(f"Pinned     {pin}")
    if snapshot.damage:
        lines.append(f"DAMAGED    {snapshot.damage}")
    lines += [f"LACKING    {name}: {text}" for name, problems in manifest.problems.items() for text in problems]
    table = _table("Artifact", "Stored", "Plain", "File")
    for record in manifest.artifacts:
        table.add_row(
            escape(record.name), format_size(record.stored_size), format_size(record.plain_size), escape(record.path)
        )
    return "\n".join([*lines, "", _render(table, terminal=terminal, color=color), *notes_lines(manifest)])


def _encryption(manifest: Manifest) -> str:
    plain = [record.name for record in manifest.artifacts if record.encryption is None]
    readers = dict.fromkeys(
        reader for record in manifest.artifacts if record.encryption for reader in record.encryption.recipients
    )
    if not readers:
        return "no"
    can_read = f"for {', '.join(readers)}"
    return f"in part, {can_read}; not {', '.join(plain)}" if plain else f"yes, {can_read}"


def _signature(snapshot: Snapshot, *, signing: bool) -> str:
    if not signing:
        return "not looked at: SNAPSHOTS['SIGNING'] is not set"
    return "NO, see below" if snapshot.distrust else "yes, by a key that is trusted here"


def _verification_lines(snapshot: Snapshot, now: datetime) -> list[str]:
    last = last_verification(snapshot)
    if last is None:
        return ["Verified   never"]
    if last.record is None:
        return [f"Verified   not known: {last.damage}"]
    found = last.record
    outcome = "found whole" if found.ok else f"FAILED, problems: {len(found.problems)}"
    moment = f"{moment_text(found.verified_at)} ({age_text(found.verified_at, now)} ago)"
    lines = [f"Verified   {moment}, level {found.level}, by {found.tool}: {outcome}"]
    return lines + [f"           {problem.artifact or snapshot.name}: {problem.message}" for problem in found.problems]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column, no_wrap=column != "Artifacts", justify="right" if column in {"Size", "Stored", "Plain"} else "left"
        )
    return table


def _render(table: Table, *, terminal: bool, color: bool) -> str:
    width = shutil.get_terminal_size().columns if terminal else PLAIN_WIDTH
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, no_color=not color, highlight=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))
