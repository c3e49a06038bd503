"""What may talk to what in the namespaces that the program makes, connection by connection."""

from typing import Any

import pytest

from planning.observability import SCRAPED_PORTS
from tests.support.network_connections import (
    ALLOWED,
    DNS,
    FAST_TEXT,
    GPU_EXPORTER,
    GRAFANA,
    INTERNET,
    MONITORING,
    NODES,
    OPERATOR,
    OTHER,
    OTHERS,
    PROMETHEUS,
    READER,
    REFUSED,
    SERVING,
    STRANGER,
    WRITER,
    Connections,
)
from tests.support.network_policies import Host, Labels, Pod, passes, selects
from tests.unit.infra.test_program import recorded

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
NAMESPACE = "kubernetes:core/v1:Namespace"


def objects(stack: str, type_: str) -> list[dict[str, Any]]:
    return [resource.inputs for resource in recorded(stack).of_type(type_)]


def namespaces(stack: str) -> dict[str, Labels]:
    made = {one["metadata"]["name"]: one["metadata"]["labels"] for one in objects(stack, NAMESPACE)}
    return {
        **OTHERS,
        **{name: {"kubernetes.io/metadata.name": name, **labels} for name, labels in made.items()},
    }


def connections(given: Connections) -> pytest.MarkDecorator:
    def words(side: Pod | Host) -> str:
        return (
            side.address if isinstance(side, Host) else f"{side.namespace}/{'/'.join(side.labels.values())}"
        )

    ids = [f"{words(source)}->{words(target)}:{port}" for source, target, port in given]
    return pytest.mark.parametrize(("source", "target", "port"), given, ids=ids)


@connections(ALLOWED)
def test_what_is_needed_passes(source: Pod | Host, target: Pod | Host, port: int) -> None:
    assert passes(objects("dev", POLICY), namespaces("dev"), source, target, port)


@connections(REFUSED)
def test_nothing_else_passes(source: Pod | Host, target: Pod | Host, port: int) -> None:
    assert not passes(objects("dev", POLICY), namespaces("dev"), source, target, port)


@pytest.mark.parametrize(
    ("side", "source", "target", "port"),
    [
        (MONITORING, PROMETHEUS, READER, 22),
        (MONITORING, PROMETHEUS, READER, 8081),
        (MONITORING, GRAFANA, READER, 8082),
        (MONITORING, GRAFANA, GPU_EXPORTER, 9400),
        (MONITORING, PROMETHEUS, GPU_EXPORTER, 22),
        (NODES, PROMETHEUS, GPU_EXPORTER, 22),
        (NODES, OTHER, GPU_EXPORTER, 9400),
        (SERVING, PROMETHEUS, READER, 22),
        (SERVING, READER, GPU_EXPORTER, 9400),
    ],
)
def test_each_side_refuses_by_its_own_policies(side: str, source: Pod, target: Pod, port: int) -> None:
    own = [policy for policy in objects("dev", POLICY) if policy["metadata"]["namespace"] == side]
    assert not passes(own, namespaces("dev"), source, target, port)


def test_dns_is_asked_by_udp_too_and_nothing_else_is() -> None:
    policies, known = objects("dev", POLICY), namespaces("dev")
    assert passes(policies, known, READER, DNS, 53, "UDP")
    assert passes(policies, known, GRAFANA, DNS, 53, "UDP")
    assert not passes(policies, known, READER, INTERNET, 443, "UDP")


@pytest.mark.parametrize("stack", ["dev", "prod", "sandbox", "sandbox-platform", "sandbox-serving"])
def test_every_namespace_of_the_program_denies_what_no_policy_allows_to_every_pod(stack: str) -> None:
    made = {one["metadata"]["name"] for one in objects(stack, NAMESPACE)}
    assert made
    denied = {
        one["metadata"]["namespace"]
        for one in objects(stack, POLICY)
        if not one["spec"].get("podSelector", {}).get("matchLabels")
        and one["spec"]["policyTypes"] == ["Egress", "Ingress"]
        and not one["spec"].get("ingress")
        and not one["spec"].get("egress")
    }
    assert denied == made


def test_pods_find_their_namespace_s_policies_there() -> None:
    recording = recorded("dev")
    urns: dict[str, set[str]] = {}
    for policy in recording.of_type(POLICY):
        if "network-policy" not in policy.name:
            urns.setdefault(policy.inputs["metadata"]["namespace"], set()).add(policy.urn)
    for deployment in recording.of_type("kubernetes:apps/v1:Deployment"):
        assert urns[SERVING] <= deployment.dependencies
    for name in ("monitoring-stack", "monitoring-gpus"):
        release = recording.one("kubernetes:helm.sh/v3:Release", name)
        assert urns[MONITORING] | urns[NODES] <= release.dependencies


def test_a_policy_selects_the_pods_that_it_is_named_after_and_no_others() -> None:
    everyone = [READER, FAST_TEXT, WRITER, STRANGER, PROMETHEUS, GRAFANA, OPERATOR, GPU_EXPORTER, OTHER]
    chosen = {
        policy.name: [pod for pod in everyone if selects(policy.inputs, pod)]
        for policy in recorded("dev").of_type(POLICY)
    }
    of_monitoring = [PROMETHEUS, GRAFANA, OPERATOR]
    assert chosen == {
        "serving-default-deny": [READER, FAST_TEXT, WRITER, STRANGER],
        "cpu-m6i-2xlarge-torchserve-1-network-policy": [FAST_TEXT],
        "gpu-g4dn-xlarge-torchserve-1-network-policy": [READER],
        "text-generation-writer-mul-1-network-policy": [WRITER],
        "monitoring-default-deny": of_monitoring,
        "monitoring-neighbours": of_monitoring,
        "monitoring-cluster": of_monitoring,
        "monitoring-webhooks": [OPERATOR],
        "monitoring-scraping": [PROMETHEUS],
        "monitoring-node-default-deny": [GPU_EXPORTER],
        "monitoring-node-scraped": [GPU_EXPORTER],
    }


GATEWAYS = {"namespaceSelector": {"matchLabels": {"slipway.dev/gateway": "true"}}}
MONITORS = {"namespaceSelector": {"matchLabels": {"slipway.dev/monitoring": "true"}}}
NEIGHBOURS: dict[str, Any] = {"podSelector": {}}


def tcp(port: int) -> list[dict[str, Any]]:
    return [{"port": port, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("server", "ingress"),
    [
        (
            "gpu-g4dn-xlarge-torchserve-1",
            [
                {"from": [GATEWAYS, NEIGHBOURS], "ports": tcp(8080)},
                {"from": [MONITORS], "ports": tcp(8082)},
                {"from": [GATEWAYS, MONITORS], "ports": tcp(8090)},
            ],
        ),
        (
            "text-generation-writer-mul-1",
            [
                {"from": [GATEWAYS, NEIGHBOURS], "ports": tcp(8080)},
                {"from": [MONITORS], "ports": tcp(8080)},
            ],
        ),
    ],
)
def test_a_server_is_asked_by_these_peers_on_these_ports(server: str, ingress: list[Any]) -> None:
    policy = recorded("dev").one(POLICY, f"{server}-network-policy").inputs["spec"]
    assert policy["ingress"] == ingress
    assert policy["policyTypes"] == ["Egress", "Ingress"]


def test_prometheus_may_ask_every_port_that_monitors_name() -> None:
    monitors = recorded("dev").of_type("kubernetes:monitoring.coreos.com/v1:PodMonitor")
    scraped = {endpoint["port"] for one in monitors for endpoint in one.inputs["spec"]["podMetricsEndpoints"]}
    pods = objects("dev", "kubernetes:apps/v1:Deployment")
    numbers = {
        port["containerPort"]
        for pod in pods
        for kind in ("containers", "initContainers")
        for container in pod["spec"]["template"]["spec"].get(kind, [])
        for port in container.get("ports", [])
        if port["name"] in scraped
    }
    assert numbers
    assert numbers <= set(SCRAPED_PORTS)
    assert set(SCRAPED_PORTS) == {8000, 8080, 8082, 8090}
