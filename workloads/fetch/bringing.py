"""Brings artifacts into their folders: each whole and checked, or not there.

What lies in place from an earlier run of the init container is hashed again, which reads it and fetches nothing. A
source that fails is asked again while each attempt gets further, and a few times where none does; then the kubelet
starts the container anew, on the same volume.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workloads.artifacts.fetching import Fetch, has_digest, remove_leftovers
from workloads.artifacts.folders import own_folder
from workloads.artifacts.port import ArtifactSource, SourceError
from workloads.artifacts.room import Room, WithinRoom
from workloads.fetch.progress import Reporter
from workloads.fetch.wanted import WantedFolder

ATTEMPTS = 5
"""In a row that bring no byte, before the fetch is given up. Chosen."""
PAUSE_SECONDS = 2.0
"""Before the second attempt; doubled each time. Chosen."""

_log = logging.getLogger("workloads.fetch")


@dataclass(frozen=True)
class Bringing:
    """How artifacts are brought."""

    source: ArtifactSource
    keep_free: int = 0
    """Bytes of the disk that no fetch takes."""
    pause: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    report_every: float = 10.0
    """Seconds between lines of the log that say how far it is."""

    def bring(self, wanted: WantedFolder) -> None:
        """Bring one artifact, unless it is there. Raises what workloads.artifacts.fetching.Fetch.run raises."""
        folder = Path(wanted.folder)
        own_folder(folder.parent)
        remove_leftovers(folder.parent)
        said = {"artifact": wanted.digest, "folder": wanted.folder}
        if folder.exists() and has_digest(folder, wanted.digest):
            _log.info("there already, and hashed again", extra={"fields": said})
            return
        _log.info("fetch begins", extra={"fields": said})
        began = self.clock()
        size = self._fetched(wanted, folder)
        seconds = round(self.clock() - began, 1)
        _log.info("fetched and checked", extra={"fields": {**said, "bytes": size, "seconds": seconds}})

    def _fetched(self, wanted: WantedFolder, folder: Path) -> int:
        """Fetch it. Returns the bytes of its files."""
        source = self.source
        if self.keep_free:
            source = WithinRoom(source, Room(folder.parent, self.keep_free))
        furthest = failed = 0
        while True:
            fetch = Fetch(source, wanted.digest, wanted.location, folder, keep_free=self.keep_free)
            try:
                with Reporter(wanted, fetch.progress, every=self.report_every):
                    fetch.run()
                return fetch.progress.of
            except SourceError as error:
                further = fetch.progress.done > furthest
                furthest, failed = max(furthest, fetch.progress.done), 1 if further else failed + 1
                if error.missing or failed >= ATTEMPTS:
                    raise
                seconds = PAUSE_SECONDS * 2 ** (failed - 1)
                fields = {"artifact": wanted.digest, "reason": str(error), "again_in_seconds": seconds}
                _log.warning("the source fails", extra={"fields": fields})
            self.pause(seconds)
