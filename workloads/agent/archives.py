"""Archives on the local disk, named by their digest: a name that exists is a whole, checked archive.

The folder is TorchServe's model store. A download goes to a temporary file beside it and is renamed after its digest
was checked and its bytes were flushed, so neither TorchServe nor a restarted agent ever sees half.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import uuid
from pathlib import Path

from workloads.agent.configuration import Archive
from workloads.artifacts.folders import delete, delete_quietly, flush_folder, listed, own_folder
from workloads.artifacts.port import NO_SPACE, ArtifactSource, ContentError, DiskFullError

_SUFFIX = ".mar"
_PART = ".part"
_CHUNK = 1 << 20
_NAME = re.compile(r"sha256-[0-9a-f]{64}\.mar")


def archive_file(digest: str) -> str:
    """The name in the model store: "sha256:ab…" → "sha256-ab….mar"; TorchServe shows it as modelUrl."""
    return digest.replace(":", "-", 1) + _SUFFIX


def digest_of(file_name: str) -> str:
    """The inverse of archive_file; "" for any other name."""
    stem = file_name[: -len(_SUFFIX)]
    if not file_name.endswith(_SUFFIX) or not stem.startswith("sha256-"):
        return ""
    return stem.replace("-", ":", 1)


class ArchiveStore:
    """The archives of one folder."""

    def __init__(self, folder: Path, source: ArtifactSource, *, keep_free: int = 0) -> None:
        self._folder = folder
        self._keep_free = keep_free
        self._source = source
        own_folder(folder)
        for entry in listed(folder):
            if entry.name.endswith(_PART):
                delete_quietly(Path(entry.path))

    def present(self) -> dict[str, int]:
        """Digest → bytes of every whole archive."""
        found = {}
        for entry in listed(self._folder):
            if _NAME.fullmatch(entry.name):
                with contextlib.suppress(OSError):  # collected since the folder was listed
                    seen = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(seen.st_mode):
                        found[digest_of(entry.name)] = seen.st_size
        return found

    def free_bytes(self) -> int:
        """What is left on the volume for archives and weights; 0 where the volume does not say."""
        try:
            return max(0, shutil.disk_usage(self._folder).free - self._keep_free)
        except OSError:
            return 0

    def path(self, digest: str) -> Path:
        """Where the archive lies, or would."""
        return self._folder / archive_file(digest)

    def fetch(self, archive: Archive) -> None:
        """Bring it here, unless it is. Raises SourceError, ContentError or DiskFullError; then nothing is left."""
        target = self.path(archive.digest)
        if archive.digest in self.present():
            return
        own_folder(self._folder)
        delete(target)  # a folder or a link in its place
        part = self._folder / f"{target.name}.{uuid.uuid4().hex}{_PART}"
        try:
            self._download(archive, part)
            part.replace(target)
            flush_folder(self._folder)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise DiskFullError(f"{self._folder} is full: {self.free_bytes()} bytes are free") from error
            raise
        finally:
            part.unlink(missing_ok=True)

    def discard(self, digest: str) -> None:
        """Delete it, if it is there."""
        delete(self.path(digest))

    def verify(self, digest: str) -> bool:
        """Whether the bytes on the disk are still those that were checked; deletes them where they are not."""
        hashed = hashlib.sha256()
        with self.path(digest).open("rb") as file:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                hashed.update(chunk)
        if f"sha256:{hashed.hexdigest()}" == digest:
            return True
        self.discard(digest)
        return False

    def _download(self, archive: Archive, part: Path) -> None:
        hashed = hashlib.sha256()
        with part.open("wb") as file:
            for chunk in self._source.read(archive.location):
                hashed.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        found = f"sha256:{hashed.hexdigest()}"
        if found != archive.digest:
            raise ContentError(f"{archive.location} has the digest {found}, not {archive.digest}")
