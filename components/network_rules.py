"""Parts of NetworkPolicies: peers, ports, and the policy under which nothing passes that no other policy allows."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

net = k8s.networking.v1

Peer = k8s.networking.v1.NetworkPolicyPeerArgs
Egress = k8s.networking.v1.NetworkPolicyEgressRuleArgs
Ingress = k8s.networking.v1.NetworkPolicyIngressRuleArgs


def tcp(*ports: int) -> list[k8s.networking.v1.NetworkPolicyPortArgs]:
    """Return TCP ports of a rule."""
    return [net.NetworkPolicyPortArgs(port=port, protocol="TCP") for port in ports]


def namespaces(label: str, value: str = "true") -> Peer:
    """Return every pod of the namespaces with a label."""
    return Peer(namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={label: value}))


def namespace(name: str) -> Peer:
    """Return every pod of one namespace; Kubernetes itself sets that label."""
    return namespaces("kubernetes.io/metadata.name", name)


def own_namespace() -> Peer:
    """Return every pod of the policy's own namespace."""
    return Peer(pod_selector=k8s.meta.v1.LabelSelectorArgs())


def addresses(*ranges: str) -> list[Peer]:
    """Return whatever has an address in one of the ranges, pods included."""
    return [Peer(ip_block=net.IPBlockArgs(cidr=cidr)) for cidr in ranges]


def to_dns() -> Egress:
    """Allow questions to the cluster's DNS."""
    return Egress(
        to=[namespace("kube-system")], ports=[net.NetworkPolicyPortArgs(port=53, protocol="UDP"), *tcp(53)]
    )


def policy_spec(
    selecting: Mapping[str, str], *, ingress: Sequence[Ingress] = (), egress: Sequence[Egress] = ()
) -> k8s.networking.v1.NetworkPolicySpecArgs:
    """Select pods by labels, all of the namespace where there are none, and allow them these rules and nothing else."""
    return net.NetworkPolicySpecArgs(
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(selecting)),
        policy_types=["Egress", "Ingress"],
        ingress=list(ingress),
        egress=list(egress),
    )


def network_policy(
    resource_name: str,
    namespace_name: pulumi.Input[str],
    spec: k8s.networking.v1.NetworkPolicySpecArgs,
    opts: pulumi.ResourceOptions,
) -> k8s.networking.v1.NetworkPolicy:
    """Declare a policy of a whole namespace."""
    labels = {"app.kubernetes.io/managed-by": "pulumi", "app.kubernetes.io/part-of": "slipway"}
    return net.NetworkPolicy(
        resource_name,
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace_name, labels=labels),
        spec=spec,
        opts=opts,
    )


def deny_all(
    resource_name: str, namespace_name: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> k8s.networking.v1.NetworkPolicy:
    """Declare that nothing passes, in or out, which no other policy of the namespace allows."""
    return network_policy(resource_name, namespace_name, policy_spec({}), opts)
