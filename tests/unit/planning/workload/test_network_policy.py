"""Who reaches a server and whom it reaches, judged as Kubernetes judges a policy.

https://kubernetes.io/docs/concepts/services-networking/network-policies/: a direction that the policy names is closed
but for its rules; no peers mean everybody, a pod selector alone pods of the policy's own namespace, no protocol TCP.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.unit.planning.workload import test_text_generation_workload, test_torchserve_workload

INFERENCE, METRICS, AGENT = 8080, 8082, 8090
SERVER: Mapping[str, Any] = test_torchserve_workload.OBJECTS["network-policy"]["spec"]
LANGUAGE_MODEL: Mapping[str, Any] = test_text_generation_workload.OBJECTS["network-policy"]["spec"]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A pod, or an address outside the cluster."""

    namespace: Mapping[str, str] = field(default_factory=dict)
    """The namespace's labels."""
    is_neighbour: bool = False
    """Whether it is in the server's own namespace."""
    address: str = "10.0.0.1"


GATEWAY = Peer(namespace={"slipway.dev/gateway": "true"})
MONITORING = Peer(namespace={"slipway.dev/monitoring": "true"})
SHUT_GATEWAY = Peer(namespace={"slipway.dev/gateway": "false"})
NEIGHBOUR = Peer(is_neighbour=True)
STRANGER = Peer(namespace={"kubernetes.io/metadata.name": "default"})
NAME_SERVER = Peer(namespace={"kubernetes.io/metadata.name": "kube-system"})
ROLE_AGENT = Peer(address="169.254.170.23")
NODE_METADATA = Peer(address="169.254.169.254")
INTERNET = Peer(address="52.218.0.1")


def lets_through(rules: list[Any], direction: str, peer: Peer, port: int, protocol: str) -> bool:
    return any(
        (not (peers := rule.get(direction)) or any(_is(selected, peer) for selected in peers))
        and any(open_["port"] == port and open_.get("protocol", "TCP") == protocol for open_ in rule["ports"])
        for rule in rules
    )


def _is(selected: Mapping[str, Any], peer: Peer) -> bool:
    if "ipBlock" in selected:
        return ipaddress.ip_address(peer.address) in ipaddress.ip_network(selected["ipBlock"]["cidr"])
    if "namespaceSelector" in selected:
        labels: Mapping[str, str] = selected["namespaceSelector"]["matchLabels"]
        assert labels, "a selector without labels is every namespace"
        return labels.items() <= peer.namespace.items()
    assert selected["podSelector"] == {}, "a peer that selects nothing is refused by the API server"
    return peer.is_neighbour


def enters(spec: Mapping[str, Any], peer: Peer, port: int) -> bool:
    return "Ingress" not in spec["policyTypes"] or lets_through(spec["ingress"], "from", peer, port, "TCP")


def leaves(spec: Mapping[str, Any], peer: Peer, port: int, protocol: str = "TCP") -> bool:
    return "Egress" not in spec["policyTypes"] or lets_through(spec["egress"], "to", peer, port, protocol)


@pytest.mark.parametrize(
    ("peer", "may"),
    [
        (GATEWAY, {INFERENCE, AGENT}),
        (NEIGHBOUR, {INFERENCE}),
        (MONITORING, {METRICS, AGENT}),
        (SHUT_GATEWAY, set()),
        (STRANGER, set()),
        (NAME_SERVER, set()),
        (INTERNET, set()),
    ],
    ids=["gateway", "neighbour", "monitoring", "gateway that is none", "stranger", "kube-system", "internet"],
)
def test_who_asks_for_predictions_metrics_and_the_agent_s_state(peer: Peer, may: set[int]) -> None:
    management, every = 8081, {INFERENCE, METRICS, AGENT}
    assert {port for port in {*every, management} if enters(SERVER, peer, port)} == may


def test_a_server_without_an_agent_has_no_port_for_one() -> None:
    assert not enters(LANGUAGE_MODEL, GATEWAY, AGENT)
    assert not enters(LANGUAGE_MODEL, MONITORING, AGENT)
    assert enters(LANGUAGE_MODEL, GATEWAY, INFERENCE)


def test_where_one_port_has_both_whoever_scrapes_may_ask_too() -> None:
    assert enters(LANGUAGE_MODEL, MONITORING, INFERENCE)


@pytest.mark.parametrize(
    ("peer", "port", "protocol", "may"),
    [
        (NAME_SERVER, 53, "UDP", True),
        (NAME_SERVER, 53, "TCP", True),
        (INTERNET, 53, "UDP", False),
        (STRANGER, 53, "UDP", False),
        (INTERNET, 443, "TCP", True),
        (INTERNET, 443, "UDP", False),
        (INTERNET, 80, "TCP", False),
        (ROLE_AGENT, 80, "TCP", True),
        (NODE_METADATA, 80, "TCP", False),
        (NEIGHBOUR, INFERENCE, "TCP", False),
    ],
)
def test_a_server_reaches_dns_https_and_the_agent_that_hands_out_its_role_and_nobody_else(
    peer: Peer, port: int, protocol: str, may: bool
) -> None:
    assert leaves(SERVER, peer, port, protocol) == may


def test_it_is_the_server_s_pods_that_the_policy_closes() -> None:
    name = test_torchserve_workload.SERVER.name
    assert SERVER["podSelector"] == {"matchLabels": {"slipway.dev/server": name}}
