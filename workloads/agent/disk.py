"""What the agent keeps on the pod's shared volume, which is TorchServe's model store too."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
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
    def at(folder: Path, source: ArtifactSource, *, keep_free: int = 0) -> Disk:
        """The volume, with all of its folders. `keep_free`: bytes of it that no fetch takes."""
        if keep_free:
            source = _WithinRoom(source, folder, keep_free)
        weights = WeightsStore(folder / "weights", source, keep_free=keep_free)
        archives = ArchiveStore(folder, source, keep_free=keep_free)
        return Disk(archives, weights, VersionFiles(folder / "versions", weights))


@dataclass(frozen=True)
class _WithinRoom:
    """A source that ends as on a full disk while there is still something left, however many fetch at once."""

    source: ArtifactSource
    folder: Path
    keep_free: int

    def read(self, location: str) -> Iterator[bytes]:
        """The bytes, piece by piece. Raises OSError, and what the source raises."""
        for chunk in self.source.read(location):
            if shutil.disk_usage(self.folder).free - len(chunk) < self.keep_free:
                raise OSError(errno.ENOSPC, f"{self.keep_free} bytes are kept free")
            yield chunk
