"""Where research left the files: one listing tells names, sizes and ETags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from artifacts.digest import Kind
from artifacts.errors import RefusedError
from artifacts.names import normal_name, refuse_collisions
from artifacts.storage.faults import told

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file, or all files below a prefix, of a bucket that may be another account's or region's."""

    client: S3Client
    """Of the bucket's region."""
    bucket: str
    path: str
    """Key of the file, or the prefix of all files, with or without a slash at its end."""
    owner: str | None = None
    """Account that must own the bucket, in twelve digits."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.path}"

    def owned(self) -> dict[str, Any]:
        """The parameter that makes S3 refuse a bucket of somebody else."""
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}


@dataclass(frozen=True, kw_only=True)
class SourceObject:
    """One file in the source."""

    name: str
    """In the artifact."""
    key: str
    size: int
    """Bytes."""
    etag: str
    """As in the listing: who reads the object later asks for this one."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """All that an artifact is made of, at one moment."""

    kind: Kind
    objects: tuple[SourceObject, ...]
    """Sorted by name."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(found.size for found in self.objects)


def list_source(source: Source) -> Listing:
    """One listing of the source (a request for each 1,000 files).

    Raises:
        RefusedError: nothing is there, the path is both a file and a folder, or names cannot be kept.
        StorageError: it may not or cannot be read.
    """
    folder = f"{source.path.rstrip('/')}/"
    with told(f"listing {source}"):
        exact = list(_exact(source))
        below = [entry for entry in _below(source, folder) if not _is_marker(entry)]
    if exact and below:
        raise RefusedError(
            f"{source} is a file and, with {len(below)} files, a folder too. Fix: write s3://{source.bucket}/{folder} "
            "for the folder, or rename the file"
        )
    if not exact and not below:
        raise RefusedError(
            f"{source} holds no file. Fix: correct bucket and path, or wait until the upload has ended"
        )
    kind = Kind.FILE if exact else Kind.TREE
    base = source.path.rpartition("/")[0] if exact else folder.rstrip("/")
    objects = sorted(
        (_object(entry, base) for entry in exact or below), key=lambda found: found.name.encode()
    )
    refuse_collisions(found.name for found in objects)
    return Listing(kind=kind, objects=tuple(objects))


def _exact(source: Source) -> Iterator[Any]:
    """The object whose key is the path, of which there is one or none: it would come first."""
    if not source.path.endswith("/"):
        answer = source.client.list_objects_v2(
            Bucket=source.bucket, Prefix=source.path, MaxKeys=1, **source.owned()
        )
        yield from (entry for entry in answer.get("Contents", ()) if entry["Key"] == source.path)


def _below(source: Source, folder: str) -> Iterator[Any]:
    pages = source.client.get_paginator("list_objects_v2").paginate(
        Bucket=source.bucket, Prefix=folder, **source.owned()
    )
    for page in pages:
        yield from page.get("Contents", ())


def _is_marker(entry: Any) -> bool:
    """A folder as consoles make it: an empty object whose key ends with a slash."""
    return bool(entry["Key"].endswith("/")) and entry["Size"] == 0


def _object(entry: Any, base: str) -> SourceObject:
    name = entry["Key"][len(base) + 1 :] if base else entry["Key"]
    return SourceObject(name=normal_name(name), key=entry["Key"], size=entry["Size"], etag=entry["ETag"])
