"""Every object that a workload is made of, rendered.

The network policy stands where a token would: TorchServe's cannot be supplied and breaks every probe, and TGI's would
have to be a secret of every client. TorchServe's management port is in no rule and listens on loopback alone. The
trap: where metrics are on the inference port, as TGI's are, whoever may scrape may also ask. Probes need no rule: a
node always reaches its own pods.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from planning.workload.labels import selecting_labels
from planning.workload.manifest import Manifest, Reference, present
from planning.workload.network_rules import (
    addresses,
    allow_dns,
    allow_from,
    allow_to,
    namespaces,
    own_namespace,
    policy_spec,
)
from planning.workload.pod import seconds
from planning.workload.spec import MAX_UNAVAILABLE, Caller, Destination, WorkloadSpec

_WITHOUT_ENDPOINTS: Final = {"pulumi.com/skipAwait": "true"}
"""An annotation of the Service of a workload without pods: the provider would wait for an endpoint until it gives up
(https://github.com/pulumi/pulumi-kubernetes/pull/417)."""
POD_IDENTITY_AGENT: Final = "169.254.170.23/32"
"""The agent that hands out role credentials listens there, on port 80
(https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html)."""


def manifests(workload: WorkloadSpec) -> dict[str, Manifest]:
    """Suffix of its logical name → each object but the monitors; what another one needs comes before it."""
    return dict(_objects(workload))


def _objects(workload: WorkloadSpec) -> Iterator[tuple[str, Manifest]]:
    name, pod = workload.name, workload.pod
    make = partial(_object, workload)
    yield "account", make("v1", "ServiceAccount", name, automountServiceAccountToken=False)
    yield "network-policy", make("networking.k8s.io/v1", "NetworkPolicy", spec=_network_policy(workload))
    if pod.files:
        yield "config", make("v1", "ConfigMap", immutable=True, data=dict(pod.files))
    for suffix, files in workload.live_files.items():
        yield suffix, make("v1", "ConfigMap", f"{name}-{suffix}", data=dict(files))
    if workload.rules:
        yield "agent-role", make(f"{_RBAC}/v1", "Role", rules=list(workload.rules))
        yield "agent-binding", make(f"{_RBAC}/v1", "RoleBinding", **_BOUND)
    yield "disruption-budget", make("policy/v1", "PodDisruptionBudget", spec=_disruptions(workload))
    yield "server", make("apps/v1", "Deployment", spec=_deployment(workload))
    yield "service", _service(workload)
    if (scaler := _scaler(workload)) is not None:
        yield "scaler", scaler


def _scaler(workload: WorkloadSpec) -> Manifest | None:
    """The scaler of a workload that has pods: it would start some of one that has nothing to serve."""
    return workload.scaler if workload.replicas else None


def _object(workload: WorkloadSpec, api: str, kind: str, name: str | None = None, /, **rest: Any) -> Manifest:
    metadata = present(name=name, namespace=Reference.NAMESPACE, labels=dict(workload.pod.labels))
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


_RBAC: Final = "rbac.authorization.k8s.io"
_BOUND: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": Reference.ROLE},
        "subjects": [
            {
                "kind": "ServiceAccount",
                "name": Reference.SERVICE_ACCOUNT,
                "namespace": Reference.NAMESPACE,
            }
        ],
    }
)


def _own_pods(workload: WorkloadSpec) -> Manifest:
    return {"matchLabels": selecting_labels(workload.name)}


def _deployment(workload: WorkloadSpec) -> Manifest:
    return present(
        replicas=workload.replicas if _scaler(workload) is None else None,
        progressDeadlineSeconds=seconds(workload.deadline),
        selector=_own_pods(workload),
        strategy={
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 0, "maxUnavailable": MAX_UNAVAILABLE},
        },
        template=workload.pod.template(),
    )


def _disruptions(workload: WorkloadSpec) -> Manifest:
    """One pod away at a time, as in a rollout, whatever the number of replicas.

    With one replica that allows every eviction: a budget that did not would keep its node from ever being drained, and
    a node that must go takes the pod with it all the same. A pod that is not ready protects nobody, and may always go.
    """
    return {
        "maxUnavailable": MAX_UNAVAILABLE,
        "selector": _own_pods(workload),
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def _service(workload: WorkloadSpec) -> Manifest:
    ports = [
        {"name": name, "port": number, "targetPort": name, "protocol": "TCP"}
        for name, number in workload.ports.items()
    ]
    spec = {"type": "ClusterIP", "selector": selecting_labels(workload.name), "ports": ports}
    service = _object(workload, "v1", "Service", workload.name, spec=spec)
    if not workload.replicas:
        service["metadata"]["annotations"] = _WITHOUT_ENDPOINTS
    return service


_DESTINATIONS: Final = MappingProxyType(
    {
        Destination.DNS: allow_dns(),
        Destination.HTTPS: allow_to((), 443),
        Destination.POD_IDENTITY: allow_to(addresses(POD_IDENTITY_AGENT), 80),
    }
)


def _network_policy(workload: WorkloadSpec) -> Manifest:
    return policy_spec(
        selecting_labels(workload.name),
        ingress=[allow_from([_peer(one) for one in rule.callers], rule.port) for rule in workload.ingress],
        egress=[_DESTINATIONS[one] for one in workload.egress],
    )


def _peer(caller: Caller) -> Manifest:
    return own_namespace() if caller is Caller.NEIGHBOURS else namespaces(caller)
