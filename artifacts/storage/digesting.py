"""The digest of files that nobody has promoted yet: of a folder or file here, or of a source in S3."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.digest import FileDigest, Kind, digest_of
from artifacts.errors import RefusedError
from artifacts.names import normal_name
from artifacts.storage.client import WORKERS
from artifacts.storage.hashing import sha256_at_source
from artifacts.storage.parallel import Report, Tally, in_parallel, report_nothing
from artifacts.storage.source import Source, SourceObject, list_source


@dataclass(frozen=True, kw_only=True)
class Digested:
    """A digest and what it is of."""

    kind: Kind
    digest: str
    files: tuple[FileDigest, ...]
    """Sorted by name."""
    read: int
    """Bytes that had to be read; what S3 has hashed itself is not."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def digest_source(source: Source, *, report: Report = report_nothing, workers: int = WORKERS) -> Digested:
    """Of files in S3: from S3's own SHA-256 of an object where it has one, else by reading it once.

    Raises:
        RefusedError: there are no files, or their names cannot be kept.
        StorageError: a file changed meanwhile, or S3 cannot or may not be asked.
    """
    listing = list_source(source)
    tally = Tally(files_total=len(listing.objects), size_total=listing.size, report=report)

    def one(found: SourceObject) -> tuple[FileDigest, int]:
        request: dict[str, Any] = {
            "Bucket": source.bucket,
            "Key": found.key,
            "IfMatch": found.etag,
            **source.owned(),
        }
        sha256, was_read = sha256_at_source(source.client, request)
        tally.add(size=found.size, files=1)
        return FileDigest(name=found.name, size=found.size, sha256=sha256), found.size if was_read else 0

    pairs = in_parallel(one, listing.objects, workers=workers, stop=threading.Event())
    return _digested(listing.kind, [file for file, _ in pairs], sum(read for _, read in pairs))


def digest_path(path: Path) -> Digested:
    """Of a file or folder on this machine; links to files are followed.

    Raises:
        RefusedError: nothing is there, or names cannot be kept.
        OSError: a file cannot be read.
    """
    files = [_file(each, name) for name, each in local_files(path)]
    kind = Kind.FILE if path.is_file() else Kind.TREE
    if not files:
        raise RefusedError(f"{path} holds no file. Fix: correct the path")
    return _digested(kind, files, sum(file.size for file in files))


def local_files(path: Path) -> list[tuple[str, Path]]:
    """Name in an artifact and place of each file; of a file itself, its own name.

    Raises:
        RefusedError: a folder in it is a link.
    """
    if path.is_file():
        return [(path.name, path)]
    return [(each.relative_to(path).as_posix(), each) for each in _walk(path)]


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder, onerror=_cannot_be_read):
        if link := next((name for name in folders if Path(where, name).is_symlink()), None):
            raise RefusedError(
                f"{Path(where, link)} is a link to a folder, which an upload may follow or not. Fix: name a folder "
                "without such links"
            )
        yield from (Path(where, name) for name in names)


def _cannot_be_read(error: OSError) -> None:
    raise error  # os.walk would leave the folder out


def _file(path: Path, name: str) -> FileDigest:
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
        return FileDigest(name=normal_name(name), size=opened.tell(), sha256=digest.hexdigest())


def _digested(kind: Kind, files: list[FileDigest], read: int) -> Digested:
    ordered = tuple(sorted(files, key=lambda file: file.name.encode()))
    return Digested(kind=kind, digest=digest_of(kind, ordered), files=ordered, read=read)
