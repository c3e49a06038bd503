"""The fetch of one artifact into one folder, which is whole or not there.

Nothing is visible of a folder in the making, `NAME.part` beside it. In there a file lies under `incoming` until its
SHA-256 was checked and its bytes were flushed, and under `whole` from then on: so the names under `whole` are the
journal of the files that need not be fetched again after a crash, and a file under `incoming` is gone on with. The
manifest is proved by the digest each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from workloads.artifacts.downloads import (
    INCOMING,
    WHOLE,
    Downloads,
    Progress,
    begun_bytes,
    incoming_name,
)
from workloads.artifacts.folders import (
    delete,
    delete_quietly,
    files_below,
    flush_folder,
    folders_below,
    listed,
    own_folder,
    remove_empty,
)
from workloads.artifacts.limits import LARGE_MANIFEST, LONGEST_MANIFEST, MOST_FILES
from workloads.artifacts.manifest import MANIFEST, ArtifactFile, read_manifest, tree_digest
from workloads.artifacts.port import (
    NO_SPACE,
    ArtifactSource,
    ContentError,
    DiskFullError,
    SourceError,
)
from workloads.artifacts.room import Room

AT_ONCE = 4
"""Files of one artifact that are fetched together: one stream from S3 does not fill a pod's network."""

PART = ".part"
_GONE = ".gone"
_CHUNK = 1 << 20


class Fetch:
    """One fetch of the artifact of a digest into the folder `target`, from `location` in the source."""

    def __init__(
        self,
        source: ArtifactSource,
        digest: str,
        location: str,
        target: Path,
        *,
        at_once: int = AT_ONCE,
        keep_free: int = 0,
        large: contextlib.AbstractContextManager[object] | None = None,
    ) -> None:
        """`large` is held while a large manifest is in memory, by one fetch at a time."""
        self.progress = Progress()
        self._source = source
        self._digest = digest
        self._location = location
        self._target = target.absolute()
        self._part = part_of(self._target)
        self._room = Room(self._target.parent, keep_free)
        self._at_once = at_once
        self._large = large or contextlib.nullcontext()
        self._downloads: Downloads | None = None

    def run(self) -> None:
        """Bring the files here, whatever was in their place.

        Raises:
            SourceError: the source has them not, or does not answer.
            ContentError: the files or their manifest are not those of the digest.
            DiskFullError: there is no room; what was fetched of the artifact is given up then.
            OSError: the volume failed.
        """
        own_folder(self._target.parent)
        delete(self._target)
        try:
            own_folder(self._part)
            manifest = self._manifest()
            with self._large if manifest.stat().st_size > LARGE_MANIFEST else contextlib.nullcontext():
                self._fill(manifest)
            (self._part / WHOLE).rename(self._target)
            flush_folder(self._target.parent)
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            said = f"{self._room.folder} is full: {self._room.free} bytes are free{self._room.kept}"
            remove(self._part)
            raise DiskFullError(said) from error
        remove(self._part)

    def end(self, why: Exception) -> None:
        """End it in the middle of its files, if it has come so far; `run` raises the reason."""
        if self._downloads is not None:
            self._downloads.end(why)

    def _manifest(self) -> Path:
        """Bring the manifest here, where it can be read piece by piece, more than once and without a connection."""
        place, size = f"{self._location}/{MANIFEST}", 0
        path = self._part / MANIFEST
        delete(path)
        with path.open("wb") as out:
            for chunk in self._source.read(place):
                size += len(chunk)
                if size > LONGEST_MANIFEST:
                    raise ContentError(f"{place} has more than {LONGEST_MANIFEST} bytes, and is no manifest")
                out.write(chunk)
        return path

    def _fill(self, manifest: Path) -> None:
        with manifest.open("rb") as content:
            pieces = iter(lambda: content.read(_CHUNK), b"")
            files = read_manifest(pieces, self._digest, f"{self._location}/{MANIFEST}")
        manifest.unlink()
        whole, incoming = self._part / WHOLE, self._part / INCOMING
        for folder in (whole, incoming):
            own_folder(folder)
        here = _kept(whole, files)
        self.progress.of = sum(file.size for file in files)
        missing = set(files) - here
        self.progress.add(sum(file.size for file in here) + _begun(incoming, missing))
        more = self.progress.of - self.progress.done
        if more > self._room.free:
            remove(self._part)
            raise DiskFullError(
                f"{self._room.folder} is full: {self._location} takes {more} bytes more, "
                f"and {self._room.free} are free{self._room.kept}"
            )
        self._downloads = Downloads(self._source, self._location, self._part, self.progress)
        self._downloads.run(sorted(missing, key=lambda file: (-file.size, file.name)), at_once=self._at_once)
        if _kept(whole, files) != set(files):
            raise SourceError(f"{self._location} did not come whole; it is asked for again")
        for folder in folders_below(whole):
            flush_folder(folder)


def part_of(target: Path) -> Path:
    """The folder in the making beside a folder."""
    return target.with_name(target.name + PART)


def remove(path: Path) -> None:
    """Delete a folder: at once for whoever looks, then piece by piece."""
    gone = path.with_name(f"{path.name}.{uuid.uuid4().hex}{_GONE}")
    with contextlib.suppress(FileNotFoundError):
        path.rename(gone)
        delete(gone)


def remove_leftovers(folder: Path) -> None:
    """Delete the folders below it that a killed process had begun to delete, and parts of what is whole."""
    for entry in listed(folder):
        path = Path(entry.path)
        done = path.suffix == PART and path.with_suffix("").exists()
        if path.suffix == _GONE or done:
            delete_quietly(path)


def has_digest(folder: Path, digest: str) -> bool:
    """Whether the files of a folder give the digest, as a single file or as a tree. Reads them all. Raises OSError."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    with contextlib.suppress(ContentError):
        return digest in _digests_of(folder)
    return False


def _kept(whole: Path, files: tuple[ArtifactFile, ...]) -> set[ArtifactFile]:
    """The files that are here from an earlier attempt. Others than the manifest's are deleted."""
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


def _begun(incoming: Path, missing: set[ArtifactFile]) -> int:
    """Bytes of the files that an earlier attempt has begun. What is none of them is deleted."""
    there = {entry.name for entry in listed(incoming)}
    begun = {name: file for file in missing if (name := incoming_name(file)) in there} if there else {}
    size = 0
    for name in sorted(there):
        found = begun_bytes(incoming / name)
        if name in begun and 0 < found <= begun[name].size:
            size += found
        else:
            delete(incoming / name)
    return size


def _digests_of(root: Path) -> tuple[str, str]:
    """The digests that the files give as a single file, and as a tree. Raises ContentError where no artifact has such
    files."""
    single, count = "", 0

    def read() -> Iterator[ArtifactFile]:
        nonlocal single, count
        for name, entry in files_below(root):
            found = entry.stat(follow_symlinks=False)
            count += 1
            if not stat.S_ISREG(found.st_mode) or count > MOST_FILES:
                raise ContentError(f"{name} is no file of an artifact")
            sha256 = _sha256(Path(entry.path))
            single = f"sha256:{sha256}" if count == 1 else ""
            yield ArtifactFile(name, found.st_size, sha256)

    tree = tree_digest(read())
    return single, tree


def _sha256(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            hashed.update(chunk)
    return hashed.hexdigest()
