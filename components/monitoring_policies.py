"""The peers of the pods of the monitoring charts, in and out (docs/network-policies.md).

Ports and labels are those that the charts and the operator give at their pinned versions, or say by default. The trap:
pods have addresses of the VPC, so what a rule allows to nodes and to the API server's interfaces it allows to every pod
that listens on that port; the other side's own policy decides there.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from planning.observability import SCRAPED_PORTS
from planning.workload import Caller, Manifest, policy_spec
from planning.workload.network_rules import (
    addresses,
    allow_dns,
    allow_from,
    allow_to,
    namespace,
    namespaces,
    own_namespace,
)

Specs = Mapping[str, Manifest]

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
            {}, ingress=[allow_from([own_namespace()])], egress=[allow_to([own_namespace()])]
        ),
        "cluster": policy_spec({}, egress=[allow_dns(), allow_to(cluster, API_SERVER)]),
        "webhooks": policy_spec(OPERATOR, ingress=[allow_from(nodes, WEBHOOK)]),
        "scraping": policy_spec(
            PROMETHEUS,
            egress=[
                allow_to([namespace(serving_namespace)], *SCRAPED_PORTS),
                allow_to([namespace(node_namespace)], GPU_EXPORTER),
                allow_to(nodes, KUBELET, NODE_EXPORTER),
                allow_to([namespace("kube-system")], DNS_METRICS),
            ],
        ),
    }


def exporter_policies() -> Specs:
    """Return the allowances of the namespace of what reads the node: to be scraped, and no way out."""
    scraped = allow_from([namespaces(Caller.MONITORING)], GPU_EXPORTER)
    return {"scraped": policy_spec({}, ingress=[scraped])}
