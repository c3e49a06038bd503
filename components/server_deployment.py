"""A server's pods, who may talk to them, and the address they answer at.

The trap: a rollout takes a pod away before it adds one, because the new pod needs the GPU that the old one holds and
a spare one rarely exists; a server with one replica is away while it restarts. A plan knows what is spare
(planning/changes/spare.py) only between two of them, so the strategy is the same for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.server_identity import ServerIdentity, ServerSite, selecting_labels, server_labels
from components.server_network_policy import network_policy_spec
from planning import ServerPlan, TorchServePlan

IMAGE_PULL: Final = timedelta(minutes=15)
"""For a new node to join and pull the GPU image, several GB. Chosen, not measured."""

_WITHOUT_ENDPOINTS: Final = {"pulumi.com/skipAwait": "true"}
"""On the Service of a server without pods: the provider would wait for an endpoint until it gives up
(https://github.com/pulumi/pulumi-kubernetes/pull/417)."""


@dataclass(frozen=True, kw_only=True)
class PodTemplate:
    """What the replicas are made of."""

    spec: k8s.core.v1.PodSpecArgs
    loading: timedelta
    """How long a pod may take until it is ready, once it has started."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    after: Sequence[pulumi.Resource] = ()
    """What must exist before the first pod."""


def deploy(
    parent: pulumi.Resource,
    name: str,
    server: ServerPlan,
    site: ServerSite,
    identity: ServerIdentity,
    pod: PodTemplate,
) -> pulumi.Output[str]:
    """NetworkPolicy, PodDisruptionBudget, Deployment and Service as children of `parent`; the base URL inside the
    cluster."""
    selecting, labels = selecting_labels(server), server_labels(server)
    policy = k8s.networking.v1.NetworkPolicy(
        f"{name}-network-policy",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=site.namespace, labels=labels),
        spec=network_policy_spec(
            selecting,
            inference_port=server.inference_port,
            metrics_port=server.metrics_port,
            agent_port=server.agent_port if isinstance(server, TorchServePlan) else None,
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    k8s.policy.v1.PodDisruptionBudget(
        f"{name}-disruption-budget",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=site.namespace, labels=labels),
        spec=_disruptions(selecting),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    patience = int((IMAGE_PULL + pod.loading).total_seconds())
    deployment = k8s.apps.v1.Deployment(
        f"{name}-server",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=site.namespace, labels=labels),
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=server.running_replicas,
            progress_deadline_seconds=patience,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selecting),
            strategy=k8s.apps.v1.DeploymentStrategyArgs(
                type="RollingUpdate",
                rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=0, max_unavailable=1),
            ),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels, annotations=dict(pod.annotations) or None),
                spec=pod.spec,
            ),
        ),
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[*identity.ready, policy, *pod.after, *site.after],
            custom_timeouts=pulumi.CustomTimeouts(create=f"{patience}s", update=f"{patience}s"),
        ),
    )
    service = k8s.core.v1.Service(
        f"{name}-service",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=server.name,
            namespace=site.namespace,
            labels=labels,
            annotations=None if server.running_replicas else _WITHOUT_ENDPOINTS,
        ),
        spec=k8s.core.v1.ServiceSpecArgs(
            type="ClusterIP",
            selector=selecting,
            ports=[
                k8s.core.v1.ServicePortArgs(name=port, port=number, target_port=port, protocol="TCP")
                for port, number in server.ports.items()
            ],
        ),
        # The provider waits for a Service's endpoints 10 minutes, less than a first pod may take.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[deployment]),
    )
    return pulumi.Output.format(
        "http://{0}.{1}.svc:{2}", service.metadata.name, site.namespace, server.inference_port
    )


def _disruptions(selecting: dict[str, str]) -> k8s.policy.v1.PodDisruptionBudgetSpecArgs:
    """One pod away at a time, as in a rollout, whatever the number of replicas.

    With one replica that allows every eviction: a budget that did not would keep its node from ever being drained, and
    a node that must go takes the pod with it all the same. A pod that is not ready protects nobody, and may always go.
    """
    return k8s.policy.v1.PodDisruptionBudgetSpecArgs(
        max_unavailable=1,
        selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selecting),
        unhealthy_pod_eviction_policy="AlwaysAllow",
    )
