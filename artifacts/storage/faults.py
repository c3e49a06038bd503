"""What S3 refuses, in words for a person with the fix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from artifacts.errors import ArtifactError, NoBucketError, RefusedError, StorageError

_DENIED: Final = (
    "Fix: give the principal that runs this s3:ListBucket and s3:GetObject on the source, s3:ListBucket, "
    "s3:ListBucketVersions, s3:GetObject and s3:PutObject on the target, and kms:Decrypt and kms:GenerateDataKey on "
    "their keys; a bucket of another account has to allow it too, in its policy"
)
_THROTTLED: Final = "S3 throttled to the end of all attempts. Fix: run it again; what was copied is kept"

_ARCHIVED: Final = "Fix: the object is archived (Glacier), and S3 copies no such object; restore it first"

_FIXES: Final = MappingProxyType(
    {
        "AccessDenied": _DENIED,
        "403": _DENIED,
        "AllAccessDisabled": _DENIED,
        "KMS.DisabledException": "Fix: enable the KMS key",
        "KMS.NotFoundException": "Fix: name a KMS key of the target bucket's region",
        "InvalidObjectState": _ARCHIVED,
        "ObjectNotInActiveTierError": _ARCHIVED,
        "InvalidRequest": "Fix: S3 cannot copy it server-side as it is: encrypted with a customer's key (SSE-C), "
        "or of another service",
        "ExpiredToken": "Fix: sign in to AWS again",
        "InvalidAccessKeyId": "Fix: sign in to AWS with a key that exists",
        "SignatureDoesNotMatch": "Fix: correct the AWS secret key",
        "RequestTimeTooSkewed": "Fix: correct this machine's clock",
        "SlowDown": _THROTTLED,
        "503": _THROTTLED,
        "NoSuchUpload": "Fix: another run has ended this upload in parts; run it again",
        "BadDigest": "Fix: the bytes changed on their way to S3; run it again",
        "ServiceUnavailable": _THROTTLED,
        "Throttling": _THROTTLED,
        "ThrottlingException": _THROTTLED,
        "RequestLimitExceeded": _THROTTLED,
        "InternalError": "Fix: run it again; what was copied is kept",
        "500": "Fix: run it again; what was copied is kept",
    }
)

_WRONG_REQUEST: Final = MappingProxyType(
    {
        "InvalidBucketName": "Fix: correct the bucket's name",
        "PermanentRedirect": "Fix: name the source's region",
        "AuthorizationHeaderMalformed": "Fix: name the bucket's region",
    }
)
"""What asking again cannot mend."""

NOT_FOUND: Final = frozenset({"404", "NoSuchKey", "NotFound"})
"""S3 answers HEAD with a bare number."""

CONFLICT: Final = frozenset({"409", "412", "ConditionalRequestConflict", "PreconditionFailed"})
"""A condition of the request did not hold, or two requests with one met."""


def code_of(error: ClientError) -> str:
    """S3's code, as in NoSuchKey; of a HEAD the status in digits."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Turns what boto3 raises into this room's errors; `doing` begins the message.

    Raises:
        RefusedError: the request names something that is not there.
        StorageError: everything else that S3, or the way to it, refuses.
    """
    try:
        yield
    except ArtifactError:
        raise
    except ClientError as error:
        code, message = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
        said = f"{doing}: S3 says {code}{f' ({message})' if message and message != code else ''}"
        if code == "NoSuchBucket":
            raise NoBucketError(f"{said}. Fix: correct the bucket's name") from error
        if fix := _WRONG_REQUEST.get(code):
            raise RefusedError(f"{said}. {fix}") from error
        raise StorageError(
            f"{said}. {_FIXES.get(code, 'Fix: see the code in the S3 documentation')}"
        ) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StorageError(
            f"{doing}: no AWS credentials were found ({error}). Fix: sign in (aws sso login), set AWS_PROFILE, or run "
            'eval "$(slipway sandbox env)" for the sandbox'
        ) from error
    except BotoCoreError as error:
        raise StorageError(
            f"{doing}: {error}. Fix: see that the endpoint is reachable, and run it again"
        ) from error
