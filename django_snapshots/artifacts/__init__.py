"""What goes into a snapshot: the contract and our own artifacts."""

from django_snapshots.artifacts.contract import Artifact, StageableArtifact, Staged
from django_snapshots.artifacts.database import DatabaseArtifact
from django_snapshots.artifacts.directory import DirectoryArtifact
from django_snapshots.artifacts.environment import EnvironmentArtifact

__all__ = ["Artifact", "DatabaseArtifact", "DirectoryArtifact", "EnvironmentArtifact", "StageableArtifact", "Staged"]
