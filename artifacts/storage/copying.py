"""One object from source to target, server-side: the bytes never come here.

Up to 5 GB it is one CopyObject, of which S3 computes the SHA-256 itself. Beyond, S3 copies parts, and has no SHA-256
of the whole: the source is read once, before it is copied, and the result is kept with the copy.

Every read and copy asks for the ETag of the listing. A run whose files have not given the digest yet writes only
where nothing is: what lies there may be another run's, which publishes it at the next moment. Only after the digest
was compared is anything replaced, and then by its ETag.
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
from artifacts.storage.parts import PART_SIZE, SINGLE_COPY_LIMIT, part_ranges
from artifacts.storage.placed import ETAG_MARK, SHA256_MARK, Placed, sha256_as_published, sha256_of_copy
from artifacts.storage.source import Source, SourceObject
from artifacts.storage.target import Target, version_of

_ROUNDS: Final = 5
"""How often an object that somebody else writes at the same time is looked at anew."""

_NO_UPLOAD: Final = "NoSuchUpload"


class PublishedMeanwhileError(StorageError):
    """Another run has published the digest, so this one has nothing to do."""


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
        """Copies the object where nothing is, and takes over a copy of it. Anything else that is there stays, and the
        file waits for :meth:`replace`. In a repair the manifest says what is wrong, and that is copied over.

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
                    return self._counted(kept)
                if not self.published:
                    return self._waiting(found, there)
            over = _etag(there)
            placed = self._copy(found, over=over)
            if placed is not None:
                self.tally.add(size=0, files=1)
                return self._taken_back(placed) if self._contradicts_manifest(placed) else placed
            there = self.target.head(found.name)
            if _etag(there) == over:
                self._must_be_unchanged(found)
        raise self._contended(found)

    def replace(self, file: Placed) -> Placed:
        """Copies over whatever is there, unless that has the file's bytes. Only for files that gave the digest.

        Raises:
            StorageError: the source holds other bytes by now, or S3 does not do it.
        """
        found = file.found
        for _ in range(_ROUNDS):
            there = self.target.head(found.name)
            if there is not None and self._holds(there, file):
                kept = replace(file, etag=there["ETag"], version_id=version_of(there))
                return kept if file.etag else self._counted(kept)
            placed = self._copy(found, over=_etag(there), sha256=None if self.published else file.sha256)
            if placed is not None and placed.sha256 != file.sha256:
                self._taken_back(placed)
                raise changed_meanwhile(f"s3://{self.source.bucket}/{found.key}")
            if placed is not None:
                self.tally.add(size=0, files=0 if file.etag else 1)
                return placed
            self._must_be_unchanged(found)
        raise self._contended(found)

    def _waiting(self, found: SourceObject, there: Mapping[str, Any]) -> Placed:
        """Return the file with the SHA-256 that it has at the source, which is read unless S3 has one."""
        if self.target.published() is not None:
            raise PublishedMeanwhileError(str(self.target))
        waiting = Placed(found=found, sha256=self._sha256_of_source(found))
        if self._holds(there, waiting):
            return self._counted(replace(waiting, etag=there["ETag"], version_id=version_of(there)))
        return waiting

    def _counted(self, kept: Placed) -> Placed:
        self.tally.add(size=kept.found.size, files=1)
        return kept

    def _contradicts_manifest(self, placed: Placed) -> bool:
        """Return whether research holds other bytes than were published."""
        known = self.published.get(placed.found.name)
        return bool(self.published) and (known is None or known.sha256 != placed.sha256)

    def _taken_back(self, placed: Placed) -> Placed:
        self.target.remove({placed.found.name: placed.etag})
        return Placed(found=placed.found, sha256=placed.sha256)

    def _holds(self, there: Mapping[str, Any], file: Placed) -> bool:
        """Return whether the bytes are the file's. In a repair the metadata is not believed."""
        said = {full_sha256(there)}
        if not self.published:
            said.add(there["Metadata"].get(SHA256_MARK))
        return there["ContentLength"] == file.found.size and file.sha256 in said

    def _contended(self, found: SourceObject) -> StorageError:
        return StorageError(
            f"s3://{self.target.bucket}/{self.target.key(found.name)} is being written by somebody else again and "
            "again. Fix: find out who, and run it again"
        )

    def _as_wanted(self, there: Mapping[str, Any], found: SourceObject) -> Placed | None:
        """What lies in the target, if it is what was published or a copy of this very object; else None."""
        known = self.published.get(found.name)
        sha256 = sha256_of_copy(there, found) if known is None else sha256_as_published(there, known)
        if sha256 is None:
            return None
        found = replace(found, size=there["ContentLength"])
        return Placed(found=found, sha256=sha256, etag=there["ETag"], version_id=version_of(there))

    def _copy(self, found: SourceObject, *, over: str | None, sha256: str | None = None) -> Placed | None:
        """The copy; None when source or target is not as expected. `over` is the ETag to replace, None for nothing,
        `sha256` the source's where it is known."""
        place = f"s3://{self.source.bucket}/{found.key}"
        with told(f"copying {place} server-side to {self.target}"):
            try:
                if found.size > self.single_copy_limit:
                    return self._copy_parts(found, over, sha256 or self._sha256_of_source(found))
                return self._copy_whole(found, over)
            except ClientError as error:
                missing = code_of(error) in NOT_FOUND
                if missing and over is None:
                    raise changed_meanwhile(place) from error
                if not missing and code_of(error) not in CONFLICT:
                    raise
                return None  # of a copy over something, S3 says that the source or the target is gone

    def _copy_whole(self, found: SourceObject, over: str | None) -> Placed:
        answer = self.target.client.copy_object(
            Bucket=self.target.bucket,
            Key=self.target.key(found.name),
            ChecksumAlgorithm="SHA256",
            MetadataDirective="REPLACE",
            Metadata={ETAG_MARK: found.etag},
            **self._from(found),
            **_condition(over),
            **self.target.encrypted(),
        )
        self.tally.add(size=found.size)
        copy = answer["CopyObjectResult"]
        sha256 = full_sha256(copy) or self._read_back(found, copy["ETag"])
        return Placed(
            found=found, sha256=sha256, etag=copy["ETag"], version_id=version_of(answer), copied=True
        )

    def _read_back(self, found: SourceObject, etag: str) -> str:
        """For an S3 that does not answer a copy with its SHA-256: of this very copy."""
        key = self.target.key(found.name)
        request = {"Bucket": self.target.bucket, "Key": key, "IfMatch": etag, **self.target.owned()}
        return stream_sha256(self.target.client, request)

    def _copy_parts(self, found: SourceObject, over: str | None, sha256: str) -> Placed:
        where: dict[str, Any] = {"Bucket": self.target.bucket, "Key": self.target.key(found.name)}
        client = self.target.client
        upload = client.create_multipart_upload(
            **where,
            Metadata={ETAG_MARK: found.etag, SHA256_MARK: sha256},
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
            try:
                self.target.client.abort_multipart_upload(**where, UploadId=upload, **self.target.owned())
            except ClientError as error:
                if code_of(error) != _NO_UPLOAD:  # completed by a request whose answer was lost
                    raise
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


def _condition(over: str | None) -> dict[str, Any]:
    return {"IfNoneMatch": "*"} if over is None else {"IfMatch": over}


def _etag(there: Mapping[str, Any] | None) -> str | None:
    return None if there is None else str(there["ETag"])
