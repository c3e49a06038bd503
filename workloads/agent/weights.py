"""Weights on the local disk: the files of an artifact in a folder named by its digest, whole or not there.

How one comes is said in workloads/artifacts/fetching.py. Deleting weights that a worker has mapped into its memory is
harmless: Linux keeps the bytes until it lets go of them.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from workloads.agent.configuration import Weights
from workloads.artifacts.fetching import (
    AT_ONCE,
    PART,
    Fetch,
    has_digest,
    part_of,
    remove,
    remove_leftovers,
)
from workloads.artifacts.folders import files_below, listed, own_folder
from workloads.artifacts.port import ArtifactSource, SourceError

_NAME = re.compile(r"sha256-[0-9a-f]{64}")


class WeightsStore:
    """The weights of one folder."""

    def __init__(
        self, folder: Path, source: ArtifactSource, *, at_once: int = AT_ONCE, keep_free: int = 0
    ) -> None:
        self._folder = folder.absolute()
        self._keep_free = keep_free
        self._source = source
        self._at_once = at_once
        self._sizes: dict[str, int] = {}
        self._under_way: dict[str, Fetch] = {}
        self._large = threading.Lock()
        """Held by the one fetch whose manifest is large: lists of 100,000 files fit the memory one at a time."""
        own_folder(folder)
        remove_leftovers(folder)

    def path(self, digest: str) -> Path:
        """Where they lie, or would; absolute."""
        return self._folder / digest.replace(":", "-", 1)

    def present(self) -> dict[str, int]:
        """Digest → bytes of all that is whole. Measured once each: what lies here does not change."""
        self._sizes = {
            digest: self._sizes.get(digest) or _size(self.path(digest))
            for digest in self._digests("")
            if self.is_here(digest)
        }
        return dict(self._sizes)

    def is_here(self, digest: str) -> bool:
        """Whether they are whole. A file or a link in their place is not."""
        path = self.path(digest)
        return path.is_dir() and not path.is_symlink()

    def begun(self) -> frozenset[str]:
        """What a fetch has left half, or is fetching."""
        return frozenset(self._digests(PART))

    def progress(self, digest: str) -> tuple[int, int]:
        """Bytes that are here, and of how many; of a fetch that is under way."""
        fetch = self._under_way.get(digest)
        return (fetch.progress.done, fetch.progress.of) if fetch else (0, 0)

    def fetch(self, weights: Weights) -> None:
        """Bring them here, unless they are. Raises SourceError, ContentError or DiskFullError: then the files that
        were finished are kept for the next attempt, but not on a full disk."""
        if self.is_here(weights.digest):
            return
        fetch = Fetch(
            self._source,
            weights.digest,
            weights.location,
            self.path(weights.digest),
            at_once=self._at_once,
            keep_free=self._keep_free,
            large=self._large,
        )
        self._under_way[weights.digest] = fetch
        try:
            fetch.run()
        finally:
            self._under_way.pop(weights.digest, None)

    def cancel(self, digest: str) -> None:
        """End the fetch that is under way, if one is: nobody needs them any more."""
        fetch = self._under_way.get(digest)
        if fetch is not None:
            fetch.end(SourceError("given up: no version needs these weights any more"))

    def discard(self, digest: str) -> None:
        """Delete what there is of them."""
        remove(self.path(digest))
        remove(part_of(self.path(digest)))

    def verify(self, digest: str) -> bool:
        """Whether the bytes on the disk still give the digest; deletes them where they do not. Reads them all."""
        if has_digest(self.path(digest), digest):
            return True
        self.discard(digest)
        return False

    def _digests(self, suffix: str) -> Iterator[str]:
        for entry in listed(self._folder):
            stem = entry.name[: len(entry.name) - len(suffix)]
            if entry.name.endswith(suffix) and _NAME.fullmatch(stem):
                yield stem.replace("-", ":", 1)


def _size(root: Path) -> int:
    """Bytes of the files; 0 where it was deleted since the folder was listed."""
    with contextlib.suppress(OSError):
        return sum(entry.stat(follow_symlinks=False).st_size for _, entry in files_below(root))
    return 0
