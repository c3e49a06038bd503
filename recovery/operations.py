"""The pending operations of an exported state.

The engine writes one before it calls a provider and removes it when the answer has come. What is pending in a state
at rest is an operation whose answer was lost (apitype.DeploymentV3.PendingOperations of pulumi 3.246).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Deployment = dict[str, Any]
"""The value of `deployment` in what `pulumi stack export` prints."""

CREATING: Final = "creating"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One pending operation."""

    kind: str
    """`creating`, `updating`, `deleting`, `reading` or `importing`."""
    resource: Mapping[str, Any]
    """The resource's entry, as it would stand in the state; a create has no id yet."""

    @property
    def urn(self) -> str:
        """The resource's URN."""
        urn: str = self.resource["urn"]
        return urn

    @property
    def type(self) -> str:
        """The resource's type token without its parents', as in `aws:s3/bucket:Bucket`."""
        return type_of(self.urn)

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.split("::", 3)[3]

    @property
    def custom(self) -> bool:
        """True if a provider was called; a component has none."""
        return bool(self.resource.get("custom"))

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The inputs that Check returned, generated names included; secrets are encrypted."""
        return self.resource.get("inputs") or {}


def type_of(urn: str) -> str:
    """Return the type token of a URN without its parents'."""
    return urn.split("::")[2].rpartition("$")[2]


def pending(deployment: Deployment) -> Iterator[Operation]:
    """Yield the pending operations, the latest update's first."""
    for item in deployment.get("pending_operations") or ():
        yield Operation(kind=item["type"], resource=item["resource"])


def resources(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the resources of a state, each behind those that it depends on."""
    return list(deployment.get("resources") or ())


def unread(deployment: Deployment) -> list[str]:
    """Return the URNs of resources that were recovered and not read since: the refresh behind a recovery failed."""
    return [
        item["urn"]
        for item in resources(deployment)
        if item.get("refreshBeforeUpdate") and item.get("id") and not item.get("outputs")
    ]
