"""The artifact contract: one stream of bytes in a snapshot. Structural; nothing to inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

__all__ = ["Artifact", "StageableArtifact", "Staged"]


class Artifact(Protocol):
    """What can be put into a snapshot and brought back.

    Attributes:
        suffix: The file name ending of the stream, without a dot, such as "tar".

    A class may also have, each used where it exists:
        kind: str, the manifest's `kind`; "custom" without it.
        compress: bool, False for streams that are stored without the configured compression.
        plain_on_disk: bool, True where `dump` writes into the temporary directory, in files with names, what a snapshot
            with encryption must not show to anybody; such a snapshot is refused.
        compare_only: bool, True for one that a restore compares and leaves alone.
        stage(source, facts) -> Staged: see `StageableArtifact`.
        size_hint() -> int | None: bytes that `dump` will write, roughly, for progress; None where not known.
        plan(facts) -> dict: what a restore would replace, JSON values, with the key "target" (text for people);
            `current_size_bytes` is what is there now, `needs_bytes` and `free_bytes` the space that a restore needs
            and has; other keys are said of what comes from the snapshot.
            Raises SnapshotError when these facts can never be restored here (another engine, no such alias).
        compare(manifest, facts) -> dict: how what is here differs from the snapshot; JSON values, said with those of
            `plan`.
        content() -> "empty", "filled" or "unreadable": what the target holds; what is empty needs no safety snapshot.
        for_safety(facts) -> Artifact: what dumps all that a restore with these facts replaces, where that is more than
            `dump` writes; it makes the safety snapshot, and its `content()` says whether one is needed.
        lock_key() -> str | None: a text that is the same for everything on this host that has the same target, so that
            two restores of it wait for each other; None where there is nothing to share.
        target_folder() -> Path | None: the folder, without symlinks, that a restore replaces with all it holds; two of
            which one is inside the other are not restored in one go.
        obstacle() -> str | None: why nothing can be put into the target as it is now, whatever the snapshot holds, and
            what to do about it; None where nothing is known to be in the way. Leaves the target as it is.
        verify(source, facts) -> list[str]: what is wrong with the stream, a text for each thing, [] for nothing. Reads
            `source`, whose bytes are proved when its end is reached, and parses it; touches neither the target nor a
            server. Raises SnapshotError when it cannot tell (a program is missing, the disk is full).
        drill(source, facts) -> dict | None: restores into a scratch place of its own, which is removed at the end, and
            returns `problems` and `notes`, lists of texts; None when it cannot do that. The target stays as it is.
        check() -> list[Problem]: what is wrong with its configuration, without touching the network.
    """

    suffix: str

    def dump(self, sink: BinaryIO) -> Mapping[str, JsonValue]:
        """Write the whole stream to `sink` once, in chunks, and return facts for the manifest.

        Two facts have a meaning: `notes`, a list of texts on what was left out or changed while it was read,
        and `problems`, a list of texts on data that belongs in the snapshot and is missing: they make it degraded.
        `sink` has `write` only. What `dump` raises fails the whole backup.
        """
        ...

    def restore(self, source: BinaryIO, facts: Mapping[str, Any]) -> None:
        """Replace the live data by the stream, whose bytes were verified; `facts` are those of `dump`."""


class Staged(Protocol):
    """Data made ready beside its target."""

    def commit(self) -> None:
        """Replace the target, by the shortest step there is; afterwards it is wholly new, or as before and raises."""

    def discard(self) -> None:
        """Remove what was made ready: called instead of `commit`, or after a `commit` that raised. Never raises."""


@runtime_checkable
class StageableArtifact(Artifact, Protocol):
    """An artifact that can do all that may fail beside its target, before anything is replaced."""

    def stage(self, source: BinaryIO, facts: Mapping[str, Any]) -> Staged:
        """Decode and check the stream beside the target, reading `source` to its end; leave the target alone."""
        ...
