"""How far a fetch is, in its log: a line each few seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from workloads.artifacts.downloads import Progress
from workloads.fetch.wanted import WantedFolder

_log = logging.getLogger("workloads.fetch")


class Reporter:
    """Says in the background how far one fetch is, while it is entered."""

    def __init__(
        self,
        wanted: WantedFolder,
        progress: Progress,
        *,
        every: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = wanted
        self._progress = progress
        self._every = every
        self._clock = clock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._report, name="progress", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _report(self) -> None:
        then, before = self._clock(), self._progress.done
        while not self._over.wait(self._every):
            now, done = self._clock(), self._progress.done
            _log.info(
                "fetching", extra={"fields": self._fields(done, (done - before) / max(now - then, 0.001))}
            )
            then, before = now, done

    def _fields(self, done: int, rate: float) -> dict[str, Any]:
        """`rate` is in bytes a second, of the last interval."""
        of = self._progress.of
        return {
            "artifact": self._wanted.digest,
            "folder": self._wanted.folder,
            "bytes": done,
            "of_bytes": of,
            "percent": int(100 * done / of) if of else 0,
            "bytes_per_second": max(0, int(rate)),
            "seconds_left": int((of - done) / rate) if rate > 0 else None,
        }
