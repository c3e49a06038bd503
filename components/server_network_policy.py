"""Who may talk to a server, and whom it may talk to.

It stands where a token would: TorchServe's cannot be supplied and breaks every probe, and TGI's would have to be a
secret of every client. TorchServe's management port is in no rule and listens on loopback besides. The trap: where
metrics are on the inference port, as TGI's are, whoever may scrape may also ask. Probes need no rule: a node always
reaches its own pods.
"""

from typing import Final

import pulumi_kubernetes as k8s

from components.network_rules import (
    Egress,
    Ingress,
    addresses,
    namespaces,
    own_namespace,
    policy_spec,
    tcp,
    to_dns,
)

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
        else [Ingress(from_=[namespaces(GATEWAY_LABEL), namespaces(MONITORING_LABEL)], ports=tcp(agent_port))]
    )
    return policy_spec(
        selecting,
        ingress=[
            Ingress(from_=[namespaces(GATEWAY_LABEL), own_namespace()], ports=tcp(inference_port)),
            Ingress(from_=[namespaces(MONITORING_LABEL)], ports=tcp(metrics_port)),
            *agent,
        ],
        egress=[
            to_dns(),
            # S3 and KMS have no fixed addresses; TLS and the role say what they give. It covers the API server too,
            # which EKS has on 443 behind the Service's address and at its endpoints alike.
            Egress(ports=tcp(443)),
            Egress(to=addresses(POD_IDENTITY_AGENT), ports=tcp(80)),
        ],
    )
