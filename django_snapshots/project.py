"""The project's own snapshots: the one module that hands the configured plugins to the engine.

The command, the admin, tasks and a deploy script all come through here, so they all do the same.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import django
from django.db import connections
from django.utils.timezone import get_default_timezone

from django_snapshots import __version__
from django_snapshots._monitoring import free_bytes_at, thresholds_of
from django_snapshots.artifacts import DirectoryArtifact, EnvironmentArtifact
from django_snapshots.artifacts.environment import installed_distributions
from django_snapshots.artifacts.merged_directory import MergedDirectoryArtifact
from django_snapshots.codecs import Age, Gzip, Zstd
from django_snapshots.conf import SnapshotsConfigError, get_settings
from django_snapshots.conf.loading import load_secrets, notice_recipients
from django_snapshots.conf.naming import render_name
from django_snapshots.databases import database_artifact, forgetting_cached_rows, jobs_of_a_backup
from django_snapshots.engine import catalog, create, restore
from django_snapshots.engine.events import ignore_progress
from django_snapshots.engine.health import judge_health
from django_snapshots.engine.lease import holding_storage
from django_snapshots.engine.replacement import require_free
from django_snapshots.engine.restore import RestoredSnapshot
from django_snapshots.engine.safety import SafetyNet
from django_snapshots.engine.target_locks import holding_targets
from django_snapshots.engine.upkeep import Upkeep
from django_snapshots.errors import SnapshotArtifactError, SnapshotRestoreError
from django_snapshots.names import SAFETY_PREFIX, check_backup_name
from django_snapshots.notices import Notices
from django_snapshots.replication import follow_up, replicas_of
from django_snapshots.retention import Policy
from django_snapshots.selection import narrowed, require_fit_folders, select
from django_snapshots.storage.guard import GuardedStorage

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterator, Sequence

    from django_snapshots.artifacts.contract import Artifact
    from django_snapshots.codecs.contract import Codec
    from django_snapshots.conf.configuration import Configuration
    from django_snapshots.engine.catalog import Format, Snapshot
    from django_snapshots.engine.create import CreatedSnapshot
    from django_snapshots.engine.events import ProgressCallback
    from django_snapshots.engine.health import HealthReport
    from django_snapshots.engine.lease import StorageLease
    from django_snapshots.engine.replicas import Replicas
    from django_snapshots.engine.restore import RestorePlan
    from django_snapshots.engine.upkeep import Pruned

__all__ = ["Project", "this_host"]


def _now() -> datetime:
    return datetime.now(UTC)


class Project:
    """A Django project as its settings describe it, with what can be done with its snapshots."""

    def __init__(
        self,
        configuration: Configuration | None = None,
        *,
        clock: Callable[[], datetime] = _now,
        replica: int | None = None,
    ) -> None:
        """Take a valid configuration, the one in Django's settings without one.

        Args:
            configuration: What `django_snapshots.conf.get_settings()` returned.
            clock: Gives the present, aware.
            replica: The number, from 1, of the replica whose snapshots these are; STORAGE's without one.

        Raises:
            SnapshotsConfigError: The settings are wrong; lists every error.
            SnapshotReplicaError: There is no such replica.
        """
        configuration = configuration or get_settings()
        if configuration.settings is None:
            raise SnapshotsConfigError(configuration.errors)
        self._configuration = configuration
        self.settings = configuration.settings
        self.clock = clock
        self.storage = GuardedStorage(configuration.storage, signer=configuration.signing)
        if replica is not None:
            self.storage = self.replicas.numbered(replica).storage
        self.notices = Notices(
            self.storage,
            recipients=notice_recipients(self.settings),
            ping_url=self.settings.HEALTH.PING_URL,
            clock=clock,
            secrets=load_secrets,
            backup_is_due=lambda: self.look_at_health().misses_a_backup,
        )

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """The artifacts of this project, by name, in the order they are dumped."""
        configuration = self._configuration
        artifacts: dict[str, Artifact] = {
            f"database/{alias}": database_artifact(alias, connector)
            for alias, connector in configuration.connectors.items()
        }
        if configuration.media_root is not None:
            artifacts["media"] = DirectoryArtifact(configuration.media_root)
        artifacts["environment"] = EnvironmentArtifact()
        return {**artifacts, **configuration.artifacts}

    def create_snapshot(
        self,
        artifacts: Sequence[str] = (),
        *,
        databases: Sequence[str] = (),
        name: str | None = None,
        overwrite: bool = False,
        snapshot_format: Format | None = None,
        prune: bool = False,
        on_progress: ProgressCallback = ignore_progress,
    ) -> CreatedSnapshot:
        """Make a snapshot.

        Args:
            artifacts: Names; none means SNAPSHOTS['DEFAULT_ARTIFACTS'], or only `databases` when those are given.
            databases: Aliases to take instead of all that "database" means.
            name: The snapshot's name; SNAPSHOTS['SNAPSHOT_NAME'] without one.
            overwrite: Replace a snapshot of this name, once the new one is complete.
            snapshot_format: "directory" or "archive"; SNAPSHOTS['SNAPSHOT_FORMAT'] without one.
            prune: Apply the retention policy afterwards; when that cannot be done the snapshot is degraded.
            on_progress: Called with `django_snapshots.engine.events.Progress`.

        Raises:
            SnapshotBusyError: Another run writes to the storage, or restores one of the artifacts.
            SnapshotError: No snapshot was made; see `django_snapshots.engine.create.create_snapshot`.
        """
        created_at = self.clock()
        name = self._configuration.snapshot_name(created_at) if name is None else name
        names = artifacts or ([] if databases else self.settings.DEFAULT_ARTIFACTS)
        check_backup_name(name)
        selected = select(names, databases, self.artifacts)
        require_free(self.storage, name, overwrite=overwrite)
        with self.notices.backup(name) as running:
            require_fit_folders([self._configuration.storage, *self._configuration.replicas], selected)
            self._require_replaceable(name, overwrite=overwrite)
            form = snapshot_format or self.settings.SNAPSHOT_FORMAT
            with self._at_work("backup", selected, alone=False) as lease:
                running.begin()
                self._require_replaceable(name, overwrite=overwrite)  # once more: it may have been pinned meanwhile
                running.created = self._create(
                    lease,
                    selected,
                    name,
                    created_at,
                    snapshot_format=form,
                    overwrite=overwrite,
                    on_progress=on_progress,
                )
            running.created = follow_up(self, running.created, prune=prune, on_progress=on_progress)
        return running.created

    def _create(
        self,
        lease: StorageLease,
        selected: Mapping[str, Artifact],
        name: str,
        created_at: datetime,
        *,
        snapshot_format: Format,
        overwrite: bool,
        on_progress: ProgressCallback,
    ) -> CreatedSnapshot:
        return create.create_snapshot(
            self.storage,
            selected,
            name=name,
            created_at=created_at,
            host=this_host(),
            compression=self._configuration.compression,
            encryption=self._configuration.encryption,
            snapshot_format=snapshot_format,
            metadata=self.settings.METADATA,
            overwrite=overwrite,
            jobs=jobs_of_a_backup(self.settings.JOBS),
            release=connections.close_all,
            before_publish=lease.require_held,
            on_progress=on_progress,
        )

    def _require_replaceable(self, name: str, *, overwrite: bool) -> None:
        if overwrite:
            self.upkeep.require_replaceable(name)

    @contextmanager
    def _at_work(
        self, verb: str, artifacts: Mapping[str, Artifact], *, alone: bool, writes: bool = True
    ) -> Iterator[StorageLease]:
        """Keep other runs away from the artifacts and from the storage; see `docs/explanation/locks`."""
        with (
            holding_targets(artifacts, verb, alone=alone, clock=self.clock),
            holding_storage(self.storage, verb, clock=self.clock, writes=writes) as lease,
        ):
            yield lease

    def list_snapshots(self) -> list[Snapshot]:
        """Return all snapshots, newest first, damaged ones among them."""
        return catalog.list_snapshots(self.storage)

    def find_snapshot(self, name: str) -> Snapshot:
        """Return the snapshot called `name`, or the newest complete one for "latest"."""
        return catalog.find_snapshot(self.storage, name)

    @property
    def upkeep(self) -> Upkeep:
        """What pins and deletes snapshots of this project."""
        return Upkeep(self.storage, clock=self.clock, zone=get_default_timezone())

    @property
    def replicas(self) -> Replicas:
        """The replicas of this project's storage."""
        return replicas_of(self._configuration, self.storage, self.clock)

    def prune(self, policy: Policy | None = None, *, dry_run: bool = False, expected: Collection[str] = ()) -> Pruned:
        """Delete what a retention policy does not keep, and what killed runs left behind.

        Args:
            policy: What to keep; SNAPSHOTS['PRUNE'] without one.
            dry_run: Only say what would be done.
            expected: Names that are known to be there; a list without them is incomplete, and refused.

        Raises:
            SnapshotPruneError: It was refused; nothing was deleted.
            SnapshotBusyError: Another run writes to the storage.
            SnapshotStorageError: The storage failed; every snapshot is whole, or not listed any more.
        """
        configured = self.settings.PRUNE.policy if self.settings.PRUNE else Policy()
        return self._told(self.upkeep.prune(policy or configured, dry_run=dry_run, expected=expected), dry_run=dry_run)

    def remove_leftovers(self, *, dry_run: bool = False) -> Pruned:
        """Remove what killed runs left behind, and no snapshot; needs no policy.

        Raises:
            SnapshotBusyError: Another run writes to the storage.
            SnapshotStorageError: The storage failed; what is left is found by the next run.
        """
        return self._told(self.upkeep.remove_leftovers(dry_run=dry_run), dry_run=dry_run)

    def _told(self, pruned: Pruned, *, dry_run: bool) -> Pruned:
        if not dry_run:
            self.notices.pruned([*pruned.deleted, *(leftover.name for leftover in pruned.leftovers)])
        return pruned

    def look_at_health(self) -> HealthReport:
        """Return how the backups are, by SNAPSHOTS['HEALTH']; tells nobody, and never raises for the storage."""
        thresholds = thresholds_of(self.settings.HEALTH)
        free_bytes = free_bytes_at(self._configuration.storage)
        zone = get_default_timezone()
        return judge_health(
            self.storage, thresholds, now=self.clock(), free_bytes=free_bytes, replicas=self.replicas, zone=zone
        )

    def health(self) -> HealthReport:
        """Return how the backups are, and tell those who are told of changes when it is not as the time before."""
        report = self.look_at_health()
        self.notices.health(report)
        return report

    def plan_restore(
        self,
        name: str,
        artifacts: Sequence[str] = (),
        *,
        databases: Sequence[str] | Mapping[str, str] = (),
        media_root: str | os.PathLike[str] | None = None,
        merge: bool = False,
        allow_unsigned: bool = False,
    ) -> RestorePlan:
        """Return what restoring a snapshot would replace; touches nothing.

        Args:
            name: The snapshot's name, or "latest".
            artifacts: Names; none means all in the snapshot, or only what `databases` and `media_root` name.
            databases: Aliases to take instead of all that "database" means; a mapping says into which alias each goes.
            media_root: A folder to restore media into, instead of MEDIA_ROOT.
            merge: Keep the files of media that the snapshot does not have.
            allow_unsigned: Take a snapshot also when SNAPSHOTS['SIGNING'] wants a signature that it does not have.

        Raises:
            SnapshotError: There is no such snapshot or artifact, or it can never be restored here.
        """
        only = narrowed(artifacts, list(databases))
        if media_root is not None and "media" not in only:
            only.append("media")
        into = dict(databases) if isinstance(databases, Mapping) else {}
        plan = restore.plan_restore(
            self.find_snapshot(name),
            self._targets(media_root, merge=merge),
            only=only,
            into={f"database/{source}": f"database/{target}" for source, target in into.items()},
            codecs=self.codecs,
            allow_unsigned=allow_unsigned,
        )
        if merge and "media" not in plan.targets:
            raise SnapshotArtifactError("Only media can be merged, and it is not restored here.", artifact="media")
        return plan

    def _targets(self, media_root: str | os.PathLike[str] | None, *, merge: bool) -> dict[str, Artifact]:
        artifacts = self.artifacts
        media = artifacts.get("media")
        folder = media.location if media_root is None and isinstance(media, DirectoryArtifact) else media_root
        if folder is not None:
            artifacts["media"] = MergedDirectoryArtifact(folder) if merge else DirectoryArtifact(folder)
        return artifacts

    def verify(self, plan: RestorePlan, *, on_progress: ProgressCallback = ignore_progress) -> None:
        """Read every stored file that a plan uses, compare it with the manifest, try the key; touches nothing."""
        restore.verify_stored(self.storage, plan, on_progress=on_progress)

    def require_restore_allowed(self) -> None:
        """Check that this host may restore.

        Raises:
            SnapshotRestoreError: SNAPSHOTS['ALLOW_RESTORE'] is False.
        """
        if not self.settings.ALLOW_RESTORE:
            raise SnapshotRestoreError(
                "Restoring is switched off here: SNAPSHOTS['ALLOW_RESTORE'] is False. Nothing was changed. "
                "Restore on a host where it is True, or set it to True for the time of the restore."
            )

    def restore(
        self, plan: RestorePlan, *, safety_snapshot: bool = True, on_progress: ProgressCallback = ignore_progress
    ) -> RestoredSnapshot:
        """Do what a plan says, after saving what it replaces.

        Args:
            plan: What `plan_restore` returned.
            safety_snapshot: Make a snapshot of what is there now, where there is anything, called "pre-restore-…".
            on_progress: Called with `django_snapshots.engine.events.Progress`.

        Raises:
            SnapshotBusyError: Another run writes to the storage, or works on one of the targets.
            SnapshotRestoreError: SNAPSHOTS['ALLOW_RESTORE'] is False, what is there now could not be saved, or a
                target could not be replaced.
            SnapshotError: Something was found wrong; nothing was changed.
        """
        self.require_restore_allowed()
        targets = plan.targets
        require_fit_folders([self._configuration.storage, *self._configuration.replicas], targets)
        with (
            self.notices.restore(plan.manifest.name, list(targets)),
            self._at_work("restore", targets, alone=True, writes=False) as lease,
        ):
            net = SafetyNet(plan, lambda filled: self._save(filled, lease, on_progress))
            with net.told_on_failure(), forgetting_cached_rows():
                before_staging = net.save if safety_snapshot else lease.require_held
                restore.restore_snapshot(self.storage, plan, before_staging=before_staging, on_progress=on_progress)
        return RestoredSnapshot(plan, net.name)

    def _save(
        self, artifacts: Mapping[str, Artifact], lease: StorageLease, on_progress: ProgressCallback
    ) -> CreatedSnapshot:
        created_at = self.clock()
        name = render_name(f"{SAFETY_PREFIX}{{timestamp_utc}}", created_at)
        form = self.settings.SNAPSHOT_FORMAT
        return self._create(
            lease, artifacts, name, created_at, snapshot_format=form, overwrite=False, on_progress=on_progress
        )

    @property
    def codecs(self) -> list[Codec]:
        """What a snapshot can be decoded with here."""
        # The manifest says what to decode with, so what is configured today does not matter; a codec of the
        # project's own comes last and so wins over ours of the same name.
        configured = (self._configuration.compression, self._configuration.encryption)
        return [Zstd(), Gzip(), Age(), *(codec for codec in configured if codec is not None)]


def this_host() -> create.Host:
    """Return what a manifest says of this host."""
    return create.Host(
        tool=f"django-snapshots {__version__}",
        python=".".join(map(str, sys.version_info[:3])),
        django=django.get_version(),
        hostname=socket.gethostname(),
        packages=installed_distributions(),
    )
