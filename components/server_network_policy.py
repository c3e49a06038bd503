"""Who may talk to a server, and whom it may talk to.

It stands where a token would: TorchServe's cannot be supplied and breaks every probe, and TGI's would have to be a
secret of every client. TorchServe's management port is in no rule and listens on loopback besides. The trap: where
metrics are on the inference port, as TGI's are, whoever may scrape may also ask. Probes need no rule: a node always
reaches its own pods.
"""

from typing import Final

import pulumi_kubernetes as k8s

net = k8s.networking.v1

GATEWAY_LABEL: Final = "slipway.dev/gateway"
"""On a namespace: its pods may ask for predictions."""
MONITORING_LABEL: Final = "slipway.dev/monitoring"
"""On a namespace: its pods may scrape metrics."""
POD_IDENTITY_AGENT: Final = "169.254.170.23/32"
"""Where the agent hands out role credentials, on port 80
(https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html)."""


def network_policy_spec(
    selecting: dict[str, str], *, inference_port: int, metrics_port: int, agent_port: int | None = None
) -> k8s.networking.v1.NetworkPolicySpecArgs:
    """Predictions from gateways and neighbours, metrics from monitoring, and from both the question to TorchServe's
    agent what is servable; out only to DNS, AWS, the API server and the agent that hands out roles."""
    agent = (
        []
        if agent_port is None
        else [
            net.NetworkPolicyIngressRuleArgs(
                from_=[_namespaces(GATEWAY_LABEL), _namespaces(MONITORING_LABEL)], ports=[_tcp(agent_port)]
            )
        ]
    )
    return net.NetworkPolicySpecArgs(
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selecting),
        policy_types=["Egress", "Ingress"],
        ingress=[
            net.NetworkPolicyIngressRuleArgs(
                from_=[_namespaces(GATEWAY_LABEL), _own_namespace()], ports=[_tcp(inference_port)]
            ),
            net.NetworkPolicyIngressRuleArgs(
                from_=[_namespaces(MONITORING_LABEL)], ports=[_tcp(metrics_port)]
            ),
            *agent,
        ],
        egress=[
            net.NetworkPolicyEgressRuleArgs(
                to=[_namespaces("kubernetes.io/metadata.name", "kube-system")],
                ports=[net.NetworkPolicyPortArgs(port=53, protocol="UDP"), _tcp(53)],
            ),
            # S3 and KMS have no fixed addresses; TLS and the role say what they give. It covers the API server too,
            # which EKS has on 443 behind the Service's address and at its endpoints alike.
            net.NetworkPolicyEgressRuleArgs(ports=[_tcp(443)]),
            net.NetworkPolicyEgressRuleArgs(
                to=[net.NetworkPolicyPeerArgs(ip_block=net.IPBlockArgs(cidr=POD_IDENTITY_AGENT))],
                ports=[_tcp(80)],
            ),
        ],
    )


def _namespaces(label: str, value: str = "true") -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return net.NetworkPolicyPeerArgs(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={label: value})
    )


def _own_namespace() -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return net.NetworkPolicyPeerArgs(pod_selector=k8s.meta.v1.LabelSelectorArgs())


def _tcp(port: int) -> k8s.networking.v1.NetworkPolicyPortArgs:
    return net.NetworkPolicyPortArgs(port=port, protocol="TCP")
