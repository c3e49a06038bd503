"""The connections that NetworkPolicies let pass, by the rules of Kubernetes
(https://kubernetes.io/docs/concepts/services-networking/network-policies/, read 2026-11-29).

A policy is the plain object, as the program registers it or the API server returns it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Pod:
    """A pod of a namespace. It has an address of the VPC, as on EKS."""

    namespace: str
    labels: Labels = field(default_factory=dict)
    address: str = "10.60.130.9"


@dataclass(frozen=True)
class Host:
    """Something that is no pod: a node, an interface of the API server, a machine of the internet."""

    address: str


def selects(policy: Policy, pod: Pod) -> bool:
    """True if a policy is about a pod."""
    return policy["metadata"]["namespace"] == pod.namespace and _match(
        policy["spec"].get("podSelector", {}), pod.labels
    )


def passes(
    policies: Iterable[Policy],
    namespaces: Mapping[str, Labels],
    source: Pod | Host,
    target: Pod | Host,
    port: int,
    protocol: str = "TCP",
) -> bool:
    """True if both sides let a connection pass: where it begins as Egress, where it ends as Ingress."""
    known = list(policies)
    wanted = (port, protocol)
    return _allows(known, namespaces, source, target, wanted, "egress") and _allows(
        known, namespaces, target, source, wanted, "ingress"
    )


def _allows(
    policies: list[Policy],
    namespaces: Mapping[str, Labels],
    side: Pod | Host,
    other: Pod | Host,
    wanted: tuple[int, str],
    direction: str,
) -> bool:
    if isinstance(side, Host):
        return True
    of_side = [
        policy
        for policy in policies
        if selects(policy, side) and direction.capitalize() in policy["spec"]["policyTypes"]
    ]
    rules = [rule for policy in of_side for rule in policy["spec"].get(direction) or ()]
    peers = "to" if direction == "egress" else "from"
    return not of_side or any(
        _has_port(rule, wanted) and _has_peer(rule.get(peers), side.namespace, namespaces, other)
        for rule in rules
    )


def _has_port(rule: Mapping[str, Any], wanted: tuple[int, str]) -> bool:
    ports = rule.get("ports")
    return not ports or wanted in [(one["port"], one.get("protocol", "TCP")) for one in ports]


def _has_peer(
    peers: list[Mapping[str, Any]] | None, own: str, namespaces: Mapping[str, Labels], other: Pod | Host
) -> bool:
    return not peers or any(_is_peer(peer, own, namespaces, other) for peer in peers)


def _is_peer(peer: Mapping[str, Any], own: str, namespaces: Mapping[str, Labels], other: Pod | Host) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        excepted = [ipaddress.ip_network(cidr) for cidr in block.get("except", ())]
        address = ipaddress.ip_address(other.address)
        return address in ipaddress.ip_network(block["cidr"]) and not any(address in one for one in excepted)
    if isinstance(other, Host):
        return False
    within = (
        _match(peer["namespaceSelector"], namespaces[other.namespace])
        if "namespaceSelector" in peer
        else other.namespace == own
    )
    return within and _match(peer.get("podSelector", {}), other.labels)


def _match(selector: Mapping[str, Any], labels: Labels) -> bool:
    assert not selector.get("matchExpressions"), (
        "no policy here has expressions: teach them to this module first"
    )
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
