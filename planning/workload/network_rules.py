"""Parts of NetworkPolicies: peers, ports, rules, and a whole spec."""

from collections.abc import Mapping, Sequence

from planning.workload.manifest import Manifest, present


def namespaces(label: str, value: str = "true") -> Manifest:
    """Return every pod of the namespaces with a label, as a peer."""
    return {"namespaceSelector": {"matchLabels": {label: value}}}


def namespace(name: str) -> Manifest:
    """Return every pod of one namespace, as a peer; Kubernetes itself sets that label."""
    return namespaces("kubernetes.io/metadata.name", name)


def own_namespace() -> Manifest:
    """Return every pod of the policy's own namespace, as a peer."""
    return {"podSelector": {}}


def addresses(*ranges: str) -> list[Manifest]:
    """Return whatever has an address in one of the ranges, pods included, as peers."""
    return [{"ipBlock": {"cidr": cidr}} for cidr in ranges]


def allow_from(peers: Sequence[Manifest], *ports: int) -> Manifest:
    """Allow peers to come to TCP ports, to all ports if none is given."""
    return present(**{"from": list(peers)}, ports=_tcp(ports))


def allow_to(peers: Sequence[Manifest], *ports: int) -> Manifest:
    """Allow pods to go to TCP ports of peers, of anybody if there is none; to all ports if none is given."""
    return present(to=list(peers), ports=_tcp(ports))


def allow_dns() -> Manifest:
    """Allow questions to the cluster's DNS."""
    return {"to": [namespace("kube-system")], "ports": [{"port": 53, "protocol": "UDP"}, *_tcp((53,))]}


def policy_spec(
    selecting: Mapping[str, str], *, ingress: Sequence[Manifest] = (), egress: Sequence[Manifest] = ()
) -> Manifest:
    """Select pods by labels, all of the namespace if there are none, and allow them these rules and nothing else."""
    return {
        "podSelector": {"matchLabels": dict(selecting)},
        "policyTypes": ["Egress", "Ingress"],
        "ingress": list(ingress),
        "egress": list(egress),
    }


def _tcp(ports: Sequence[int]) -> list[Manifest]:
    return [{"port": port, "protocol": "TCP"} for port in ports]
