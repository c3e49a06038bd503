"""What a fetch asks of the place that its files come from, and the ways in which a fetch fails."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Protocol

NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class SourceError(Exception):
    """An archive or weights could not be had. `missing`: the source answered, and has no such thing."""

    def __init__(self, reason: str, *, missing: bool = False) -> None:
        super().__init__(reason)
        self.missing = missing


class ContentError(Exception):
    """What came is not what was asked for: another digest, no archive or manifest, another version."""


class DiskFullError(Exception):
    """There is no room."""


class ArtifactSource(Protocol):
    """Where archives and weights come from."""

    def read(self, location: str, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from that one on, piece by piece. Raises SourceError, at the first piece or any later one."""
        ...
