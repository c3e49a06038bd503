"""A place is the folder of a bucket that a repository is mirrored to. What was left there is found."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from artifacts.digest import FileDigest
from artifacts.errors import RefusedError
from artifacts.storage.faults import NOT_FOUND, code_of, told
from artifacts.storage.hashing import full_sha256
from artifacts.storage.placed import SHA256_MARK

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LONGEST_KEY: Final = 1024
"""Bytes of UTF-8 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html)."""

_NO_UPLOAD: Final = "NoSuchUpload"


@dataclass(frozen=True, kw_only=True)
class StoredPart:
    """A part of an upload that S3 holds."""

    etag: str
    sha256: str
    """Base64; empty where S3 does not say it."""


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """An upload in parts that nobody has ended."""

    name: str
    """Name of the file."""
    upload_id: str
    hashed: bool
    """S3 has a SHA-256 of each part, as it has of uploads that are begun here."""


@dataclass(frozen=True, kw_only=True)
class MirrorPlace:
    """The folder that holds one commit's files; may be used from many threads."""

    client: S3Client
    """A client of the bucket's region."""
    bucket: str
    path: str
    """The prefix of the files, without a slash at its end."""
    owner: str | None = None
    """Account that must own the bucket, in twelve digits."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.path}/"

    def key(self, name: str) -> str:
        """Return the key of one file. Raises RefusedError where S3 would not take it."""
        key = f"{self.path}/{name}"
        if (length := len(key.encode())) > _LONGEST_KEY:
            raise RefusedError(
                f"s3://{self.bucket}/{key}: the key has {length} bytes, and S3 takes {_LONGEST_KEY}. Fix: shorten --to"
            )
        return key

    def sizes(self) -> dict[str, int]:
        """Return name → bytes of all that lies there: a request for each 1,000 files."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.path}/", **self._owned()
        )
        with told(f"listing {self}"):
            return {
                entry["Key"].removeprefix(f"{self.path}/"): entry["Size"]
                for page in pages
                for entry in page.get("Contents", ())
                if entry["Size"] or not entry["Key"].endswith("/")
            }

    def sha256_of(self, name: str) -> str | None:
        """Return the SHA-256 that S3 has computed of a file, or that was compared before a file in parts was completed;
        None where there is neither."""
        with told(f"looking at {self}{name}"):
            try:
                answer = self.client.head_object(**self._named(name), ChecksumMode="ENABLED")
            except ClientError as error:
                if code_of(error) in NOT_FOUND:
                    return None
                raise
        return full_sha256(answer) or answer["Metadata"].get(SHA256_MARK)

    def put(self, file: FileDigest, content: bytes | bytearray) -> None:
        """Write a file whole. S3 compares its SHA-256, and keeps it."""
        body: Any = content  # botocore takes a bytearray too
        with told(f"writing {self}{file.name}"):
            self.client.put_object(
                **self._named(file.name),
                Body=body,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=base64.b64encode(bytes.fromhex(file.sha256)).decode(),
            )

    def begin(self, file: FileDigest) -> str:
        """Begin an upload in parts, and return its id."""
        with told(f"writing {self}{file.name}"):
            answer = self.client.create_multipart_upload(
                **self._named(file.name), ChecksumAlgorithm="SHA256", Metadata={SHA256_MARK: file.sha256}
            )
        return answer["UploadId"]

    def put_part(
        self, upload: Unfinished, number: int, content: bytes | bytearray, sha256: str
    ) -> StoredPart:
        """Write one part; `sha256` is in Base64, and S3 compares it."""
        body: Any = content
        with told(f"writing {self}{upload.name}"):
            answer = self.client.upload_part(
                **self._of(upload),
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=sha256,
            )
        return StoredPart(etag=answer["ETag"], sha256=sha256)

    def complete(self, upload: Unfinished, parts: Mapping[int, StoredPart]) -> None:
        """Make one object of the parts."""
        listed: Any = [
            {"PartNumber": number, "ETag": part.etag, "ChecksumSHA256": part.sha256}
            for number, part in sorted(parts.items())
        ]
        with told(f"completing {self}{upload.name}"):
            self.client.complete_multipart_upload(**self._of(upload), MultipartUpload={"Parts": listed})

    def end(self, upload: Unfinished) -> None:
        """Throw the parts of an upload away."""
        with told(f"ending an unfinished upload of {self}{upload.name}"):
            try:
                self.client.abort_multipart_upload(**self._of(upload))
            except ClientError as error:
                if code_of(error) != _NO_UPLOAD:  # somebody else has ended it
                    raise

    def unfinished(self) -> list[Unfinished]:
        """List all uploads below the path that were begun and not ended."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.bucket, Prefix=f"{self.path}/", **self._owned()
        )
        with told(f"listing unfinished uploads of {self}"):
            return [
                Unfinished(
                    name=entry["Key"].removeprefix(f"{self.path}/"),
                    upload_id=entry["UploadId"],
                    hashed=entry.get("ChecksumAlgorithm") == "SHA256",
                )
                for page in pages
                for entry in page.get("Uploads", ())
            ]

    def parts(self, upload: Unfinished) -> dict[int, StoredPart]:
        """Return number → part of what S3 holds of an upload."""
        pages = self.client.get_paginator("list_parts").paginate(**self._of(upload))
        with told(f"listing the parts of {self}{upload.name}"):
            return {
                entry["PartNumber"]: StoredPart(etag=entry["ETag"], sha256=entry.get("ChecksumSHA256", ""))
                for page in pages
                for entry in page.get("Parts", ())
            }

    def _named(self, name: str) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self.key(name), **self._owned()}

    def _of(self, upload: Unfinished) -> dict[str, Any]:
        return {**self._named(upload.name), "UploadId": upload.upload_id}

    def _owned(self) -> dict[str, Any]:
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}
