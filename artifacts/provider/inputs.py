"""Inputs of the resources: checked as text while they may still hold unknowns, then turned into places in S3."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from artifacts.digest import is_digest
from artifacts.storage import WORKERS, ArchivePlace, Source, Target, make_client
from plugin_server import UNKNOWN, Check, Checked, CheckFailure, Properties

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ACCOUNT: Final = re.compile(r"[0-9]{12}\Z")
_WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_WORDS: Final = "write letters, digits, '_', '.' and '-'"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a type of resource takes, besides `retain`."""

    of: str
    """The type with its article, for people."""
    required: tuple[str, ...]
    text: Mapping[str, str]
    """Each input → what to do about a wrong one."""


_ANY_BUCKET: Final = MappingProxyType(
    {
        "bucket": "write the name of the environment's bucket",
        "bucketOwner": "write an account id of twelve digits",
        "kmsKeyArn": "write the ARN of a KMS key",
    }
)

MODEL_ARTIFACT: Final = Inputs(
    of="a ModelArtifact",
    required=("bucket", "digest", "sourceBucket", "sourcePath"),
    text=MappingProxyType(
        {
            **_ANY_BUCKET,
            "digest": "write sha256: and 64 hex digits, as `slipway artifacts digest` prints them",
            "sourceBucket": "write the name of the bucket that research writes to",
            "sourceOwner": "write an account id of twelve digits",
            "sourcePath": "write the key of the file or the prefix of all files, without a slash in front",
            "sourceRegion": "write a region, as in eu-west-1",
        }
    ),
)

THIN_ARCHIVE: Final = Inputs(
    of="a ThinArchive",
    required=("bucket", "digest", "handlerName", "handlerVersion", "model", "version", "weightsDigest"),
    text=MappingProxyType(
        {
            **_ANY_BUCKET,
            "digest": "write sha256: and 64 hex digits, as artifacts.archives.archive_digest gives them",
            "handlerName": f"{_WORDS}: the name of a released handler",
            "handlerVersion": f"{_WORDS}: a released version of the handler",
            "model": f"{_WORDS}: the name that TorchServe has for it",
            "version": f"{_WORDS}: it becomes part of URLs",
            "weightsDigest": "write sha256: and 64 hex digits, as the entry's artifact.digest has them",
        }
    ),
)

_RULES: Final[MappingProxyType[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "bucketOwner": lambda text: bool(_ACCOUNT.match(text)),
        "digest": is_digest,
        "handlerName": lambda text: bool(_WORD.match(text)),
        "handlerVersion": lambda text: bool(_WORD.match(text)),
        "kmsKeyArn": lambda text: text.startswith("arn:"),
        "model": lambda text: bool(_WORD.match(text)),
        "sourceOwner": lambda text: bool(_ACCOUNT.match(text)),
        "sourcePath": lambda text: not text.startswith("/"),
        "version": lambda text: bool(_WORD.match(text)),
        "weightsDigest": is_digest,
    }
)


def checked(request: Check, known: Inputs) -> Checked:
    """Fills in what a resource is without, and says what is wrong."""
    inputs = {key: value for key, value in request.new_inputs.items() if value is not None}
    inputs.setdefault("retain", True)
    return Checked(inputs=inputs, failures=tuple(_failures(inputs, known)))


def _failures(inputs: Properties, known: Inputs) -> Iterator[CheckFailure]:
    """What is wrong with inputs, of which unknown ones may turn out right."""
    for name in known.required:
        if inputs.get(name) is None:
            yield CheckFailure(name, f"is missing; {known.text[name]}")
    for name, value in inputs.items():
        if value is UNKNOWN:
            continue
        if name == "retain":
            if not isinstance(value, bool):
                yield CheckFailure(name, "is neither true nor false")
        elif name not in known.text:
            has = ", ".join([*sorted(known.text), "retain"])
            yield CheckFailure(name, f"is no input of {known.of}; it has {has}")
        elif not isinstance(value, str) or not value or not _RULES.get(name, bool)(value):
            yield CheckFailure(name, f"is {value!r}; {known.text[name]}")


def endpoint_failures(inputs: Properties) -> Iterator[CheckFailure]:
    """What is wrong with an ArtifactProvider's endpoint."""
    endpoint = inputs.get("endpoint")
    if endpoint is None or endpoint is UNKNOWN:
        return
    address = urlsplit(endpoint if isinstance(endpoint, str) else "")
    if address.scheme not in ("http", "https") or not address.hostname:
        yield CheckFailure("endpoint", "is no address; write http:// or https:// and a host, or leave it out")
    elif address.username is not None or address.password is not None:
        yield CheckFailure("endpoint", "holds credentials; they come from the ordinary AWS chain")


class Clients:
    """S3 as the provider is configured to reach it: one client for each region, shared by all resources."""

    def __init__(
        self, region: str | None = None, endpoint: str | None = None, *, workers: int = WORKERS
    ) -> None:
        """`workers` may use a client at once."""
        self._region, self._endpoint, self._workers = region, endpoint, workers
        self._made: dict[str | None, S3Client] = {}
        self._making = threading.Lock()

    def of(self, region: str | None = None) -> S3Client:
        """The client of a region, or of the provider's own."""
        region = region or self._region
        with self._making:
            if region not in self._made:
                self._made[region] = make_client(
                    region=region, endpoint=self._endpoint, workers=self._workers
                )
            return self._made[region]


def source_of(inputs: Properties, clients: Clients) -> Source:
    """Where the files come from."""
    return Source(
        client=clients.of(inputs.get("sourceRegion")),
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


def archive_place_of(inputs: Properties, clients: Clients) -> ArchivePlace:
    """Where a thin archive lies."""
    return ArchivePlace(
        client=clients.of(),
        bucket=inputs["bucket"],
        digest=inputs["digest"],
        owner=inputs.get("bucketOwner"),
        kms_key=inputs.get("kmsKeyArn"),
    )


def identity(inputs: Properties) -> str:
    """A resource's id: one digest in one bucket."""
    return f"{inputs['bucket']}/{inputs['digest']}"
