"""What the agent keeps on the pod's shared volume, which is TorchServe's model store too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workloads.agent.archives import ArchiveStore, ArtifactSource
from workloads.agent.version_files import VersionFiles
from workloads.agent.weights import WeightsStore


@dataclass(frozen=True)
class Disk:
    """Archives, weights, and what workers read about their version."""

    archives: ArchiveStore
    weights: WeightsStore
    version_files: VersionFiles

    @staticmethod
    def at(folder: Path, source: ArtifactSource) -> Disk:
        """The volume, with all of its folders."""
        weights = WeightsStore(folder / "weights", source)
        return Disk(ArchiveStore(folder, source), weights, VersionFiles(folder / "versions", weights))
