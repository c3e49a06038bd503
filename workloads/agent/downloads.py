"""The files of one artifact, several at once, each checked while it streams.

What is the artifact's own fault, or a full disk, ends the others in the middle; a source that fails lets them end, so
that each attempt gets further. Daemon threads: an agent that has to stop does not wait for gigabytes.
"""

from __future__ import annotations

import hashlib
import os
import threading
import uuid
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from workloads.agent.archives import ArchiveError, ArtifactSource, SourceError
from workloads.agent.artifact import FILES, ArtifactFile


@dataclass
class Progress:
    """Of one fetch. `of` is 0 until the manifest was read. In bytes."""

    of: int = 0
    done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, count: int) -> None:
        """So many bytes more; threads share it."""
        with self._lock:
            self.done += count


class Downloads:
    """Into `incoming` of a folder, and from there into `whole`."""

    def __init__(self, source: ArtifactSource, location: str, part: Path, progress: Progress) -> None:
        self._source = source
        self._location = location
        self._part = part
        self._progress = progress
        self._no_more = threading.Event()
        self._abort = threading.Event()
        self._failures: list[Exception] = []

    def run(self, files: list[ArtifactFile], at_once: int) -> None:
        """Raises what the first failure was."""
        waiting = deque(files)
        threads = [
            threading.Thread(target=self._work, args=(waiting,), name=f"weights {number}", daemon=True)
            for number in range(min(at_once, len(files)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:
            raise min(self._failures, key=_passes)

    def _work(self, waiting: deque[ArtifactFile]) -> None:
        while not self._no_more.is_set():
            try:
                file = waiting.popleft()
            except IndexError:
                return
            try:
                self._download(file)
            except Exception as error:  # noqa: BLE001 - raised again by run
                self._failures.append(error)
                self._no_more.set()
                if not _passes(error):
                    self._abort.set()

    def end(self, why: Exception) -> None:
        """In the middle of whatever is coming."""
        self._failures.append(why)
        self._no_more.set()
        self._abort.set()

    def _download(self, file: ArtifactFile) -> None:
        place = f"{self._location}/{FILES}/{file.name}"
        incoming = self._part / "incoming" / uuid.uuid4().hex
        target = inside(self._part / "whole", file.name)
        hashed, size = hashlib.sha256(), 0
        try:
            with incoming.open("wb") as out:
                for chunk in self._source.read(place):
                    size += len(chunk)
                    if self._abort.is_set() or size > file.size:
                        break
                    hashed.update(chunk)
                    out.write(chunk)
                    self._progress.add(len(chunk))
                out.flush()
                os.fsync(out.fileno())
            if self._abort.is_set():
                return
            if size > file.size:
                raise ArchiveError(f"{place} has more than the {file.size} bytes of its manifest")
            found = hashed.hexdigest()
            if (size, found) != (file.size, file.sha256):
                raise ArchiveError(
                    f"{place} has {size} bytes and the SHA-256 {found}; its manifest says {file.size} and {file.sha256}"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            incoming.replace(target)
        finally:
            incoming.unlink(missing_ok=True)


def _passes(error: Exception) -> bool:
    """Whether it is the source's, and no fault of the artifact nor of the disk."""
    return isinstance(error, SourceError) and not error.missing


def inside(root: Path, name: str) -> Path:
    """The path of a file below root. Raises ArchiveError where it would lie elsewhere; names were checked before."""
    path = Path(os.path.normpath(root / name))
    if root not in path.parents:
        raise ArchiveError(f"{name!r} lies outside the artifact's folder")
    return path
