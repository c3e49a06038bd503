"""One archive in an environment's bucket: put where it is not there yet, and compared by its SHA-256."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from artifacts.archives import archive_key
from artifacts.digest import PREFIX
from artifacts.errors import NoBucketError, RefusedError, StorageError
from artifacts.storage.faults import CONFLICT, NOT_FOUND, code_of, told
from artifacts.storage.hashing import full_sha256, stream_sha256
from artifacts.storage.target import version_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_ATTEMPTS: Final = 3
"""Two writers at once: S3 may answer 409 to one while nothing is there yet."""


@dataclass(frozen=True, kw_only=True)
class StoredArchive:
    """The object as S3 knows it."""

    size: int
    """Bytes."""
    etag: str
    version_id: str | None
    """None where the bucket keeps no versions."""


@dataclass(frozen=True, kw_only=True)
class PutArchive:
    """The object that a put found or made."""

    stored: StoredArchive
    written: bool
    """False where the same bytes were there already."""


@dataclass(frozen=True, kw_only=True)
class ArchivePlace:
    """Where one archive lies, by its digest."""

    client: S3Client
    """Of the bucket's region."""
    bucket: str
    digest: str
    owner: str | None = None
    """Account that must own the bucket, in twelve digits."""
    kms_key: str | None = None
    """Encrypts what is written. None leaves it to the bucket."""

    @property
    def key(self) -> str:
        """Of the object."""
        return archive_key(self.digest)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def put(self, content: bytes) -> PutArchive:
        """Writes it where nothing is, or takes over the same bytes.

        Raises:
            RefusedError: other bytes lie under the digest; nothing is written over.
            StorageError: S3 cannot or may not be asked.
        """
        for _ in range(_ATTEMPTS):
            if made := self._write(content, IfNoneMatch="*"):
                return PutArchive(stored=made, written=True)
            if found := self.whole():
                return PutArchive(stored=found, written=False)
            if self.stored() is not None:
                raise RefusedError(
                    f"{self}: archive-altered: what lies there is not the archive of that digest, and is not written "
                    "over. Fix: find out who wrote it, delete the object, and run `pulumi up` again"
                )
        raise self._contended()

    def mend(self, content: bytes) -> StoredArchive:
        """Writes it over whatever is there: for what a refresh has found."""
        if made := self._write(content):
            return made
        raise self._contended()

    def stored(self) -> StoredArchive | None:
        """What is there, by one HEAD; None for nothing. Raises NoBucketError where the bucket is gone."""
        answer = self._head()
        return None if answer is None else _stored(answer)

    def whole(self) -> StoredArchive | None:
        """Return the object, if it has the digest: by S3's own SHA-256, else by reading the kilobytes.

        None for nothing and for other bytes. Raises NoBucketError where the bucket is gone.
        """
        answer = self._head()
        if answer is None:
            return None
        found = full_sha256(answer)
        if found is None:
            found = stream_sha256(self.client, {**self._named(), "IfMatch": answer["ETag"]})
        return _stored(answer) if f"{PREFIX}{found}" == self.digest else None

    def remove(self, etag: str) -> bool:
        """Take the object away while it has this ETag; in a bucket with versions it can be brought back for as long as
        it keeps them. False where somebody has written another object since, which stays.

        S3 has the condition since 2025-09-16
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html).
        """
        with told(f"removing {self}"):
            answer = self.client.delete_objects(
                Bucket=self.bucket,
                Delete={"Objects": [{"Key": self.key, "ETag": etag}], "Quiet": True},
                **self._owned(),
            )
        codes = {str(error.get("Code")) for error in answer.get("Errors", ())} - NOT_FOUND
        if refused := sorted(codes - CONFLICT):
            raise StorageError(
                f"removing {self}: S3 says {refused[0]}. Fix: allow s3:DeleteObject and s3:GetObject there, or keep "
                "the archive (retain)"
            )
        return not codes

    def _contended(self) -> StorageError:
        return StorageError(f"{self}: somebody else writes it at this moment. Fix: run `pulumi up` again")

    def _write(self, content: bytes, **condition: Any) -> StoredArchive | None:
        with told(f"writing {self}"):
            try:
                answer = self.client.put_object(
                    **self._named(),
                    Body=content,
                    ContentType="application/zip",
                    ChecksumAlgorithm="SHA256",
                    **condition,
                    **self._encrypted(),
                )
            except ClientError as error:
                if code_of(error) in CONFLICT:
                    return None
                raise
        return StoredArchive(size=len(content), etag=answer["ETag"], version_id=version_of(answer))

    def _head(self) -> Mapping[str, Any] | None:
        with told(f"looking at {self}"):
            try:
                return self.client.head_object(**self._named(), ChecksumMode="ENABLED")
            except ClientError as error:
                if code_of(error) not in NOT_FOUND:
                    raise
                self._require_bucket()
                return None

    def _require_bucket(self) -> None:
        """HEAD of an object says 404 for a missing bucket too."""
        try:
            self.client.head_bucket(Bucket=self.bucket, **self._owned())
        except ClientError as error:
            if code_of(error) in NOT_FOUND | {"NoSuchBucket"}:
                raise NoBucketError(
                    f"the bucket {self.bucket} is not there. Fix: correct the bucket's name"
                ) from error
            # Whoever may not look at the bucket has still seen that the object is not there.
            if code_of(error) not in {"403", "AccessDenied"}:
                raise

    def _named(self) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self.key, **self._owned()}

    def _owned(self) -> dict[str, Any]:
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}

    def _encrypted(self) -> dict[str, Any]:
        if self.kms_key is None:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key, "BucketKeyEnabled": True}


def _stored(answer: Mapping[str, Any]) -> StoredArchive:
    return StoredArchive(size=answer["ContentLength"], etag=answer["ETag"], version_id=version_of(answer))
