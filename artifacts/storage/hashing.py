"""SHA-256 of an object: as S3 has computed it over the whole object, else by reading it once as a stream."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from artifacts.errors import StorageError
from artifacts.storage.faults import CONFLICT, NOT_FOUND, code_of, told

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK: Final = 1 << 20

_MOST_BREAKS: Final = 10


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

    A connection that breaks is taken up again at the byte where it broke: of a file of 40 GB one does.

    Raises:
        StorageError: it cannot be read, or is not the object of IfMatch any more.
    """
    place = f"s3://{request['Bucket']}/{request['Key']}"
    digest = hashlib.sha256()
    with told(f"reading {place}"):
        try:
            for chunk in _chunks(client, dict(request)):
                digest.update(chunk)
                read(len(chunk))
        except ClientError as error:
            if code_of(error) in CONFLICT:
                raise changed_meanwhile(place) from error
            raise
    return digest.hexdigest()


def object_chunks(client: S3Client, request: Mapping[str, Any]) -> Iterator[bytes]:
    """All bytes of one object, a megabyte at a time; `request` is as for :func:`stream_sha256`.

    Raises:
        StorageError: it cannot be read.
    """
    with told(f"reading s3://{request['Bucket']}/{request['Key']}"):
        yield from _chunks(client, dict(request))


def _chunks(client: S3Client, request: dict[str, Any]) -> Iterator[bytes]:
    """All bytes of one object, in as many answers as it takes."""
    done, size = 0, 0
    for _ in range(_MOST_BREAKS):
        rest = {"Range": f"bytes={done}-"} if done else {}
        answer = client.get_object(**{**request, **rest})
        if not done:
            size, request["IfMatch"] = answer["ContentLength"], answer["ETag"]
        # botocore retries none of these errors, and leaves the socket of a broken answer open
        with closing(answer["Body"]), suppress(IncompleteReadError, ReadTimeoutError, ResponseStreamingError):
            for chunk in answer["Body"].iter_chunks(_CHUNK):
                yield chunk
                done += len(chunk)
        if done >= size:
            return
    raise StorageError(
        f"reading s3://{request['Bucket']}/{request['Key']}: the connection broke {_MOST_BREAKS} times, last at byte "
        f"{done:,} of {size:,}. Fix: see to the network, and run it again"
    )


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
