"""The emulated account: sends checked calls to moto, or records them where moto has no answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import boto3
import botocore.exceptions
from botocore import xform_name
from botocore.config import Config

from plugin_server.provider import ProviderError
from sandbox.aws.call_check import require_valid
from sandbox.aws.cluster_api import ClusterApi
from sandbox.aws.conversions import Context
from sandbox.aws.planner import ApiCall
from sandbox.aws.recorded import PARTS, WHOLE, Records, Whole
from sandbox.aws.table import Kind

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
        """True if the object that was asked for does not exist."""
        return self.code in _ABSENT or self.code.endswith("NotFound")


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
        """Send one API call; ``operation`` is the API's name of it.

        Raises:
            AwsError: AWS refused.
            ProviderError: the server does not answer, or the request cannot be formed.
        """
        try:
            method = getattr(self.client(service, region), xform_name(operation))
            answer: dict[str, Any] = method(**arguments)
        except botocore.exceptions.ClientError as error:
            detail = error.response["Error"]
            raise AwsError(service, operation, detail.get("Code", "?"), detail.get("Message", "")) from None
        except (botocore.exceptions.EndpointConnectionError, botocore.exceptions.HTTPClientError):
            raise ProviderError(
                f"the emulated AWS at {self.endpoint} does not answer; run `slipway sandbox start`"
            ) from None
        except botocore.exceptions.BotoCoreError as error:
            raise ProviderError(f"aws {service} {operation}: {' '.join(str(error).split())}") from None
        return answer

    def account(self, region: str) -> str:
        """The account's number."""
        if self._account is None:
            self._account = str(self.send("sts", region, "GetCallerIdentity", {})["Account"])
        return self._account


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account as one engine call sees it: where, for which resource, and who listens."""

    clients: Clients
    records: Records
    cluster: Callable[[], ClusterApi]
    """The local API server, opened when first asked for."""
    region: str
    status: Callable[[str], None] = lambda _message: None
    """Shows a passing remark beside the resource."""
    warn: Callable[[str], None] = lambda _message: None
    """Shows a remark that stays in the output."""
    timeout: float | None = None
    """Seconds that the program grants, if it says so."""
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def number(self) -> str:
        """The account's number."""
        return self.clients.account(self.region)

    def aws(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call AWS for the emulation's own needs."""
        return self.clients.send(service, self.region, operation, arguments)

    def find(self, service: str, operation: str, **arguments: Any) -> dict[str, Any] | None:
        """Call AWS; None when there is no such object."""
        try:
            return self.aws(service, operation, **arguments)
        except AwsError as error:
            if error.is_absence:
                return None
            raise

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
        """Yield all items of a paged listing."""
        paginator = self.clients.client(service, self.region).get_paginator(xform_name(operation))
        for page in paginator.paginate(**arguments):
            yield from page[key]

    def wait(self, seconds: float) -> None:
        """Wait between two polls.

        Raises:
            ProviderError: the engine cancelled the update meanwhile.
        """
        if self.cancelled.wait(seconds):
            raise ProviderError("cancelled")

    def send(self, kind: Kind, call: ApiCall, context: Context) -> dict[str, Any]:
        """Check a planned call, then send it, or answer it from the record.

        Raises:
            WrongCallError: AWS would refuse it.
            AwsError: AWS refused, or the record that answers for it.
        """
        require_valid(call)
        whole = WHOLE.get(kind.token)
        if whole is not None:
            return self._answer(kind, whole, call, context)
        if call.about and call.about <= _recorded(kind):
            return {}
        return self.aws(call.service, call.operation, **call.arguments)

    def record(self, kind: Kind, call: ApiCall, context: Context) -> None:
        """Write down the recorded properties that a call carried."""
        carried = {"tagsAll" if name == "tags" else name for name in call.properties & _recorded(kind)}
        values = {name: context.inputs[name] for name in carried if name in context.inputs}
        if values:
            present = self.records.get(kind.token, context.id) or {}
            self.records.put(kind.token, context.id, {**present, **values})

    def _answer(self, kind: Kind, whole: Whole, call: ApiCall, context: Context) -> dict[str, Any]:
        """Answer a call of a type that moto lacks, from its record."""
        what, given = kind.token.rpartition(":")[2], call.arguments
        if call.operation.startswith(("Create", "Put")):
            self._require_parent(whole, given)
            others = (self.records.all(kind.token)) if whole.exists else ()
            if any(all(one.get(name) == given[name] for name in whole.unique) for one in others):
                raise AwsError(call.service, call.operation, whole.exists, f"{what} already exists")
            found = whole.made(given, self.region, self.number)
            id_ = kind.id_of(context.inputs) or str(found[kind.id.rpartition(".")[2]])
            self.records.put(kind.token, id_, found)
            return {whole.answer: found} if whole.answer else found
        present = self.records.get(kind.token, context.id)
        if present is None:
            raise AwsError(call.service, call.operation, whole.absent, f"{what} {context.id} does not exist")
        self._require_parent(whole, present)
        tags = present.get("tags", {})
        if call.operation == "TagResource":
            present["tags"] = {**tags, **given["tags"]}
        elif call.operation == "UntagResource":
            present["tags"] = {key: value for key, value in tags.items() if key not in given["tagKeys"]}
        elif call.operation.startswith("Update"):
            present |= given
        if call.operation.startswith("Delete"):
            self.records.remove(kind.token, context.id)
        elif not call.operation.startswith(("Describe", "Get")):
            self.records.put(kind.token, context.id, present)
        return {whole.answer: present} if whole.answer else present

    def _require_parent(self, whole: Whole, arguments: Mapping[str, Any]) -> None:
        """Fail as AWS does where what an object belongs to does not exist."""
        service, operation, parameter, name = whole.parent
        self.aws(service, operation, **{parameter: arguments[name]})


def _recorded(kind: Kind) -> set[str]:
    return {name for name in kind.inputs if f"{kind.token} {name}" in PARTS}
