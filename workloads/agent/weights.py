"""Weights on the local disk: the files of an artifact in a folder named by its digest, whole or not there.

Beside a folder in the making, `sha256-….part`, nothing of it is visible. In there a file lies under `incoming` until
its SHA-256 was checked and its bytes were flushed, and under `whole` from then on: so the names under `whole` are the
journal of what need not be fetched again after a crash. Their manifest is proved by the digest each time.

Deleting weights that a worker has mapped into its memory is fine: Linux keeps the bytes until it lets go of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import stat
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

from workloads.agent.archives import (
    NO_SPACE,
    ArchiveError,
    ArtifactSource,
    DiskFullError,
    SourceError,
)
from workloads.agent.artifact import MANIFEST, ArtifactFile, read_manifest, tree_digest
from workloads.agent.configuration import Weights
from workloads.agent.downloads import Downloads, Progress
from workloads.agent.folders import (
    delete,
    delete_quietly,
    files_below,
    flush_folder,
    folders_below,
    listed,
    own_folder,
    remove_empty,
)
from workloads.agent.limits import LARGE_MANIFEST, LONGEST_MANIFEST, MOST_FILES

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
        self._large = threading.Lock()
        """Held by the one fetch whose manifest is large: lists of 100,000 files fit the memory one at a time."""
        own_folder(folder)
        for entry in listed(folder):
            path = Path(entry.path)
            done = path.suffix == _PART and path.with_suffix("").exists()
            if path.suffix == _GONE or done:  # what a killed agent had begun to delete
                delete_quietly(path)

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
        return frozenset(self._digests(_PART))

    def progress(self, digest: str) -> tuple[int, int]:
        """Bytes that are here, and of how many; of a fetch that is under way."""
        found = self._progress.get(digest, Progress())
        return found.done, found.of

    def fetch(self, weights: Weights) -> None:
        """Bring them here, unless they are. Raises SourceError, ArchiveError or DiskFullError: then the files that
        were finished are kept for the next attempt, but not on a full disk."""
        target = self.path(weights.digest)
        if self.is_here(weights.digest):
            return
        own_folder(self._folder)
        delete(target)
        part = target.with_name(target.name + _PART)
        try:
            own_folder(part)
            manifest = self._manifest(weights, part)
            with self._large if manifest.stat().st_size > LARGE_MANIFEST else contextlib.nullcontext():
                self._fill(weights, part, manifest)
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
        with contextlib.suppress(ArchiveError):
            if self.is_here(digest) and digest in _digests_of(self.path(digest)):
                return True
        self.discard(digest)
        return False

    def _fill(self, weights: Weights, part: Path, manifest: Path) -> None:
        with manifest.open("rb") as content:
            pieces = iter(lambda: content.read(_CHUNK), b"")
            files = read_manifest(pieces, weights.digest, f"{weights.location}/{MANIFEST}")
        manifest.unlink()
        whole, incoming = part / "whole", part / "incoming"
        delete(incoming)
        for folder in (whole, incoming):
            own_folder(folder)
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
        for folder in folders_below(whole):
            flush_folder(folder)

    def _kept_free(self) -> str:
        return f" beyond the {self._keep_free} that are kept" if self._keep_free else ""

    def _manifest(self, weights: Weights, part: Path) -> Path:
        """Bring the manifest here, where it can be read piece by piece, more than once and without a connection."""
        place, size = f"{weights.location}/{MANIFEST}", 0
        path = part / MANIFEST
        delete(path)
        with path.open("wb") as out:
            for chunk in self._source.read(place):
                size += len(chunk)
                if size > LONGEST_MANIFEST:
                    raise ArchiveError(f"{place} has more than {LONGEST_MANIFEST} bytes, and is no manifest")
                out.write(chunk)
        return path

    def _digests(self, suffix: str) -> Iterator[str]:
        for entry in listed(self._folder):
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
    wanted = {file.name: file for file in files}
    here = set()
    for name, entry in files_below(whole):
        file = wanted.get(name)
        found = entry.stat(follow_symlinks=False)
        if file is not None and stat.S_ISREG(found.st_mode) and found.st_size == file.size:
            here.add(file)
        else:
            Path(entry.path).unlink()
    remove_empty(whole)
    return here


def _digests_of(root: Path) -> tuple[str, str]:
    """What the files give as a single file, and as a tree. Raises ArchiveError where no artifact has such files."""
    single, count = "", 0

    def read() -> Iterator[ArtifactFile]:
        nonlocal single, count
        for name, entry in files_below(root):
            found = entry.stat(follow_symlinks=False)
            count += 1
            if not stat.S_ISREG(found.st_mode) or count > MOST_FILES:
                raise ArchiveError(f"{name} is no file of an artifact")
            sha256 = _sha256(Path(entry.path))
            single = f"sha256:{sha256}" if count == 1 else ""
            yield ArtifactFile(name, found.st_size, sha256)

    tree = tree_digest(read())
    return single, tree


def _size(root: Path) -> int:
    """Bytes of the files; 0 where it was deleted since the folder was listed."""
    with contextlib.suppress(OSError):
        return sum(entry.stat(follow_symlinks=False).st_size for _, entry in files_below(root))
    return 0


def _sha256(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            hashed.update(chunk)
    return hashed.hexdigest()
