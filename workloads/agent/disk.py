"""What the agent keeps on the pod's shared volume, which is TorchServe's model store too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workloads.agent.archives import ArchiveStore
from workloads.agent.version_files import VersionFiles
from workloads.agent.weights import WeightsStore
from workloads.artifacts.port import ArtifactSource
from workloads.artifacts.room import Room, WithinRoom


@dataclass(frozen=True)
class Disk:
    """Archives, weights, and what workers read about their version."""

    archives: ArchiveStore
    weights: WeightsStore
    version_files: VersionFiles

    @staticmethod
    def at(folder: Path, source: ArtifactSource, *, keep_free: int = 0) -> Disk:
        """The volume, with all of its folders. `keep_free`: bytes of it that no fetch takes."""
        if keep_free:
            source = WithinRoom(source, Room(folder, keep_free))
        weights = WeightsStore(folder / "weights", source, keep_free=keep_free)
        archives = ArchiveStore(folder, source, keep_free=keep_free)
        return Disk(archives, weights, VersionFiles(folder / "versions", weights))
