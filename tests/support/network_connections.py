"""Connections in the cluster that the program makes: those that must pass, and those that must not.

Labels are those of the program's own pods, and those that charts and operator give theirs.
"""

from collections.abc import Mapping
from typing import Final

from tests.support.network_policies import Host, Labels, Pod

SERVING, MONITORING, NODES = "slipway-serving", "slipway-monitoring", "slipway-node-metrics"

READER = Pod(SERVING, {"slipway.dev/server": "gpu-g4dn-xlarge-torchserve-1"})
FAST_TEXT = Pod(SERVING, {"slipway.dev/server": "cpu-m6i-2xlarge-torchserve-1"})
WRITER = Pod(SERVING, {"slipway.dev/server": "text-generation-writer-mul-1"})
STRANGER = Pod(SERVING, {"app": "miner"})
PROMETHEUS = Pod(MONITORING, {"app.kubernetes.io/name": "prometheus"})
GRAFANA = Pod(MONITORING, {"app.kubernetes.io/name": "grafana"})
ALERTMANAGER = Pod(MONITORING, {"app.kubernetes.io/name": "alertmanager"})
OPERATOR = Pod(MONITORING, {"app": "kube-prometheus-stack-operator"})
JOB = Pod(MONITORING, {"app": "kube-prometheus-stack-admission-create"})
GPU_EXPORTER = Pod(NODES, {"app.kubernetes.io/name": "dcgm-exporter"})
DNS = Pod("kube-system", {"k8s-app": "kube-dns"})
ADDON = Pod("kube-system", {"k8s-app": "aws-node"})
GATEWAY, OTHER = Pod("gateway"), Pod("default")
NODE = Host("10.60.140.1")
API_SERVER, API_SERVICE, OTHER_SERVICE = Host("10.60.129.7"), Host("172.20.0.1"), Host("10.100.0.1")
AGENT, METADATA, INTERNET = Host("169.254.170.23"), Host("169.254.169.254"), Host("8.8.8.8")

OTHERS: Final[Mapping[str, Labels]] = {
    "default": {"kubernetes.io/metadata.name": "default"},
    "gateway": {"kubernetes.io/metadata.name": "gateway", "slipway.dev/gateway": "true"},
    "kube-system": {"kubernetes.io/metadata.name": "kube-system"},
}
"""Namespaces that the program does not make."""

Connections = list[tuple[Pod | Host, Pod | Host, int]]

ALLOWED: Final[Connections] = [
    # Predictions, and what is servable.
    (GATEWAY, READER, 8080),
    (GATEWAY, WRITER, 8080),
    (GATEWAY, READER, 8090),
    # A server's own needs.
    (READER, DNS, 53),
    (READER, INTERNET, 443),
    (READER, API_SERVER, 443),
    (READER, API_SERVICE, 443),
    (READER, AGENT, 80),
    (WRITER, AGENT, 80),
    # Metrics.
    (PROMETHEUS, READER, 8082),
    (PROMETHEUS, READER, 8090),
    (PROMETHEUS, WRITER, 8080),
    (PROMETHEUS, GPU_EXPORTER, 9400),
    (PROMETHEUS, NODE, 9100),
    (PROMETHEUS, NODE, 10250),
    (PROMETHEUS, DNS, 9153),
    # Monitoring's own needs.
    (GRAFANA, PROMETHEUS, 9090),
    (PROMETHEUS, ALERTMANAGER, 9093),
    (PROMETHEUS, OPERATOR, 10250),
    (GRAFANA, DNS, 53),
    (GRAFANA, API_SERVICE, 443),
    (PROMETHEUS, API_SERVER, 443),
    (OPERATOR, API_SERVICE, 443),
    (OPERATOR, OTHER_SERVICE, 443),
    (JOB, API_SERVICE, 443),
    (API_SERVER, OPERATOR, 10250),
]
REFUSED: Final[Connections] = [
    # Who must not ask a server.
    (OTHER, READER, 8080),
    (OTHER, WRITER, 8080),
    (STRANGER, READER, 8082),
    (GATEWAY, READER, 8082),
    (GATEWAY, FAST_TEXT, 8081),
    (READER, FAST_TEXT, 8090),
    (READER, FAST_TEXT, 8082),
    (GRAFANA, READER, 8082),
    (PROMETHEUS, READER, 8080),
    (PROMETHEUS, READER, 8081),
    (PROMETHEUS, READER, 22),
    (NODE, READER, 8080),
    (INTERNET, READER, 8080),
    (GPU_EXPORTER, READER, 8082),
    # Whom a server must not ask.
    (READER, WRITER, 8080),
    (READER, INTERNET, 80),
    (READER, METADATA, 80),
    (READER, PROMETHEUS, 9090),
    (READER, OTHER, 8080),
    (READER, ADDON, 8080),
    (READER, GPU_EXPORTER, 9400),
    # What nobody has allowed in the servers' namespace.
    (STRANGER, DNS, 53),
    (STRANGER, INTERNET, 443),
    (STRANGER, READER, 8080),
    (OTHER, STRANGER, 80),
    # Monitoring.
    (OTHER, GRAFANA, 3000),
    (OTHER, PROMETHEUS, 9090),
    (INTERNET, GRAFANA, 3000),
    (API_SERVER, GRAFANA, 3000),
    (API_SERVER, PROMETHEUS, 10250),
    (API_SERVER, OPERATOR, 8080),
    (INTERNET, OPERATOR, 10250),
    (GRAFANA, INTERNET, 443),
    (ALERTMANAGER, INTERNET, 443),
    (PROMETHEUS, METADATA, 80),
    (GRAFANA, METADATA, 80),
    (GRAFANA, NODE, 10250),
    (GRAFANA, GPU_EXPORTER, 9400),
    (PROMETHEUS, OTHER, 8082),
    # The exporters: asked by Prometheus, asking nobody.
    (OTHER, GPU_EXPORTER, 9400),
    (NODE, GPU_EXPORTER, 9400),
    (PROMETHEUS, GPU_EXPORTER, 22),
    (GPU_EXPORTER, DNS, 53),
    (GPU_EXPORTER, INTERNET, 443),
    (GPU_EXPORTER, API_SERVICE, 443),
    (GPU_EXPORTER, PROMETHEUS, 9090),
]
