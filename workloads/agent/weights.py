"""Weights on the local disk: the files of an artifact in a folder named by its digest, whole or not there.

Beside a folder in the making, `sha256-….part`, nothing of it is visible. In there a file lies under `incoming` until
its SHA-256 was checked and its bytes were flushed, and under `whole` from then on: so the names under `whole` are the
journal of what need not be fetched again after a crash. Their manifest is proved by the digest each time.

Deleting weights that a worker has mapped into its memory is fine: Linux keeps the bytes until it lets go of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from workloads.agent.archives import (
    NO_SPACE,
    ArchiveError,
    ArtifactSource,
    DiskFullError,
    SourceError,
    delete,
    flush_folder,
)
from workloads.agent.artifact import (
    LONGEST_MANIFEST,
    MANIFEST,
    ArtifactFile,
    digest_of,
    read_manifest,
)
from workloads.agent.configuration import Weights
from workloads.agent.downloads import Downloads, Progress, inside

AT_ONCE = 4
"""Files of one artifact that are fetched together: one stream from S3 does not fill a pod's network."""

_PART, _GONE = ".part", ".gone"
_NAME = re.compile(r"sha256-[0-9a-f]{64}")
_CHUNK = 1 << 20


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
        self._progress: dict[str, Progress] = {}
        self._downloads: dict[str, Downloads] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for path in [*folder.glob(f"*{_GONE}"), *folder.glob(f"*{_PART}")]:
            if (
                path.suffix == _GONE or path.with_suffix("").exists()
            ):  # what a killed agent had begun to delete
                delete(path)

    def path(self, digest: str) -> Path:
        """Where they lie, or would; absolute."""
        return self._folder / digest.replace(":", "-", 1)

    def present(self) -> dict[str, int]:
        """Digest → bytes of all that is whole. Measured once each: what lies here does not change."""
        self._sizes = {
            digest: self._sizes.get(digest) or _size(self.path(digest)) for digest in self._digests("")
        }
        return dict(self._sizes)

    def begun(self) -> frozenset[str]:
        """What a fetch has left half, or is fetching."""
        return frozenset(self._digests(_PART))

    def progress(self, digest: str) -> tuple[int, int]:
        """Bytes that are here, and of how many; of a fetch that is under way."""
        found = self._progress.get(digest, Progress())
        return found.done, found.of

    def fetch(self, weights: Weights) -> None:
        """Bring them here, unless they are. Raises SourceError, ArchiveError or DiskFullError: then the files that
        were finished are kept for the next attempt, but not on a full disk."""
        target = self.path(weights.digest)
        if target.exists():
            return
        part = target.with_name(target.name + _PART)
        try:
            self._fill(weights, part)
            (part / "whole").rename(target)
            flush_folder(self._folder)
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            free = max(0, shutil.disk_usage(self._folder).free - self._keep_free)
            self._remove(part)
            raise DiskFullError(
                f"{self._folder} is full: {free} bytes are free{self._kept_free()}"
            ) from error
        finally:
            self._progress.pop(weights.digest, None)
            self._downloads.pop(weights.digest, None)
        self._remove(part)

    def cancel(self, digest: str) -> None:
        """Ends the fetch that is under way, if one is: nobody needs them any more."""
        downloads = self._downloads.get(digest)
        if downloads is not None:
            downloads.end(SourceError("given up: no version needs these weights any more"))

    def discard(self, digest: str) -> None:
        """Delete what there is of them."""
        target = self.path(digest)
        self._remove(target)
        self._remove(target.with_name(target.name + _PART))

    def verify(self, digest: str) -> bool:
        """Whether the bytes on the disk still give the digest; deletes them where they do not. Reads them all."""
        root = self.path(digest)
        files = tuple(
            ArtifactFile(path.relative_to(root).as_posix(), path.stat().st_size, _sha256(path))
            for path in _files(root)
        )
        if digest in {digest_of("file", files), digest_of("tree", files)}:
            return True
        self.discard(digest)
        return False

    def _fill(self, weights: Weights, part: Path) -> None:
        files = self._files_of(weights)
        whole, incoming = part / "whole", part / "incoming"
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(incoming)
        for folder in (whole, incoming):
            folder.mkdir(parents=True, exist_ok=True)
        here = _kept(whole, files)
        progress = Progress(of=sum(file.size for file in files), done=sum(file.size for file in here))
        self._progress[weights.digest] = progress
        free = max(0, shutil.disk_usage(self._folder).free - self._keep_free)
        if progress.of - progress.done > free:
            self._remove(part)
            raise DiskFullError(
                f"{self._folder} is full: {weights.location} takes {progress.of - progress.done} bytes more, "
                f"and {free} are free{self._kept_free()}"
            )
        missing = sorted(set(files) - here, key=lambda file: (-file.size, file.name))
        downloads = Downloads(self._source, weights.location, part, progress)
        self._downloads[weights.digest] = downloads
        downloads.run(missing, self._at_once)
        if _kept(whole, files) != set(files):
            raise SourceError(f"{weights.location} did not come whole; it is asked for again")
        for folder in [*(path for path in whole.rglob("*") if path.is_dir()), whole]:
            flush_folder(folder)

    def _kept_free(self) -> str:
        return f" beyond the {self._keep_free} that are kept" if self._keep_free else ""

    def _files_of(self, weights: Weights) -> tuple[ArtifactFile, ...]:
        place = f"{weights.location}/{MANIFEST}"
        content = b""
        for chunk in self._source.read(place):
            content += chunk
            if len(content) > LONGEST_MANIFEST:
                raise ArchiveError(f"{place} has more than {LONGEST_MANIFEST} bytes, and is no manifest")
        return read_manifest(content, weights.digest, place)

    def _digests(self, suffix: str) -> Iterator[str]:
        for entry in os.scandir(self._folder):
            stem = entry.name[: len(entry.name) - len(suffix)]
            if entry.name.endswith(suffix) and _NAME.fullmatch(stem):
                yield stem.replace("-", ":", 1)

    def _remove(self, path: Path) -> None:
        """At once for whoever looks, then piece by piece."""
        gone = path.with_name(f"{path.name}.{uuid.uuid4().hex}{_GONE}")
        with contextlib.suppress(FileNotFoundError):
            path.rename(gone)
            delete(gone)


def _kept(whole: Path, files: tuple[ArtifactFile, ...]) -> set[ArtifactFile]:
    """The files that are here from an earlier attempt. What is not of the manifest goes."""
    wanted = {inside(whole, file.name): file for file in files}
    here = set()
    for path in sorted(whole.rglob("*"), reverse=True):
        file = wanted.get(path)
        if path.is_dir():
            with contextlib.suppress(OSError):  # not empty
                path.rmdir()
        elif file is not None and path.stat().st_size == file.size:
            here.add(file)
        else:
            path.unlink()
    return here


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def _size(root: Path) -> int:
    with contextlib.suppress(OSError):  # collected since the folder was listed, or not of our making
        return sum(path.stat().st_size for path in _files(root))
    return 0


def _sha256(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            hashed.update(chunk)
    return hashed.hexdigest()
