"""A ModelArtifact's inputs: checked as text while they may still hold unknowns, then turned into places in S3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from artifacts.digest import is_digest
from artifacts.storage import Source, Target, make_client
from plugin_server import UNKNOWN, CheckFailure, Properties

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REQUIRED: Final = ("bucket", "digest", "sourceBucket", "sourcePath")

_ACCOUNT: Final = re.compile(r"[0-9]{12}\Z")
_TEXT: Final = MappingProxyType(
    {
        "bucket": "write the name of the environment's bucket",
        "bucketOwner": "write an account id of twelve digits",
        "digest": "write sha256: and 64 hex digits, as `slipway artifacts digest` prints them",
        "kmsKeyArn": "write the ARN of a KMS key",
        "sourceBucket": "write the name of the bucket that research writes to",
        "sourceOwner": "write an account id of twelve digits",
        "sourcePath": "write the key of the file or the prefix of all files, without a slash in front",
        "sourceRegion": "write a region, as in eu-west-1",
    }
)
"""Each input that is text → what to do about a wrong one."""

_RULES: Final[MappingProxyType[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "bucketOwner": lambda text: bool(_ACCOUNT.match(text)),
        "digest": is_digest,
        "kmsKeyArn": lambda text: text.startswith("arn:"),
        "sourceOwner": lambda text: bool(_ACCOUNT.match(text)),
        "sourcePath": lambda text: not text.startswith("/"),
    }
)


def failures(inputs: Properties) -> Iterator[CheckFailure]:
    """What is wrong with inputs, of which unknown ones may turn out right."""
    for name in REQUIRED:
        if inputs.get(name) is None:
            yield CheckFailure(name, f"is missing; {_TEXT[name]}")
    for name, value in inputs.items():
        if value is None or value is UNKNOWN:
            continue
        if name == "retain":
            if not isinstance(value, bool):
                yield CheckFailure(name, "is neither true nor false")
        elif name not in _TEXT:
            yield CheckFailure(
                name, f"is no input of a ModelArtifact; it has {', '.join([*sorted(_TEXT), 'retain'])}"
            )
        elif not isinstance(value, str) or not value or not _RULES.get(name, bool)(value):
            yield CheckFailure(name, f"is {value!r}; {_TEXT[name]}")


@dataclass(frozen=True)
class Clients:
    """S3 as the provider is configured to reach it."""

    region: str | None = None
    endpoint: str | None = None

    def of(self, region: str | None = None) -> S3Client:
        """A client for a region, or for the provider's own."""
        return make_client(region=region or self.region, endpoint=self.endpoint)


def source_of(inputs: Properties, clients: Clients, of_target: S3Client) -> Source:
    """Where the files come from."""
    region = inputs.get("sourceRegion")
    return Source(
        client=clients.of(region) if region else of_target,
        bucket=inputs["sourceBucket"],
        path=inputs["sourcePath"],
        owner=inputs.get("sourceOwner"),
    )


def target_of(inputs: Properties, clients: Clients) -> Target:
    """Where the files go."""
    return Target(
        client=clients.of(),
        bucket=inputs["bucket"],
        digest=inputs["digest"],
        owner=inputs.get("bucketOwner"),
        kms_key=inputs.get("kmsKeyArn"),
    )


def identity(inputs: Properties) -> Any:
    """The resource's id: one set of files in one bucket."""
    return f"{inputs['bucket']}/{inputs['digest']}"
