"""A new cluster is empty, though the API server behind it may have served one that is gone.

An emulated cluster that somebody deletes, or that is replaced, leaves its objects in the one local API server;
in AWS they end with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from plugin_server.provider import ProviderError
from sandbox.aws.cluster_api import ClusterApi, ClusterApiError
from sandbox.aws.nodes import GROUP_LABEL

_NAMESPACES: Final = "/api/v1/namespaces/"
_MANAGER: Final = "pulumi-kubernetes-"
_COLLECTIONS: Final = (
    "/api/v1/nodes",
    "/api/v1/namespaces",
    "/api/v1/persistentvolumes",
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/scheduling.k8s.io/v1/priorityclasses",
    "/apis/storage.k8s.io/v1/storageclasses",
)
"""What is not in a namespace; what is goes with it."""

_DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
_FORGOTTEN_SECONDS: Final = 5.0
_GONE_SECONDS: Final = 120.0
_PAUSE_SECONDS: Final = 0.2


def clear(cluster: ClusterApi, wait: Callable[[float], None], say: Callable[[str], None]) -> None:
    """Removes what a new cluster does not have, and waits until it is gone.

    Raises:
        ProviderError: something stays; most likely a finalizer holds it.
    """
    passed = 0.0
    while left := _contents(cluster):
        if passed >= _GONE_SECONDS:
            raise ProviderError(f"the objects of an earlier cluster do not go away: {', '.join(left)}")
        say("removing the objects of an earlier cluster")
        for path in left:
            cluster.delete(path, propagationPolicy="Background")
            if path.startswith(_DEFINITIONS) and passed >= _FORGOTTEN_SECONDS:
                _remind(cluster, path, passed)
            # No kubelet ends them, and their grace period would hold the namespace for as long.
            for pod in cluster.items(f"{path}/pods") if path.startswith(_NAMESPACES) else ():
                cluster.delete(f"{path}/pods/{pod['metadata']['name']}", gracePeriodSeconds=0)
        wait(_PAUSE_SECONDS)
        passed += _PAUSE_SECONDS


def _remind(cluster: ClusterApi, definition: str, passed: float) -> None:
    """Calls the API server's controller again, for the reason that sandbox.kubernetes.awaiting.deletion gives."""
    try:
        cluster.merge(definition, {"metadata": {"annotations": {"slipway.dev/waited-for": f"{passed:.0f}"}}})
    except ClusterApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise


def _contents(cluster: ClusterApi) -> list[str]:
    return [
        f"{collection}/{item['metadata']['name']}"
        for collection in _COLLECTIONS
        for item in cluster.items(collection)
        if _is_deployed(item["metadata"])
    ]


def _is_deployed(metadata: Mapping[str, Any]) -> bool:
    """Whether a resource, a release or a node group made it."""
    managers = [entry.get("manager", "") for entry in metadata.get("managedFields") or ()]
    return (
        GROUP_LABEL in (metadata.get("labels") or {})
        or "meta.helm.sh/release-name" in (metadata.get("annotations") or {})
        or any(manager.startswith(_MANAGER) for manager in managers)
    )
