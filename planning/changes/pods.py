"""The parts in which a server's pods differ: where any does, Kubernetes replaces them.

The rendered templates of both sides are compared, with the files that they name anew. What is only around pods (the
replicas, the Service, a PodMonitor, alerts, the AWS role) changes without a restart, and so do TorchServe's models: its
agent reads them from a ConfigMap whose name stays (planning/changes/live.py).
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, Final

from planning.servers import Server
from planning.torchserve_servers import TorchServePlan
from planning.workload import OVERRIDES_ANNOTATION, Pod, text_generation_pod, torchserve_pod


class PodPart(StrEnum):
    """A part of a pod, in the order in which people read them."""

    MODELS = "models"
    """A language model's: which it fetches, how it loads and serves it."""
    SETTINGS = "settings"
    """TorchServe's: what a release overrides and a running server cannot change."""
    IMAGE = "image"
    RESOURCES = "resources"
    POOL = "pool"
    IDENTITY = "identity"
    """Its labels, its account and its ports."""
    STARTUP = "startup"
    """A language model's: how long it may be loading."""


PARTS: Final = MappingProxyType(
    {
        # config.properties: it says how many GPUs there are.
        "files": PodPart.RESOURCES,
        "image": PodPart.IMAGE,
        "labels": PodPart.IDENTITY,
        "nodeSelector": PodPart.POOL,
        "ports": PodPart.IDENTITY,
        "resources": PodPart.RESOURCES,
        "startupProbe": PodPart.STARTUP,
        "tolerations": PodPart.RESOURCES,
        "topologySpreadConstraints": PodPart.IDENTITY,
        OVERRIDES_ANNOTATION: PodPart.SETTINGS,
    }
)
"""Key anywhere in a pod → the part that all below it belongs to. Any other key is of the models."""


def changed_parts(old: Server, new: Server) -> tuple[PodPart, ...]:
    """The parts that differ; () where all pods stay."""
    paths = _paths(_pods(old), _pods(new), ())
    found = {next((PARTS[key] for key in path if key in PARTS), PodPart.MODELS) for path in paths}
    return tuple(part for part in PodPart if part in found)


def _pods(server: Server) -> Mapping[str, Any]:
    pod = _pod(server)
    return {"template": pod.template(), "files": pod.files}


def _pod(server: Server) -> Pod:
    return torchserve_pod(server) if isinstance(server, TorchServePlan) else text_generation_pod(server)


def _paths(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The keys down to each value that differs. A list is entered item by item."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {*old, *new}:
            yield from _paths(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for one, other in zip_longest(old, new):
            yield from _paths(one, other, path)
    elif old != new:
        yield path
