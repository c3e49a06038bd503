"""The environment's bucket: where one artifact's files and manifest are, and what S3 says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from artifacts.errors import NotPublishedError, StorageError
from artifacts.manifest import Manifest, files_of, folder_of, manifest_key, read_manifest
from artifacts.storage.faults import CONFLICT, NOT_FOUND, code_of, told

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ROUNDS: Final = 3
"""How often what somebody else writes meanwhile is removed too."""

_NO_VERSION: Final = "null"
"""How S3 calls the version of an object in a bucket that keeps none."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One object as a listing of the target shows it."""

    size: int
    """Bytes."""
    etag: str
    version_id: str | None


@dataclass(frozen=True, kw_only=True)
class Published:
    """A manifest as it lies in the bucket."""

    manifest: Manifest
    sha256: str
    """Of the manifest's bytes."""
    etag: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """One digest's place in an environment's bucket."""

    client: S3Client
    """Of the bucket's region."""
    bucket: str
    digest: str
    owner: str | None = None
    """Account that must own the bucket, in twelve digits."""
    kms_key: str | None = None
    """Encrypts what is written. None leaves it to the bucket, whose default is its own key."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{folder_of(self.digest)}"

    @property
    def files(self) -> str:
        """Prefix of the files."""
        return files_of(self.digest)

    def key(self, name: str) -> str:
        """Of one file."""
        return f"{self.files}{name}"

    def owned(self) -> dict[str, Any]:
        """The parameter that makes S3 refuse a bucket of somebody else."""
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}

    def encrypted(self) -> dict[str, Any]:
        """The parameters of a write."""
        if self.kms_key is None:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key, "BucketKeyEnabled": True}

    def published(self) -> Published | None:
        """The manifest, or None while nothing is published.

        Raises:
            StorageError: it is damaged, or cannot be read.
        """
        key = manifest_key(self.digest)
        place = f"s3://{self.bucket}/{key}"
        with told(f"reading {place}"):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=key, **self.owned())
                with closing(answer["Body"]) as body:
                    content = body.read()
            except ClientError as error:
                if code_of(error) in NOT_FOUND:
                    return None
                raise
        return Published(
            manifest=read_manifest(content, self.digest, place),
            sha256=hashlib.sha256(content).hexdigest(),
            etag=answer["ETag"],
        )

    def must_be_published(self) -> Published:
        """The manifest.

        Raises:
            NotPublishedError: there is none.
        """
        published = self.published()
        if published is None:
            raise NotPublishedError(f"s3://{self.bucket}/{manifest_key(self.digest)}")
        return published

    def publish(self, manifest: Manifest, *, replacing: str | None = None) -> Published | None:
        """Writes the manifest where there is none, or over the one with the ETag `replacing`.

        None when somebody else was first.
        """
        content = manifest.to_bytes()
        condition: dict[str, Any] = {"IfMatch": replacing} if replacing else {"IfNoneMatch": "*"}
        with told(f"publishing {self}"):
            try:
                answer = self.client.put_object(
                    Bucket=self.bucket,
                    Key=manifest_key(self.digest),
                    Body=content,
                    ContentType="application/json",
                    ChecksumAlgorithm="SHA256",
                    **condition,
                    **self.owned(),
                    **self.encrypted(),
                )
            except ClientError as error:
                if code_of(error) in CONFLICT | NOT_FOUND:
                    return None
                raise
        return Published(manifest=manifest, sha256=hashlib.sha256(content).hexdigest(), etag=answer["ETag"])

    def head(self, name: str) -> Mapping[str, Any] | None:
        """What S3 knows of one file, with its checksums; None when it is not there."""
        with told(f"looking at s3://{self.bucket}/{self.key(name)}"):
            try:
                return self.client.head_object(
                    Bucket=self.bucket, Key=self.key(name), ChecksumMode="ENABLED", **self.owned()
                )
            except ClientError as error:
                if code_of(error) in NOT_FOUND:
                    return None
                raise

    def etags(self) -> dict[str, str]:
        """The ETag of every file that is there now, by name: one listing, a request for each 1,000 files."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.files, **self.owned()
        )
        with told(f"listing {self}"):
            return {
                entry["Key"].removeprefix(self.files): entry["ETag"]
                for page in pages
                for entry in page.get("Contents", ())
            }

    def listing(self) -> dict[str, Stored]:
        """As `etags`, with version ids: a request for each 1,000 files and old versions."""
        with told(f"listing {self}"):
            return dict(self._stored())

    def remove(self, etags: Mapping[str, str]) -> None:
        """Takes files away by name, each only while it has its ETag; in a bucket with versions they can be brought
        back for as long as it keeps them. Who wrote another object meanwhile keeps it.

        S3 has the condition since 2025-09-16
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html).
        """
        self._delete([{"Key": self.key(name), "ETag": etag} for name, etag in sorted(etags.items())])

    def unpublish(self) -> None:
        """Takes the manifest away, then all files: a reader never sees a manifest whose files are gone, unless a
        promotion publishes them at this moment; then its manifest goes too. A manifest that comes after this has
        ended is of a promotion that looks at its files again.

        Raises:
            StorageError: somebody publishes it again and again; files may be left, and no manifest.
        """
        manifest = [{"Key": manifest_key(self.digest)}]
        for _ in range(_ROUNDS):
            self._delete(manifest)
            self.remove(self.etags())
            if not self._holds_anything():
                return
        self._delete(manifest)
        raise StorageError(f"{self}: somebody else writes there. Fix: find out who, and run it again")

    def _holds_anything(self) -> bool:
        with told(f"listing {self}"):
            answer = self.client.list_objects_v2(
                Bucket=self.bucket, Prefix=folder_of(self.digest), MaxKeys=1, **self.owned()
            )
        return bool(answer.get("Contents"))

    def _stored(self) -> Iterator[tuple[str, Stored]]:
        pages = self.client.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=self.files, **self.owned()
        )
        for page in pages:
            for entry in page.get("Versions", ()):
                if entry["IsLatest"]:
                    yield (
                        entry["Key"].removeprefix(self.files),
                        Stored(
                            size=entry["Size"],
                            etag=entry["ETag"],
                            version_id=version_of(entry),
                        ),
                    )

    def _delete(self, objects: list[Any]) -> None:
        most = 1000  # of one request
        with told(f"removing from {self}"):
            for first in range(0, len(objects), most):
                answer = self.client.delete_objects(
                    Bucket=self.bucket,
                    Delete={"Objects": objects[first : first + most], "Quiet": True},
                    **self.owned(),
                )
                refused = [
                    error
                    for error in answer.get("Errors", ())
                    if error.get("Code") not in CONFLICT | NOT_FOUND
                ]
                if refused:
                    raise StorageError(
                        f"removing s3://{self.bucket}/{refused[0].get('Key')}: S3 says {refused[0].get('Code')}. "
                        "Fix: allow s3:DeleteObject and s3:GetObject there, or keep the artifact (retain)"
                    )


def version_of(answer: Mapping[str, Any]) -> str | None:
    """The version id in what S3 says of an object; None where its bucket keeps no versions."""
    version: str | None = answer.get("VersionId")
    return None if version == _NO_VERSION else version
