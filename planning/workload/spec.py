"""The shape of every workload: its pods, who it is, who reaches it, what is watched of it. All of it is plain data.

A server's plan becomes one in torchserve.py or text_generation.py beside this, manifests.py renders it, and
components/workload.py deploys that. The trap: what changes in `pod` takes every replica away once, what changes in
`live_files` none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from model_catalog import Engine
from planning.workload.manifest import Manifest
from planning.workload.pod import Pod

MAX_UNAVAILABLE: Final = 1
"""Pods that a rollout or a drain takes away at a time. A rollout takes one away before it adds one: the new pod needs
the GPU that the old one holds, and a spare one rarely exists. A plan knows what is spare (planning/changes/spare.py)
only between two of them, so it is the same for all."""
IMAGE_PULL: Final = timedelta(minutes=15)
"""The time for a new node to join and pull the GPU image, several GB. Chosen, not measured."""


class Caller(StrEnum):
    """The pods that may come: those of each namespace with this label."""

    GATEWAY = "slipway.dev/gateway"
    """They ask for predictions."""
    MONITORING = "slipway.dev/monitoring"
    """They scrape metrics."""
    NEIGHBOURS = ""
    """No label: the pods of the same namespace."""


class Destination(StrEnum):
    """A place where pods may go."""

    DNS = "dns"
    HTTPS = "https"
    """S3 and KMS have no fixed addresses; TLS and the role say what they give. It covers the API server too, which EKS
    has on 443 behind the Service's address and at its endpoints alike."""
    POD_IDENTITY = "pod identity"
    """The agent that hands out role credentials, on each node."""


@dataclass(frozen=True)
class Ingress:
    """A port, and who may come to it."""

    port: int
    callers: tuple[Caller, ...]


@dataclass(frozen=True, kw_only=True)
class WorkloadSpec:
    """One workload."""

    name: str
    """The name of the Service and the ServiceAccount."""
    engine: Engine
    pod: Pod
    replicas: int
    loading: timedelta
    """The longest time from the start of a pod until it is ready."""
    ports: Mapping[str, int]
    """The Service's: name in the pod → number."""
    ingress: tuple[Ingress, ...]
    egress: tuple[Destination, ...] = tuple(Destination)
    artifact_prefixes: tuple[str, ...]
    """It may read the keys of the bucket that begin with one of them."""
    rules: tuple[Manifest, ...] = ()
    """The rights of its account in the cluster."""
    live_files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Suffix → files of a ConfigMap `<name>-<suffix>`, which keeps its name and changes in place."""
    monitors: Mapping[str, Manifest]
    """Suffix → an object of the Prometheus operator."""
    scaler: Manifest | None = None
    """The object that owns the number of replicas: the Deployment then says none. Left out where no pod is to run."""

    @property
    def deadline(self) -> timedelta:
        """The time after which a rollout has failed."""
        return IMAGE_PULL + self.loading
