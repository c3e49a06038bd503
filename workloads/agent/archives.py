"""Archives on the local disk, named by their digest: a name that exists is a whole, checked archive.

The folder is TorchServe's model store. A download goes to a temporary file beside it and is renamed after its digest
was checked and its bytes were flushed, so neither TorchServe nor a restarted agent ever sees half.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from workloads.agent.archive_rules import ArchiveRuleError, check_archive, read_document
from workloads.agent.configuration import Archive

_SUFFIX = ".mar"
_PART = ".part"
_CHUNK = 1 << 20
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}

_MARK = "slipway.json"
_OWN_WEIGHTS = "weights/"
"""Folder of an exported archive that brings its weights."""


class SourceError(Exception):
    """An archive or weights could not be had. `missing`: the source answered, and has no such thing."""

    def __init__(self, reason: str, *, missing: bool = False) -> None:
        super().__init__(reason)
        self.missing = missing


class ArchiveError(Exception):
    """What came is not what was asked for: another digest, no archive or manifest, another version."""


class DiskFullError(Exception):
    """There is no room."""


class ArtifactSource(Protocol):
    """Where archives and weights come from."""

    def read(self, location: str) -> Iterator[bytes]:
        """The bytes, piece by piece. Raises SourceError, at the first piece or any later one."""
        ...


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
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(f"*{_PART}"):
            delete(part)

    def present(self) -> dict[str, int]:
        """Digest → bytes of every whole archive."""
        found = {}
        for entry in os.scandir(self._folder):
            digest = digest_of(entry.name)
            if digest:
                with contextlib.suppress(
                    OSError
                ):  # collected since the folder was listed, or not of our making
                    found[digest] = entry.stat().st_size
        return found

    def free_bytes(self) -> int:
        """What is left on the volume for archives and weights."""
        return max(0, shutil.disk_usage(self._folder).free - self._keep_free)

    def path(self, digest: str) -> Path:
        """Where the archive lies, or would."""
        return self._folder / archive_file(digest)

    def fetch(self, archive: Archive) -> None:
        """Bring it here, unless it is. Raises SourceError, ArchiveError or DiskFullError; then nothing is left."""
        target = self.path(archive.digest)
        if target.exists():
            return
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
            raise ArchiveError(f"{archive.location} has the digest {found}, not {archive.digest}")


@dataclass(frozen=True)
class Inside:
    """What an archive says of itself."""

    version: str
    weights: str | None
    """The digest that its slipway.json names; None where it has no such file."""
    brings_weights: bool
    """It has a folder of its own with them."""
    model: str | None = None
    """By which its adapter looks for them; None where it says none."""


def look_inside(path: Path) -> Inside:
    """Return what the archive says, once it was found to keep to all of archive_rules. Raises ArchiveError.

    TorchServe has to be kept from what is no zip file: it takes it for an archive without a manifest and registers an
    empty version 1.0 (measured, 0.12.0).
    """
    try:
        with path.open("rb") as file:
            checked = check_archive(file)
            thin = read_document(file, _MARK) if _MARK in checked.names else None
    except ArchiveRuleError as error:
        raise ArchiveError(f"the archive is refused: {error}") from None
    model = checked.manifest["model"]
    if "modelVersion" not in model:
        raise ArchiveError("the archive has no MAR-INF/MANIFEST.json with model.modelVersion")
    name = model.get("modelName")
    return Inside(
        version=str(model["modelVersion"]),
        weights=None if thin is None else _weights_of(thin),
        brings_weights=any(name.startswith(_OWN_WEIGHTS) for name in checked.names),
        model=None if name is None else str(name),
    )


def _weights_of(thin: Any) -> str:
    try:
        if thin["format"] == 1:
            return str(thin["weights"])
        reason = f"its format is {thin['format']!r}, and this agent reads 1"
    except (KeyError, TypeError) as error:
        reason = repr(error)
    raise ArchiveError(f"the archive's slipway.json names no weights: {reason}")


def delete(path: Path) -> None:
    """Whatever it is, if it is there: workers run the models' code, and write to the same volume."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Until the names in it are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
