"""One object from source to target, server-side: the bytes never come here.

Up to 5 GB it is one CopyObject, of which S3 computes the SHA-256 itself. Beyond, S3 copies parts, and has no SHA-256
of the whole: the source is read once, before it is copied, and the result is kept with the copy.

Every read and copy asks for the ETag of the listing. A copy never replaces another one blindly, so that of two runs
one wins and the other takes over its object.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from botocore.exceptions import ClientError

from artifacts.errors import StorageError
from artifacts.manifest import ManifestFile
from artifacts.storage.faults import CONFLICT, NOT_FOUND, code_of, told
from artifacts.storage.hashing import changed_meanwhile, full_sha256, sha256_at_source, stream_sha256
from artifacts.storage.parallel import Tally, in_parallel
from artifacts.storage.source import Source, SourceObject
from artifacts.storage.target import Target, version_of

SINGLE_COPY_LIMIT: Final = 5 * 1000**3
"""Bytes that one CopyObject takes (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html: 5 GB)."""

PART_SIZE: Final = 512 * 1024**2
"""Bytes of a part; larger where 10,000 of them, S3's most, would not do."""

_MOST_PARTS: Final = 10_000
_ROUNDS: Final = 5
"""How often an object that somebody else writes at the same time is looked at anew."""

_ETAG_MARK: Final = "slipway-source-etag"
_SHA256_MARK: Final = "slipway-sha256"
"""Metadata of a copy: what it is a copy of, and what reading the source gave."""


class PublishedMeanwhileError(StorageError):
    """Another run has published the digest, so this one has nothing to do."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A file that lies in the target now."""

    found: SourceObject
    sha256: str
    etag: str
    """In the target."""
    version_id: str | None
    """In the target; None where its bucket keeps no versions."""
    copied: bool
    """False when it was there already."""


@dataclass(frozen=True, kw_only=True)
class Copier:
    """Copies objects of one source to one target; may be used from many threads."""

    source: Source
    target: Target
    tally: Tally
    part_workers: int
    """Parts of one object under way at once."""
    stop: threading.Event
    published: Mapping[str, ManifestFile] = field(default_factory=dict)
    """When mending, the manifest's files by name: what is as it says stays, whatever the source holds now."""
    single_copy_limit: int = SINGLE_COPY_LIMIT
    part_size: int = PART_SIZE

    def place(self, found: SourceObject, *, maybe_there: bool) -> Placed:
        """Copies the object unless a copy of it is there.

        Args:
            found: what to copy.
            maybe_there: whether to look before copying.

        Raises:
            PublishedMeanwhileError: another run has published the digest, and something else is in the way here.
            StorageError: the source has changed since the listing, or S3 does not do it.
        """
        there = self.target.head(found.name) if maybe_there else None
        for _ in range(_ROUNDS):
            if there is not None:
                if kept := self._as_wanted(there, found):
                    self.tally.add(size=found.size, files=1)
                    return kept
                self._may_replace()
            over = _etag(there)
            placed = self._copy(found, over=over)
            if placed is not None:
                self.tally.add(size=0, files=1)
                return placed
            there = self.target.head(found.name)
            if _etag(there) == over:
                self._must_be_unchanged(found)
        raise StorageError(
            f"s3://{self.target.bucket}/{self.target.key(found.name)} is being written by somebody else again and "
            "again. Fix: find out who, and run it again"
        )

    def _as_wanted(self, there: Mapping[str, Any], found: SourceObject) -> Placed | None:
        """What lies in the target, if it is what was published or a copy of this very object; else None."""
        known = self.published.get(found.name)
        sha256 = _sha256_of_copy(there, found) if known is None else _sha256_as_published(there, known)
        if sha256 is None:
            return None
        return Placed(
            found=replace(found, size=there["ContentLength"]),
            sha256=sha256,
            etag=there["ETag"],
            version_id=version_of(there),
            copied=False,
        )

    def _may_replace(self) -> None:
        """What is published is not overwritten, except when mending."""
        if not self.published and self.target.published() is not None:
            raise PublishedMeanwhileError(str(self.target))

    def _copy(self, found: SourceObject, *, over: str | None) -> Placed | None:
        """The copy; None when source or target is not as expected. `over` is the ETag to replace, None for nothing."""
        place = f"s3://{self.source.bucket}/{found.key}"
        with told(f"copying {place} server-side to {self.target}"):
            try:
                if found.size > self.single_copy_limit:
                    return self._copy_parts(found, over)
                return self._copy_whole(found, over)
            except ClientError as error:
                if code_of(error) in NOT_FOUND:
                    raise changed_meanwhile(place) from error
                if code_of(error) not in CONFLICT:
                    raise
                return None

    def _copy_whole(self, found: SourceObject, over: str | None) -> Placed:
        answer = self.target.client.copy_object(
            Bucket=self.target.bucket,
            Key=self.target.key(found.name),
            ChecksumAlgorithm="SHA256",
            MetadataDirective="REPLACE",
            Metadata={_ETAG_MARK: found.etag},
            **self._from(found),
            **_condition(over),
            **self.target.encrypted(),
        )
        self.tally.add(size=found.size)
        copy = answer["CopyObjectResult"]
        sha256 = full_sha256(copy) or self._read_back(found)
        return Placed(
            found=found, sha256=sha256, etag=copy["ETag"], version_id=version_of(answer), copied=True
        )

    def _read_back(self, found: SourceObject) -> str:
        """For an S3 that does not answer a copy with its SHA-256."""
        key = self.target.key(found.name)
        request = {"Bucket": self.target.bucket, "Key": key, **self.target.owned()}
        return stream_sha256(self.target.client, request)

    def _copy_parts(self, found: SourceObject, over: str | None) -> Placed:
        sha256 = self._sha256_of_source(found)
        where: dict[str, Any] = {"Bucket": self.target.bucket, "Key": self.target.key(found.name)}
        client = self.target.client
        upload = client.create_multipart_upload(
            **where,
            Metadata={_ETAG_MARK: found.etag, _SHA256_MARK: sha256},
            **self.target.owned(),
            **self.target.encrypted(),
        )["UploadId"]
        with self._aborting(where, upload):

            def copy(part: tuple[int, int, int]) -> dict[str, Any]:
                number, first, last = part
                answer = client.upload_part_copy(
                    **where,
                    UploadId=upload,
                    PartNumber=number,
                    CopySourceRange=f"bytes={first}-{last}",
                    **self._from(found),
                )
                self.tally.add(size=last - first + 1)
                return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

            ranges = part_ranges(found.size, self.part_size)
            parts: Any = in_parallel(copy, ranges, workers=self.part_workers, stop=self.stop)
            whole = client.complete_multipart_upload(
                **where,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                **_condition(over),
                **self.target.owned(),
            )
        return Placed(
            found=found, sha256=sha256, etag=whole["ETag"], version_id=version_of(whole), copied=True
        )

    def _sha256_of_source(self, found: SourceObject) -> str:
        request: dict[str, Any] = {
            "Bucket": self.source.bucket,
            "Key": found.key,
            "IfMatch": found.etag,
            **self.source.owned(),
        }
        sha256, _ = sha256_at_source(self.source.client, request)
        return sha256

    @contextmanager
    def _aborting(self, where: dict[str, Any], upload: str) -> Iterator[None]:
        """Parts of an upload that fails are paid for until somebody removes them; the bucket's lifecycle does it
        for a run that was killed."""
        try:
            yield
        except BaseException:
            self.target.client.abort_multipart_upload(**where, UploadId=upload, **self.target.owned())
            raise

    def _from(self, found: SourceObject) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "CopySource": {"Bucket": self.source.bucket, "Key": found.key},
            "CopySourceIfMatch": found.etag,
            **self.target.owned(),
        }
        if self.source.owner:
            parameters["ExpectedSourceBucketOwner"] = self.source.owner
        return parameters

    def _must_be_unchanged(self, found: SourceObject) -> None:
        place = f"s3://{self.source.bucket}/{found.key}"
        with told(f"looking at {place}"):
            try:
                answer = self.source.client.head_object(
                    Bucket=self.source.bucket, Key=found.key, **self.source.owned()
                )
            except ClientError as error:
                if code_of(error) in NOT_FOUND:
                    raise changed_meanwhile(place) from error
                raise
        if answer["ETag"] != found.etag:
            raise changed_meanwhile(place)


def part_ranges(size: int, part_size: int) -> list[tuple[int, int, int]]:
    """(number from 1, first byte, last byte) of each part: at most 10,000, as even as `part_size` allows."""
    step = max(part_size, -(-size // _MOST_PARTS))
    starts = range(0, size, step)
    return [(number, first, min(first + step, size) - 1) for number, first in enumerate(starts, start=1)]


def _condition(over: str | None) -> dict[str, Any]:
    return {"IfNoneMatch": "*"} if over is None else {"IfMatch": over}


def _sha256_of_copy(there: Mapping[str, Any], found: SourceObject) -> str | None:
    marks: Mapping[str, str] = there["Metadata"]
    if there["ContentLength"] != found.size or marks.get(_ETAG_MARK) != found.etag:
        return None
    return full_sha256(there) or marks.get(_SHA256_MARK)


def _sha256_as_published(there: Mapping[str, Any], known: ManifestFile) -> str | None:
    """The metadata is not believed here: whoever altered the object may have kept it."""
    untouched = there["ETag"] == known.etag or full_sha256(there) == known.sha256
    return known.sha256 if untouched and there["ContentLength"] == known.size else None


def _etag(there: Mapping[str, Any] | None) -> str | None:
    return None if there is None else str(there["ETag"])
