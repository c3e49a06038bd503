"""SHA-256 of an object: as S3 has computed it over the whole object, else by reading it once as a stream."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from artifacts.errors import StorageError
from artifacts.storage.faults import CONFLICT, NOT_FOUND, code_of, told

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK: Final = 1 << 20


def full_sha256(answer: Mapping[str, Any]) -> str | None:
    """S3's own SHA-256 of the whole object in hex; None where it has none, or one of parts (`…-3`, COMPOSITE)."""
    value = str(answer.get("ChecksumSHA256") or "")
    if not value or "-" in value or answer.get("ChecksumType") == "COMPOSITE":
        return None
    return base64.b64decode(value).hex()


def stream_sha256(
    client: S3Client, request: Mapping[str, Any], *, read: Callable[[int], None] = lambda _: None
) -> str:
    """Reads one object once; `request` holds GetObject's parameters, as Bucket, Key and IfMatch.

    Raises:
        StorageError: it cannot be read, ended early, or is not the object of IfMatch any more.
    """
    place = f"s3://{request['Bucket']}/{request['Key']}"
    digest, count = hashlib.sha256(), 0
    with told(f"reading {place}"):
        try:
            answer = client.get_object(**request)
        except ClientError as error:
            if code_of(error) in CONFLICT:
                raise changed_meanwhile(place) from error
            raise
        for chunk in answer["Body"].iter_chunks(_CHUNK):
            digest.update(chunk)
            count += len(chunk)
            read(len(chunk))
    if count != answer["ContentLength"]:
        raise StorageError(f"reading {place}: {count} of {answer['ContentLength']} bytes came. Run it again")
    return digest.hexdigest()


def sha256_at_source(client: S3Client, request: Mapping[str, Any]) -> tuple[str, bool]:
    """The SHA-256 of one object, and whether it had to be read; `request` is as for :func:`stream_sha256`.

    Raises:
        StorageError: as :func:`stream_sha256`.
    """
    place = f"s3://{request['Bucket']}/{request['Key']}"
    with told(f"looking at {place}"):
        try:
            answer = client.head_object(**request, ChecksumMode="ENABLED")
        except ClientError as error:
            if code_of(error) in CONFLICT | NOT_FOUND:
                raise changed_meanwhile(place) from error
            raise
    if known := full_sha256(answer):
        return known, False
    return stream_sha256(client, request), True


def changed_meanwhile(place: str) -> StorageError:
    """Somebody wrote to the source after it was listed."""
    return StorageError(
        f"{place} was changed while it was copied, so nothing was published. Fix: wait until the upload has ended, "
        "and run it again"
    )
