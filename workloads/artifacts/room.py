"""Room on the volume: what is full for us, since a kubelet evicts pods before a disk is."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workloads.artifacts.port import ArtifactSource


@dataclass(frozen=True)
class Room:
    """The disk that a folder is on, and how many of its bytes no fetch takes."""

    folder: Path
    keep_free: int = 0

    @property
    def free(self) -> int:
        """Bytes that a fetch may take. Raises OSError."""
        return max(0, shutil.disk_usage(self.folder).free - self.keep_free)

    @property
    def kept(self) -> str:
        """The end of a sentence about free bytes."""
        return f" beyond the {self.keep_free} that are kept" if self.keep_free else ""


@dataclass(frozen=True)
class WithinRoom:
    """A source that ends as on a full disk while there is still something left, however many fetch at once."""

    source: ArtifactSource
    room: Room

    def read(self, location: str, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from that one on, piece by piece. Raises OSError, and what the source raises."""
        for chunk in self.source.read(location, start):
            if self.room.free < len(chunk):
                raise OSError(errno.ENOSPC, f"{self.room.keep_free} bytes are kept free")
            yield chunk
