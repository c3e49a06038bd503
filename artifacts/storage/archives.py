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

    def put(self, content: bytes) -> bool:
        """Writes it where nothing is; False where the same bytes were there already.

        Raises:
            RefusedError: other bytes lie under the digest; nothing is written over.
            StorageError: S3 cannot or may not be asked.
        """
        for _ in range(_ATTEMPTS):
            if self._write(content, IfNoneMatch="*"):
                return True
            if self.whole():
                return False
            if self.stored() is not None:
                raise RefusedError(
                    f"{self}: archive-altered: what lies there is not the archive of that digest, and is not written "
                    "over. Fix: find out who wrote it, delete the object, and run `pulumi up` again"
                )
        raise self._contended()

    def mend(self, content: bytes) -> None:
        """Writes it over whatever is there: for what a refresh has found."""
        if not self._write(content):
            raise self._contended()

    def stored(self) -> StoredArchive | None:
        """What is there, by one HEAD; None for nothing. Raises NoBucketError where the bucket is gone."""
        answer = self._head()
        if answer is None:
            return None
        return StoredArchive(
            size=answer["ContentLength"], etag=answer["ETag"], version_id=answer.get("VersionId")
        )

    def whole(self) -> bool:
        """Whether what is there has the digest: by S3's own SHA-256, else by reading the kilobytes.

        A bucket without it is refused; of a missing object it is False.
        """
        answer = self._head()
        if answer is None:
            return False
        found = full_sha256(answer)
        if found is None:
            found = stream_sha256(self.client, {**self._named(), "IfMatch": answer["ETag"]})
        return f"{PREFIX}{found}" == self.digest

    def remove(self) -> None:
        """Takes it away; in a bucket with versions it can be brought back for as long as it keeps them."""
        with told(f"removing {self}"):
            self.client.delete_object(**self._named())

    def _contended(self) -> StorageError:
        return StorageError(f"{self}: somebody else writes it at this moment. Fix: run `pulumi up` again")

    def _write(self, content: bytes, **condition: Any) -> bool:
        with told(f"writing {self}"):
            try:
                self.client.put_object(
                    **self._named(),
                    Body=content,
                    ContentType="application/zip",
                    ChecksumAlgorithm="SHA256",
                    **condition,
                    **self._encrypted(),
                )
            except ClientError as error:
                if code_of(error) in CONFLICT:
                    return False
                raise
        return True

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
        owned = {"ExpectedBucketOwner": self.owner} if self.owner else {}
        try:
            self.client.head_bucket(Bucket=self.bucket, **owned)
        except ClientError as error:
            if code_of(error) in NOT_FOUND | {"NoSuchBucket"}:
                raise NoBucketError(
                    f"the bucket {self.bucket} is not there. Fix: correct the bucket's name"
                ) from error
            # Whoever may not look at the bucket has still seen that the object is not there.
            if code_of(error) not in {"403", "AccessDenied"}:
                raise

    def _named(self) -> dict[str, Any]:
        owned = {"ExpectedBucketOwner": self.owner} if self.owner else {}
        return {"Bucket": self.bucket, "Key": self.key, **owned}

    def _encrypted(self) -> dict[str, Any]:
        if self.kms_key is None:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key, "BucketKeyEnabled": True}
