"""A new cluster is empty, though the API server behind it may have served one that is gone.

An emulated cluster that somebody deletes, or that is replaced, leaves its objects in the one local API server;
in AWS they end with it. What Kubernetes itself makes stays: its objects are written by its own components alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from plugin_server.provider import ProviderError
from sandbox.aws.cluster_api import ClusterApi, ClusterApiError

_NAMESPACES: Final = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
_COMPONENTS: Final = (
    "api-priority-and-fairness-",
    "kube-",
    "kubelet",
    "kubernetes-service-cidr-controller",
    "kwok",
    "service-cidr-controller",
)
"""Beginnings of the field managers of Kubernetes' own components, and of kwok, which plays the kubelet. Compared with
all objects of a fresh control plane 1.37.2 on 2026-11-29."""

_BOOTSTRAP_LABEL: Final = "kubernetes.io/bootstrapping"
_DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
_FORGOTTEN_SECONDS: Final = 5.0
_GONE_SECONDS: Final = 120.0
_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, order=True)
class Deployed:
    """One object that somebody put into the cluster."""

    kind: str
    id: str
    """``namespace/name``, or the name."""
    path: str
    """URL path in the API."""
    release: str = ""
    """The Helm release that it is part of."""


def clear(cluster: ClusterApi, wait: Callable[[float], None], say: Callable[[str], None]) -> None:
    """Remove what a new cluster does not have, and wait until it is gone.

    Raises:
        ProviderError: something stays; most likely a finalizer holds it.
    """
    passed = 0.0
    while left := list(deployed(cluster)):
        if passed >= _GONE_SECONDS:
            names = ", ".join(found.path for found in left)
            raise ProviderError(f"the objects of an earlier cluster do not go away: {names}")
        say("removing the objects of an earlier cluster")
        for found in left:
            cluster.delete(found.path, propagationPolicy="Background")
            if found.path.startswith(_DEFINITIONS) and passed >= _FORGOTTEN_SECONDS:
                _remind(cluster, found.path, passed)
            # No kubelet ends them, and their grace period would hold the namespace for as long.
            for pod in cluster.items(f"{found.path}/pods") if found.kind == "Namespace" else ():
                cluster.delete(f"{found.path}/pods/{pod['metadata']['name']}", gracePeriodSeconds=0)
        wait(_PAUSE_SECONDS)
        passed += _PAUSE_SECONDS


def deployed(cluster: ClusterApi, *, within: bool = False) -> Iterator[Deployed]:
    """Yield every object that is not Kubernetes' own; ``within`` those inside of deployed namespaces too."""
    groups = (cluster.find("/apis") or {}).get("groups", ())
    for version in ("v1", *(group["preferredVersion"]["groupVersion"] for group in groups)):
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        for entry in (cluster.find(root) or {}).get("resources", ()):
            if "/" not in entry["name"] and {"list", "delete"} <= set(entry["verbs"]):
                for item in cluster.items(f"{root}/{entry['name']}"):
                    metadata = item["metadata"]
                    namespace = metadata.get("namespace", "")
                    if _is_deployed(metadata) and (within or not namespace or namespace in _NAMESPACES):
                        inside = f"/namespaces/{namespace}" if namespace else ""
                        yield Deployed(
                            kind=entry["kind"],
                            id=f"{namespace}/{metadata['name']}".lstrip("/"),
                            path=f"{root}{inside}/{entry['name']}/{metadata['name']}",
                            release=_release_of(metadata),
                        )


def _release_of(metadata: Mapping[str, Any]) -> str:
    """Return the Helm release that made an object, or whose record it is; empty for none."""
    labels = metadata.get("labels") or {}
    recorded = str(labels.get("name", "")) if labels.get("owner") == "helm" else ""
    return str((metadata.get("annotations") or {}).get("meta.helm.sh/release-name", recorded))


def _is_deployed(metadata: Mapping[str, Any]) -> bool:
    """True if a writer other than Kubernetes' own components wrote the object, or a part of it."""
    if metadata["name"] in _NAMESPACES or _BOOTSTRAP_LABEL in (metadata.get("labels") or {}):
        return False
    managers = [entry.get("manager", "") for entry in metadata.get("managedFields") or ()]
    return not metadata.get("ownerReferences") and any(not name.startswith(_COMPONENTS) for name in managers)


def _remind(cluster: ClusterApi, definition: str, passed: float) -> None:
    """Change a definition, so that the API server's controller, which may have missed the deletion, looks again."""
    try:
        cluster.merge(definition, {"metadata": {"annotations": {"slipway.dev/waited-for": f"{passed:.0f}"}}})
    except ClusterApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
