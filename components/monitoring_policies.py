"""The peers of the pods of the monitoring charts, in and out (docs/network-policies.md).

Ports and labels are those that the charts and the operator give at their pinned versions, or say by default. The trap:
pods have addresses of the VPC, so what a rule allows to nodes and to the API server's interfaces it allows to every pod
that listens on that port; the other side's own policy decides there.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pulumi_kubernetes as k8s

from components.network_rules import (
    Egress,
    Ingress,
    addresses,
    namespace,
    namespaces,
    own_namespace,
    policy_spec,
    tcp,
    to_dns,
)
from planning.observability import SCRAPED_PORTS
from planning.workload import Caller

Specs = Mapping[str, k8s.networking.v1.NetworkPolicySpecArgs]

SERVICE_RANGES: Final = ("10.100.0.0/16", "172.20.0.0/16")
"""EKS gives Services addresses of one of them, where nobody names another range: ours does not
(https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html, read 2026-11-29)."""
API_SERVER: Final = 443
"""The port of its Service and of its interfaces in the VPC alike."""
WEBHOOK: Final = 10250
"""The port of the operator's webhooks (prometheusOperator.tls.internalPort of kube-prometheus-stack)."""
KUBELET: Final = 10250
NODE_EXPORTER: Final = 9100
"""A port of the node's own address: the exporter has the host's network, to which no policy applies."""
GPU_EXPORTER: Final = 9400
"""The port of dcgm-exporter."""
DNS_METRICS: Final = 9153
"""The port of CoreDNS that the chart scrapes by default."""

OPERATOR: Final = MappingProxyType({"app": "kube-prometheus-stack-operator"})
"""The label of the operator's pod (templates/prometheus-operator/deployment.yaml of kube-prometheus-stack)."""
PROMETHEUS: Final = MappingProxyType({"app.kubernetes.io/name": "prometheus"})
"""The label of Prometheus' pods; the operator sets it."""


def monitoring_policies(vpc_cidr: str, *, serving_namespace: str, node_namespace: str) -> Specs:
    """Return the allowances of the namespace of Prometheus and its companions, by a name for each."""
    cluster = addresses(vpc_cidr, *SERVICE_RANGES)
    nodes = addresses(vpc_cidr)
    return {
        "neighbours": policy_spec(
            {}, ingress=[Ingress(from_=[own_namespace()])], egress=[Egress(to=[own_namespace()])]
        ),
        "cluster": policy_spec({}, egress=[to_dns(), Egress(to=cluster, ports=tcp(API_SERVER))]),
        "webhooks": policy_spec(OPERATOR, ingress=[Ingress(from_=nodes, ports=tcp(WEBHOOK))]),
        "scraping": policy_spec(
            PROMETHEUS,
            egress=[
                Egress(to=[namespace(serving_namespace)], ports=tcp(*SCRAPED_PORTS)),
                Egress(to=[namespace(node_namespace)], ports=tcp(GPU_EXPORTER)),
                Egress(to=nodes, ports=tcp(KUBELET, NODE_EXPORTER)),
                Egress(to=[namespace("kube-system")], ports=tcp(DNS_METRICS)),
            ],
        ),
    }


def exporter_policies() -> Specs:
    """Return the allowances of the namespace of what reads the node: to be scraped, and no way out."""
    scraped = Ingress(from_=[namespaces(Caller.MONITORING)], ports=tcp(GPU_EXPORTER))
    return {"scraped": policy_spec({}, ingress=[scraped])}
