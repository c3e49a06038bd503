"""The files of one artifact, several at once, each checked while it streams.

A fault of the artifact and a full disk end the other files in the middle. A source that fails lets them end, so that
each attempt gets further. Threads are daemons: a process that has to stop does not wait for gigabytes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from workloads.artifacts.folders import delete_quietly
from workloads.artifacts.manifest import FILES, ArtifactFile
from workloads.artifacts.port import ArtifactSource, ContentError, SourceError

INCOMING, WHOLE = "incoming", "whole"
_CHUNK = 1 << 20


@dataclass
class Progress:
    """How far one fetch is, in bytes. `of` is 0 until the manifest was read."""

    of: int = 0
    done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, count: int) -> None:
        """Count so many bytes more; threads share it."""
        with self._lock:
            self.done += count


class Downloads:
    """Files on their way into INCOMING of a folder, and from there into WHOLE."""

    def __init__(self, source: ArtifactSource, location: str, part: Path, progress: Progress) -> None:
        self._source = source
        self._location = location
        self._part = part
        self._progress = progress
        self._no_more = threading.Event()
        self._abort = threading.Event()
        self._failures: list[Exception] = []

    def run(self, files: list[ArtifactFile], at_once: int) -> None:
        """Bring the files. Raises the first failure."""
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

    def end(self, why: Exception) -> None:
        """End in the middle of whatever is coming."""
        self._failures.append(why)
        self._no_more.set()
        self._abort.set()

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

    def _download(self, file: ArtifactFile) -> None:
        incoming = self._part / INCOMING / incoming_name(file)
        target = inside(self._part / WHOLE, file.name)
        try:
            if self._came_whole(file, incoming):
                target.parent.mkdir(parents=True, exist_ok=True)
                incoming.replace(target)
        except Exception as error:
            if not _passes(error):
                delete_quietly(incoming)
            raise

    def _came_whole(self, file: ArtifactFile, incoming: Path) -> bool:
        """Go on where an earlier attempt stopped. Returns whether the file came to its end.

        The bytes that the earlier attempt left may be the wrong ones, so a file that does not come right is begun anew
        once.
        """
        begun = begun_bytes(incoming)
        try:
            return self._collect(file, incoming)
        except (ContentError, SourceError) as error:
            if not begun or _passes(error):
                raise
        self._progress.add(-begun_bytes(incoming))
        delete_quietly(incoming)
        return self._collect(file, incoming)

    def _collect(self, file: ArtifactFile, incoming: Path) -> bool:
        """Append the bytes that are missing and check the whole. Returns False where the fetch was ended meanwhile."""
        place = f"{self._location}/{FILES}/{file.name}"
        with _opened(incoming) as out:
            hashed = hashlib.sha256()
            size = _read_through(out, hashed.update)
            pieces = self._source.read(place, size) if size < file.size or not file.size else ()
            for chunk in pieces:
                size += len(chunk)
                if self._abort.is_set() or size > file.size:
                    break
                hashed.update(chunk)
                out.write(chunk)
                self._progress.add(len(chunk))
            out.flush()
            os.fsync(out.fileno())
        if self._abort.is_set():
            return False
        if size > file.size:
            raise ContentError(f"{place} has more than the {file.size} bytes of its manifest")
        found = hashed.hexdigest()
        if (size, found) != (file.size, file.sha256):
            raise ContentError(
                f"{place} has {size} bytes and the SHA-256 {found}; its manifest says {file.size} and {file.sha256}"
            )
        return True


def incoming_name(file: ArtifactFile) -> str:
    """The name below INCOMING under which a file's bytes are collected: the same in each attempt."""
    return hashlib.sha256(file.name.encode()).hexdigest()


def begun_bytes(incoming: Path) -> int:
    """How much of a file an earlier attempt has left; 0 where there is no such file."""
    with contextlib.suppress(OSError):
        found = incoming.lstat()
        return found.st_size if stat.S_ISREG(found.st_mode) else 0
    return 0


def inside(root: Path, name: str) -> Path:
    """The path of a file below root. Raises ContentError where it would lie elsewhere; names were checked before."""
    path = Path(os.path.normpath(root / name))
    if root not in path.parents:
        raise ContentError(f"{name!r} lies outside the artifact's folder")
    return path


def _opened(path: Path) -> BinaryIO:
    """Open a regular file for reading and appending. Others write to the volume: a link is not followed, and a pipe,
    which would never end, is refused."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileExistsError(errno.EEXIST, "something that is no file took its place", str(path))
    return open(descriptor, "r+b")  # noqa: PTH123 - of a descriptor; its caller closes it


def _read_through(file: BinaryIO, take: Callable[[bytes], object]) -> int:
    """Give all that the file holds to `take`; returns how many bytes those were. The file is at its end then."""
    size = 0
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        take(chunk)
        size += len(chunk)
    return size


def _passes(error: Exception) -> bool:
    """Whether the source is at fault, and neither the artifact nor the disk."""
    return isinstance(error, SourceError) and not error.missing
