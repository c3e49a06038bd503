"""Talking to the emulated AWS: cached clients, errors in one line, and what one engine call carries along."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import boto3
import botocore.exceptions
from botocore.config import Config

from plugin_server.provider import ProviderError
from plugin_server.values import Properties
from sandbox.aws.cluster_api import ClusterApi
from sandbox.aws.recorded import Records

ACCOUNT_PARTITION: Final = "aws"
"""moto knows the commercial partition's regions; the sandbox uses no other."""

URN_TAG: Final = "slipway.dev/urn"
"""The resource that an object belongs to; lets a create whose answer was lost find its object again."""

REPLACED_TAG: Final = "slipway.dev/replaced-urn"
"""Takes the place of :data:`URN_TAG` on an object whose replacement is being created."""

_ABSENT: Final = frozenset(
    {
        "404",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchTagSet",
        "NotFoundException",
        "OwnershipControlsNotFoundError",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
"""Codes that say "there is no such thing"; EC2 has one for each kind and they all end in NotFound."""


class AwsError(ProviderError):
    """An API call that AWS refused."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"aws {service} {operation}: {code}: {' '.join(message.split())}")
        self.code = code

    @property
    def is_absence(self) -> bool:
        """Whether the object asked for does not exist."""
        return self.code in _ABSENT or self.code.endswith((".NotFound", "NotFound"))


class Clients:
    """boto3 clients by service and region; creation is not thread-safe in boto3, use is."""

    def __init__(self, endpoint: str, session: boto3.Session | None = None) -> None:
        self.endpoint = endpoint
        self._lock = threading.Lock()
        self._session = session
        self._clients: dict[tuple[str, str], Any] = {}
        self._account: str | None = None

    def client(self, service: str, region: str) -> Any:
        """The client of a service in a region."""
        with self._lock:
            if (service, region) not in self._clients:
                self._session = self._session or boto3.Session()
                self._clients[service, region] = self._session.client(  # type: ignore[call-overload]
                    service,
                    region_name=region,
                    endpoint_url=self.endpoint,
                    config=Config(
                        retries={"total_max_attempts": 2},
                        proxies={},
                        max_pool_connections=64,
                        s3={"addressing_style": "path"},
                    ),
                )
            return self._clients[service, region]

    def send(self, service: str, region: str, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One API call.

        Raises:
            AwsError: AWS refused.
            ProviderError: the server does not answer, or the request cannot be formed.
        """
        try:
            answer: dict[str, Any] = getattr(self.client(service, region), operation)(**arguments)
        except botocore.exceptions.ClientError as error:
            detail = error.response["Error"]
            raise AwsError(
                service, error.operation_name, detail.get("Code", "?"), detail.get("Message", "")
            ) from None
        except (
            botocore.exceptions.EndpointConnectionError,
            botocore.exceptions.HTTPClientError,
        ):
            raise ProviderError(
                f"the emulated AWS at {self.endpoint} does not answer; run `slipway sandbox start`"
            ) from None
        except botocore.exceptions.BotoCoreError as error:
            raise ProviderError(f"aws {service} {operation}: {' '.join(str(error).split())}") from None
        return answer

    def account(self, region: str) -> str:
        """The account's number."""
        if self._account is None:
            self._account = str(self.send("sts", region, "get_caller_identity", {})["Account"])
        return self._account


@dataclass(frozen=True, kw_only=True)
class Call:
    """One engine call: which resource, where, and what it may use."""

    clients: Clients
    records: Records
    cluster: Callable[[], ClusterApi]
    """The local API server, opened when first asked for."""
    urn: str
    region: str
    tags: Mapping[str, str] = field(default_factory=dict)
    """All tags that the object is to bear, URN included."""
    status: Callable[[str], None] = lambda _message: None
    """Shows a passing remark beside the resource."""
    warn: Callable[[str], None] = lambda _message: None
    """Shows a remark that stays in the output."""
    timeout: float | None = None
    """Seconds that the program grants, if it says so."""
    cancelled: threading.Event = field(default_factory=threading.Event)

    def aws(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """Calls AWS; ``operation`` is boto3's name of it."""
        return self.clients.send(service, self.region, operation, arguments)

    def find(self, service: str, operation: str, **arguments: Any) -> dict[str, Any] | None:
        """Calls AWS; None when there is no such object."""
        try:
            return self.aws(service, operation, **arguments)
        except AwsError as error:
            if error.is_absence:
                return None
            raise

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
        """All items of a paged listing."""
        paginator = self.clients.client(service, self.region).get_paginator(operation)
        for page in paginator.paginate(**arguments):
            yield from page[key]

    @property
    def account(self) -> str:
        """The account's number."""
        return self.clients.account(self.region)

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this account and region."""
        return f"arn:{ACCOUNT_PARTITION}:{service}:{self.region}:{self.account}:{resource}"

    def is_owner(self, tags: Mapping[str, str]) -> bool:
        """Whether an object with such tags was made for this call's resource, and not replaced since."""
        return tags.get(URN_TAG) == self.urn

    def wait(self, seconds: float) -> None:
        """Waits between two polls.

        Raises:
            ProviderError: the engine cancelled the update meanwhile.
        """
        if self.cancelled.wait(seconds):
            raise ProviderError("cancelled")

    def tag_pairs(self) -> list[dict[str, str]]:
        """The tags as most services take them."""
        return pairs(self.tags)

    def tag_specifications(self, resource: str) -> list[dict[str, Any]]:
        """The tags as EC2's create calls take them."""
        return [{"ResourceType": resource, "Tags": self.tag_pairs()}]


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """``[{Key, Value}]``, in a fixed order."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def from_pairs(tags: list[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags of ``[{Key, Value}]`` or KMS's ``[{TagKey, TagValue}]``."""
    return {tag.get("Key") or tag["TagKey"]: tag.get("Value", tag.get("TagValue", "")) for tag in tags or []}


def visible(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags that the program may know of: neither AWS's own nor the emulator's."""
    return {key: tags[key] for key in sorted(tags) if not key.startswith(("aws:", "slipway.dev/"))}


def unique_suffix() -> str:
    """26 digits that grow with time, as the real provider appends to a name prefix."""
    return f"{time.time_ns():026d}"


def given(inputs: Properties, names: Mapping[str, str]) -> dict[str, Any]:
    """The inputs that are set, under the API's names."""
    return {api: inputs[name] for name, api in names.items() if inputs.get(name) is not None}
