"""S3 in memory with the conditions that S3 documents, for tests that try many orders of requests.

Each request is atomic. `tests/engine/artifacts/test_memory_s3.py` compares it with the strict S3 over HTTP. The rules:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

import base64
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

Gate = Callable[[str, str, str], None]
"""Operation, bucket and key of a request that is about to be served; may wait, and may raise."""


@dataclass(frozen=True)
class Stored:
    """One version of an object."""

    body: bytes
    etag: str
    version: str
    metadata: dict[str, str]
    sha256: str | None
    """In base 64; None for an object of parts."""


@dataclass
class MemoryS3:
    """The buckets of one account."""

    versions: bool = True
    unique_etags: bool = False
    """As with a KMS key: equal bytes have another ETag each time that they are written."""
    objects: dict[tuple[str, str], list[Stored | None]] = field(default_factory=dict)
    """Bucket and key → versions, the newest last; None is a delete marker."""
    uploads: dict[str, tuple[dict[str, str], dict[int, bytes]]] = field(default_factory=dict)
    _count: Iterator[int] = field(default_factory=count)

    def now(self, bucket: str, key: str) -> Stored | None:
        """The object as it is; None when it is not there."""
        return self.objects.get((bucket, key), [None])[-1]

    def keys(self, bucket: str, prefix: str) -> list[str]:
        return sorted(
            key
            for (where, key), held in self.objects.items()
            if where == bucket and key.startswith(prefix) and held[-1]
        )

    def write(
        self, bucket: str, key: str, body: bytes, metadata: dict[str, str], *, parts: int = 0
    ) -> Stored:
        number = next(self._count)
        hashed = hashlib.md5(body, usedforsecurity=False).hexdigest() + (f"-{parts}" if parts else "")
        sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
        made = Stored(
            body,
            f'"{number:032x}"' if self.unique_etags else f'"{hashed}"',
            f"v{number}" if self.versions else "null",
            metadata,
            None if parts else sha256,
        )
        self._push(bucket, key, made)
        return made

    def new_upload(self) -> str:
        return f"upload {next(self._count)}"

    def delete(self, bucket: str, key: str) -> None:
        if (bucket, key) in self.objects:
            self._push(bucket, key, None)

    def _push(self, bucket: str, key: str, made: Stored | None) -> None:
        held = self.objects.setdefault((bucket, key), [])
        if not self.versions:
            held.clear()
        held.append(made)


def _refused(code: str, operation: str = "request") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class MemoryClient:
    """What the artifacts' storage asks of a boto3 client, under boto3's names."""

    def __init__(self, s3: MemoryS3, gate: Gate = lambda *_: None) -> None:
        self._s3 = s3
        self._gate = gate

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **asked: Any) -> dict[str, Any]:  # noqa: N803
        self._gate("put", Bucket, Key)
        self._require(Bucket, Key, asked)
        return self._answer(self._s3.write(Bucket, Key, Body, asked.get("Metadata", {})))

    def head_object(self, *, Bucket: str, Key: str, **asked: Any) -> dict[str, Any]:  # noqa: N803
        self._gate("head", Bucket, Key)
        return self._answer(self._read(Bucket, Key, asked, "404"))

    def head_bucket(self, *, Bucket: str, **_asked: Any) -> None:  # noqa: N803
        self._gate("head", Bucket, "")

    def get_object(self, *, Bucket: str, Key: str, **asked: Any) -> dict[str, Any]:  # noqa: N803
        self._gate("get", Bucket, Key)
        found = self._read(Bucket, Key, asked, "NoSuchKey")
        return {
            **self._answer(found),
            "Body": StreamingBody(io.BytesIO(found.body), len(found.body)),
        }

    def list_objects_v2(self, *, Bucket: str, Prefix: str, **asked: Any) -> dict[str, Any]:  # noqa: N803
        self._gate("list", Bucket, Prefix)
        keys = self._s3.keys(Bucket, Prefix)[: asked.get("MaxKeys", 1000)]
        contents = [(key, found) for key in keys if (found := self._s3.now(Bucket, key))]
        return {"Contents": [{"Key": k, "Size": len(o.body), "ETag": o.etag} for k, o in contents]}

    def list_object_versions(self, *, Bucket: str, Prefix: str, **_asked: Any) -> dict[str, Any]:  # noqa: N803
        self._gate("list", Bucket, Prefix)
        contents = [(key, self._s3.now(Bucket, key)) for key in self._s3.keys(Bucket, Prefix)]
        return {
            "Versions": [
                {"Key": k, "Size": len(o.body), "ETag": o.etag, "IsLatest": True, "VersionId": o.version}
                for k, o in contents
                if o
            ]
        }

    def get_paginator(self, name: str) -> Any:
        client = self

        class Pages:
            def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
                yield getattr(client, name)(**asked)

        return Pages()

    def copy_object(self, *, Bucket: str, Key: str, CopySource: Any, **asked: Any) -> dict[str, Any]:  # noqa: N803
        self._gate("copy", Bucket, Key)
        body = self._source(CopySource, asked).body
        self._require(Bucket, Key, asked)
        made = self._s3.write(Bucket, Key, body, asked["Metadata"])
        copied = {"ETag": made.etag, "ChecksumSHA256": made.sha256}
        return {"CopyObjectResult": copied, "VersionId": made.version}

    def create_multipart_upload(self, *, Metadata: dict[str, str], **_asked: Any) -> dict[str, Any]:  # noqa: N803
        upload = self._s3.new_upload()
        self._s3.uploads[upload] = (Metadata, {})
        return {"UploadId": upload}

    def upload_part_copy(self, *, CopySource: Any, UploadId: str, **asked: Any) -> dict[str, Any]:  # noqa: N803
        self._gate("copy part", CopySource["Bucket"], CopySource["Key"])
        source = self._source(CopySource, asked)
        first, last = map(int, asked["CopySourceRange"].removeprefix("bytes=").split("-"))
        self._s3.uploads[UploadId][1][asked["PartNumber"]] = source.body[first : last + 1]
        return {"CopyPartResult": {"ETag": source.etag}}

    def complete_multipart_upload(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        UploadId: str,  # noqa: N803
        **asked: Any,
    ) -> dict[str, Any]:
        self._gate("complete", Bucket, Key)
        self._require(Bucket, Key, asked)
        metadata, parts = self._s3.uploads.pop(UploadId)
        body = b"".join(parts[number] for number in sorted(parts))
        return self._answer(self._s3.write(Bucket, Key, body, metadata, parts=len(parts)))

    def abort_multipart_upload(self, *, UploadId: str, **_asked: Any) -> None:  # noqa: N803
        if self._s3.uploads.pop(UploadId, None) is None:
            raise _refused("NoSuchUpload")

    def delete_object(self, *, Bucket: str, Key: str, **asked: Any) -> None:  # noqa: N803
        self._gate("delete", Bucket, Key)
        self._require(Bucket, Key, asked)
        self._s3.delete(Bucket, Key)

    def delete_objects(self, *, Bucket: str, Delete: Any, **_asked: Any) -> dict[str, Any]:  # noqa: N803
        self._gate("delete", Bucket, "")
        errors = []
        for each in Delete["Objects"]:
            try:
                self._require(Bucket, each["Key"], {"IfMatch": each.get("ETag")})
            except ClientError as error:
                errors.append({"Key": each["Key"], "Code": error.response["Error"]["Code"]})
            else:
                self._s3.delete(Bucket, each["Key"])
        return {"Errors": errors}

    def _read(self, bucket: str, key: str, asked: dict[str, Any], missing: str) -> Stored:
        found = self._s3.now(bucket, key)
        if found is None:
            raise _refused(missing)
        if asked.get("IfMatch") not in (None, found.etag):
            raise _refused("PreconditionFailed")
        return found

    def _source(self, source: dict[str, str], asked: dict[str, Any]) -> Stored:
        named = {"IfMatch": asked["CopySourceIfMatch"]}
        return self._read(source["Bucket"], source["Key"], named, "NoSuchKey")

    def _require(self, bucket: str, key: str, asked: dict[str, Any]) -> None:
        there = self._s3.now(bucket, key)
        wanted = asked.get("IfMatch")
        if asked.get("IfNoneMatch") == "*" and there is not None:
            raise _refused("PreconditionFailed")
        if wanted is not None and there is None:
            raise _refused("NoSuchKey")
        if wanted is not None and there is not None and wanted != there.etag:
            raise _refused("PreconditionFailed")

    def _answer(self, found: Stored) -> dict[str, Any]:
        return {
            "ChecksumSHA256": found.sha256 or "",
            "ContentLength": len(found.body),
            "ETag": found.etag,
            "Metadata": found.metadata,
            "VersionId": found.version,
        }
